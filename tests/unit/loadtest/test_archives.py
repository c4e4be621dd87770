import json
import zipfile
from pathlib import Path

import pytest
import yaml

from measuring.archives import Archive, changed
from trust_nsfw.checkpoint import weights_sha256

CONFIG = {"batchSize": 8, "trust_nsfw": {"policy": "default", "engine": {"threads": 0}}}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    file = tmp_path / "a.mar"
    with zipfile.ZipFile(file, "w") as content:
        content.writestr("model-config.yaml", yaml.safe_dump(CONFIG))
        content.writestr("checkpoint/weights", bytes(range(256)) * 4096)
        content.writestr("MAR-INF/MANIFEST.json", "{}")
    return Archive("a", file)


def test_values_change_by_dotted_key_and_the_rest_stays():
    new = changed(CONFIG, {"batchSize": 4, "trust_nsfw.engine.threads": 2, "jobQueueSize": 24})
    assert new == {
        "batchSize": 4,
        "jobQueueSize": 24,
        "trust_nsfw": {"policy": "default", "engine": {"threads": 2}},
    }
    assert CONFIG["trust_nsfw"]["engine"]["threads"] == 0


def test_a_section_that_is_not_there_is_an_error():
    with pytest.raises(KeyError, match="motor"):
        changed(CONFIG, {"trust_nsfw.motor.threads": 2})


def test_a_copy_with_other_settings_differs_in_nothing_else(archive: Archive, tmp_path: Path):
    copy = Archive("b", tmp_path / "b.mar")
    archive.with_settings({"batchSize": 2}, copy.file)
    assert archive.model_config() == CONFIG
    assert copy.model_config() == CONFIG | {"batchSize": 2}
    before, after = archive.unpack(tmp_path / "before"), copy.unpack(tmp_path / "after")
    for name in ("checkpoint/weights", "MAR-INF/MANIFEST.json"):
        assert (before / name).read_bytes() == (after / name).read_bytes()


def test_an_archive_of_other_weights_is_refused(tmp_path: Path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    files = {}
    for name, sha256 in (("same", weights_sha256(model)), ("other", "0" * 64)):
        files[name] = tmp_path / f"{name}.mar"
        with zipfile.ZipFile(files[name], "w") as content:
            content.writestr("manifest.json", json.dumps({"sha256": sha256}))
    Archive("same", files["same"]).require_weights(model)
    with pytest.raises(ValueError, match=r"other\.mar holds the weights 000000000000"):
        Archive("other", files["other"]).require_weights(model)
