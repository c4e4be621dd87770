import io
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from PIL import Image

from campaign import axes, charts, course, curves
from campaign_record import bare_record, record, with_target

EVERY = {
    "throughput",
    "latency-users-rest",
    "latency-users-grpc",
    "latency-offered-rest",
    "latency-offered-grpc",
    "achieved",
    "overload-rest",
    "overload-grpc",
    "batch-sizes",
    "server-cpu",
    "queue",
    "kinds",
    "batching",
}


def test_a_whole_record_has_every_chart_as_a_picture():
    found = {name: draw() for name, draw in charts.pngs(record()).items()}
    assert set(found) == {f"{name}.png" for name in EVERY}
    for content in found.values():
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.width > 900
            assert len(picture.convert("L").getcolors(256) or ()) > 20  # something was drawn


def test_charts_without_figures_are_left_out():
    assert set(charts.pngs(bare_record())) == {
        "throughput.png",
        "latency-users-rest.png",
        "latency-offered-rest.png",
        "achieved.png",
        "overload-rest.png",
    }


def test_a_record_without_a_single_run_is_drawn_all_the_same():
    whole = record(names=("rest",))
    over = replace(whole.targets["rest"].overload, profile=(), timeline=[])
    empty = with_target(whole, closed=[], mixed=[], open=[], overload=over)
    assert all(draw().startswith(b"\x89PNG") for draw in charts.pngs(empty).values())


def test_the_same_record_gives_the_same_drawing_and_its_words_are_text():
    for name, chart in charts.charts(record()).items():
        drawn = charts.svg(chart)
        assert drawn == charts.svg(chart), name
        words = [node.text for node in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
        assert words, name


def drawn_overload(**changes: object):
    """Return the two axes of an overload's chart."""
    canvas, target = Figure(figsize=charts.COURSE_INCHES), record().targets["rest"]
    course.overload(canvas, "rest", replace(target, overload=replace(target.overload, **changes)))
    return canvas.axes


def test_the_overload_is_shown_to_its_last_slices_end_and_to_the_recovery():
    assert [axes.get_xlim() for axes in drawn_overload()] == [(0, 70), (0, 70)]
    assert drawn_overload(recovered_seconds=35.0)[0].get_xlim() == (0, 75)


def test_knee_and_capacity_are_named_on_the_outer_sides_of_their_lines():
    one = record(names=("rest",))
    for knee in (30.0, 60.0):
        canvas = Figure(figsize=axes.SIZE_INCHES)
        target = one.targets["rest"]
        changed = {"rest": replace(target, knee=replace(target.knee, rate_per_s=knee))}
        curves.latency_by_offered(canvas, "rest", changed)
        words = {text.get_text().split()[0]: text.get_ha() for text in canvas.axes[0].texts}
        sides = ("right", "left") if knee < target.capacity_per_s else ("left", "right")
        assert (words["knee"], words["capacity"]) == sides


def test_the_overload_is_where_the_profile_is_highest():
    over = record().targets["rest"].overload
    assert course.over_capacity(over) == (20.0, 40.0)
    assert course.over_capacity(replace(over, profile=())) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("heights", "moved"),
    [
        ([0.0, 50.0], [0.0, 50.0]),
        ([10.0, 10.0], [5.0, 15.0]),
        ([10.0, 12.0, 60.0], [6.0, 16.0, 60.0]),
        ([10.0, 10.0, 19.0], [3.0, 13.0, 23.0]),
        ([], []),
    ],
)
def test_labels_are_pushed_apart_as_little_as_it_takes(heights, moved):
    assert axes.apart(heights, 10.0) == pytest.approx(moved)
