"""What is written to a terminal."""

import signal

import pytest

from trust_nsfw.cli.terminal import counted, one_line, uninterrupted


def test_ctrl_c_waits_until_a_line_is_whole():
    written = []
    with pytest.raises(KeyboardInterrupt):
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            written.append("whole")
        written.append("never")
    assert written == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 雪.jpg", "plain é 雪.jpg"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("\udce9", r"\udce9"),
    ],
)
def test_nothing_that_steers_a_terminal_is_shown(text, shown):
    assert one_line(text) == shown


def test_numbers_agree_with_their_things():
    assert [counted(number, "image") for number in (0, 1, 1200)] == ["0 images", "1 image", "1,200 images"]
