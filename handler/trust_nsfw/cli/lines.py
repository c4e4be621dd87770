"""One result <-> one line of JSON: the wire contract's result, and beside it whose it is and who decided."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from trust_nsfw.client import Failure, RemoteVerdict
from trust_nsfw.errors import InternalError
from trust_nsfw.schema import LABELS, Action, Scores

Result = RemoteVerdict | Failure
ERROR = "error"
"""The action of an image that could not be scored."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The policy and the weights that a verdict comes from."""

    policy: str
    policy_version: str
    sha256: str

    def __str__(self) -> str:
        return f"policy {self.policy} {self.policy_version} and weights {self.sha256:.8}"


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What a line tells: `scores` are None where there was an error, `origin` where the line does not say.

    `views` says whether more than one picture of the image was scored; only the one that decided is stored. `sha256` is
    the image's, None where the line does not say.
    """

    name: str
    action: str
    scores: Scores | None
    views: bool
    origin: Origin | None
    sha256: str | None = None


def origin_of(verdict: RemoteVerdict) -> Origin:
    """Return what a verdict comes from."""
    return Origin(verdict.policy.name, verdict.policy.version, verdict.model.sha256)


def action_of(result: Result) -> str:
    """Return an action's name, or ERROR."""
    return result.action.value if isinstance(result, RemoteVerdict) else ERROR


def to_line(path: str, result: Result) -> str:
    """Write a result as one line of ASCII; a path's bytes that are no UTF-8 come back through os.fsencode."""
    return json.dumps({"path": path, **_content(result)}, separators=(",", ":"), allow_nan=False) + "\n"


def from_line(line: bytes) -> StoredResult:
    """Read a line that to_line wrote, or any object with a result's keys and an `id`.

    Raises ValueError saying what is missing.
    """
    try:
        content = json.loads(line)
        name = content["path"] if "path" in content else content["id"]
        if not isinstance(name, str):
            raise ValueError("its path or id is no text")
        if content["action"] == ERROR:
            return StoredResult(name, ERROR, None, False, None)
        image = content.get("image") or {}
        return StoredResult(
            name=name,
            action=Action(content["action"]).value,
            scores=Scores.from_probabilities([content["scores"][label] for label in LABELS]),
            views=image.get("frames", 1) > 1 or image.get("background") is not None,
            origin=_origin(content) if "policy" in content else None,
            sha256=image.get("sha256"),
        )
    except KeyError as missing:
        raise ValueError(f"it has no {missing}") from None
    except (TypeError, AttributeError):
        raise ValueError("it is not an object of the right shape") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (InternalError, OverflowError):
        raise ValueError("its scores are not five probabilities") from None


def _content(result: Result) -> dict[str, Any]:
    if isinstance(result, Failure):
        return {"action": ERROR, "error": {"code": result.code, "message": result.message}}
    labels = {} if result.labels is None else {"labels": [asdict(label) for label in result.labels]}
    return {
        "action": result.action,
        "label": result.label,
        "scores": result.scores.classes(),
        "groups": result.scores.groups(),
        "reasons": [asdict(reason) for reason in result.reasons],
        **labels,
        "image": asdict(result.image),
        "policy": asdict(result.policy),
        "model": asdict(result.model),
    }


def _origin(content: dict[str, Any]) -> Origin:
    return Origin(content["policy"]["name"], content["policy"]["version"], content["model"]["sha256"])
