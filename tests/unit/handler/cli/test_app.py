"""How commands end, and what they bring along."""

import subprocess
import sys

import pytest

from trust_nsfw import __version__

MODEL_LIBRARIES = ("torch", "numpy", "PIL", "transformers", "safetensors", "ts")
BLOCKED = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MODEL_LIBRARIES}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
from trust_nsfw.cli.app import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["classify"], "Missing argument 'PATH'."),
        (["classify", "tree", "--no-such"], "No such option: --no-such"),
        (["classify", "tree", "--format", "xml"], "Invalid value for '--format': Value error, 'xml' is not one of"),
        (["classify", "tree", "--parallel", "0"], "Invalid value for '--parallel': Input should be greater than or"),
        (["classify", "tree", "--min-confidence", "nan"], "--min-confidence is nan; it must be a number from 0 to 1"),
        (["classify", "tree", "--min-confidence", "20"], "--min-confidence is 20.0; it must be a number from 0 to 1"),
        (["classify", "nowhere"], "no such file or folder: nowhere"),
        (["classify", ".", "--url", "8080"], "'8080' is not an address like"),
        (["classify", ".", "--token", "a", "--key-file", "b"], "give a token or a key_file, not both"),
        (["classify", ".", "--key-file", "nowhere.json"], "nowhere.json holds no keys of TorchServe"),
        (["classify", ".", "--token", "a\nb"], "Invalid leading whitespace, reserved character(s)"),
        (["classify", ".", "--policy", "mine.yaml"], "a server knows its policies by name"),
        (["classify", ".", "--policies", "."], "a server knows its policies by name"),
        (["classify", ".", "-o", "nowhere/results.jsonl"], "nowhere/results.jsonl: No such file or directory"),
        (["classify", ".", "-o", "."], ".: Is a directory"),
        (["moderate", "tree/a.jpg"], "Missing option '--output'"),
        (["polish"], "No such command 'polish'."),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(service, tree, run, arguments, message):
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"trust-nsfw: {message}")
    assert done.err.count("\n") == 1


def test_the_version_is_the_packages(run):
    assert run("--version").out == f"{__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["policy"], ["--help"], ["classify", "--help"]])
def test_help_is_help(run, arguments):
    done = run(*arguments)
    assert "Usage: trust-nsfw" in done.out
    assert done.err == ""


def test_commands_work_where_no_models_library_is_installed(service, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"1")
    for command in (["classify", "a.jpg"], ["health"], ["policy", "show", "strict"], ["moderate", "a.jpg", "-o", "b"]):
        done = subprocess.run(
            [sys.executable, "-c", BLOCKED, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_scoring_here_without_them_says_what_to_install(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"1")
    command = [sys.executable, "-c", BLOCKED, "classify", "a.jpg", "--local", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("trust-nsfw: --local needs ")
    assert done.stderr.endswith(": install trust-nsfw[serve]\n")


def test_a_reader_that_leaves_ends_it_quietly(service, many):
    command = f"{sys.executable} -m trust_nsfw.cli classify many --format jsonl -q | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=many, capture_output=True, text=True, check=False)
    first, code = done.stdout.splitlines()
    assert first.startswith('{"path":"many/000.jpg"')
    assert code in {"1", "2"}, "2, or that of the results where they all fitted into the pipe"
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_one_line(service, many, run):
    done = run("classify", "many", "-o", "/dev/full", "--format", "jsonl")
    assert (done.code, done.err) == (2, "trust-nsfw: the output: No space left on device\n")
