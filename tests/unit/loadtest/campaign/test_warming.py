import json

import pytest

from campaign.place import Place
from campaign.warming import scores_of, warm_explanations, warm_up
from load_server import Answering, http_server
from measuring.answers import WrongAnswerError
from pictures import encode, picture
from traffic.call import Picture

PICTURES = [Picture(f"picture {seed}", encode(picture(seed), "JPEG"), "image/jpeg") for seed in range(3)]


def place_at(url: str) -> Place:
    return Place(rest=url, grpc="", management="", metrics="")


def lower_every_sum(results: list[dict]) -> list[dict]:
    return [one | {"scores": one["scores"] | {"porn": one["scores"]["porn"] - 0.05}} for one in results]


def allow_everything(results: list[dict]) -> list[dict]:
    return [one | {"action": "blur"} for one in results]


def test_every_pictures_scores_are_kept_for_later_answers(tmp_path):
    with http_server(Answering()) as url:
        warmth = warm_up(place_at(url), PICTURES)
        warm_explanations(place_at(url), PICTURES[0])
    warmth.write(tmp_path / "references.json")
    kept = json.loads((tmp_path / "references.json").read_text())
    assert set(kept) == {one.key for one in PICTURES}
    assert all(sum(scores.values()) == pytest.approx(1) for scores in kept.values())
    assert warmth.lone.count == 3


def test_pictures_of_equal_scores_are_warned_of():
    with http_server(Answering()) as url:  # whose scores follow from the width, which all have in common
        warmth = warm_up(place_at(url), PICTURES)
    assert warmth.told_apart == 0
    assert "only 0% of all pairs" in warmth.warning


@pytest.mark.parametrize("spoil", [lower_every_sum, allow_everything])
def test_a_server_that_is_wrong_from_the_start_is_rejected(spoil):
    with (
        http_server(Answering(spoil=spoil)) as url,
        pytest.raises(WrongAnswerError, match="warm-up, picture picture 0"),
    ):
        warm_up(place_at(url), PICTURES)


def test_a_server_that_refuses_a_lone_request_is_rejected():
    with http_server(Answering(refuses=True)) as url, pytest.raises(WrongAnswerError, match="status 503"):
        warm_up(place_at(url), PICTURES)


def test_what_is_no_answer_at_all_is_wrong():
    with pytest.raises(WrongAnswerError, match="not the shape"):
        scores_of(PICTURES[0], 200, b'{"results": []}', None)
