"""What an archive must answer to each picture: learned without a server, and judged before any figure hangs on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from measuring.answers import TOLERANCES, Kind, WrongAnswerError, problem_of_action
from measuring.coprocess import Coprocess

Scores = list[dict[str, float]]
"""Probabilities by label, an entry per picture."""

FEWEST_TOLD_APART = 0.95  # of all pairs of pictures


def learned(beside: Coprocess, name: str) -> tuple[Scores, list[str]]:
    """Return each picture's probabilities and action. Raises WrongAnswerError where those do not belong together."""
    answer = beside.ask(what="expected")
    scores, actions = answer["scores"], answer["actions"]
    for number, (found, action) in enumerate(zip(scores, actions, strict=True)):
        if problem := problem_of_action(action, found):
            raise WrongAnswerError(f"{name} in-process, picture {number}: {problem}")
    return scores, actions


def told_apart(expected: Sequence[Mapping[str, float]], tolerance: float) -> float:
    """Return the share of pairs of pictures whose probabilities differ by more than the tolerance: those where one's
    scores in the other's place would be noticed.
    """
    pairs = [(one, other) for index, one in enumerate(expected) for other in expected[:index]]
    different = sum(max(abs(one[label] - other[label]) for label in one) > tolerance for one, other in pairs)
    return different / len(pairs) if pairs else 0.0


def required_told_apart(name: str, kind: Kind, expected: Sequence[Mapping[str, float]]) -> float:
    """Return the share of pairs told apart; raises ValueError where swapped scores would often pass unnoticed."""
    share = told_apart(expected, TOLERANCES[kind])
    if share < FEWEST_TOLD_APART:
        raise ValueError(
            f"{name}: only {share:.1%} of all pairs of these {len(expected)} pictures differ by more than "
            f"{TOLERANCES[kind]} in any probability, {FEWEST_TOLD_APART:.0%} are needed: swapped answers would pass "
            "unnoticed; take other pictures"
        )
    return share


def shift(reference: Sequence[Mapping[str, float]], found: Sequence[Mapping[str, float]]) -> float:
    """Return the largest difference of any probability."""
    pairs = zip(reference, found, strict=True)
    return max(abs(wanted[label] - scores[label]) for wanted, scores in pairs for label in scores)


def problem_of_shift(description: Mapping[str, Any], shifted: float) -> str | None:
    """Return what is wrong with an archive that lies so far from the fp32 reference, None when nothing is.

    Where tokens are merged, or random weights quantized, the distance tells nothing of the decisions: it is reported.
    """
    noise = description["precision"].startswith("int8") and description["weights"] == "random"
    if noise or description["merge_tokens"] or shifted <= description["golden_tolerance"]:
        return None
    return (
        f"a probability is {shifted:.4f} from the fp32 reference; {description['precision']} may be off by "
        f"{description['golden_tolerance']}"
    )
