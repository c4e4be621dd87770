"""Archives: whole, reproducible, up to date or not, and never half written."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG, is_up_to_date
from trust_nsfw.errors import CheckpointError, PolicyError, SettingsError

ROOT = Path(__file__).resolve().parents[3]
CONFIG = HANDLER / MODEL_CONFIG


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    out = tmp_path_factory.mktemp("store") / "nsfw.mar"
    build(tiny_checkpoint, CONFIG, out)
    return out


def contents(archive: Path) -> dict[str, str]:
    with zipfile.ZipFile(archive) as content:
        return {name: hashlib.sha256(content.read(name)).hexdigest() for name in content.namelist()}


def test_the_same_inputs_give_the_same_files(archive, tiny_checkpoint, tmp_path):
    build(tiny_checkpoint, CONFIG, tmp_path / "again.mar")
    first, second = contents(archive), contents(tmp_path / "again.mar")
    assert first.pop("MAR-INF/MANIFEST.json") is not None
    second.pop("MAR-INF/MANIFEST.json")
    assert first == second


def test_weights_are_stored_not_deflated(archive):
    with zipfile.ZipFile(archive) as content:
        assert content.getinfo("checkpoint/model.safetensors").compress_type == zipfile.ZIP_STORED


def test_the_manifest_says_what_is_inside(archive, tiny_checkpoint):
    with zipfile.ZipFile(archive) as content:
        manifest = json.loads(content.read("manifest.json"))
        weights = hashlib.sha256(content.read("checkpoint/model.safetensors")).hexdigest()
    assert manifest["sha256"] == weights
    assert (manifest["checkpoint"], manifest["weights"]) == ("random-vit", "random")
    assert manifest["preprocessing"]["height"] == 32
    assert len(manifest["golden"]) == 8
    assert all(abs(sum(pair["scores"].values()) - 1) < 0.001 for pair in manifest["golden"])


def test_nothing_but_the_archive_is_left_beside_it(archive):
    assert [file.name for file in archive.parent.iterdir()] == ["nsfw.mar"]


def test_what_a_killed_build_left_is_cleared(tiny_checkpoint, tmp_path):
    (tmp_path / ".build-killed/stage").mkdir(parents=True)
    build(tiny_checkpoint, CONFIG, tmp_path / "nsfw.mar")
    assert [file.name for file in tmp_path.iterdir()] == ["nsfw.mar"]


def test_an_archive_without_explanations_says_so_and_is_another_archive(archive, tiny_checkpoint, tmp_path):
    build(tiny_checkpoint, CONFIG, tmp_path / "nsfw.mar", explanations=False)
    with zipfile.ZipFile(tmp_path / "nsfw.mar") as content:
        assert json.loads(content.read("manifest.json"))["explanations"] is False
    assert not is_up_to_date(tmp_path / "nsfw.mar", tiny_checkpoint, CONFIG)
    assert is_up_to_date(tmp_path / "nsfw.mar", tiny_checkpoint, CONFIG, explanations=False)


def test_an_archive_is_stale_when_its_checkpoint_or_settings_change(archive, tiny_checkpoint, tmp_path):
    assert is_up_to_date(archive, tiny_checkpoint, CONFIG)
    other = tmp_path / MODEL_CONFIG
    other.write_text(CONFIG.read_text().replace("batchSize: 8", "batchSize: 4"))
    assert not is_up_to_date(archive, tiny_checkpoint, other)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in tiny_checkpoint.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert is_up_to_date(archive, copy, CONFIG)
    (copy / "source.json").write_text(json.dumps({"checkpoint": "renamed", "weights": "random"}))
    assert not is_up_to_date(archive, copy, CONFIG)


def test_a_broken_or_absent_archive_is_not_up_to_date(archive, tiny_checkpoint, tmp_path):
    assert not is_up_to_date(tmp_path / "absent.mar", tiny_checkpoint, CONFIG)
    half = tmp_path / "half.mar"
    half.write_bytes(archive.read_bytes()[:1000])
    assert not is_up_to_date(half, tiny_checkpoint, CONFIG)


@pytest.mark.parametrize(
    ("content", "error"),
    [("trust_nsfw: {polcy: x}", SettingsError), ("[1]", SettingsError), ("a: [", SettingsError)],
)
def test_bad_settings_leave_the_old_archive_in_place(archive, tiny_checkpoint, tmp_path, content, error):
    out = tmp_path / "nsfw.mar"
    out.write_bytes(b"old")
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(error):
        build(tiny_checkpoint, tmp_path / "config.yaml", out)
    assert out.read_bytes() == b"old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.yaml", "nsfw.mar"]


def test_a_policy_whose_own_test_fails_stops_the_build(tmp_path):
    from archiving.building import check_policies

    wrong = (HANDLER / "policies/default.yaml").read_text().replace("action: allow}", "action: blur}")
    (tmp_path / "default.yaml").write_text(wrong)
    with pytest.raises(PolicyError, match=r"default\.yaml: tests\[5\] expects blur, the rules give allow"):
        check_policies(tmp_path)


def test_the_command_fails_with_one_sentence(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "scripts/build_archive.py",
            "--model",
            tmp_path / "absent",
            "--out",
            tmp_path / "o.mar",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is not a directory" in done.stderr


def test_a_checkpoint_without_weights_is_refused(tiny_checkpoint, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (copy / name).write_bytes((tiny_checkpoint / name).read_bytes())
    with pytest.raises(CheckpointError, match="no file named model.safetensors"):
        build(copy, CONFIG, tmp_path / "nsfw.mar")
