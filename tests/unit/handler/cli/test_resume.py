"""A run that was broken off goes on where it ended."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fake_service import Fault

SETTLED_SECONDS = 30


@pytest.fixture
def whole(service, many, run) -> str:
    """The results of an uninterrupted run."""
    run("classify", "many", "-o", "whole.jsonl", "-q")
    service.received.clear()
    return (many / "whole.jsonl").read_text()


@pytest.mark.parametrize("cut", [0, 1, 5, 200, 20_000, -1, -30])
def test_wherever_it_was_killed_the_file_comes_out_the_same(service, many, run, whole, cut):
    (many / "results.jsonl").write_text(whole[:cut])
    kept = whole[:cut].count("\n")
    done = run("classify", "many", "-o", "results.jsonl", "--resume", "-q")
    assert (many / "results.jsonl").read_text() == whole
    assert sum(received.images for received in service.received) == 100 - kept
    assert done.code == 1


def test_with_nothing_left_nobody_is_asked_and_the_exit_code_is_that_of_the_whole_file(service, many, run, whole):
    done = run("classify", "many", "-o", "whole.jsonl", "--resume")
    assert service.received == []
    assert "0 images in" in done.err
    assert "(100 before)" in done.err
    assert done.code == 1


def test_without_an_earlier_file_it_just_begins(service, many, run):
    run("classify", "many", "-o", "new.jsonl", "--resume", "-q")
    assert (many / "new.jsonl").read_text().count("\n") == 100


@pytest.mark.parametrize("name", ["results.jsonl", "results.csv", "results.txt"])
def test_an_existing_file_is_never_written_over(service, many, run, name):
    (many / name).write_text("precious\n")
    done = run("classify", "many", "-o", name)
    assert (done.code, (many / name).read_text()) == (2, "precious\n")
    assert done.err == f"trust-nsfw: {name} exists; delete it first, or go on with JSON lines by --resume\n"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"precious", 1),
        (b"precious\n", 1),
        (b"\xff\xd8\xff\n", 1),
        (b'{"path":"x"}\n', 1),
        (b"[]\n", 1),
        (b'{"path":"a","action":"error"}\nprecious', 2),
    ],
)
def test_a_file_that_is_not_ours_is_left_alone(service, many, run, content, line):
    (many / "results.jsonl").write_bytes(content)
    done = run("classify", "many", "-o", "results.jsonl", "--resume")
    assert (done.code, (many / "results.jsonl").read_bytes()) == (2, content)
    assert done.err.startswith(f"trust-nsfw: results.jsonl, line {line}: not ")
    assert done.err.count("\n") == 1
    assert service.received == []


def test_two_policies_do_not_mix_in_one_file(service, many, run, whole):
    half = "".join(whole.splitlines(keepends=True)[:50])
    (many / "results.jsonl").write_text(half)
    done = run("classify", "many", "-o", "results.jsonl", "--resume", "--policy", "strict")
    assert (done.code, (many / "results.jsonl").read_text()) == (2, half)
    assert "policy default 1" in done.err
    assert "policy strict 1" in done.err


def test_an_image_that_was_replaced_loses_its_line_and_is_scored_again(service, many, run, whole):
    (many / "whole.jsonl").chmod(0o640)
    (many / "many/007.jpg").write_bytes(b"another picture")
    done = run("classify", "many", "-o", "whole.jsonl", "--resume")
    *kept, again = (many / "whole.jsonl").read_text().splitlines()
    assert kept == [line for line in whole.splitlines() if "many/007.jpg" not in line]
    assert json.loads(again)["path"] == "many/007.jpg"
    assert json.loads(again)["image"]["sha256"] == hashlib.sha256(b"another picture").hexdigest()
    assert "(99 before)" in done.err
    assert sum(received.images for received in service.received) == 1
    assert (many / "whole.jsonl").stat().st_mode & 0o777 == 0o640
    assert sorted(file.name for file in many.iterdir()) == ["many", "whole.jsonl"]


def test_a_file_that_is_refused_keeps_the_lines_of_replaced_images(service, many, run, whole):
    (many / "many/007.jpg").write_bytes(b"another picture")
    (many / "whole.jsonl").write_text(f"{whole}precious\n")
    assert run("classify", "many", "-o", "whole.jsonl", "--resume").code == 2
    assert (many / "whole.jsonl").read_text() == f"{whole}precious\n"


def test_what_is_known_by_its_path_alone_is_scored_again(service, many, run, whole):
    entries = [json.loads(line) for line in whole.splitlines()]
    del entries[0]["image"]["sha256"]
    (many / "many/001.jpg").unlink()
    (many / "many/001.jpg").symlink_to("nowhere")
    (many / "whole.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    run("classify", "many", "-o", "whole.jsonl", "--resume", "-q")
    first, second = [json.loads(line) for line in (many / "whole.jsonl").read_text().splitlines()[-2:]]
    assert (first["path"], first["action"]) == ("many/000.jpg", entries[0]["action"])
    assert (second["path"], second["error"]["code"]) == ("many/001.jpg", "unreadable_image")


def test_an_error_counts_as_done_whatever_the_image_is_now(service, tree, run):
    run("classify", "tree/corrupt.jpg", "-o", "results.jsonl")
    (tree / "tree/corrupt.jpg").write_bytes(b"1")
    before = (tree / "results.jsonl").read_text()
    assert run("classify", "tree/corrupt.jpg", "-o", "results.jsonl", "--resume").code == 2
    assert (tree / "results.jsonl").read_text() == before


def test_images_from_stdin_have_no_path_to_go_on_by(service, many, run, pipe):
    pipe(b"3")
    (many / "results.jsonl").write_text("")
    done = run("classify", "-", "-o", "results.jsonl", "--resume")
    assert (done.code, (many / "results.jsonl").read_text()) == (2, "")
    assert done.err == (
        "trust-nsfw: --resume goes by paths, and every image from stdin is called -: name files instead\n"
    )
    assert service.received == []


@pytest.mark.parametrize("options", [["--resume"], ["--resume", "-o", "results.csv"], ["--resume", "--format", "csv"]])
def test_only_json_lines_in_a_file_are_resumed(service, many, run, options):
    done = run("classify", "many", *options)
    assert done.code == 2
    assert done.err == "trust-nsfw: --resume goes on with JSON lines: --output results.jsonl\n"


def test_ctrl_c_leaves_complete_lines_ends_at_once_and_can_be_resumed(service, many, run, whole):
    service.faults.extend([None, None])
    service.lasting_fault = Fault.SILENT
    output = many / "results.jsonl"
    command = [sys.executable, "-m", "trust_nsfw.cli", "classify", "many", "-o", output, "--parallel", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=many) as process:
        wait_for_lines(output, 32)
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(SETTLED_SECONDS) == 130
        assert time.monotonic() - interrupted < 5, "it waited for answers that nobody wants any more"
        assert process.stderr.read() == "trust-nsfw: interrupted\n"
    assert [json.loads(line)["path"] for line in output.read_text().splitlines()] == [
        f"many/{number:03}.jpg" for number in range(32)
    ]
    service.lasting_fault = None
    run("classify", "many", "-o", "results.jsonl", "--resume")
    assert output.read_text() == whole


def wait_for_lines(file: Path, count: int) -> None:
    deadline = time.monotonic() + SETTLED_SECONDS
    while not file.exists() or file.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline, "the lines did not come"
        time.sleep(0.02)
