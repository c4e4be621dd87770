"""Policy files -> policies. Anything not understood is refused, naming file and key."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trust_nsfw import strict_yaml
from trust_nsfw.errors import PolicyError
from trust_nsfw.policy import Policy, Rule
from trust_nsfw.schema import GROUPS, LABELS, Action, Scores

SCORE_NAMES = (*LABELS, *GROUPS)
SUM_TOLERANCE = 3e-6


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """An example a policy file carries: these scores must lead to this action."""

    scores: Scores
    action: Action


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy and the examples its author wrote beside it."""

    policy: Policy
    tests: tuple[PolicyTest, ...] = ()


def load_policies(directory: Path) -> dict[str, Policy]:
    """Load every *.yaml of a folder by name; raises PolicyError at the first that can't be honoured."""
    policies = [load_policy_file(file).policy for file in sorted(directory.glob("*.yaml"))]
    if not policies:
        raise PolicyError(f"{directory} holds no policy files")
    return {policy.name: policy for policy in policies}


def load_policy_file(file: Path) -> PolicyFile:
    """Parse one policy file; raises PolicyError with file and key in the message."""
    try:
        content = strict_yaml.load(file)
    except ValueError as error:
        raise PolicyError(str(error)) from None
    try:
        return _policy_file(content, expected_name=file.stem)
    except PolicyError as error:
        raise PolicyError(f"{file}: {error}") from None


def _policy_file(content: Any, expected_name: str) -> PolicyFile:
    table = _table(content, "the file", required=("name", "version", "rules", "otherwise"), optional=("tests",))
    name, version = _text(table["name"], "name"), _text(table["version"], "version")
    if name != expected_name:
        raise PolicyError(f"name: {name!r} must equal the file's name, {expected_name!r}")
    rules = tuple(_rule(entry, f"rules[{index}]") for index, entry in enumerate(_list(table["rules"], "rules")))
    ids = [rule.id for rule in rules]
    if repeated := {rule_id for rule_id in ids if ids.count(rule_id) > 1}:
        raise PolicyError(f"rules: the id {min(repeated)!r} is used twice")
    policy = Policy(name, version, rules, _action(table["otherwise"], "otherwise"))
    tests = _list(table.get("tests", []), "tests")
    return PolicyFile(policy, tuple(_test(entry, f"tests[{index}]") for index, entry in enumerate(tests)))


def _rule(content: Any, where: str) -> Rule:
    table = _table(content, where, required=("id", "action"), optional=("any", "all"))
    modes = [mode for mode in ("any", "all") if mode in table]
    if len(modes) != 1:
        raise PolicyError(f"{where}: a rule has exactly one of `any` and `all`")
    thresholds = _scores(table[modes[0]], f"{where}.{modes[0]}", SCORE_NAMES)
    if not thresholds:
        raise PolicyError(f"{where}.{modes[0]}: at least one threshold is needed")
    return Rule(
        id=_text(table["id"], f"{where}.id"),
        action=_action(table["action"], f"{where}.action"),
        match="any" if modes == ["any"] else "all",
        thresholds=thresholds,
    )


def _test(content: Any, where: str) -> PolicyTest:
    table = _table(content, where, required=("scores", "action"))
    scores = _scores(table["scores"], f"{where}.scores", LABELS)
    if (total := sum(scores.values())) > 1 + SUM_TOLERANCE:
        raise PolicyError(f"{where}.scores: they sum to {total:g}, and no image's sum to more than 1")
    return PolicyTest(Scores(**scores), _action(table["action"], f"{where}.action"))


def _scores(content: Any, where: str, names: tuple[str, ...]) -> dict[str, float]:
    """Return numbers from 0 to 1 by score name."""
    values = _table(content, where, optional=names)
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise PolicyError(f"{where}.{name}: {value!r} is not a number from 0 to 1")
    return {name: float(value) for name, value in values.items()}


def _table(
    content: Any, where: str, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise PolicyError(f"{where}: expected keys and values, found {type(content).__name__}")
    if unknown := [str(key) for key in content if key not in (*required, *optional)]:
        raise PolicyError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join((*required, *optional))}")
    if missing := [key for key in required if key not in content]:
        raise PolicyError(f"{where}: {missing[0]} is missing")
    return content


def _list(content: Any, where: str) -> list[Any]:
    if not isinstance(content, list):
        raise PolicyError(f"{where}: expected a list, found {type(content).__name__}")
    return content


def _text(content: Any, where: str) -> str:
    if not isinstance(content, str) or not content:
        raise PolicyError(f"{where}: {content!r} is not text; put it in quotes")
    return content


def _action(content: Any, where: str) -> Action:
    if content not in list(Action):
        raise PolicyError(f"{where}: {content!r} is not one of {', '.join(Action)}")
    return Action(content)
