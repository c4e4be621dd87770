from io import StringIO

from campaign.progress import CampaignProgress, clock, remaining


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_than_on_a_terminal_it_is_plain_lines():
    out = StringIO()
    with CampaignProgress(10, out) as progress:
        with progress.step("rest: closed, 1 user", 5):
            progress.tick()
        progress.say("40.0 [requests]/s")
        progress.warn("the generator was starved")
    first, second = out.getvalue().splitlines()
    assert first.endswith(" 40.0 [requests]/s")
    assert second.endswith(" the generator was starved")
    assert "\x1b" not in out.getvalue()


def test_on_a_terminal_a_bar_shows_stage_time_and_last_figure():
    out = Terminal()
    with CampaignProgress(10, out) as progress, progress.step("rest: closed, 1 user", 5):
        progress.say("40.0 requests/s")
    shown = out.getvalue()
    assert "rest: closed, 1 user" in shown
    assert "left" in shown


def test_what_is_left_follows_the_pace_once_it_is_known():
    assert remaining(planned=100, done=0, elapsed=3) == 100
    assert remaining(planned=100, done=50, elapsed=100) == 100
    assert remaining(planned=100, done=120, elapsed=100) == 0
    assert clock(125.4) == "2:05"
