import json

import pytest

from trust_nsfw.client.calls import Call, Kind
from trust_nsfw.client.errors import Unauthorized
from trust_nsfw.client.tokens import Tokens

KEYS = {"management": {"key": "m", "expiration time": "2030"}, "inference": {"key": "i"}, "API": {"key": "a"}}


def test_each_address_gets_its_own_key_of_the_file(tmp_path):
    file = tmp_path / "key_file.json"
    file.write_text(json.dumps(KEYS))
    tokens = Tokens(key_file=file)
    assert (tokens.bearer(Call(Kind.CLASSIFY)), tokens.bearer(Call(Kind.EXPLAIN))) == ("Bearer i", "Bearer i")
    assert tokens.bearer(Call(Kind.DESCRIBE)) == "Bearer m"
    assert "Bearer" not in repr(tokens)


def test_without_a_token_there_is_no_header():
    assert Tokens().bearer(Call(Kind.CLASSIFY)) is None
    assert Tokens("i").bearer(Call(Kind.DESCRIBE)) is None
    assert Tokens().renew() is False


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"inference": {}}', '{"inference": "x"}'])
def test_a_file_without_keys_says_so_and_names_itself(tmp_path, content):
    file = tmp_path / "key_file.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Unauthorized, match=r"key_file\.json holds no keys"):
        Tokens(key_file=file)


def test_a_token_and_a_file_are_one_too_many():
    with pytest.raises(ValueError, match="not both"):
        Tokens("i", "key_file.json")
