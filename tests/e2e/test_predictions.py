"""What the running server answers, over HTTP, on real photos."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import torch
from transformers import AutoImageProcessor, AutoModelForImageClassification

import pictures
from answers import check_answer, check_error
from serving.torchserve_process import TorchServeProcess
from trust_nsfw.engines import nsfwjs_mobilenet
from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy_file import load_policies
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import LABELS, Item, Request
from trust_nsfw.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
ORDINARY = ("astronaut.png", "chelsea.png", "coffee.png")
BAD = {
    b"": (400, "empty_image"),
    b"hello, this is text": (415, "unsupported_format"),
    pictures.truncated_jpeg(): (422, "corrupt_image"),
    pictures.huge_png(): (413, "image_too_large"),
}
ODD = {
    "gif": pictures.gif(),
    "animated gif": pictures.animated_gif(20),
    "cmyk jpeg": pictures.cmyk_jpeg(),
    "16-bit png": pictures.deep_png(),
    "transparent palette png": pictures.transparent_palette_png(),
}


def post(server: TorchServeProcess, payload: bytes, **headers: str) -> requests.Response:
    headers = {"Content-Type": "application/octet-stream", **headers}
    return requests.post(f"{server.config.inference.url}/predictions/nsfw", payload, headers=headers, timeout=60)


def jpeg(name: str) -> bytes:
    return pictures.encode(pictures.photo(name), "JPEG", quality=90)


@pytest.fixture(autouse=True)
def the_same_worker(server: TorchServeProcess):
    """Whatever a test sends, the worker survives it."""
    before = server.worker_pids()
    assert len(before) == 1
    yield
    assert server.worker_pids() == before


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_photo_is_neutral_and_allowed(server, name):
    response = post(server, jpeg(name))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    [result] = check_answer(response.json())
    assert (result["label"], result["action"]) == ("neutral", "allow")
    assert result["image"]["sha256"] == hashlib.sha256(jpeg(name)).hexdigest()


@pytest.mark.parametrize("headers", [{"Content-Type": "image/jpeg"}, {"Content-Type": "image/x-whatever"}, {}])
def test_the_content_type_may_be_any_images_or_none(server, headers):
    url = f"{server.config.inference.url}/predictions/nsfw"
    request = requests.Request("POST", url, headers, data=jpeg("coffee.png"))
    with requests.Session() as session:
        assert session.send(request.prepare(), timeout=60).status_code == 200


def test_a_version_in_the_path_pins_it(server):
    url = f"{server.config.inference.url}/predictions/nsfw"
    headers = {"Content-Type": "image/jpeg"}
    assert requests.post(f"{url}/1.0", jpeg("coffee.png"), headers=headers, timeout=60).status_code == 200
    assert requests.post(f"{url}/9.9", jpeg("coffee.png"), headers=headers, timeout=60).status_code == 404


@pytest.mark.parametrize("payload", BAD, ids=[code for _, code in BAD.values()])
def test_a_bad_image_has_a_status_and_a_stable_code(server, payload):
    response = post(server, payload, **{"X-Request-Id": "r-7"})
    assert (response.status_code, check_error(response.json())["code"]) == BAD[payload]
    assert response.headers["X-Client-Request-Id"] == "r-7"


@pytest.mark.parametrize("name", ODD)
def test_an_odd_image_is_scored(server, name):
    response = post(server, ODD[name])
    assert response.status_code == 200, response.text
    check_answer(response.json())


@pytest.mark.parametrize("body", [b'{"images": []}', b"[1, 2]", b"null", b'"x"', b"{broken", b"NaN"])
def test_json_in_whatever_shape_is_an_error_of_ours(server, body):
    response = post(server, body, **{"Content-Type": "application/json"})
    assert response.status_code in {400, 415}
    check_error(response.json())


def test_policies_are_chosen_by_header(server):
    policies = [post(server, jpeg("rocket.jpg"), **{"x-policy": name}).json() for name in ("strict", "lenient")]
    assert [answer["policy"]["name"] for answer in policies] == ["strict", "lenient"]
    response = post(server, jpeg("rocket.jpg"), **{"X-Policy": "nope"})
    assert (response.status_code, check_error(response.json())["code"]) == (400, "unknown_policy")


def test_the_server_the_pipeline_and_plain_transformers_give_the_same_scores(server, starter_checkpoint):
    spec = PreprocessingSpec.load(starter_checkpoint)
    engine = TorchEngine(starter_checkpoint, spec, torch.device("cpu"), precision="fp32", max_batch=8)
    pipeline = Pipeline(engine, spec, load_policies(ROOT / "handler/policies"), Settings())
    nsfwjs_mobilenet.register()
    processor = AutoImageProcessor.from_pretrained(starter_checkpoint, backend="pil")
    model = AutoModelForImageClassification.from_pretrained(starter_checkpoint).eval()
    for name in pictures.PHOTOS:
        payload = pictures.encode(pictures.photo(name), "PNG")
        served = post(server, payload).json()["results"][0]["scores"]
        [answer] = pipeline.classify([Request((Item(payload),))])
        with torch.inference_mode():
            logits = model(**processor(pictures.photo(name), return_tensors="pt")).logits[0]
        plain = {model.config.id2label[index]: value for index, value in enumerate(logits.softmax(-1).tolist())}
        for label in LABELS:
            assert served[label] == pytest.approx(answer.results[0].scores.classes()[label], abs=1e-4)
            assert served[label] == pytest.approx(plain[label], abs=0.005)


def test_64_parallel_requests_with_three_bad_ones_each_get_their_own_answer_in_shared_batches(server):
    payloads = [pictures.encode(pictures.picture(seed, 320, 240), "JPEG", quality=90) for seed in range(64)]
    bad = {5: b"", 23: b"not an image", 60: pictures.truncated_jpeg()}
    payloads = [bad.get(index, payload) for index, payload in enumerate(payloads)]
    before = counters(server)
    with ThreadPoolExecutor(32) as pool:
        responses = list(pool.map(lambda payload: post(server, payload), payloads))
    for index, (payload, response) in enumerate(zip(payloads, responses, strict=True)):
        if index in bad:
            found = response.status_code, check_error(response.json())["code"]
            assert found == BAD.get(payload, (415, "unsupported_format"))
        else:
            assert response.status_code == 200
            [result] = check_answer(response.json())
            assert result["image"]["sha256"] == hashlib.sha256(payload).hexdigest()
    after = counters(server)
    assert after["NsfwRequests"] - before["NsfwRequests"] == 64
    assert after["NsfwImages"] - before["NsfwImages"] == 64
    assert after["NsfwBatches"] - before["NsfwBatches"] <= 32, "requests were not batched"


def test_describe_tells_what_is_served(server):
    url = f"{server.config.management.url}/models/nsfw"
    [description] = requests.get(url, params={"customized": "true"}, timeout=60).json()
    metadata = description["customizedMetadata"]
    assert metadata["model"]["checkpoint"] == "nsfwjs/mobilenet_v2@4.3.0"
    assert (metadata["model"]["weights"], metadata["model"]["precision"]) == ("trained", "fp32")
    assert metadata["labels"] == list(LABELS)
    assert metadata["policies"] == {"default": "1", "lenient": "1", "strict": "1"}
    assert metadata["limits"]["max_pixels"] == 50_000_000
    assert metadata["preprocessing"]["height"] == 224
    assert description["batchSize"] == 8


def test_the_model_management_api_is_off(server):
    url = f"{server.config.management.url}/models"
    assert requests.post(url, params={"url": "nsfw.mar"}, timeout=60).status_code >= 400
    assert requests.delete(f"{url}/nsfw", timeout=60).status_code >= 400


def test_no_log_ever_holds_image_bytes(server):
    payload = jpeg("chelsea.png")
    marked = payload[:2] + b"\xff\xfe\x00\x1aSENTINEL-IN-THE-PICTURE!" + payload[2:]
    bodies = {
        "application/x-www-form-urlencoded": marked,
        "application/octet-stream": marked,
        "application/json": marked,
        "text/plain": marked,
        "multipart/form-data; boundary=x": marked,
        "multipart/form-data": marked,
        "image/jpeg": marked[:400],
    }
    statuses = {kind: post(server, body, **{"Content-Type": kind}).status_code for kind, body in bodies.items()}
    assert statuses["application/octet-stream"] == 200
    assert statuses["application/x-www-form-urlencoded"] == 500, "TorchServe answers this one itself"
    assert post(server, pictures.jpeg_tiff_of_no_jpeg()).status_code == 422
    logs = list(server.log_dir.rglob("*"))
    assert {"model_log.log", "ts_log.log", "console.log"} <= {log.name for log in logs}
    for log in logs:
        content = log.read_bytes()
        assert b"SENTINEL" not in content, log
        assert b"JFIF" not in content, log
        assert b"JPEGLib" not in content, log
        assert not re.search(rb"[\x80-\xff]{4}|\xef\xbf\xbd", content), f"{log}: bytes that are no text"


def counters(server: TorchServeProcess) -> dict[str, float]:
    """Return the handler's counters from the Prometheus endpoint."""
    address = next(one for one in server.config.addresses() if one.setting.key == "metrics_address")
    text = requests.get(f"{address.url}/metrics", timeout=60).text
    return {name: float(value) for name, value in re.findall(r"^(Nsfw\w+)\{[^}]*\} ([\d.eE+]+)$", text, re.MULTILINE)}
