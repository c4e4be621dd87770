"""Which policy decides: one of handler/policies by its name, one from a file, or the one an evaluation recorded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archiving.inputs import HANDLER
from evaluation.prediction import EvaluationError
from trust_nsfw.policy import Policy, Rule
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.schema import Action
from trust_nsfw.service import POLICIES_FOLDER

POLICIES = HANDLER / POLICIES_FOLDER


def named_policy(name: str) -> Policy:
    """Return a policy by name or file. Raises EvaluationError for an unknown name, PolicyError for a bad file."""
    file = Path(name) if name.endswith((".yaml", ".yml")) else POLICIES / f"{name}.yaml"
    if not file.is_file():
        known = ", ".join(sorted(one.stem for one in POLICIES.glob("*.yaml")))
        raise EvaluationError(f"no policy is named {name!r}; known are {known}, or give a .yaml file")
    return load_policy_file(file).policy


def recorded_policy(record: Mapping[str, Any]) -> Policy:
    """Return the policy that evaluation.json holds. Raises EvaluationError for what is none."""
    try:
        rules = tuple(
            Rule(rule["id"], Action(rule["action"]), rule["match"], dict(rule["thresholds"]))
            for rule in record["rules"]
        )
        return Policy(record["name"], record["version"], rules, Action(record["otherwise"]))
    except (KeyError, TypeError, ValueError) as error:
        raise EvaluationError(f"the evaluation's policy can't be read ({error}); name one with --policy") from None
