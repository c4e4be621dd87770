"""A server for all tests that only ask it things."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server import prepare_server
from serving.torchserve_process import TorchServeProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, starter_checkpoint: Path) -> Iterator[TorchServeProcess]:
    """The starter in fp32, so that scores can be compared tightly; batches wait long enough to be seen."""
    folder = tmp_path_factory.mktemp("server")
    settings = {"precision: auto": "precision: fp32", "maxBatchDelay: 1 ": "maxBatchDelay: 50 "}
    with prepare_server(folder, starter_checkpoint, settings) as running:
        running.wait_until_ready()
        yield running
