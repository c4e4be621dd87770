import csv

import pytest

from bench_record import load, record
from measuring import figures, plot, tables
from measuring.figures import Target
from measuring.spread import percentile


@pytest.fixture
def goals() -> dict[str, figures.Figure]:
    return {goal.name: goal for goal in figures.goals(record())}


def test_ratios_are_reckoned_round_by_round_so_that_a_slow_round_does_not_show(goals):
    ratio = goals["our server / stock server, 16 users"]
    assert ratio.values == pytest.approx([5.4, 5.4, 5.4])
    assert ratio.is_met


def test_each_goal_is_met_or_not_by_its_median(goals):
    assert goals["faster server / stock server, 16 users"].values == pytest.approx([8.1] * 3)
    assert not goals["server / pipeline in-process, 16 users"].is_met
    assert goals["server / pipeline in-process, 32 users"].is_met
    assert goals["pipeline in-process / raw engine"].values == pytest.approx([0.9] * 3)
    assert goals["raw engine / int8 matrix peak"].values == pytest.approx([1.0] * 3)
    assert goals["one user: p50 minus (decode + forward)"].values == [5.0] * 3
    assert goals["worker memory after the load / stock's, RSS"].values == [0.6]
    assert goals["start to READY"].spread.median == 8.5
    assert goals["re-uploads of one picture, 16 users"].is_met


def test_the_target_follows_from_what_runs_whatever_its_name(goals):
    assert goals["faster server / stock server, 16 users"].target == Target(5.5, 7)
    assert goals["our server / stock server, 16 users"].target == Target(4, 5)


@pytest.mark.parametrize(
    ("precision", "merge_tokens", "target"),
    [
        ("int8", 0, Target(4, 5)),
        ("int8", 4, None),
        ("int8", 13, Target(5.5, 7)),
        ("int8", 16, Target(5.5, 7)),
        ("int8-dynamic", 0, None),
        ("bf16", 0, None),
        ("bf16", 13, None),
    ],
)
def test_only_int8_has_targets_and_merging_a_higher_one(precision, merge_tokens, target):
    assert figures.speed_target({"precision": precision, "merge_tokens": merge_tokens}) == target


def test_a_server_that_counts_no_batches_has_no_mean_batch():
    quiet = record()
    for one in quiet["rounds"]:
        one["ours"]["load"]["16"]["mean_batch"] = None
    names = [figure.name for figure in figures.mean_batches(quiet)]
    assert names == ["ours: mean batch, 32 users", "faster: mean batch, 16 users", "faster: mean batch, 32 users"]


def test_a_model_of_another_cost_has_no_share_of_the_peak():
    names = [goal.name for goal in figures.goals(record() | {"is_vit_b16": False})]
    assert "raw engine / int8 matrix peak" not in names


def test_percentiles_are_values_that_were_measured():
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 95, 99, 100)] == [50.0, 95.0, 99.0, 100.0]
    assert percentile([7.0], 99) == 7.0
    assert percentile([1.0, 2.0], 50) == 1.0


def test_a_target_at_most_is_met_from_below():
    assert Target(10, at_most=True).is_met(10)
    assert not Target(10, at_most=True).is_met(10.1)
    assert str(Target(0.85, 0.6, at_most=True)) == "≤ 0.85 (aim 0.6)"


def test_a_starved_generator_and_servers_that_do_not_rest_are_said():
    doubtful = record()
    assert figures.warnings(doubtful) == []
    doubtful["rounds"][0]["strangers_share"] = 0.7
    busy = {"worker": 0.1, "java": 0.0, "others": 0.02, "generator": 0.01}
    doubtful["rounds"][1]["stock"]["load"]["16"] = load(
        3, [1.0], generator_share=0.9, strangers_share=0.5, cpu_seconds_per_image=busy
    )
    assert figures.warnings(doubtful) == [
        "round 1, without servers: other programs used 70% of a core",
        "round 2, stock, 16 users: the generator used 90% of a core",
        "round 2, stock, 16 users: other programs used 50% of a core",
        "round 2, stock, 16 users: servers at rest used 20% of a core",
    ]
    assert "## Doubtful" in tables.markdown(doubtful)


def test_the_markdown_holds_every_goal_with_its_target_and_verdict():
    text = tables.markdown(record())
    assert "| our server / stock server, 16 users | ≥ 4 (aim 5) | 5.40 |  | met |" in text
    assert "| server / pipeline in-process, 16 users | ≥ 0.93 (aim 0.97) | 0.90 |  | **not met** |" in text
    assert "| stock, 32 users | 4,000 | 5,000 | 5,000 |" in text
    assert "Every one of 1,234 answers was checked and right." in text
    assert "2026-01-02 03:04 UTC, `python loadtest/bench.py`" in text


def test_the_markdown_says_how_far_each_is_from_the_reference_and_how_sure_a_swap_would_show():
    text = tables.markdown(record())
    assert (
        "**ours**: openvino, int8, no tokens merged, actions allow 60 and review 4, at most 0.0123 from the fp32 "
        "reference; **faster**: openvino, int8, 13 tokens merged a layer, at most 0.2000" in text
    )
    assert "ours 98.1 %, faster 99.0 %, stock 99.5 %" in text


def test_the_markdown_says_how_large_the_batches_were_and_how_far_cpu_time_spreads():
    uneven = record()
    uneven["rounds"][1]["ours"]["load"]["16"]["cpu_seconds_per_image"]["worker"] = 0.11
    text = tables.markdown(uneven)
    assert "| ours: mean batch, 16 users | 7.50 |" in text
    assert "| ours, 16 users | 100.00 (100.00 to 110.00) | 2.00 (2.00 to 2.00) |" in text


def test_the_csv_holds_every_value_of_every_round():
    rows = list(csv.DictReader(tables.rows_of_csv(record()).splitlines()))
    found = [row["value"] for row in rows if row["figure"] == "ours: raw engine, batch 8"]
    assert found == ["20", "10", "22"]
    values = {row["figure"]: (row["value"], row["unit"]) for row in rows}
    assert values["ours: p99, 16 users"] == ("1000", "ms")
    assert values["ours: p50, 1 user"] == ("70", "ms")
    assert values["stock: p50, 32 users"] == ("4000", "ms")
    assert values["stock: PSS of the worker, ready, nothing asked yet"] == ("800", "MiB")
    assert values["ours: CPU time of Java per image, 32 users"] == ("2", "ms")
    assert values["faster: mean batch, 32 users"] == ("7.5", "images")


def test_the_picture_is_a_png():
    assert plot.png(record()).startswith(b"\x89PNG")
