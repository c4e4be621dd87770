"""The clients' common part, without any network: what is sent, when, and what becomes of the outcomes."""

import pytest

from trust_nsfw.client import Backoff
from trust_nsfw.client.calls import Kind, Options, Reply
from trust_nsfw.client.conversation import Conversations, Done, Send, advance
from trust_nsfw.client.errors import DeadlineExceeded, Overloaded, RequestTooLarge, Unauthorized, Unreachable

OPTIONS = Options()
FULL = Reply(b'{"code": 503, "type": "ServiceUnavailableException", "message": "full"}', 503)


def test_waits_grow_and_are_drawn_from_below_their_ceilings():
    backoff = Backoff(first_seconds=0.1, longest_seconds=1.0)
    assert [backoff.ceiling_seconds(failures) for failures in (1, 2, 3, 4, 5, 99)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    waits = [backoff.wait_seconds(3) for _ in range(1000)]
    assert 0 <= min(waits) < 0.05
    assert 0.35 < max(waits) <= 0.4


def test_the_first_request_goes_at_once_and_later_ones_after_a_wait():
    talk = Conversations(backoff=Backoff(first_seconds=1.0)).classify(b"a picture", OPTIONS)
    first = advance(talk, None)
    assert (first.call.kind, first.call.body, first.after_seconds) == (Kind.CLASSIFY, b"a picture", 0.0)
    waits = [advance(talk, FULL).after_seconds for _ in range(5)]
    assert all(0 <= wait <= 5.0 for wait in waits)
    assert len(set(waits)) == 5


def test_who_has_no_time_left_for_the_next_wait_hears_the_last_error():
    talk = Conversations(deadline_seconds=5.0, backoff=Backoff(1e9, 1e9)).classify(b"a picture", OPTIONS)
    advance(talk, None)
    with pytest.raises(Overloaded, match="503: full"):
        advance(talk, FULL)


def test_a_call_whose_time_is_over_sends_nothing():
    talk = Conversations().classify_many([b"a picture"], OPTIONS, deadline_seconds=-1.0)
    with pytest.raises(DeadlineExceeded):
        advance(talk, None)


def test_a_call_without_a_deadline_is_refused():
    for seconds in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="deadline_seconds"):
            Conversations(deadline_seconds=seconds)


@pytest.mark.parametrize("refusal", [RequestTooLarge("no"), Unauthorized("no"), Reply(b"", 400), Reply(b"", 404)])
def test_a_refusal_ends_it(refusal):
    talk = Conversations().classify(b"a picture", OPTIONS)
    advance(talk, None)
    with pytest.raises(Exception, match="no|nothing"):
        advance(talk, refusal)


def test_images_are_read_when_their_request_is_due_and_not_before():
    read = []

    def pictures():
        for number in range(40):
            read.append(number)
            yield b"picture %d" % number

    talk = Conversations().classify_many(pictures(), OPTIONS)
    step = advance(talk, None)
    assert isinstance(step, Send)
    assert len(read) == 17
    assert isinstance(advance(talk, Unreachable("gone")), Send)
    assert len(read) == 17, "a retry reads nothing again"


def test_the_end_of_a_conversation_is_its_value():
    talk = Conversations().classify_many([], OPTIONS)
    assert isinstance(advance(talk, None), Done)
