import pytest

from trust_nsfw.policy import Policy, Rule, decide
from trust_nsfw.schema import Action, Scores

POLICY = Policy(
    "test",
    "1",
    (
        Rule("explicit", Action.BLUR, "any", {"explicit": 0.85, "porn": 0.8}),
        Rule("both", Action.REVIEW, "all", {"sexy": 0.3, "nsfw": 0.6}),
    ),
    Action.ALLOW,
)


@pytest.mark.parametrize(
    ("scores", "action", "reasons"),
    [
        (Scores(porn=0.85, neutral=0.15), Action.BLUR, ["explicit", "porn"]),
        (Scores(porn=0.45, hentai=0.45, neutral=0.1), Action.BLUR, ["explicit"]),
        (Scores(porn=0.84, neutral=0.16), Action.BLUR, ["porn"]),
        (Scores(porn=0.79, neutral=0.21), Action.ALLOW, []),
        (Scores(sexy=0.3, porn=0.3, neutral=0.4), Action.REVIEW, ["sexy", "nsfw"]),
        (Scores(sexy=0.3, neutral=0.7), Action.ALLOW, []),
        (Scores(neutral=1.0), Action.ALLOW, []),
    ],
)
def test_the_first_rule_that_matches_decides(scores, action, reasons):
    decision = decide(scores, POLICY)
    assert decision.action is action
    assert [reason.score for reason in decision.reasons] == reasons


def test_a_reason_states_value_and_threshold():
    [reason] = decide(Scores(hentai=0.9, neutral=0.1), POLICY).reasons
    assert (reason.rule, reason.score, reason.value, reason.threshold) == ("explicit", "explicit", 0.9, 0.85)
