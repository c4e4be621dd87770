"""Which requests are drawn, and what must come back for them."""

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from random import Random

import pytest

from traffic.call import Kind, Picture
from traffic.calls import MAX_BODY_BYTES, Calls
from traffic.weights import format_weights, parse_weights

GOOD = tuple(Picture(f"good{number}", b"\xff\xd8good%d" % number, "image/jpeg") for number in range(5))
BAD = (Picture("text", b"text", "image/png", "unsupported_format"), Picture("empty", b"", "image/jpeg", "empty_image"))


@dataclass(frozen=True)
class Pictures:
    good: tuple[Picture, ...] = GOOD
    bad: tuple[Picture, ...] = BAD

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return self.good * 4 + self.bad


class Numbered:
    """Makes every good picture's bytes new."""

    def __init__(self) -> None:
        self.number = 0

    def payload_of(self, picture: Picture) -> bytes:
        self.number += 1
        return picture.payload if picture.error else picture.payload + b"#%d" % self.number


def calls(pictures: Pictures | None = None, duplicates: float = 0.0, seed: int = 0) -> Calls:
    return Calls(pictures or Pictures(), Numbered(), Random(seed), duplicates)


@pytest.mark.parametrize("kind", [Kind.SINGLE, Kind.MODERATED, Kind.EXPLANATION])
def test_one_good_picture_is_sent_raw(kind):
    drawn = calls()
    for _ in range(50):
        call = drawn.draw(kind)
        [expected] = call.images
        assert (expected.id, expected.error) == (None, None)
        assert expected.sha256 == hashlib.sha256(call.body).hexdigest()
        assert call.body.startswith(next(good.payload for good in GOOD if good.key == expected.key))
        assert call.media_type == "image/jpeg"


@pytest.mark.parametrize(("kind", "size"), [(Kind.BATCH_4, 4), (Kind.BATCH_16, 16)])
def test_a_batch_is_the_contracts_json_and_holds_bad_files_in_their_share(kind, size):
    drawn, errors = calls(), Counter()
    for _ in range(200):
        call = drawn.draw(kind)
        images = json.loads(call.body)["images"]
        assert len(images) == len(call.images) == size
        assert [image["id"] for image in images] == [expected.id for expected in call.images]
        for image, expected in zip(images, call.images, strict=True):
            assert hashlib.sha256(base64.b64decode(image["b64"])).hexdigest() == expected.sha256
        errors.update(expected.error for expected in call.images)
    assert 0.05 < 1 - errors[None] / errors.total() < 0.14  # 2 of 22
    assert set(errors) == {None, "unsupported_format", "empty_image"}


def test_the_ids_of_a_process_are_all_different():
    drawn = calls()
    names = [image.id for _ in range(20) for image in drawn.draw(Kind.BATCH_16).images]
    assert len(set(names)) == len(names)


def test_bad_requests_send_only_bad_files():
    drawn = calls()
    found = {drawn.draw(Kind.BAD).images[0].error for _ in range(50)}
    assert found == {"unsupported_format", "empty_image"}


def test_a_health_check_sends_nothing():
    call = calls().draw(Kind.HEALTH)
    assert (call.body, call.images) == (b"", ())


def test_every_body_is_new_unless_duplicates_are_asked_for():
    fresh, repeated, always = calls(), calls(duplicates=0.5), calls(duplicates=1)
    assert len({fresh.draw(Kind.SINGLE).body for _ in range(400)}) == 400
    assert 150 < len({repeated.draw(Kind.SINGLE).body for _ in range(400)}) < 250
    assert len({always.draw(Kind.SINGLE).body for _ in range(400)}) == len(GOOD)


def test_equal_seeds_draw_equal_pictures():
    keys = [[drawn.draw(Kind.SINGLE).images[0].key for _ in range(50)] for drawn in (calls(), calls(), calls(seed=1))]
    assert keys[0] == keys[1] != keys[2]


def test_files_that_could_make_a_batch_too_long_are_only_sent_alone():
    large = Picture("large", b"\xff\xd8" + bytes(2_000_000), "image/jpeg")
    drawn = calls(Pictures(good=(large, GOOD[0]), bad=()))
    assert {image.key for _ in range(20) for image in drawn.draw(Kind.BATCH_16).images} == {"good0"}
    whole = [drawn.draw(Kind.BATCH_4) for _ in range(20)]
    assert "large" in {image.key for call in whole for image in call.images}
    assert all(len(call.body) <= MAX_BODY_BYTES for call in whole)
    assert {drawn.draw(Kind.SINGLE).images[0].key for _ in range(20)} == {"good0", "large"}


def test_pictures_that_could_make_a_batch_of_too_many_model_inputs_are_only_sent_alone():
    moving = Picture("moving", b"\xff\xd8moving", "image/webp", inputs=8)
    clear = Picture("clear", b"\xff\xd8clear", "image/png", inputs=2)
    drawn = calls(Pictures(good=(moving, clear), bad=()))
    sent = {kind: {image.key for _ in range(20) for image in drawn.draw(kind).images} for kind in Kind if kind != "bad"}
    assert sent[Kind.BATCH_16] == {"clear"}  # 16 x 2 are just as many as there may be
    assert sent[Kind.BATCH_4] == sent[Kind.SINGLE] == {"moving", "clear"}
    moving = Picture("moving", b"\xff\xd8moving", "image/webp", inputs=16)
    assert not calls(Pictures(good=(moving,), bad=())).can_draw(Kind.BATCH_4)


def test_what_is_known_of_a_picture_is_expected_back():
    known = Picture("known", b"\xff\xd8", "image/jpeg", size_px=(40, 30))
    drawn = calls(Pictures(good=(known,), bad=()))
    for kind in (Kind.SINGLE, Kind.BATCH_4):
        assert {(image.size_px, image.media_type) for image in drawn.draw(kind).images} == {((40, 30), "image/jpeg")}


def test_what_the_pictures_cannot_make_is_told_beforehand():
    huge = Picture("huge", b"\xff\xd8" + bytes(7_000_000), "image/jpeg")
    drawn = calls(Pictures(good=(huge,), bad=()))
    possible = {kind for kind in Kind if drawn.can_draw(kind)}
    assert possible == {Kind.SINGLE, Kind.MODERATED, Kind.EXPLANATION, Kind.HEALTH}
    with pytest.raises(ValueError, match="no good picture"):
        calls(Pictures(good=()))


def test_weights_are_read_as_they_are_written():
    text = "single=60,batch4=12,health=8"
    assert format_weights(parse_weights(text, tuple(Kind))) == text
    assert parse_weights(" single = 1 , bad=0", tuple(Kind)) == {Kind.SINGLE: 1}
