"""A real TorchServe on free ports, for any checkpoint."""

from pathlib import Path

from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG
from serving.ports import free_ports
from serving.torchserve_process import TorchServeProcess
from serving.ts_config import write_config

ROOT = Path(__file__).resolve().parents[2]


def prepare_server(folder: Path, checkpoint: Path, settings: dict[str, str]) -> TorchServeProcess:
    """Build an archive of a checkpoint, with some lines of model-config.yaml replaced, and prepare a server for it."""
    config = (HANDLER / MODEL_CONFIG).read_text()
    for old, new in settings.items():
        assert old in config
        config = config.replace(old, new)
    (folder / MODEL_CONFIG).write_text(config)
    (folder / "store").mkdir()
    build(checkpoint, folder / MODEL_CONFIG, folder / "store/nsfw.mar")
    properties = write_config(ROOT / "config.properties", folder / "config.properties", free_ports(), {})
    return TorchServeProcess(properties, folder / "store", folder / "logs")
