"""Near-duplicates: what counts as one and the same picture, and what doesn't."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from dataset import grouping
from dataset.grouping import group
from dataset.signature import Signature
from labelled_pictures import labelled_picture
from pictures import encode, photo
from trust_nsfw.schema import LABELS


def groups_of(*images: Image.Image) -> list[int]:
    return group([Signature.of(image) for image in images]).tolist()


def recompressed(image: Image.Image) -> Image.Image:
    return Image.open(BytesIO(encode(image, "JPEG", quality=30))).convert("RGB")


ALTERATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "recompressed": recompressed,
    "of half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "mirrored": ImageOps.mirror,
    "mirrored and recompressed": lambda image: recompressed(ImageOps.mirror(image)),
    "greyscale": lambda image: image.convert("L").convert("RGB"),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "of less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "squashed": lambda image: image.resize((image.width, image.height * 4 // 5)),
    "cropped a little": lambda image: image.crop((3, 3, image.width - 3, image.height - 3)),
}


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS)
@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png"])
def test_a_picture_altered_in_a_usual_way_is_in_its_group(name: str, alter) -> None:
    image = photo(name)
    assert groups_of(image, alter(image), photo("rocket.jpg")) == [0, 0, 1]


def test_different_pictures_of_every_class_are_groups_of_their_own() -> None:
    images = [labelled_picture(LABELS[seed % 5], seed) for seed in range(200)]
    assert len(set(groups_of(*images))) >= 199


def test_a_chain_of_near_duplicates_is_one_group_and_groups_are_numbered_by_their_first_member() -> None:
    one, other = labelled_picture("neutral", 3, 256), labelled_picture("hentai", 4, 256)
    assert groups_of(other, one, ImageOps.mirror(other), recompressed(one), recompressed(other)) == [0, 1, 0, 1, 0]


def test_flat_pictures_don_t_all_fall_into_one_group() -> None:
    random = np.random.default_rng(1)
    flat = [Image.new("RGB", (64, 64), (shade,) * 3) for shade in (0, 40, 128, 200, 255)]
    noisy = [Image.fromarray(random.integers(250, 256, (64, 64, 3), dtype=np.uint8)) for _ in range(20)]
    images = flat + noisy
    assert groups_of(*images) == list(range(len(images)))


def test_pictures_that_share_a_hash_but_look_different_stay_apart() -> None:
    random = np.random.default_rng(2)
    signatures = [Signature.of(Image.fromarray(random.integers(0, 256, (16, 16), dtype=np.uint8))) for _ in range(50)]
    same_hash = [Signature("8" + "0" * 15, "8" + "0" * 15, one.thumbnail) for one in signatures]
    assert group(same_hash).tolist() == list(range(50))


@pytest.mark.parametrize("limit", ["MAX_SINGLE_PAIRS", "MAX_PENDING_EDGES"])
def test_thousands_of_copies_and_the_others_are_grouped_the_same_when_space_is_short(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(3)
    originals = [Signature.of(Image.fromarray(random.integers(0, 256, (32, 32), dtype=np.uint8))) for _ in range(90)]
    picks = random.integers(0, 90, 900).tolist()
    monkeypatch.setattr(grouping, "ROWS_PER_BLOCK", 64)
    monkeypatch.setattr(grouping, limit, 10)
    order = list(dict.fromkeys(picks))
    assert group([originals[pick] for pick in picks]).tolist() == [order.index(pick) for pick in picks]


def test_one_picture_is_one_group() -> None:
    assert groups_of(photo("chelsea.png")) == [0]
