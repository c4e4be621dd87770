"""Scores of images seen before, by their bytes' sha256: the same upload is neither decoded nor computed twice."""

from collections import OrderedDict

from trust_nsfw.schema import ScoredView


class ScoreCache:
    """The most recently used images' views and scores; for one thread at a time.

    Scores belong to no policy, so one entry serves all. A key names the engine too: another engine, precision or
    checkpoint scores otherwise. An entry of one view takes 0.7 kB, one of 16 (eight frames, transparent) 6.7 kB.
    """

    def __init__(self, most_entries: int) -> None:
        """Keep up to `most_entries` images; with 0 nothing is kept, and nothing counts as looked up."""
        self._most = most_entries
        self._entries: OrderedDict[tuple[str, str], tuple[ScoredView, ...]] = OrderedDict()

    @property
    def on(self) -> bool:
        """Whether anything is ever kept."""
        return self._most > 0

    def __len__(self) -> int:
        """Return how many images are kept."""
        return len(self._entries)

    def get(self, engine: str, sha256: str) -> tuple[ScoredView, ...] | None:
        """Return all scored views of an image, as they were put, or None."""
        views = self._entries.get((engine, sha256))
        if views is not None:
            self._entries.move_to_end((engine, sha256))
        return views

    def put(self, engine: str, sha256: str, views: tuple[ScoredView, ...]) -> None:
        """Keep an image's scored views; the least recently used entry makes room."""
        if not self.on:
            return
        self._entries[engine, sha256] = views
        self._entries.move_to_end((engine, sha256))
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)
