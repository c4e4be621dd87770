import json

import pytest

from trust_nsfw.checkpoint import read_labels, weights_sha256
from trust_nsfw.errors import CheckpointError


def write_labels(directory, *labels):
    (directory / "config.json").write_text(json.dumps({"id2label": dict(enumerate(labels))}))


def test_labels_come_in_the_checkpoints_order_under_their_canonical_names(tmp_path):
    write_labels(tmp_path, "Sexy", "porn", "Neutral", "drawings", "hentai")
    assert read_labels(tmp_path) == ("sexy", "porn", "neutral", "drawing", "hentai")


@pytest.mark.parametrize(
    "labels", [("nsfw", "sfw"), ("drawing", "hentai", "neutral", "porn", "porn"), ("LABEL_0",) * 5, ()]
)
def test_other_labels_are_refused(tmp_path, labels):
    write_labels(tmp_path, *labels)
    with pytest.raises(CheckpointError):
        read_labels(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"id2label": {"1": "porn"}}', "{}"])
def test_a_broken_config_is_one_clear_sentence(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_labels(tmp_path)


def test_the_digest_is_of_the_file_or_of_all_shards(tmp_path):
    with pytest.raises(CheckpointError, match="holds no model"):
        weights_sha256(tmp_path)
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"a")
    one = weights_sha256(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(b"b")
    assert one != weights_sha256(tmp_path)
