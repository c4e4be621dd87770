"""classify against a server: what is asked, what is written, how it ends."""

import csv
import json
import os
import pty
import re
import subprocess
import sys
from io import StringIO

import pytest

from fake_service import LABELS, Fault
from trust_nsfw.cli.writers import CSV_COLUMNS

PATHS = ["tree/a.jpg", "tree/b.PNG", "tree/corrupt.jpg", "tree/deep/er/c.webp"]


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_is_classified_in_order_one_line_per_image(service, tree, run):
    done = run("classify", "tree", "--format", "jsonl")
    results = lines(done.out)
    assert [result["path"] for result in results] == PATHS
    assert results[2] == {
        "path": "tree/corrupt.jpg",
        "action": "error",
        "error": {"code": "corrupt_image", "message": "corrupt_image"},
    }
    assert set(results[0]["scores"]) == set(LABELS)
    assert results[0]["policy"] == {"name": "default", "version": "1"}
    assert results[0]["model"]["weights"] == "random"
    assert done.code == 2


def test_a_hundred_images_keep_their_order_though_requests_overlap(service, many, run):
    done = run("classify", "many", "--format", "jsonl", "--parallel", 8)
    assert [result["path"] for result in lines(done.out)] == [f"many/{number:03}.jpg" for number in range(100)]
    assert [received.images for received in service.received].count(16) == 6
    assert sum(received.images for received in service.received) == 100


def test_the_table_shows_path_action_label_and_why(service, tree, run):
    done = run("classify", "tree", "--quiet")
    header, *rows = done.out.splitlines()
    assert header.split() == ["path", "action", "label", "why"]
    assert [row.split()[0] for row in rows] == PATHS
    assert rows[2].split() == ["tree/corrupt.jpg", "error", "corrupt_image:", "corrupt_image"]
    assert all(row == row.rstrip() for row in rows)


def test_csv_has_a_row_per_image_and_every_score(service, tree, run):
    done = run("classify", "tree", "-o", "results.csv")
    header, *rows = csv.reader(StringIO((tree / "results.csv").read_text()))
    assert tuple(header) == CSV_COLUMNS
    assert [row[0] for row in rows] == PATHS
    assert {len(row) for row in rows} == {len(CSV_COLUMNS)}
    assert dict(zip(header, rows[2], strict=True))["error_code"] == "corrupt_image"
    assert sum(float(rows[0][header.index(label)]) for label in LABELS) == pytest.approx(1)
    assert done.out == ""


def test_policy_and_confidence_travel_with_every_request(service, tree, run):
    done = run("classify", "tree", "--policy", "strict", "--min-confidence", 0.2, "--format", "jsonl")
    assert service.received[0].options == {"policy": "strict", "min_confidence": "0.2"}
    first = lines(done.out)[0]
    assert first["policy"]["name"] == "strict"
    assert first["labels"] == [{"label": first["label"], "score": 0.8}]


@pytest.mark.parametrize(("content", "code"), [(b"1", 0), (b"3", 1), (b"corrupt", 2), (b"", 2)])
def test_the_exit_code_says_whether_all_is_allowed_something_is_to_be_done_or_something_failed(
    service, tmp_path, run, content, code
):
    (tmp_path / "image").write_bytes(content)
    done = run("classify", tmp_path / "image", "--format", "jsonl")
    assert lines(done.out)[0]["action"] == {0: "allow", 1: "blur", 2: "error"}[code]
    assert done.code == code


def test_an_image_from_stdin_is_named_by_the_dash(service, run, pipe):
    pipe(b"1")
    done = run("classify", "-", "--format", "jsonl")
    assert lines(done.out)[0]["path"] == "-"
    assert done.code == 0


def test_a_file_that_cannot_be_read_is_an_error_of_its_own(service, tree, run):
    (tree / "tree/loop.jpg").symlink_to("loop.jpg")
    results = {result["path"]: result for result in lines(run("classify", "tree", "--format", "jsonl").out)}
    assert results["tree/loop.jpg"]["error"]["code"] == "unreadable_image"
    assert results["tree/a.jpg"]["action"] == "allow"


