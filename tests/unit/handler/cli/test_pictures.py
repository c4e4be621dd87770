"""moderate and explain."""

import pytest

from fake_service import TINY_PNG


def test_a_moderated_picture_is_written_and_its_action_told(service, tree, run):
    done = run("moderate", "tree/a.jpg", "-o", "out.png", "--policy", "strict")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"allow neutral: out.png, image/png, {len(TINY_PNG)} bytes\n"
    assert (tree / "out.png").read_bytes() == TINY_PNG
    [received] = service.received
    assert (received.kind, received.options) == ("moderated", {"policy": "strict"})


def test_an_explanation_is_written_and_its_target_told(service, tree, run):
    done = run("explain", "tree/b.PNG", "-o", "out.png")
    assert done.code == 0
    assert done.out == "blur porn, porn 0.800 >= 0.5: where porn shows is in out.png\n"
    assert (tree / "out.png").read_bytes() == TINY_PNG
    assert service.received[0].kind == "explained"


def test_stdin_will_do(service, tree, run, pipe):
    pipe(b"1")
    assert run("moderate", "-", "-o", "out.png").code == 0


@pytest.mark.parametrize("command", ["moderate", "explain"])
def test_an_image_that_fails_writes_nothing(service, tree, run, command):
    done = run(command, "tree/corrupt.jpg", "-o", "out.png")
    assert (done.code, done.err) == (2, "trust-nsfw: corrupt_image: because of corrupt_image\n")
    assert not (tree / "out.png").exists()


@pytest.mark.parametrize("command", ["moderate", "explain"])
def test_the_image_itself_is_never_replaced(service, tree, run, command):
    done = run(command, "tree/a.jpg", "-o", "./tree/../tree/a.jpg")
    assert (done.code, (tree / "tree/a.jpg").read_bytes()) == (2, b"1")
    assert done.err == "trust-nsfw: tree/../tree/a.jpg is the image itself; name another file\n"


def test_a_picture_that_cannot_be_written_is_one_line(service, tree, run):
    done = run("moderate", "tree/a.jpg", "-o", "nowhere/out.png")
    assert (done.code, done.err) == (2, "trust-nsfw: nowhere/out.png: No such file or directory\n")
