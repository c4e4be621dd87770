"""The command line against the real server, and without one."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

import pictures
from answers import check_result
from serving.torchserve_process import TorchServeProcess
from trust_nsfw.engines.candidates import has_openvino

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCORE_TOLERANCE = 0.001
ENCODING_TOLERANCE = 3
"""Of 255, in the mean: encoding a JPEG anew changes less than 1, blurring it more than 10."""
SETTLED_SECONDS = 120


@pytest.fixture
def environment(server: TorchServeProcess) -> dict[str, str]:
    """An environment in which commands ask the test's server, and `trust-nsfw` is this installation's."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TRUST_NSFW_URL": server.config.inference.url,
        "TRUST_NSFW_MANAGEMENT_URL": server.config.management.url,
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with photos, odd images and one that is cut short."""
    folder = tmp_path / "tree"
    (folder / "odd").mkdir(parents=True)
    for name in pictures.PHOTOS:
        (folder / name).with_suffix(".jpg").write_bytes(pictures.encode(pictures.photo(name), "JPEG"))
    (folder / "odd/animated.gif").write_bytes(pictures.animated_gif(20))
    (folder / "odd/cut.jpg").write_bytes(pictures.truncated_jpeg())
    (folder / "odd/transparent.png").write_bytes(pictures.transparent_palette_png())
    return folder


def run(command: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(command), env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def results_of(text: str) -> dict[str, dict]:
    return {result["path"]: result for result in map(json.loads, text.splitlines())}


def test_every_command_of_the_documentation_does_what_it_says(environment, tmp_path: Path, starter_checkpoint: Path):
    for name in ("samples", "models", "handler"):
        (tmp_path / name).symlink_to(ROOT / name)
    commands = [line for block in BLOCK.findall((ROOT / "docs/cli.md").read_text()) for line in block.splitlines()]
    assert len(commands) >= 10
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert list(results_of((tmp_path / "results.jsonl").read_text())) == ["samples/cat.jpg"]
    assert {"fit-to-show.jpg", "why.png"} <= {file.name for file in tmp_path.iterdir()}


def test_the_server_and_this_process_give_the_same_results(environment, tree: Path, starter_checkpoint: Path):
    command = "trust-nsfw classify tree --format jsonl --min-confidence 0.1"
    asked = run(command, environment, tree.parent)
    here = run(f"{command} --local {starter_checkpoint}", environment, tree.parent)
    assert (asked.returncode, here.returncode) == (2, 2)
    served, local = results_of(asked.stdout), results_of(here.stdout)
    assert list(served) == list(local) == sorted(str(file.relative_to(tree.parent)) for file in tree.rglob("*.*"))
    for path, result in served.items():
        shape = {key: value for key, value in result.items() if key not in {"path", "policy", "model", "labels"}}
        check_result({"index": 0, "id": None, **shape})
        assert result["action"] == local[path]["action"]
        if result["action"] == "error":
            assert result == local[path]
            continue
        assert result["scores"] == pytest.approx(local[path]["scores"], abs=SCORE_TOLERANCE)
        assert result["image"]["sha256"] == local[path]["image"]["sha256"]
        assert result["model"]["sha256"] == local[path]["model"]["sha256"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_run_that_is_broken_off_is_finished_by_the_same_command(environment, tmp_path: Path, sent, code):
    (tmp_path / "many").mkdir()
    for seed in range(64):
        picture = pictures.encode(pictures.picture(seed, 320, 240), "JPEG")
        (tmp_path / f"many/{seed:03}.jpg").write_bytes(picture)
    output = tmp_path / "results.jsonl"
    command = "trust-nsfw classify many --output results.jsonl --resume --parallel 1 --quiet"
    with subprocess.Popen(shlex.split(command), env=environment, cwd=tmp_path) as process:
        deadline = time.monotonic() + SETTLED_SECONDS
        while not output.exists() or not output.stat().st_size:
            assert time.monotonic() < deadline, "no results came"
            time.sleep(0.01)
        process.send_signal(sent)
        assert process.wait(SETTLED_SECONDS) == code
    left = output.read_text()
    assert 16 <= len(results_of(left)) < 64
    if sent is signal.SIGINT:
        assert left.endswith("}\n")
    assert run(command, environment, tmp_path).returncode in {0, 1}
    finished = output.read_text()
    assert finished.startswith(left)
    assert list(results_of(finished)) == [f"many/{seed:03}.jpg" for seed in range(64)]


def test_what_is_allowed_may_be_shown_as_it_is_and_an_explanation_is_a_png_of_its_size(environment, tree: Path):
    shown = run("trust-nsfw moderate tree/rocket.jpg -o shown.jpg", environment, tree.parent)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("allow ")
    with Image.open(tree / "rocket.jpg") as original, Image.open(tree.parent / "shown.jpg") as picture:
        assert picture.size == original.size
        difference = ImageStat.Stat(ImageChops.difference(picture, original))
    assert max(difference.mean) < ENCODING_TOLERANCE
    explained = run("trust-nsfw explain tree/rocket.jpg -o why.png", environment, tree.parent)
    assert (explained.returncode, explained.stderr) == (0, "")
    with Image.open(tree.parent / "why.png") as picture:
        assert (picture.format, picture.size) == ("PNG", original.size)


def test_a_stored_result_replays_to_the_action_that_was_taken(environment, tree: Path):
    run("trust-nsfw classify tree -o results.jsonl", environment, tree.parent)
    done = run("trust-nsfw policy diff default default --scores results.jsonl", environment, tree.parent)
    assert done.stdout.startswith("default 1 -> default 1: 0 of 6 images would be treated otherwise")
    taken = [result["action"] for result in results_of((tree.parent / "results.jsonl").read_text()).values()]
    allowed = next(line for line in done.stdout.splitlines() if line.startswith("allow"))
    assert allowed.split()[1] == str(taken.count("allow"))


def test_health_and_models_describe_the_server(environment, tmp_path: Path):
    health = run("trust-nsfw health", environment, tmp_path)
    assert health.returncode == 0
    engine = "openvino" if has_openvino() else "torch"
    assert health.stdout.splitlines() == [
        "ready: 1 of 1 workers",
        f"model: nsfwjs/mobilenet_v2@4.3.0 (trained weights), {engine} fp32",
        "policies: default, lenient, strict; default unless another is named",
    ]
    models = run("trust-nsfw models --json", environment, tmp_path)
    assert json.loads(models.stdout)["customizedMetadata"]["model"]["checkpoint"] == "nsfwjs/mobilenet_v2@4.3.0"


def test_an_unknown_policy_is_the_servers_word_in_one_line(environment, tree: Path):
    done = run("trust-nsfw classify tree --policy nope", environment, tree.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("trust-nsfw: unknown_policy: no policy is named 'nope'; known are default, lenient")
    assert done.stderr.count("\n") == 1
