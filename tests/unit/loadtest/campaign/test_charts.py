import io
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from PIL import Image

from campaign import axes, charts, course
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
