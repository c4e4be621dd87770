import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from campaign import report, sections
from campaign.record import Record
from campaign_record import bare_record, record, trial, with_target

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements, text and pictures of a page, and whether its tags match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == [], "tags that were never closed"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data if self.open and self.open[-1] != "style" else ""

    def pictures(self) -> list[str]:
        return [value for name, value in self.attributes if name == "src"]


@pytest.fixture(scope="module")
def whole() -> Page:
    return Page(report.html(record()))


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\N{NO-BREAK SPACE}", " "))


def test_the_first_figures_are_capacity_knee_and_what_happens_past_it(whole):
    words = plain(whole.words)
    start = words[: words.index("Users who wait for their answers")]
    for answer in ("38.9 requests/s", "35.8 requests/s", "36.0 requests/s", "At 150 % of capacity", "nothing hung"):
        assert answer in start
    assert "Nothing doubtful was seen" in start


@pytest.mark.parametrize("one", [record(), bare_record(), record(names=("grpc",))], ids=["whole", "bare", "one target"])
def test_the_page_needs_nothing_from_outside(one):
    text = report.html(one)
    page = Page(text)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "://" not in text and "url(" not in text and "@import" not in text
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.pictures())
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:") in page.attributes


def test_every_chart_is_in_the_page_and_is_a_drawing(whole):
    sources = whole.pictures()
    assert len(sources) == 13
    for source in sources:
        assert b"<svg" in b64decode(source.partition(",")[2])
    alternatives = [value for name, value in whole.attributes if name == "alt"]
    assert len(alternatives) == 13 and all(alternatives)


def test_identities_are_used_once(whole):
    identities = [value for name, value in whole.attributes if name == "id"]
    assert len(identities) == len(set(identities))


def test_the_circumstances_and_every_run_are_shown(whole):
    words = plain(whole.words)
    for shown in ("A processor @ 2.6 GHz", "scripts/loadtest --target both", "jobQueueSize", "2.13.0", "batchSize 16"):
        assert shown in words
    assert "Every run (92)" in words
    assert "Coordinated omission" in words
    assert "single=60, batch4=12" in words


def test_a_campaign_without_an_error_says_so():
    whole = record(names=("rest",))
    quiet = [run for run in whole.targets["rest"].open if not run.errors]
    over = whole.targets["rest"].overload
    over = replace(over, run=replace(over.run, errors={}))
    words = plain(Page(report.html(with_target(whole, open=quiet, overload=over))).words)
    assert "No errors: every request was answered" in words


def test_a_kind_without_an_answer_is_named():
    whole = record(names=("rest",))
    mixed = [
        replace(run, by_kind={kind: one for kind, one in run.by_kind.items() if kind != "explanation"})
        for run in whole.targets["rest"].mixed
    ]
    [row] = [row for row in sections.kinds(with_target(whole, mixed=mixed).targets).rows if "explanation" in row[0]]
    assert row == ("REST explanation", "0", "·", "·", "·")


def test_what_arrived_and_was_answered_of_a_tried_rate_is_shown_and_why_it_does_not_count():
    tried = [
        trial(20.0, 90.0),
        trial(30.0, 900.0, answered_per_s=25.0),
        trial(40.0, 5000.0, is_generators=True),
        trial(50.0, 5000.0),
    ]
    knee = replace(record().targets["rest"].knee, tried=tried)
    rows = sections.tried("rest", replace(record().targets["rest"], knee=knee)).rows
    assert [(row[1], row[-1]) for row in rows] == [
        ("20.0 of 20.0", "held"),
        ("25.0 of 30.0", "missed: a line grew"),
        ("40.0 of 40.0", "not counted: the generator was starved"),
        ("50.0 of 50.0", "missed"),
    ]


def test_the_settings_of_the_service_are_folded_and_their_numbers_rounded():
    text = report.html(record(service={"preprocessing": {"rescale_factor": 0.00392156862745098}}))
    assert "0.003922" in text[text.index("What the service says of itself") :]
    assert "0.00392156862745098" not in text


def test_doubts_and_notes_are_shown_before_the_charts():
    words = plain(Page(report.html(replace(bare_record(), notes=["The server was not ours."]))).words)
    start = words[: words.index("Users who wait")]
    assert "Before you rely on it" in start and "One round only" in start
    assert "The server was not ours." in start
    assert "none" in start


def test_text_from_outside_is_escaped():
    strange: Record = replace(record(), command="scripts/loadtest <script>alert(1)</script>", notes=["a <b>note</b>"])
    text = report.html(strange)
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "<b>note" not in text


def test_what_a_running_server_did_not_tell_is_left_out():
    words = plain(Page(report.html(bare_record())).words)
    assert "What the service can take" in words
    assert "By batch setting" not in words and "By kind of request" not in words


def test_numbers_stay_with_their_units():
    assert report.whole_units("p99 20 ms, 35.8 requests/s, 150 % of it") == (
        "p99\N{NO-BREAK SPACE}20\N{NO-BREAK SPACE}ms, 35.8\N{NO-BREAK SPACE}requests/s, 150\N{NO-BREAK SPACE}% of it"
    )


def test_the_template_lies_beside_the_module():
    assert report.TEMPLATE.parent == Path(report.__file__).parent and report.TEMPLATE.is_file()
