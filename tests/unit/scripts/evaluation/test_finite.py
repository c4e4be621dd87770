import math

from evaluation.finite import without_nan


def test_every_number_that_json_has_no_word_for_becomes_none():
    found = without_nan({"a": [1.5, math.nan, (math.inf, -math.inf)], "b": {"c": math.nan, "d": 2, "e": "nan"}})
    assert found == {"a": [1.5, None, [None, None]], "b": {"c": None, "d": 2, "e": "nan"}}
