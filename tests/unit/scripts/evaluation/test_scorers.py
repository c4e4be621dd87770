"""Whoever scores, the scores are the same; what can't be asked is said in a sentence."""

import shutil
import zipfile
from pathlib import Path

import pytest

from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG
from evaluation.labelled_files import of_folder
from evaluation.predicting import predict
from evaluation.prediction import EvaluationError
from evaluation.scorers import ArchiveScorer, CheckpointScorer, ServerScorer
from fake_server import fake_http_server
from fake_service import FakeService, Fault
from lowering.plan import Plan
from pictures import encode, glass
from scoring_service import ScoringService
from trust_nsfw.errors import CheckpointError
from trust_nsfw.schema import ModelInfo, Scores


def test_a_server_and_a_checkpoint_give_equal_predictions(trained_checkpoint, class_folders, tiny_checkpoint):
    here = CheckpointScorer(trained_checkpoint)
    files = of_folder(class_folders)
    with fake_http_server(ScoringService(here)) as server, ServerScorer(server.address) as there:
        assert predict(files, there) == predict(files, here)
        assert there.describe()["checkpoint"] == "scoring-service"


@pytest.mark.parametrize("precision", ["none", "fp32"])
def test_an_archive_scores_as_its_checkpoint_does(trained_checkpoint, class_folders, tmp_path, precision):
    archive = tmp_path / "nsfw.mar"
    config = tmp_path / MODEL_CONFIG
    config.write_text((HANDLER / MODEL_CONFIG).read_text().replace("precision: auto", "precision: fp32"))
    build(trained_checkpoint, config, archive, plan=Plan(precision=precision))
    scorer = ArchiveScorer(archive)
    here = predict(of_folder(class_folders), CheckpointScorer(trained_checkpoint))
    for one, other in zip(predict(of_folder(class_folders), scorer), here, strict=True):
        assert one.error == other.error
        assert one.scores == (other.scores and pytest.approx(other.scores, abs=2e-3))
    assert scorer.describe()["engine"] == ("torch" if precision == "none" else "openvino")
    assert scorer.describe()["scored_by"] == "archive"


def test_a_transparent_picture_has_the_scores_of_the_view_that_decides(trained_checkpoint):
    [scores] = CheckpointScorer(trained_checkpoint).score([encode(glass(2), "PNG")])
    assert isinstance(scores, Scores)


def test_a_server_that_is_not_there_or_refuses_is_an_error(unused_address="http://127.0.0.1:9"):
    with ServerScorer(unused_address) as scorer, pytest.raises(EvaluationError, match="did not score the images"):
        scorer.score([b"x"])
    service = FakeService(lasting_fault=Fault.NOT_FOUND)
    with (
        fake_http_server(service) as server,
        ServerScorer(server.address) as scorer,
        pytest.raises(EvaluationError, match="Model not found"),
    ):
        scorer.score([b"x"])
    with pytest.raises(EvaluationError, match="ftp"):
        ServerScorer("ftp://nowhere")


def test_answers_of_several_models_are_of_none(trained_checkpoint):
    service = FakeService()
    with fake_http_server(service) as server, ServerScorer(server.address, "strict") as scorer:
        scorer.score([b"one"])
        assert service.received[-1].options == {"policy": "strict"}
        scorer._models.append(ModelInfo("nsfw", "2.0", "other", "1" * 64, "trained", "torch", "bf16"))
        with pytest.raises(EvaluationError, match="answered by several models"):
            scorer.describe()


def test_what_is_no_archive_or_no_checkpoint_is_refused(tmp_path, trained_checkpoint):
    with pytest.raises(EvaluationError, match="can't be unpacked"):
        ArchiveScorer(tmp_path / "gone.mar")
    broken = Path(shutil.copytree(trained_checkpoint, tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="can't be loaded"):
        CheckpointScorer(broken)
    empty = tmp_path / "empty.mar"
    with zipfile.ZipFile(empty, "w") as content:
        content.writestr("nothing", "")
    with pytest.raises(Exception, match=MODEL_CONFIG):
        ArchiveScorer(empty)
