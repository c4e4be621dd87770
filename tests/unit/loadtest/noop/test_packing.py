import json
import zipfile
from pathlib import Path

import pytest

from measuring.archives import Archive, BuildError
from noop import packing
from noop.noop_handler import ANSWER_FILE
from trust_nsfw.policy import decide
from trust_nsfw.policy_file import load_policies
from trust_nsfw.schema import Action

POLICIES = Path(packing.__file__).parents[2] / "handler/policies"


def test_the_archive_holds_the_handler_its_answer_and_its_settings(tmp_path: Path):
    archive = Archive("noop", tmp_path / "noop.mar")
    packing.pack(archive.file)
    assert archive.model_config()["maxBatchDelay"] == 1
    with zipfile.ZipFile(archive.file) as content:
        assert json.loads(content.read(ANSWER_FILE)) == json.loads(packing.answer())
        assert content.read("noop_handler.py") == packing.HANDLER.read_bytes()


def test_every_shipped_policy_would_allow_the_fixed_scores():
    actions = {decide(packing.SCORES, policy).action for policy in load_policies(POLICIES).values()}
    assert actions == {Action.ALLOW}


def test_a_handler_that_is_not_there_is_an_error_of_the_archivers(tmp_path: Path):
    with pytest.raises(BuildError, match="torch-model-archiver failed"):
        packing.pack(tmp_path / "noop.mar", tmp_path / "none.py")
    assert list(tmp_path.iterdir()) == []