def test_the_summary_goes_to_stderr_and_says_who_decided(service, tree, run):
    summary = run("classify", "tree", "--format", "jsonl").err
    assert "4 images in" in summary
    assert "1 error" in summary
    assert "not looked at, being no images by their extension: 1 file" in summary
    assert "policy default 1; none, fake fp32" in summary
    assert "warning: the model's weights are random" in summary


def test_quiet_keeps_only_the_warning(service, tree, run):
    assert run("classify", "tree", "-q").err.splitlines() == [
        "warning: the model's weights are random, so these results mean nothing"
    ]


def test_a_token_is_sent(service, tree, run, monkeypatch):
    service.token = "sesame"
    refused = run("classify", "tree", "-q")
    assert refused.code == 2
    assert refused.err.startswith("trust-nsfw: unauthorized: the server answered 400")
    monkeypatch.setenv("TRUST_NSFW_TOKEN", "sesame")
    assert "path" in run("classify", "tree", "-q").out


def test_a_key_file_holds_the_token(service, tree, run):
    service.token = "sesame"
    (tree / "key_file.json").write_text(json.dumps({"inference": {"key": "sesame"}, "management": {"key": "other"}}))
    assert "tree/a.jpg" in run("classify", "tree", "-q", "--key-file", "key_file.json").out


def test_nobody_there_is_said_at_once(tree, run):
    done = run("classify", "tree", "--url", "http://127.0.0.1:9")
    assert done.code == 2
    assert done.err == (
        "trust-nsfw: unreachable: no answer from http://127.0.0.1:9: Connection refused (0 of 4 images were done)\n"
    )


def test_a_busy_server_is_waited_for(service, tree, run):
    service.faults.extend([Fault.OVERLOADED] * 5)
    assert "tree/a.jpg" in run("classify", "tree", "-q").out


def test_a_server_that_goes_away_leaves_what_was_done(service, many, run):
    service.faults.extend([None, None])
    service.lasting_fault = Fault.DROPPED
    done = run("classify", "many", "-o", "results.jsonl", "--parallel", 1, "--deadline", 1)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "(32 of 100 images were done)" in done.err
    assert len(lines((many / "results.jsonl").read_text())) == 32


def test_an_unknown_policy_is_the_servers_word(service, tree, run):
    done = run("classify", "tree", "--policy", "nope")
    assert (done.code, done.out) == (2, "")
    assert done.err == "trust-nsfw: unknown_policy: because of unknown_policy (0 of 4 images were done)\n"


def test_a_path_cannot_steer_the_terminal_nor_break_a_line(service, tmp_path, run):
    name = "[red]\n\x1b[31m\u202e.jpg"
    (tmp_path / name).write_bytes(b"1")
    shown = run("classify", tmp_path, "-q").out
    assert "[red]\\n\\x1b[31m\\u202e.jpg" in shown
    stored = run("classify", tmp_path, "--format", "jsonl").out
    assert lines(stored)[0]["path"].endswith(name)


def test_a_path_that_is_no_utf8_survives(service, tmp_path, run):
    (tmp_path / "caf\udce9.jpg").write_bytes(b"1")
    assert "caf\\udce9.jpg" in run("classify", tmp_path, "-q").out
    assert lines(run("classify", tmp_path, "--format", "jsonl").out)[0]["path"].endswith("caf\udce9.jpg")
    run("classify", tmp_path, "-o", tmp_path / "results.csv")
    assert b"caf\xe9.jpg,allow" in (tmp_path / "results.csv").read_bytes()


def test_a_terminal_sees_a_bar_that_stays_out_of_stdout(service, many):
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "trust_nsfw.cli", "classify", "many", "--format", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end, cwd=many) as process:
        os.close(end)
        results, _ = process.communicate(timeout=60)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert len(lines(results.decode())) == 100
    assert re.search(r"100/100.*\d/s.*allow.*blur", shown)
    assert "100 images in" in shown
