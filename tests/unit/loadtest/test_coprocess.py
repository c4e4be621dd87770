from pathlib import Path

import pytest

from measuring.coprocess import Coprocess, CoprocessError

CHILD = """
import sys
from measuring.coprocess import answer_questions

def answer(question):
    print("libraries print what they like")
    if question["number"] < 0:
        raise ValueError("too small")
    if question["number"] > 9:
        sys.exit(3)
    return question["number"] + int(sys.argv[1])

answer_questions(answer)
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "adding.py").write_text(CHILD)
    return str(tmp_path)


def test_questions_are_answered_one_by_one_whatever_is_printed(folder: str):
    with Coprocess("adding", ["5"], path=folder) as child:
        assert [child.ask(number=1), child.ask(number=2)] == [6, 7]


def test_a_question_that_fails_says_why_and_the_next_is_answered(folder: str):
    with Coprocess("adding", ["5"], path=folder) as child:
        with pytest.raises(CoprocessError, match="adding: ValueError: too small"):
            child.ask(number=-1)
        assert child.ask(number=1) == 6


def test_a_child_that_ends_is_noticed(folder: str):
    with Coprocess("adding", ["5"], path=folder) as child:
        for _ in range(2):
            with pytest.raises(CoprocessError, match="ended"):
                child.ask(number=10)
