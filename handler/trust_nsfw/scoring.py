"""One batch's distinct images -> their scored views: looked up, opened, drawn, computed, remembered."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass

from trust_nsfw.decode_pool import DecodePool
from trust_nsfw.engine_feed import EngineFeed
from trust_nsfw.engines import Engine
from trust_nsfw.errors import ServiceError
from trust_nsfw.images import DecodedImage
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import Failure, ImageInfo, ScoredView, Scores
from trust_nsfw.score_cache import ScoreCache

Views = tuple[ScoredView, ...]
"""All views of one image, scored."""

Drawn = tuple[ImageInfo, ...]
"""All views of one image, their model inputs in the feed."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What stays from batch to batch. `engine_id` tells cached scores from those of any other engine or checkpoint."""

    engine: Engine
    engine_id: str
    spec: PreprocessingSpec
    pool: DecodePool
    cache: ScoreCache


class Scoring:
    """The distinct images of one batch, by sha256. Its methods are to be called in the order they are written in."""

    def __init__(self, tools: Tools, payloads: Mapping[str, bytes]) -> None:
        """Look the images up in the cache, and open the others by their headers."""
        self._tools = tools
        cached = {sha256: tools.cache.get(tools.engine_id, sha256) for sha256 in payloads}
        self._views: dict[str, Views | Failure] = {sha256: views for sha256, views in cached.items() if views}
        self.cached = frozenset(self._views)
        new = [sha256 for sha256 in payloads if sha256 not in self.cached]
        opened = zip(new, tools.pool.open([payloads[sha256] for sha256 in new]), strict=True)
        self._opened: dict[str, DecodedImage] = {}
        for sha256, image in opened:
            if isinstance(image, Failure):
                self._views[sha256] = image
            else:
                self._opened[sha256] = image

    def least_inputs(self, sha256: str) -> int:
        """Return how many model inputs an image gives if nothing in it is transparent: one a sampled frame."""
        if sha256 in self._opened:
            return self._opened[sha256].least_views
        return len({view.image.frame for view in self._scored(sha256)})

    def draw(self, sha256s: Iterable[str]) -> None:
        """Begin to draw what must be drawn of these; returns at once where the engine works meanwhile."""
        engine = self._tools.engine
        images = {sha256: self._opened[sha256] for sha256 in sha256s if sha256 in self._opened}
        self._feed = EngineFeed(engine, self._tools.spec, sum(image.most_views for image in images.values()))
        self._reserved = {sha256: self._feed.reserve(image.most_views) for sha256, image in images.items()}
        alone = len(images) == 1
        self._drawings: dict[str, Future[Drawn | Failure]] = {
            sha256: self._tools.pool.draw(sha256, image, self._feed.inputs(self._reserved[sha256]), here=alone)
            for sha256, image in images.items()
        }
        self._taken: dict[str, tuple[Drawn, range]] = {}
        if not engine.overlaps:
            wait(self._drawings.values())

    def inputs(self, sha256: str) -> int:
        """Return how many model inputs an image gives, once it is drawn; 0 where it failed."""
        if sha256 not in self._drawings:
            return len(self._scored(sha256))
        drawn = self._drawings[sha256].result()
        return 0 if isinstance(drawn, Failure) else len(drawn)

    def take(self, sha256: str) -> None:
        """Have an image computed, if that is needed and was not asked for before; in the order given to `draw`."""
        if sha256 not in self._drawings or sha256 in self._taken or sha256 in self._views:
            return
        drawn = self._drawings[sha256].result()
        if isinstance(drawn, Failure):
            self._views[sha256] = drawn
        else:
            self._taken[sha256] = drawn, self._feed.take(self._reserved[sha256], len(drawn))

    def finish(self) -> Mapping[str, Views | Failure]:
        """Return every image's scored views or failure, those left out that were not taken; remember the scores."""
        probabilities = self._feed.probabilities()
        for sha256, (drawn, rows) in self._taken.items():
            try:
                scores = [Scores.from_probabilities(probabilities[row]) for row in rows]
            except ServiceError as error:
                self._views[sha256] = Failure.of(error)
                continue
            views = tuple(ScoredView(info, score) for info, score in zip(drawn, scores, strict=True))
            self._views[sha256] = views
            self._tools.cache.put(self._tools.engine_id, sha256, views)
        return self._views

    @property
    def computed_inputs(self) -> int:
        """Model inputs that went through the engine."""
        return sum(len(rows) for _, rows in self._taken.values())

    @property
    def inference_seconds(self) -> float:
        """Seconds spent in the engine."""
        return self._feed.inference_seconds

    def _scored(self, sha256: str) -> Views:
        views = self._views[sha256]
        return () if isinstance(views, Failure) else views
