"""The process that makes the load: `python -m measuring.generator PICTURES`, then a line of JSON per run.

A question holds `load` (the fields of Load) and `expected` (probabilities by label, one entry per picture).
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from measuring.answers import WrongAnswerError
from measuring.coprocess import Coprocess, answer_questions
from measuring.load import Load, run
from measuring.pictures import jpegs_of
from traffic.fresh import Fresh


class NoRateError(RuntimeError):
    """Too little was answered for a rate; the message names who was asked."""


def apply(
    generator: Coprocess, load: Mapping[str, Any], expected: Sequence[Mapping[str, float]], what: str
) -> dict[str, Any]:
    """Let the process apply a load; returns LoadResult's fields. Raises WrongAnswerError or NoRateError with `what`."""
    result: dict[str, Any] = generator.ask(load=load, expected=list(expected))
    if result["problems"]:
        raise WrongAnswerError(f"{what}: " + "; ".join(result["problems"]))
    if not result["images_per_s"] > 0:
        raise NoRateError(f"{what}: no answer came within the time measured, so there is no rate; measure longer")
    return result


def main() -> None:
    """Load the pictures once and apply what is asked."""
    pictures, fresh = jpegs_of(Path(sys.argv[1])), Fresh()

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        expected = question["expected"]
        return asdict(run(Load(**question["load"]), pictures[: len(expected)], expected, fresh))

    answer_questions(answer)


if __name__ == "__main__":
    main()
