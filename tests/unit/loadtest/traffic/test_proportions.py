from collections import Counter

import pytest

from traffic.formats import Encoding, format_of
from traffic.photographs import SOURCES
from traffic.proportions import CLASSES, FORMAT_SHARES, Shape, Subject, plan, size_class_of


def test_the_shares_of_classes_and_of_recipes_are_wholes():
    assert sum(each.share for each in CLASSES) == pytest.approx(1)
    for each in CLASSES:
        assert sum(recipe.share for recipe in each.recipes) == pytest.approx(1), each.name
    assert sum(FORMAT_SHARES.values()) == pytest.approx(1)
    assert max(FORMAT_SHARES, key=FORMAT_SHARES.__getitem__) == "JPEG"


@pytest.mark.parametrize("count", range(12, 200))
def test_any_number_of_pictures_is_in_proportion(count):
    planned = plan(count)
    assert len(planned) == count
    classes = Counter(each.size_class.name for each in planned)
    formats = Counter(format_of(each.recipe.encoding) for each in planned)
    for each in CLASSES:
        assert abs(classes[each.name] - each.share * count) < 1
        assert classes[each.name] >= 1
    for name, share in FORMAT_SHARES.items():
        assert abs(formats[name] - share * count) < 2
        assert formats[name] >= 1


def test_few_pictures_are_the_first_of_many():
    assert plan(30) == plan(100)[:30]


def test_a_hundred_pictures_hold_every_recipe_every_shape_and_every_side():
    planned = plan(100)
    assert {(each.size_class.name, each.recipe) for each in planned} == {
        (each.name, recipe) for each in CLASSES for recipe in each.recipes
    }
    for each in CLASSES:
        of_class = [one for one in planned if one.size_class is each]
        assert {one.side_px for one in of_class} == set(each.sides_px)
        assert {one.shape for one in of_class} == set(each.shapes) >= {Shape.PORTRAIT, Shape.LANDSCAPE}


def test_photos_of_a_class_show_every_source_before_one_again():
    planned = [each for each in plan(200) if each.recipe.subject is Subject.PHOTO]
    for name in ("thumbnail", "web", "hd", "camera"):
        first = [each.turn % len(SOURCES) for each in planned if each.size_class.name == name][: len(SOURCES)]
        assert sorted(first) == list(range(len(SOURCES)))


def test_only_formats_that_can_be_transparent_show_stickers():
    for each in CLASSES:
        for recipe in each.recipes:
            if recipe.subject is Subject.STICKER:
                assert recipe.encoding in {Encoding.PNG, Encoding.WEBP, Encoding.WEBP_LOSSLESS}


@pytest.mark.parametrize(
    ("size", "name"),
    [((1, 1), "thumbnail"), ((150, 256), "thumbnail"), ((257, 100), "web"), ((720, 1280), "web"), ((1920, 1080), "hd"),
     ((3000, 4000), "camera"), ((9000, 100), "camera")],
)  # fmt: skip
def test_a_picture_of_any_size_has_a_class(size, name):
    assert size_class_of(*size) == name
