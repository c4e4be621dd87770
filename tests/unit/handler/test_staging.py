from types import SimpleNamespace

import numpy as np
import pytest
import torch

from trust_nsfw.engines.staging import SLOTS, Staging

CPU = torch.device("cpu")
SHAPE = (8, 2, 2, 3)


def batch_of(*levels: int) -> np.ndarray:
    return np.stack([np.full(SHAPE[1:], level, dtype=np.uint8) for level in levels])


def means(batch: torch.Tensor) -> torch.Tensor:
    return batch.float().mean(dim=(1, 2))


@torch.inference_mode()
def test_rows_are_those_of_the_batch_whatever_lay_in_the_buffers_before():
    staging = Staging(SHAPE, CPU)
    full = batch_of(*range(200, 208))
    for _ in range(SLOTS):
        assert np.array_equal(staging.launch(full, 8, means).rows()[:, 0], range(200, 208))
    for levels in [(1,), (2, 3), (4, 5, 6), (7,), (8, 9, 10, 11, 12)]:
        rows = staging.launch(batch_of(*levels), 8, means).rows()
        assert (rows.shape, rows.dtype) == ((len(levels), 3), np.float32)
        assert np.array_equal(rows[:, 0], levels)


@torch.inference_mode()
def test_what_runs_sees_the_bucket_it_was_promised_at_one_of_two_addresses():
    staging, seen = Staging(SHAPE, CPU), []

    def run(batch: torch.Tensor) -> torch.Tensor:
        seen.append((batch.shape, batch.data_ptr()))
        return means(batch)

    for size, bucket in [(1, 1), (3, 4), (5, 8), (8, 8), (2, 2)]:
        staging.launch(batch_of(*range(size)), bucket, run)
    assert [shape[0] for shape, _ in seen] == [1, 4, 8, 8, 2]
    assert len({address for _, address in seen}) == SLOTS


@torch.inference_mode()
def test_rows_in_flight_outlive_runs_that_reuse_their_output_as_cuda_graphs_do():
    staging, output = Staging(SHAPE, CPU), torch.zeros(8, 3)

    def replay(batch: torch.Tensor) -> torch.Tensor:
        return output[: len(batch)].copy_(means(batch))

    in_flight = [staging.launch(batch_of(level, level + 1), 2, replay) for level in range(0, 10, 2)]
    assert [landing.rows()[:, 0].tolist() for landing in in_flight] == [[n, n + 1] for n in range(0, 10, 2)]
    assert in_flight[0].rows() is not in_flight[0].rows()


@torch.inference_mode()
def test_a_failing_run_leaves_the_ring_as_good_as_new():
    staging = Staging(SHAPE, CPU)

    def broken(batch: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("out of memory")

    for level in range(2 * SLOTS):
        with pytest.raises(RuntimeError, match="out of memory"):
            staging.launch(batch_of(9, 9, 9), 4, broken)
        assert staging.launch(batch_of(level), 1, means).rows()[0, 0] == level


class Timeline:
    """Streams and events that only note what was asked of them, in place of CUDA's."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.streams = 0
        self.events = 0
        self.compute = self.Stream()

    def Stream(self):  # noqa: N802 - as torch names it
        self.streams += 1
        name = f"stream{self.streams}"
        return SimpleNamespace(
            name=name,
            wait_stream=lambda other: self.notes.append(f"{name} waits for {other.name}"),
            wait_event=lambda event: self.notes.append(f"{name} waits for {event.name}"),
        )

    def Event(self):  # noqa: N802
        self.events += 1
        name = f"event{self.events}"
        return SimpleNamespace(
            name=name,
            record=lambda stream: self.notes.append(f"{name} on {stream.name}"),
            synchronize=lambda: self.notes.append(f"host waits for {name}"),
        )

    def current_stream(self):
        return self.compute

    def stream(self, stream):
        timeline = self

        class Entered:
            def __enter__(self) -> None:
                timeline.notes.append(f"enter {stream.name}")

            def __exit__(self, *_) -> None:
                timeline.notes.append("leave")

        return Entered()


def test_copies_and_compute_wait_for_each_other_and_the_host_for_neither(monkeypatch):
    timeline = Timeline()
    monkeypatch.setattr(torch, "get_device_module", lambda device: timeline)
    staging = Staging(SHAPE, CPU)
    compute, copies = "stream1", "stream2"
    assert timeline.notes == [f"{copies} waits for {compute}"]

    def run(batch: torch.Tensor) -> torch.Tensor:
        timeline.notes.append("run")
        return means(batch)

    for copied, consumed, landed in [("event1", "event2", "event5"), ("event3", "event4", "event6")]:
        timeline.notes.clear()
        landing = staging.launch(batch_of(1), 1, run)
        assert timeline.notes == [
            f"host waits for {copied}",  # of the slot's batch before: it frees the host buffer
            f"{copies} waits for {consumed}",  # likewise the device buffer
            f"enter {copies}",
            f"{copied} on {copies}",
            "leave",
            f"{compute} waits for {copied}",
            "run",
            f"{consumed} on {compute}",
            f"{landed} on {compute}",
        ]
        timeline.notes.clear()
        landing.rows()
        assert timeline.notes == [f"host waits for {landed}"]
