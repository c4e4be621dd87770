"""One run over many images: batches in parallel; results in order, written and counted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from trust_nsfw.cli.errors import CommandError
from trust_nsfw.cli.files import Picture
from trust_nsfw.cli.in_order import in_order
from trust_nsfw.cli.lines import Origin, Result, action_of, origin_of
from trust_nsfw.cli.tally import Tally
from trust_nsfw.cli.writers import Writer
from trust_nsfw.client import RemoteVerdict, RequestLimits

Classify = Callable[[Sequence[Picture]], list[Result]]
BATCH_IMAGES = RequestLimits().max_images


@dataclass(slots=True)
class Run:
    """What is to be done, and what has come of it: counts, an earlier run's among them, and the latest verdict.

    `origin` is what the earlier run's verdicts come from.
    """

    pictures: Sequence[Picture]
    tally: Tally
    origin: Origin | None = None
    last: RemoteVerdict | None = None
    done: int = 0

    def proceed(self, classify: Classify, threads: int, writer: Writer) -> Iterator[int]:
        """Classify, write and count every picture; yields, again and again, how many more are done.

        Raises CommandError for what `classify` raises it for, and rather than mix another policy's or model's verdicts
        with the earlier ones. What is done by then is written.
        """
        batches = (self.pictures[start : start + BATCH_IMAGES] for start in range(0, len(self.pictures), BATCH_IMAGES))
        try:
            with closing(in_order(classify, batches, threads)) as answered:
                for batch, results in answered:
                    self._take(batch, results, writer)
                    yield len(batch)
        except CommandError as error:
            raise CommandError(f"{error} ({self.done:,} of {len(self.pictures):,} images were done)") from error

    def _take(self, batch: Sequence[Picture], results: Sequence[Result], writer: Writer) -> None:
        for verdict in (result for result in results if isinstance(result, RemoteVerdict)):
            _refuse_another(self.origin, origin_of(verdict))
            self.last = verdict
        writer.write([(picture.path, result) for picture, result in zip(batch, results, strict=True)])
        self.done += len(batch)
        for result in results:
            self.tally.add(action_of(result))


def _refuse_another(origin: Origin | None, found: Origin) -> None:
    if origin is not None and origin != found:
        raise CommandError(f"the file's results come from {origin}, these from {found}: they don't belong in one file")
