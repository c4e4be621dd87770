from pathlib import Path

import pytest

from trust_nsfw.errors import PolicyError
from trust_nsfw.policy import decide
from trust_nsfw.policy_file import load_policies, load_policy_file

POLICIES = Path(__file__).resolve().parents[3] / "handler/policies"
GOOD = """
name: mine
version: "1"
rules:
  - {id: explicit, action: blur, any: {explicit: 0.85}}
otherwise: allow
"""


@pytest.mark.parametrize("file", sorted(POLICIES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_policies_that_ship_pass_their_own_tests(file):
    loaded = load_policy_file(file)
    assert len(loaded.tests) >= 3
    assert [decide(example.scores, loaded.policy).action for example in loaded.tests] == [
        example.action for example in loaded.tests
    ]


def test_the_three_policies_ship():
    assert set(load_policies(POLICIES)) == {"default", "strict", "lenient"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("0.85", "85"), "rules[0].any.explicit: 85 is not a number from 0 to 1"),
        (("0.85", ".nan"), "is not a number from 0 to 1"),
        (("0.85", "true"), "is not a number from 0 to 1"),
        (("explicit: 0.85", "explict: 0.85"), "unknown key 'explict'"),
        (("otherwise: allow", ""), "otherwise is missing"),
        (("otherwise: allow", "otherwise: permit"), "otherwise: 'permit' is not one of allow, review, blur"),
        (('version: "1"', "version: 1"), "version: 1 is not text"),
        (("name: mine", "name: yours"), "name: 'yours' must equal the file's name, 'mine'"),
        (("any: {explicit: 0.85}", "any: {}"), "at least one threshold"),
        (("any: {explicit: 0.85}", "any: {porn: 0.5}, all: {porn: 0.5}"), "exactly one of `any` and `all`"),
        (("any: {explicit: 0.85}", "note: x"), "unknown key 'note'"),
        (("any: {explicit: 0.85}", "any: {explicit: 0.85, explicit: 0.2}"), "the key 'explicit' appears twice"),
        (("otherwise: allow", "otherwise: allow\notherwise: blur"), "line 7: the key 'otherwise' appears twice"),
        (
            ("rules:", "rules:\n  - {id: explicit, action: review, any: {sexy: 0.6}}"),
            "rules: the id 'explicit' is used twice",
        ),
        (("rules:", "rules: ["), "mine.yaml"),
        (('version: "1"', "version: 2024-02-30"), "is not YAML"),
        (("rules:", "rules: " + "[" * 3_000), "nested too deep"),
        (
            ("otherwise: allow", "otherwise: allow\ntests:\n  - {scores: {porn: 0.9, sexy: 0.9}, action: blur}"),
            "tests[0].scores: they sum to 1.8",
        ),
    ],
)
def test_a_policy_that_cannot_be_honoured_is_refused_naming_file_and_key(tmp_path, change, message):
    file = tmp_path / "mine.yaml"
    file.write_text(GOOD.replace(*change))
    with pytest.raises(PolicyError) as refused:
        load_policy_file(file)
    assert message in str(refused.value)
    assert "mine.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_or_binary_file_is_one_clear_line(tmp_path):
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy_file(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(PolicyError, match="not UTF-8"):
        load_policy_file(tmp_path / "binary.yaml")


def test_a_folder_without_policies_is_refused(tmp_path):
    with pytest.raises(PolicyError, match="holds no policy files"):
        load_policies(tmp_path)
