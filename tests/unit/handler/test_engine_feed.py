import numpy as np
import pytest

from trust_nsfw.engine_feed import EngineFeed
from trust_nsfw.engines import Pending
from trust_nsfw.errors import InternalError
from trust_nsfw.preprocess import PreprocessingSpec

SPEC = PreprocessingSpec.parse({"image_processor_type": "ViTImageProcessor", "size": 2})


class Recorder:
    """An engine that answers with each input's first pixel, and remembers what it was handed."""

    name, precision, max_batch = "recorder", "fp32", 4

    def __init__(self, *, overlaps: bool = False) -> None:
        self.overlaps = overlaps
        self.batches: list[np.ndarray] = []

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        assert batch.flags.c_contiguous
        self.batches.append(batch.copy())
        return np.repeat(batch[:, 0, 0, :1], 5, axis=1).astype(np.float32)

    def start(self, batch: np.ndarray) -> Pending:
        assert self.overlaps
        rows = self.probabilities(batch)
        return Pending(lambda: rows)

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


def filled(feed: EngineFeed, most_views: int, *values: int) -> range:
    """Draw pictures of one value each into newly reserved rows, and have them taken."""
    reserved = feed.reserve(most_views)
    for row, value in zip(feed.inputs(reserved), values, strict=False):
        row[...] = value
    return feed.take(reserved, len(values))


def test_an_image_with_fewer_views_than_it_might_have_had_leaves_no_gap():
    engine = Recorder()
    feed = EngineFeed(engine, SPEC, 9)
    taken = [filled(feed, 2, 1), filled(feed, 2, 2, 3), filled(feed, 4, 4), filled(feed, 1, 5)]
    assert [list(rows) for rows in taken] == [[0], [1, 2], [3], [4]]
    assert [row[0] for row in feed.probabilities()] == [1, 2, 3, 4, 5]
    assert engine.sizes == [4, 1]
    assert [int(picture.min()) for batch in engine.batches for picture in batch] == [1, 2, 3, 4, 5]


def test_what_is_reserved_and_not_taken_is_not_computed():
    engine = Recorder()
    feed = EngineFeed(engine, SPEC, 3)
    feed.reserve(1)
    filled(feed, 2, 7)
    assert [row[0] for row in feed.probabilities()] == [7]


def test_what_is_drawn_needs_no_copy_where_there_is_no_gap():
    feed = EngineFeed(Recorder(), SPEC, 2)
    first, second = feed.reserve(1), feed.reserve(1)
    assert np.shares_memory(feed.inputs(first), feed.inputs(slice(0, 2)))
    assert feed.inputs(second).base is feed.inputs(first).base


def test_nothing_to_compute_calls_no_engine():
    engine = Recorder()
    assert EngineFeed(engine, SPEC, 0).probabilities() == []
    assert engine.batches == []


@pytest.mark.parametrize(("overlaps", "before_the_end"), [(True, [4]), (False, [])])
def test_only_an_engine_that_overlaps_starts_on_a_full_batch_before_all_is_drawn(overlaps, before_the_end):
    engine = Recorder(overlaps=overlaps)
    feed = EngineFeed(engine, SPEC, 6)
    for value in range(6):
        filled(feed, 1, value)
    assert engine.sizes == before_the_end
    assert [row[0] for row in feed.probabilities()] == list(range(6))
    assert engine.sizes == [4, 2]


def test_an_engine_that_returns_too_many_rows_gives_no_image_anothers_scores():
    engine = Recorder()
    engine.probabilities = lambda batch: np.zeros((4, 5), dtype=np.float32)
    feed = EngineFeed(engine, SPEC, 1)
    filled(feed, 1, 1)
    with pytest.raises(InternalError, match="4 rows for 1 model inputs"):
        feed.probabilities()
