"""policy check, show and diff."""

import json
from pathlib import Path

import pytest

SHIPPED = Path(__file__).resolve().parents[4] / "handler/policies"
POLICY = """\
name: mine
version: "3"
rules:
  - {id: bare, action: blur, any: {porn: 0.5, hentai: 0.5}}
  - {id: both, action: review, all: {sexy: 0.4, drawing: 0.1}}
otherwise: allow
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(POLICY)
    return tmp_path


def test_the_shipped_policies_hold(run):
    done = run("policy", "check", *sorted(SHIPPED.glob("*.yaml")))
    assert (done.code, done.err) == (0, "")
    assert [line.split(": ")[1] for line in done.out.splitlines()] == [
        "valid, 7 tests passed",
        "valid, 3 tests passed",
        "valid, 5 tests passed",
    ]


def test_each_failing_test_is_told_with_what_was_expected_and_what_came(folder, run):
    tests = "tests:\n  - {scores: {porn: 0.6}, action: blur}\n  - {scores: {porn: 0.6}, action: allow}\n"
    tests += "  - {scores: {neutral: 1}, action: review}\n"
    (folder / "mine.yaml").write_text(POLICY + tests)
    done = run("policy", "check", "mine.yaml")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "mine.yaml: tests[1]: expected allow, actual blur (porn 0.600 >= 0.5)",
        "mine.yaml: tests[2]: expected review, actual allow (no rule matches)",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (POLICY.replace("porn: 0.5", "porn: 85"), "rules[0].any.porn: 85 is not a number from 0 to 1"),
        (POLICY.replace("porn", "pron"), "rules[0].any: unknown key 'pron'; known are"),
        (POLICY.replace("name: mine", "name: yours"), "name: 'yours' must equal the file's name, 'mine'"),
        (POLICY + "tests: [\n", "line 8: "),
        ("", "the file: expected keys and values, found NoneType"),
    ],
)
def test_a_policy_that_cannot_be_honoured_is_one_line_with_file_and_key(folder, run, content, message):
    (folder / "mine.yaml").write_text(content)
    done = run("policy", "check", "mine.yaml")
    assert done.code == 1
    assert done.err.startswith("mine.yaml")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_files_that_cannot_be_read_are_worse_than_invalid_ones_and_the_rest_is_still_checked(folder, run):
    (folder / "bad.yaml").write_text("name: bad")
    done = run("policy", "check", "nowhere.yaml", "bad.yaml", ".", "mine.yaml")
    assert done.code == 2
    assert done.err.splitlines() == [
        "nowhere.yaml: No such file or directory",
        "bad.yaml: the file: version is missing",
        ".: Is a directory",
    ]
    assert done.out == "mine.yaml: valid, 0 tests passed\n"


def test_show_prints_the_rules_in_the_order_they_are_tried(folder, run):
    assert run("policy", "show", "mine.yaml").out.splitlines() == [
        "mine 3",
        "rule  action  when",
        "bare  blur    porn >= 0.5 or hentai >= 0.5",
        "both  review  sexy >= 0.4 and drawing >= 0.1",
        "      allow   otherwise",
    ]
    assert run("policy", "show", "strict").out.startswith("strict 1\n")


def test_a_name_is_looked_up_in_a_folder_or_among_those_shipped(folder, run):
    assert run("policy", "show", "mine", "--policies", ".").code == 0
    done = run("policy", "show", "mine")
    assert done.code == 2
    assert "no policy is named 'mine' in " in done.err
    assert "known are default, lenient, strict" in done.err


def test_a_wheel_has_no_policies_and_says_so(folder, run, monkeypatch):
    monkeypatch.setattr("trust_nsfw.cli.policy_lookup.BESIDE_THE_PACKAGE", folder / "nowhere")
    done = run("policy", "show", "strict")
    assert done.code == 2
    assert done.err == (
        "trust-nsfw: this installation has no policies of its own: name a file, or a folder with --policies\n"
    )
    assert run("policy", "show", "mine.yaml").code == 0


def stored(folder: Path, *entries: dict) -> Path:
    file = folder / "results.jsonl"
    file.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return file


def entry(name: str, frames: int = 1, **scores: float) -> dict:
    zero = dict.fromkeys(("drawing", "hentai", "neutral", "porn", "sexy"), 0.0)
    rest = {"neutral": round(1 - sum(scores.values()), 6)}
    return {"path": name, "action": "allow", "scores": zero | rest | scores, "image": {"frames": frames}}


def test_diff_counts_what_changes_from_what_to_what_with_examples(folder, run):
    scores = stored(
        folder,
        entry("calm.jpg"),
        entry("odd.jpg", porn=0.2),
        entry("odder.gif", frames=9, porn=0.3),
        entry("bare.jpg", porn=0.6),
        {"path": "cut.jpg", "action": "error", "error": {"code": "corrupt_image", "message": "cut"}},
    )
    done = run("policy", "diff", "default", "strict", "--scores", scores, "--examples", 1)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "default 1 -> strict 1: 3 of 4 images would be treated otherwise",
        "from \\ to  allow  review  blur",
        "allow          1       2     0",
        "review         0       0     1",
        "blur           0       0     0",
        "",
        "allow -> review",
        "  odd.jpg: explicit 0.200 >= 0.15",
        "",
        "review -> blur",
        "  bare.jpg: explicit 0.600 >= 0.5",
        "left out, having no scores: 1 image",
        "replayed only on the one view of it that decided: 1 animated or transparent image",
    ]


def test_diff_of_a_policy_with_itself_changes_nothing(folder, run):
    scores = stored(folder, entry("calm.jpg"), entry("bare.jpg", porn=0.6))
    done = run("policy", "diff", "mine.yaml", "mine.yaml", "--scores", scores)
    assert done.out.startswith("mine 3 -> mine 3: 0 of 2 images would be treated otherwise\n")


def test_diff_says_which_line_is_no_result(folder, run):
    scores = stored(folder, entry("calm.jpg"), {"path": "x"})
    done = run("policy", "diff", "default", "strict", "--scores", scores)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"trust-nsfw: {scores}, line 2: not a result: it has no 'action'\n"
    scores.write_text('{"path":' * 5_000 + "\n")
    done = run("policy", "diff", "default", "strict", "--scores", scores)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"trust-nsfw: {scores}, line 1: not a result: it is nested too deeply\n"
    done = run("policy", "diff", "default", "strict", "--scores", "nowhere.jsonl")
    assert done.err == "trust-nsfw: nowhere.jsonl can't be read: No such file or directory\n"
