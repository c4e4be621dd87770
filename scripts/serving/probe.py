"""Asks a running TorchServe whether it is ready, over HTTP and past any proxy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

DESCRIBE_SECONDS = 10.0
SCORE_SUM_TOLERANCE = 3e-6

_http = requests.Session()
_http.trust_env = False  # no proxies for what runs on this machine


class ProbeError(RuntimeError):
    """The server answered a real photo with something other than five probabilities."""


def describe(management_url: str, model_name: str, headers: Mapping[str, str]) -> dict[str, Any] | None:
    """Return TorchServe's description of the model; None while nobody answers or the model isn't known."""
    try:
        response = _http.get(f"{management_url}/models/{model_name}", headers=headers, timeout=DESCRIBE_SECONDS)
    except requests.RequestException:
        return None
    description: dict[str, Any] | None = response.json()[0] if response.ok else None
    return description


def worker_pids(description: Mapping[str, Any] | None) -> list[int]:
    """Return the process ids of the workers that are ready."""
    workers = description["workers"] if description else []
    return [worker["pid"] for worker in workers if worker["status"] == "READY"]


def classify(
    inference_url: str, model_name: str, photo: Path, headers: Mapping[str, str], limit_seconds: float
) -> dict[str, Any]:
    """Post a JPEG and return the answer, whose first result holds scores that sum to 1. Raises ProbeError."""
    try:
        response = _http.post(
            f"{inference_url}/predictions/{model_name}",
            data=photo.read_bytes(),
            headers={"Content-Type": "image/jpeg", **headers},
            timeout=limit_seconds,
        )
    except requests.RequestException as error:
        raise ProbeError(f"{photo.name} got no answer within {limit_seconds:.0f} s: {error}") from error
    excerpt = " ".join(response.text[:500].split())
    if not response.ok:
        raise ProbeError(f"{photo.name} was answered with status {response.status_code}: {excerpt}")
    try:
        answer: dict[str, Any] = response.json()
        total = sum(answer["results"][0]["scores"].values())
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProbeError(f"{photo.name} was answered without scores: {excerpt}") from error
    if abs(total - 1) > SCORE_SUM_TOLERANCE:
        raise ProbeError(f"the scores of {photo.name} sum to {total}, not to 1")
    return answer
