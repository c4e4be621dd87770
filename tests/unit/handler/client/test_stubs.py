"""The committed gRPC stubs are what the installed TorchServe's own proto files make."""

import shutil
from pathlib import Path

import generate_stubs

STUBS = Path(__file__).resolve().parents[4] / "handler/trust_nsfw/client/_stubs"


def test_the_stubs_did_not_drift():
    assert generate_stubs.main(["--check"]) == 0


def test_a_drift_is_named_and_mended(tmp_path, capsys):
    out = tmp_path / "stubs"
    shutil.copytree(STUBS, out, ignore=shutil.ignore_patterns("__pycache__"))
    (out / "inference_pb2.py").write_text("changed by hand")
    (out / "workflow_pb2.py").write_text("not generated any more")
    assert generate_stubs.main(["--check", "--out", str(out)]) == 1
    assert {line.split()[0] for line in capsys.readouterr().err.splitlines()} == {"inference_pb2.py", "workflow_pb2.py"}
    assert generate_stubs.main(["--out", str(out)]) == 0
    assert generate_stubs.main(["--check", "--out", str(out)]) == 0


def test_another_generator_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(generate_stubs, "GRPCIO_TOOLS_VERSION", "1.0.0")
    assert generate_stubs.main(["--check"]) == 2
    assert "grpcio-tools 1.0.0 is needed" in capsys.readouterr().err
