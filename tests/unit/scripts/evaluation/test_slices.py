"""Attributes from a CSV find their images; what rests on few says so."""

import pytest

from evaluation.metrics import Share
from evaluation.prediction import EvaluationError, Prediction
from evaluation.slices import Attributes, built_in, slices_of
from trust_nsfw.schema import LABELS, Action


def predictions(count: int = 6) -> list[Prediction]:
    """Return porn and neutral in turn, every one scored as porn; half PNG, half JPEG of growing sizes."""
    scores = dict.fromkeys(LABELS, 0.0) | {"porn": 1.0}
    kinds = ("PNG", "JPEG")
    return [
        Prediction(
            file=f"{index}.png",
            label=("porn", "neutral")[index % 2],
            scores=scores,
            error=None,
            sha256=f"sha{index}",
            format=kinds[index % 2],
            width=300 * (index + 1),
            height=100,
        )
        for index in range(count)
    ]


@pytest.mark.parametrize("key", ["file", "sha256"])
def test_a_csv_slices_by_file_or_by_sha256_and_says_what_did_not_match(tmp_path, key):
    file = tmp_path / "said.csv"
    names = ["0.png", "1.png", "3.png", "9.png"] if key == "file" else ["sha0", "sha1", "sha3", "sha9"]
    styles = ["ink", "ink", "photo", "photo"]
    file.write_text("\n".join([f"{key},style,tone", *(f"{n},{s}," for n, s in zip(names, styles, strict=True))]))
    found = Attributes.read(file, predictions())
    assert found.columns["style"] == ["ink", "ink", "", "photo", "", ""]
    assert (found.matched_images, found.unmatched_rows) == (3, 1)
    actions = [Action.ALLOW, *[Action.BLUR] * 5]
    ink, photo = slices_of(predictions(), actions, found.columns)
    assert (ink.column, ink.value, ink.images, ink.accuracy) == ("style", "ink", 2, Share.of(1, 2))
    assert ink.missed.allowed == Share.of(1, 1)
    assert ink.warning == "rests on 2 images and 1 explicit image"
    assert photo.warning == "rests on 1 image and no explicit images"


def test_enough_images_need_no_warning():
    many = predictions(60)
    [one] = slices_of(many, [Action.BLUR] * 60, {"all": ["x"] * 60})
    assert one.warning is None
    assert one.missed.not_blurred == Share.of(0, 30)


def test_format_and_size_are_there_for_every_image():
    found = built_in(predictions(8))
    assert found["format"] == ["PNG", "JPEG"] * 4
    assert found["longer side"] == [
        *("under 512 px", "512 to 1,023 px", "512 to 1,023 px"),
        *("1,024 to 2,047 px", "1,024 to 2,047 px", "1,024 to 2,047 px"),
        *("2,048 px or more", "2,048 px or more"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first must be file or sha256"),
        ("picture,style\n0.png,ink", "the first must be file or sha256"),
        ("file\n0.png", "the first must be file or sha256"),
        ("file,style\n0.png", "has 1 of 2 values"),
        ("file,style\n0.png,ink\n0.png,photo", "was there before"),
        ("file,style\nother.png,ink", "no row names one of the images by its file, such as 0.png"),
    ],
)
def test_a_csv_that_says_nothing_certain_is_refused(tmp_path, text, message):
    file = tmp_path / "said.csv"
    file.write_text(text)
    with pytest.raises(EvaluationError, match=message):
        Attributes.read(file, predictions())
