import pytest

from measuring import sweep_report
from measuring.recommendation import Outcome, job_queue_size, recommended
from measuring.sweeping import Axis, Measurement, axes_of, capacity, combined, outcomes


def outcome(at_16: float, at_32: float, lone_ms: float) -> Outcome:
    return Outcome({1: 9.0, 16: at_16, 32: at_32}, {1: lone_ms, 16: 900.0, 32: 1900.0})


@pytest.mark.parametrize(
    ("found", "best"),
    [
        ([outcome(10, 10, 50), outcome(20, 20, 50), outcome(20.2, 20.2, 50)], 1),  # within 2 %: the least
        ([outcome(20, 10, 50), outcome(18, 18, 50)], 1),  # the worst case counts
        ([outcome(20, 20, 50), outcome(20, 20, 40)], 1),  # a lone user must not pay
        ([outcome(10, 10, 40), outcome(20, 20, 50)], 1),  # nor does a lone user outweigh the many
        ([outcome(20, 20, 50.5), outcome(20, 20, 50)], 0),  # 1 % is noise
    ],
)
def test_the_rule_chooses(found, best):
    assert recommended(found, crowds=[16, 32]) == best


def test_the_queue_holds_what_capacity_answers_within_the_objective():
    assert job_queue_size(16.9, objective_seconds=2, batch_size=8, workers=1) == 25
    assert job_queue_size(1, objective_seconds=2, batch_size=8, workers=1) == 8


def test_threads_times_workers_never_exceed_the_cores():
    for cores in (1, 2, 3, 8):
        [workers] = [axis for axis in axes_of(cores, [8], [3]) if axis.name == "workers x threads"]
        for changes in workers.settings.values():
            assert changes["minWorkers"] * changes["trust_nsfw.engine.threads"] <= cores


def test_what_several_workers_share_is_not_undone_by_what_was_best_for_one():
    axes = axes_of(2, [4, 8], [3])
    one = {
        "batchSize": "8",
        "maxBatchDelay, ms": "3",
        "engine threads": "2",
        "decode threads": "4",
        "affinity": "pinned",
    }
    alone = combined(axes, one | {"workers x threads": "1 x 2"})
    assert (alone["minWorkers"], alone["trust_nsfw.engine.threads"], alone["trust_nsfw.decode_threads"]) == (1, 2, 4)
    both = combined(axes, one | {"workers x threads": "2 x 1"})
    assert (both["minWorkers"], both["trust_nsfw.engine.threads"], both["trust_nsfw.decode_threads"]) == (2, 1, 1)
    assert (alone["trust_nsfw.engine.pin_threads"], both["trust_nsfw.engine.pin_threads"]) == (True, False)


def measured(setting: str, turn: int, users: int, rate: float) -> Measurement:
    return Measurement("batchSize", setting, turn, users, rate, 10.0 * users, 12.0 * users, float(setting), 0)


@pytest.fixture
def axis() -> Axis:
    return Axis("batchSize", {"4": {"batchSize": 4}, "8": {"batchSize": 8}})


@pytest.fixture
def measurements() -> list[Measurement]:
    return [
        measured(setting, turn, users, rate)
        for setting, rates in (("4", (8, 9, 1)), ("8", (10, 10, 10)))
        for turn, rate in enumerate(rates, start=1)
        for users in (1, 16)
    ]


def test_outcomes_are_medians_over_the_rounds(axis, measurements):
    assert [outcome.images_per_s for outcome in outcomes(measurements, axis)] == [{1: 8, 16: 8}, {1: 10, 16: 10}]


def test_capacity_is_the_median_of_the_users_who_got_least():
    rates = {16: (10, 12, 11), 32: (9, 14, 10)}
    assert capacity([measured("8", 1, users, rate) for users in rates for rate in rates[users]]) == 10


def test_each_axis_is_named_by_its_first_word():
    keys = [axis.key for axis in axes_of(2, [8], [3])]
    assert keys == ["batchSize", "maxBatchDelay", "workers", "engine", "affinity", "decode"]


def test_the_report_says_what_to_use_and_why(axis, measurements):
    record = {
        "started_utc": "2026-01-02 03:04 UTC",
        "command": "python loadtest/sweep.py",
        "machine": {"cpu": "A processor", "cores": 2, "flags": [], "versions": {"python": "3.11"}},
        "rounds": 3,
        "seconds": 5,
        "recommended": {"batchSize": "8"},
        "settings": {"batchSize": 8, "jobQueueSize": 12},
        "queue": {
            "capacity_images_per_s": 10.0,
            "objective_seconds": 2.0,
            "job_queue_size": 12,
            "users": 38,
            "busy": 7,
            "p99_ms": 2100.0,
            "kept_objective": False,
        },
    }
    together = [measured("8", turn, 16, rate) for turn, rate in enumerate((10, 11, 9), start=1)]
    text = sweep_report.markdown(record, [axis], measurements, together)
    assert "| batchSize | 8 |" in text
    assert "7 refusals (503), p99 of the answered 2,100 ms: **beyond the objective**." in text
    assert "| batchSize | 8 | 10.0 | 10.0 to 10.0 | 0.0% |" in text
    assert "| 16 users | 10.0 | 9.00 to 11.0 | 160 | 192 |" in text
    assert "| 4 | 8.00, 10, 12 | 8.00, 160, 192 | 4.00 |" in text
    assert sweep_report.png(record, [axis], measurements).startswith(b"\x89PNG")
    assert sweep_report.rows_of_csv(measurements).count("\n") == 13
