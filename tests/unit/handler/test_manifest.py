import json
from dataclasses import replace

import pytest

from trust_nsfw.errors import CheckpointError
from trust_nsfw.manifest import GoldenPair, Graph, Manifest
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


def test_a_graph_comes_back_as_it_was_written_and_a_lossy_one_is_held_to_its_own_scores(tmp_path):
    exact = replace(MANIFEST, graph=Graph("bf16", 0, "ef" * 32))
    lossy = replace(MANIFEST, graph=Graph("int8", 8, "ef" * 32, golden=({"neutral": 0.9},), gate={"passed": True}))
    for manifest in (exact, lossy):
        manifest.write(tmp_path)
        assert Manifest.read(tmp_path) == manifest
    assert exact.golden_for("openvino") == exact.golden_for("torch") == lossy.golden_for("torch") == MANIFEST.golden
    assert lossy.golden_for("openvino") == (GoldenPair("aGVsbG8=", {"neutral": 0.9}),)
    assert len({MANIFEST.identity, exact.identity}) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "0" * 64},
        {"extra": 1},
        {"golden": [{}]},
        {"preprocessing": {}},
        {"graph": {"precision": "int8"}},
        {"graph": {"precision": "int8", "merge_tokens": 0, "sha256": "", "golden": [{}, {}]}},
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(tmp_path, change):
    MANIFEST.write(tmp_path)
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        Manifest.read(tmp_path)


def test_an_absent_manifest_is_one_clear_sentence(tmp_path):
    with pytest.raises(CheckpointError, match=r"manifest\.json cannot be read"):
        Manifest.read(tmp_path)
