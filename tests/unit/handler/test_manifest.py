import json

import pytest

from trust_nsfw.errors import CheckpointError
from trust_nsfw.manifest import GoldenPair, Manifest
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import LABELS

SPEC = PreprocessingSpec(224, 224, 2, 1 / 255, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
MANIFEST = Manifest(
    checkpoint="some/checkpoint",
    revision=None,
    sha256="ab" * 32,
    weights="trained",
    labels=LABELS,
    preprocessing=SPEC,
    fingerprint=SPEC.fingerprint,
    source_sha256="cd" * 32,
    explanations=True,
    golden=(GoldenPair("aGVsbG8=", {"neutral": 1.0}),),
)


def test_a_manifest_comes_back_as_it_was_written(tmp_path):
    MANIFEST.write(tmp_path)
    assert Manifest.read(tmp_path) == MANIFEST
    assert Manifest.read(tmp_path).golden[0].payload == b"hello"


@pytest.mark.parametrize("change", [{"fingerprint": "0" * 64}, {"extra": 1}, {"golden": [{}]}, {"preprocessing": {}}])
def test_a_manifest_that_contradicts_itself_is_refused(tmp_path, change):
    MANIFEST.write(tmp_path)
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        Manifest.read(tmp_path)


def test_an_absent_manifest_is_one_clear_sentence(tmp_path):
    with pytest.raises(CheckpointError, match=r"manifest\.json cannot be read"):
        Manifest.read(tmp_path)
