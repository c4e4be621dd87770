"""The process that makes the load: `python -m measuring.generator PICTURES`, then a line of JSON per run.

A question holds `load` (the fields of Load) and `expected` (probabilities by label, one entry per picture).
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from measuring.coprocess import answer_questions
from measuring.load import Load, run
from measuring.pictures import Distinct, jpegs_of


def main() -> None:
    """Load the pictures once and apply what is asked."""
    pictures, distinct = jpegs_of(Path(sys.argv[1])), Distinct()

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        expected = question["expected"]
        return asdict(run(Load(**question["load"]), pictures[: len(expected)], expected, distinct))

    answer_questions(answer)


if __name__ == "__main__":
    main()
