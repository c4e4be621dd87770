"""The load test finds faults that were planted in the handler behind a real TorchServe, and nothing where none was."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archiving.building import build
from archiving.inputs import ENTRY, HANDLER, MODEL_CONFIG
from locust_run import GRPC, REST, LocustRun, locust
from lowering.plan import Plan
from serving.ports import free_ports
from serving.torchserve_process import TorchServeProcess
from serving.ts_config import write_config
from traffic.mix import INDEX, MixSettings, write_mix

ROOT = Path(__file__).resolve().parents[2]
SINGLE, BATCH, EVERY = "single=1", "batch4=1", "single=6,batch4=2,bad=6,health=3"
MODERATED = "moderated=1"
LONGEST_SIDE_PX = 1300
PATIENT_MS = 60_000  # no fault of the handler's, if the machine has other things to do
DEADLINE_MS = 1000  # faulty_handler.SECONDS_LATE is beyond it

Load = Callable[..., LocustRun]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mix of its own, good and bad, without the large pictures: what they take, others measure."""
    folder = tmp_path_factory.mktemp("mix") / "pictures"
    write_mix(MixSettings(count=24, bad_share=0.1), folder)
    index = json.loads((folder / INDEX).read_text())
    index["pictures"] = [one for one in index["pictures"] if max(one["width"], one["height"]) <= LONGEST_SIDE_PX]
    (folder / INDEX).write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="module")
def fault_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the handler reads before each answer: the name of the fault to make."""
    return tmp_path_factory.mktemp("fault") / "fault"


@pytest.fixture(scope="module")
def faulty_server(
    tmp_path_factory: pytest.TempPathFactory, starter_checkpoint: Path, fault_file: Path
) -> Iterator[TorchServeProcess]:
    """The starter behind tests/support/faulty_handler.py; batches wait long enough to hold several requests."""
    folder = tmp_path_factory.mktemp("faulty")
    config = (HANDLER / MODEL_CONFIG).read_text().replace("maxBatchDelay: 1 ", "maxBatchDelay: 20 ")
    (folder / MODEL_CONFIG).write_text(config)
    (folder / "store").mkdir()
    build(starter_checkpoint, folder / MODEL_CONFIG, folder / "sound.mar", plan=Plan(precision="none"))
    plant(folder / "sound.mar", folder / "store/nsfw.mar", fault_file)
    properties = write_config(ROOT / "config.properties", folder / "config.properties", free_ports(), {})
    with TorchServeProcess(properties, folder / "store", folder / "logs") as running:
        running.wait_until_ready()
        yield running


def plant(sound: Path, faulty: Path, fault_file: Path) -> None:
    """Copy an archive with the faulty handler as its entry, and ours beside it."""
    planted = (ROOT / "tests/support/faulty_handler.py").read_text().replace("@FAULT_FILE@", str(fault_file))
    with zipfile.ZipFile(sound) as source, zipfile.ZipFile(faulty, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == ENTRY:
                target.writestr("sound_handler.py", content)
                content = planted.encode()
            target.writestr(entry.filename, content)


@pytest.fixture
def load(faulty_server: TorchServeProcess, fault_file: Path, pictures: Path, tmp_path: Path) -> Load:
    """Load the server for two seconds while the handler makes a fault."""
    addresses = {one.setting.key: one for one in faulty_server.config.addresses()}
    grpc = addresses["grpc_inference_address"]
    hosts = {REST: faulty_server.config.inference.url, GRPC: f"{grpc.host}:{grpc.port}"}

    def run(fault: str, traffic: str, *more: object, locustfile: Path = REST, seconds: int = 2) -> LocustRun:
        fault_file.write_text(fault)
        return locust(
            tmp_path, "--host", hosts[locustfile], "--pictures", pictures, "--users", 8, "--spawn-rate", 8,
            "--run-time", f"{seconds}s", "--traffic", traffic, "--json", *more, locustfile=locustfile,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("locustfile", [REST, GRPC], ids=["rest", "grpc"])
def test_without_a_fault_nothing_fails(load: Load, locustfile: Path):
    traffic = EVERY + ",moderated=3" if locustfile is REST else EVERY
    found = load("none", traffic, "--deadline-ms", PATIENT_MS, locustfile=locustfile, seconds=4)
    assert found.status == 0, found.out + found.err
    assert "right" in found.outcomes
    assert set(found.outcomes) <= {"right", "expected_error"}


@pytest.mark.parametrize(
    ("fault", "traffic", "said"),
    [
        ("swap_requests", SINGLE, "an answer for another image, by its sha256"),
        ("swap_requests", MODERATED, "a moderated picture of"),
        ("swap_scores", SINGLE, "within 0.005"),
        ("swap_images", BATCH, "another image, by its sha256"),
        ("drop_request", SINGLE, "503: "),
        ("drop_image", BATCH, "3 results for 4 images"),
        ("empty", SINGLE, "not the shape of an answer: an empty answer"),
        ("late", SINGLE, f"answered later than {DEADLINE_MS} ms"),
    ],
)
def test_a_planted_fault_is_a_failure(load: Load, fault: str, traffic: str, said: str):
    found = load(fault, traffic, "--deadline-ms", DEADLINE_MS)
    assert found.status == 1, found.out + found.err
    assert any(said in f"{sample['code']}: {sample['message']}" for sample in found.samples), found.samples[:5]


@pytest.mark.parametrize(
    ("fault", "said"),
    [("swap_requests", "another image, by its sha256"), ("late", f"answered later than {DEADLINE_MS} ms")],
)
def test_a_planted_fault_is_a_failure_over_grpc_too(load: Load, fault: str, said: str):
    found = load(fault, SINGLE, "--deadline-ms", DEADLINE_MS, locustfile=GRPC)
    assert found.status == 1, found.out + found.err
    assert any(said in sample["message"] for sample in found.samples), found.samples[:5]


def test_a_request_whose_answer_is_dropped_has_failed_over_grpc_too_and_was_not_refused(load: Load):
    found = load("drop_request", SINGLE, "--rates", "40", "--refusals-expected", "--deadline-ms", PATIENT_MS,
                 locustfile=GRPC)  # fmt: skip
    assert found.status == 1, found.out + found.err
    failed = [sample for sample in found.samples if sample["outcome"] == "failed"]
    assert failed, found.outcomes
    assert {sample["error_code"] for sample in failed} == {"backend_failed"}
