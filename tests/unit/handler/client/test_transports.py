"""What is particular to HTTP or to gRPC; moderated images and explanations travel over HTTP only."""

import asyncio
import threading
import time

import pytest
import requests
import urllib3

from fake_service import TINY_PNG, Fault
from trust_nsfw.client import Action, AsyncModerationClient, GrpcModerationClient, ModerationClient, Unscored, errors


def test_a_moderated_picture_comes_with_its_action_and_label(http_bench):
    picture = http_bench.client().moderated(b"a picture", policy="strict")
    assert (picture.content, picture.content_type) == (TINY_PNG, "image/png")
    assert picture.action in Action
    assert picture.label
    [received] = http_bench.service.received
    assert (received.kind, received.options) == ("moderated", {"policy": "strict"})


def test_an_explanation_comes_with_a_verdict_a_grid_and_a_picture(http_bench):
    explained = http_bench.client().explain(b"a picture")
    assert explained.action is explained.verdict.action
    assert explained.explanation.target == "porn"
    assert explained.explanation.grid == ((0.0, 1.0), (0.5, 0.25))
    assert explained.overlay_png == TINY_PNG
    assert http_bench.service.received[0].kind == "explained"


@pytest.mark.parametrize("method", ["moderated", "explain"])
def test_errors_are_the_same_there(http_bench, method):
    with pytest.raises(errors.CorruptImage):
        getattr(http_bench.client(), method)(b"corrupt")
    http_bench.service.faults.extend([Fault.OVERLOADED, Fault.DROPPED])
    assert getattr(http_bench.client(), method)(b"a picture").action in Action
    http_bench.service.lasting_fault = Fault.NOT_JSON
    with pytest.raises(errors.InvalidAnswer):
        getattr(http_bench.client(), method)(b"a picture")
    unscored = getattr(http_bench.client(on_unavailable="review"), method)(b"a picture")
    assert isinstance(unscored, Unscored)


@pytest.mark.parametrize("method", ["moderated", "explain"])
def test_grpc_says_that_it_cannot(grpc_bench, method):
    with pytest.raises(errors.NotSupported, match="use the REST client"):
        getattr(grpc_bench.client(on_unavailable="review"), method)(b"a picture")
    assert grpc_bench.service.received == []


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://host", "http://", "http://user:word@host", "http://h/?q=1", ""]
)
def test_an_address_that_is_none_is_refused_at_once(url):
    for client in (ModerationClient, AsyncModerationClient):
        with pytest.raises(ValueError, match="is not an address like"):
            client(url)


def test_without_a_management_address_there_is_nothing_to_describe(http_bench, grpc_bench):
    with ModerationClient(http_bench.address) as client, pytest.raises(ValueError, match="management_url"):
        client.describe()
    with GrpcModerationClient(grpc_bench.address) as client, pytest.raises(ValueError, match="management_target"):
        client.ready()


def test_a_password_in_netrc_does_not_replace_our_token(rest_bench, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password word\nmachine localhost login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client = rest_bench.client(token="ours")
    client._session.trust_env = True  # as for a service on another machine
    monkeypatch.setenv("no_proxy", "*")
    client.classify(b"a picture")
    assert rest_bench.service.received[0].headers["authorization"] == "Bearer ours"


def test_a_redirect_is_not_followed(rest_bench, monkeypatch):
    def moved(*arguments, **options):
        response = requests.Response()
        response.status_code, response.raw = 301, urllib3.HTTPResponse(preload_content=False)
        assert options["allow_redirects"] is False
        return response

    client = rest_bench.client()
    monkeypatch.setattr(client._session, "request", moved)
    with pytest.raises(errors.BackendFailed, match="301"):
        client.classify(b"a picture")


def test_the_deadline_holds_for_an_answer_that_trickles(http_bench):
    http_bench.service.lasting_fault = Fault.TRICKLED
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded, match="did not answer in time"):
        http_bench.client(deadline_seconds=0.3).classify(b"a picture")
    assert time.monotonic() - began < 2.0


def test_a_cancelled_call_is_asked_again_unless_its_size_may_be_the_reason(grpc_bench):
    grpc_bench.service.faults.extend([Fault.CANCELLED] * 2)
    assert grpc_bench.client().classify(b"a picture").label
    assert len(grpc_bench.service.received) == 3
    grpc_bench.service.faults.append(Fault.CANCELLED)
    with pytest.raises(errors.RequestTooLarge, match="31,457,280 bytes"):
        grpc_bench.client().classify(bytes(30 * 1024 * 1024))
    assert len(grpc_bench.service.received) == 4


def test_tasks_may_share_an_asynchronous_client(rest_bench):
    pictures = [f"picture {number}".encode() for number in range(40)]

    async def all_of_them() -> list[str]:
        async with AsyncModerationClient(rest_bench.address) as client:
            verdicts = await asyncio.gather(*(client.classify(picture) for picture in pictures))
        return [verdict.image.sha256 for verdict in verdicts]

    assert len(set(asyncio.run(all_of_them()))) == 40
    assert len(rest_bench.service.received) == 40


def test_a_cancelled_task_ends_at_once_and_the_client_lives_on(rest_bench):
    rest_bench.service.faults.append(Fault.SILENT)

    async def cancel_and_ask_again() -> str:
        async with AsyncModerationClient(rest_bench.address) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.classify(b"a picture"), 0.2)
            return (await client.classify(b"a picture")).label

    assert asyncio.run(cancel_and_ask_again())


def test_closing_a_client_ends_a_call_that_waits_to_try_again(http_bench):
    if http_bench.kind == "async":
        pytest.skip("an asynchronous call is cancelled instead")
    http_bench.service.lasting_fault = Fault.OVERLOADED
    client = http_bench.client(deadline_seconds=3600)
    raised = []

    def ask() -> None:
        try:
            client.classify(b"a picture")
        except errors.ModerationError as error:
            raised.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    while not http_bench.service.received:
        assert asking.is_alive()
        time.sleep(0.01)
    client.close()
    asking.join(timeout=30)
    assert not asking.is_alive()
    assert [error.code for error in raised] == ["unreachable"]
