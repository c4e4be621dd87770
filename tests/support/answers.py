"""What every answer must look like, whatever the picture: checks shared by contract and end-to-end tests."""

from typing import Any

LABELS = {"drawing", "hentai", "neutral", "porn", "sexy"}
MEMBERS = {
    "explicit": {"porn", "hentai"},
    "nsfw": {"porn", "hentai", "sexy"},
    "illustrated": {"drawing", "hentai"},
}


def check_answer(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Assert the documented shape of a 200 answer and of each result in it; returns the results."""
    assert set(answer) - {"request_id", "explanation"} == {"model", "policy", "results"}
    assert set(answer["model"]) == {"name", "version", "checkpoint", "sha256", "weights", "engine", "precision"}
    assert answer["model"]["weights"] in {"trained", "random"}
    assert set(answer["policy"]) == {"name", "version"}
    for index, result in enumerate(answer["results"]):
        assert result["index"] == index
        check_result(result)
    return answer["results"]


def check_result(result: dict[str, Any]) -> None:
    """Assert the shape and the arithmetic of one result."""
    if result["action"] == "error":
        assert set(result) == {"index", "id", "action", "error"}
        check_error(result)
        return
    assert set(result) - {"labels"} == {"index", "id", "action", "label", "scores", "groups", "reasons", "image"}
    assert result["action"] in {"allow", "review", "blur"}
    scores = result["scores"]
    assert set(scores) == LABELS
    assert all(0 <= value <= 1 and round(value, 6) == value for value in scores.values())
    assert abs(sum(scores.values()) - 1) <= 3e-6
    assert scores[result["label"]] == max(scores.values())
    assert set(result["groups"]) == set(MEMBERS)
    for group, members in MEMBERS.items():
        assert abs(result["groups"][group] - sum(scores[name] for name in members)) < 1e-9
    values = scores | result["groups"]
    for reason in result["reasons"]:
        assert set(reason) == {"rule", "score", "value", "threshold"}
        assert reason["value"] == values[reason["score"]] >= reason["threshold"]
    image = result["image"]
    assert set(image) == {"sha256", "format", "width", "height", "frames", "frame", "background"}
    assert len(image["sha256"]) == 64
    assert 0 <= image["frame"] < image["frames"]
    assert image["background"] in {None, "white", "black"}


def check_error(answer: dict[str, Any]) -> dict[str, str]:
    """Assert the shape of an error and return it."""
    error = answer["error"]
    assert set(error) == {"code", "message"}
    assert error["message"]
    assert "/" not in error["message"].replace("I/O", "")
    assert "Traceback" not in error["message"]
    return error
