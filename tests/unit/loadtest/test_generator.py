import pytest

from measuring.answers import WrongAnswerError
from measuring.generator import NoRateError, apply


class Generator:
    """Answers a load as the process does."""

    def __init__(self, **result: object) -> None:
        self.result = result

    def ask(self, **question: object) -> dict[str, object]:
        assert set(question) == {"load", "expected"}
        return self.result


def test_a_load_that_was_answered_rightly_gives_its_result():
    result = {"problems": [], "images_per_s": 3.0}
    assert apply(Generator(**result), {}, [], "ours, 16 at once") == result


def test_a_rate_of_nothing_names_who_was_asked():
    with pytest.raises(NoRateError, match="ours, 16 at once: no answer came"):
        apply(Generator(problems=[], images_per_s=0.0), {}, [], "ours, 16 at once")


def test_a_problem_is_a_wrong_answer():
    with pytest.raises(WrongAnswerError, match="stock, 32 at once: a; b"):
        apply(Generator(problems=["a", "b"], images_per_s=0.0), {}, [], "stock, 32 at once")
