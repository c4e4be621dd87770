"""Policies found by name, by file, and in an evaluation's record."""

import json
from dataclasses import asdict

import pytest

from evaluation.policies import POLICIES, named_policy, recorded_policy
from evaluation.prediction import EvaluationError


@pytest.mark.parametrize("name", ["default", "lenient", "strict"])
def test_a_shipped_policy_survives_being_recorded(name):
    policy = named_policy(name)
    assert recorded_policy(json.loads(json.dumps(asdict(policy)))) == policy
    assert named_policy(str(POLICIES / f"{name}.yaml")) == policy


def test_what_is_no_policy_is_refused():
    with pytest.raises(EvaluationError, match="no policy is named 'mild'; known are default, lenient, strict"):
        named_policy("mild")
    with pytest.raises(EvaluationError, match="can't be read .*name one with --policy"):
        recorded_policy({"name": "a", "version": "1", "rules": [{"id": "x"}]})
