import zipfile
from pathlib import Path

import pytest
import yaml

from measuring.archives import Archive, changed

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
