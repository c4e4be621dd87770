"""What scores images for an evaluation: the serving pipeline in this process, or a running server.

Of an image with several views (frames, backgrounds) the scores are those of the view that decided, as in an answer.
"""

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from safetensors import SafetensorError

from archiving.inputs import HANDLER, MODEL_CONFIG
from evaluation.prediction import EvaluationError
from model_sources.record import SourceRecord
from trust_nsfw import strict_yaml
from trust_nsfw.checkpoint import weights_sha256
from trust_nsfw.client import ModerationClient, ModerationError
from trust_nsfw.client.backoff import Backoff
from trust_nsfw.engines.candidates import resolve_device
from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.errors import CheckpointError, SettingsError
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy import Policy
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import Failure, Item, ModelInfo, Request, Scores
from trust_nsfw.service import MODEL_NAME, POLICIES_FOLDER, Service
from trust_nsfw.settings import Settings
from trust_nsfw.temperature import read_temperature, require_calibrated_for

DEFAULT_POLICY_FILE = HANDLER / POLICIES_FOLDER / "default.yaml"
SERVER_DEADLINE_SECONDS = 600.0
"""Of one batch. Nobody waits for an evaluation as a user does, and the server may be busy with others."""


class Scorer(Protocol):
    """Encoded images -> scores."""

    def describe(self) -> dict[str, Any]:
        """Return what a reader needs in order to place the scores: checkpoint, engine, precision, temperature, ..."""
        ...

    def score(self, payloads: Sequence[bytes]) -> list[Scores | Failure]:
        """Return one result per image, in order; an image that can't be scored is a Failure in its place.

        Raises EvaluationError when nothing can be scored at all.
        """
        ...


class PipelineScorer:
    """The serving pipeline in this process, which remembers no scores: everything is computed."""

    def __init__(self, pipeline: Pipeline, description: dict[str, Any]) -> None:
        self._pipeline = pipeline
        self._description = description

    def describe(self) -> dict[str, Any]:
        """Return what was said of it, and where it computes."""
        return self._description

    def score(self, payloads: Sequence[bytes]) -> list[Scores | Failure]:
        """Score each image as a request of its own: a large animation then takes no room from its neighbours."""
        answers = self._pipeline.classify([Request(items=(Item(payload),)) for payload in payloads])
        results = [answer if isinstance(answer, Failure) else answer.results[0] for answer in answers]
        return [result if isinstance(result, Failure) else result.scores for result in results]


class CheckpointScorer(PipelineScorer):
    """A checkpoint directory on torch, as build_archive.py's reference: on the GPU where there is one."""

    def __init__(self, checkpoint: Path, precision: str = "fp32", policy: Policy | None = None) -> None:
        """Load it; `policy`, by default the default one, chooses the view that decides.

        Raises CheckpointError for a checkpoint that can't be served exactly, or was calibrated with other weights.
        """
        policy = policy or load_policy_file(DEFAULT_POLICY_FILE).policy
        settings = _settings(HANDLER / MODEL_CONFIG, policy)
        spec = PreprocessingSpec.load(checkpoint)
        sha256 = weights_sha256(checkpoint)
        require_calibrated_for(checkpoint, sha256)
        device = resolve_device(0)
        max_batch = settings.engine.max_batch
        try:
            engine = TorchEngine(checkpoint, spec, device, precision=precision, max_batch=max_batch, compile=None)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise CheckpointError(f"{checkpoint} can't be loaded: {error}") from error
        source = SourceRecord.read(checkpoint)
        model = ModelInfo(
            name=MODEL_NAME,
            version="local",
            checkpoint=source.checkpoint,
            sha256=sha256,
            weights=source.weights,
            engine=engine.name,
            precision=engine.precision,
        )
        facts = {"temperature": read_temperature(checkpoint), "fingerprint": spec.fingerprint} | _revision(
            source.revision
        )
        description = {"scored_by": "checkpoint", "source": str(checkpoint), "device": device.type}
        super().__init__(Pipeline(engine, spec, {policy.name: policy}, settings), description | asdict(model) | facts)


class ArchiveScorer(PipelineScorer):
    """A built archive's model on the engine that would serve it here, golden replay included; the code is here."""

    def __init__(self, archive: Path, policy: Policy | None = None) -> None:
        """Unpack and load it; `policy`, by default the archive's, chooses the view that decides.

        Raises a StartupError, as a worker would refuse to serve it, and EvaluationError for a file that is no archive.
        """
        with tempfile.TemporaryDirectory(prefix="evaluate-") as folder:
            try:
                with zipfile.ZipFile(archive) as content:
                    content.extractall(folder)
            except (OSError, zipfile.BadZipFile) as error:
                raise EvaluationError(f"{archive} can't be unpacked: {error}") from None
            config = _model_config(Path(folder) / MODEL_CONFIG)
            service = Service.load(Path(folder), config, gpu_id=0, version="local")
        manifest, served = service.manifest, service.pipeline
        policy = policy or served.policies[served.settings.policy]
        settings = replace(served.settings, policy=policy.name, shadow_policy="")
        facts = {"temperature": manifest.temperature, "fingerprint": manifest.fingerprint}
        facts |= _revision(manifest.revision)
        description = {"scored_by": "archive", "source": str(archive), "device": resolve_device(0).type}
        super().__init__(
            Pipeline(served.engine, manifest.preprocessing, {policy.name: policy}, settings),
            description | asdict(service.model) | facts,
        )


def _revision(revision: str | None) -> dict[str, str]:
    return {} if revision is None else {"revision": revision}


class ServerScorer:
    """A running server, asked over REST. A context manager: it keeps a connection."""

    def __init__(self, url: str, policy_name: str | None = None, *, token: str | None = None) -> None:
        """Connect to nothing yet; the server's policy of that name, else its default, chooses the view that decides.

        Raises EvaluationError for an address that makes no sense.
        """
        try:
            self._client = ModerationClient(
                url, token=token, deadline_seconds=SERVER_DEADLINE_SECONDS, backoff=Backoff(attempts=3)
            )
        except (ModerationError, ValueError) as error:
            raise EvaluationError(f"{url}: {error}") from None
        self._url = url
        self._policy_name = policy_name
        self._models: list[ModelInfo] = []

    def describe(self) -> dict[str, Any]:
        """Return what its answers said of the model. Raises EvaluationError where they named several."""
        if len(self._models) > 1:
            names = ", ".join(f"{model.checkpoint} {model.engine} {model.precision}" for model in self._models)
            raise EvaluationError(f"{self._url} answered by several models, {names}: figures would be of neither")
        return {"scored_by": "server", "source": self._url} | (asdict(self._models[0]) if self._models else {})

    def score(self, payloads: Sequence[bytes]) -> list[Scores | Failure]:
        """Send the images in as few requests as the limits allow."""
        try:
            results = self._client.classify_many(payloads, policy=self._policy_name).results
        except (ModerationError, ValueError) as error:
            raise EvaluationError(f"{self._url} did not score the images: {error}") from None
        for result in results:
            if not isinstance(result, Failure) and result.model not in self._models:
                self._models.append(result.model)
        return [result if isinstance(result, Failure) else result.scores for result in results]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()


def _model_config(file: Path) -> dict[str, Any]:
    try:
        content = strict_yaml.load(file)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    if not isinstance(content, dict):
        raise SettingsError(f"{file} holds no keys and values")
    return content


def _settings(file: Path, policy: Policy) -> Settings:
    return replace(Settings.parse(_model_config(file)), policy=policy.name, shadow_policy="")
