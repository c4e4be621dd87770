import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from measuring import command
from measuring.answers import WrongAnswerError

WAITING = """
import sys, tempfile, time
from measuring import command

def measure():
    with tempfile.TemporaryDirectory(dir=sys.argv[1]):
        print("measuring", flush=True)
        time.sleep(60)

sys.exit(command.run("bench", measure))
"""


def test_the_report_is_shown_and_said_where(tmp_path: Path, capsys):
    (tmp_path / "bench.md").write_text("# Benchmark")
    assert command.run("bench", lambda: tmp_path) == 0
    assert capsys.readouterr().out == f"# Benchmark\nreport: {tmp_path}\n"


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (WrongAnswerError("ours: the action is blur"), 3, "WRONG ANSWER"),
        (ValueError("other weights"), 1, "bench: other weights\n"),
        (KeyError("batchSize"), 1, "bench: KeyError: 'batchSize'\n"),
        (FileNotFoundError(2, "No such file or directory", "a.mar"), 1, "a.mar"),
        (zipfile.BadZipFile("File is not a zip file"), 1, "bench: File is not a zip file\n"),
        (subprocess.CalledProcessError(1, ["fetch"]), 1, "fetch"),
        (KeyboardInterrupt(), 130, "bench: interrupted\n"),
    ],
)
def test_a_wrong_answer_has_a_status_of_its_own_and_failures_a_sentence(error, status, said, capsys):
    def measure() -> Path:
        raise error

    assert command.run("bench", measure) == status
    assert said in capsys.readouterr().err


def test_a_fault_of_the_program_is_not_taken_for_a_failure():
    with pytest.raises(ZeroDivisionError):
        command.run("bench", lambda: Path(str(1 // 0)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_everything_it_made(number: signal.Signals, tmp_path: Path):
    code = [sys.executable, "-c", WAITING, tmp_path]
    path = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=path) as process:
        assert process.stdout.readline() == "measuring\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said == "bench: interrupted\n"
    assert list(tmp_path.iterdir()) == []
