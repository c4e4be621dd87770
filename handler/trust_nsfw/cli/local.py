"""The service inside this process: the client's conversations, held with a pipeline instead of a server.

What a server would do, this does too: the same limits, the same contract, the same checks of what comes back. It needs
the libraries that serve a model, and is the only module of the command line that brings them.
"""

import threading
from pathlib import Path

from safetensors import SafetensorError

from trust_nsfw.checkpoint import read_json, weights_sha256
from trust_nsfw.client import Failure
from trust_nsfw.client.calls import Kind, Reply
from trust_nsfw.client.conversation import Conversations, Send
from trust_nsfw.client.errors import NotSupported
from trust_nsfw.client.synchronous import SynchronousClient
from trust_nsfw.engines.candidates import resolve_device
from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.errors import CheckpointError, InternalError
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy import Policy
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import Answer, Item, ModelInfo, Request
from trust_nsfw.settings import Settings
from trust_nsfw.wire import document
from trust_nsfw.wire.options import Options
from trust_nsfw.wire.rendering import render, render_failure

SOURCE_FILE = "source.json"
DEADLINE_SECONDS = 3600.0
"""Nobody else asks, so waiting only means that the machine is slow."""


class LocalClient(SynchronousClient):
    """Asks a pipeline in this process, in fp32: the reference that faster precisions are measured by."""

    def __init__(self, checkpoint: Path, policy: Policy) -> None:
        """Load a checkpoint directory; raises CheckpointError for one that can't be served exactly."""
        super().__init__(Conversations(deadline_seconds=DEADLINE_SECONDS))
        settings = Settings(policy=policy.name)
        spec = PreprocessingSpec.load(checkpoint)
        sha256 = weights_sha256(checkpoint)
        try:
            engine = TorchEngine(
                checkpoint,
                spec,
                resolve_device(0),
                precision="fp32",
                max_batch=settings.engine.max_batch,
                compile=None,  # minutes on a GPU, for a program that runs once
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise CheckpointError(f"{checkpoint} can't be loaded: {error}") from error
        self._pipeline = Pipeline(engine, spec, {policy.name: policy}, settings)
        self._model = _model_info(checkpoint, sha256, engine)
        self._one_at_a_time = threading.Lock()

    def _disconnect(self) -> None:
        """Do nothing: there is no connection."""

    def _send(self, step: Send) -> Reply:
        request = _request(step)
        with self._one_at_a_time:
            answer = self._classify(request)
        reply = render_failure(answer) if isinstance(answer, Failure) else render(answer, request, self._model)
        return Reply(reply.body, reply.status)

    def _classify(self, request: Request) -> Answer | Failure:
        """Score a request; anything unforeseen is `internal`, upon which the client asks about each image alone."""
        try:
            [answer] = self._pipeline.classify([request])
        except Exception as error:  # noqa: BLE001 - the edge of this service, as the handler is of the other
            cause = " ".join(f"{type(error).__name__}: {error}".split())
            return Failure.of(InternalError(f"the image could not be scored: {cause}"))
        return answer


def _request(step: Send) -> Request:
    """Return what the wire would carry as the value that it becomes."""
    call = step.call
    options = Options.of_texts(call.options.named())
    match call.kind:
        case Kind.CLASSIFY:
            return options.request((Item(call.body),), per_item=False)
        case Kind.CLASSIFY_MANY:
            return options.request(document.read(call.body).items, per_item=True)
    raise NotSupported(f"{call.kind} needs a server")


def _model_info(checkpoint: Path, sha256: str, engine: TorchEngine) -> ModelInfo:
    """Return what results say of the model; source.json is what fetch_model.py knows of where it came from."""
    file = checkpoint / SOURCE_FILE
    source = read_json(file) if file.exists() else {}
    return ModelInfo(
        name="nsfw",
        version="local",
        checkpoint=str(source.get("checkpoint", checkpoint.resolve().name)),
        sha256=sha256,
        weights=str(source.get("weights", "trained")),
        engine=engine.name,
        precision=engine.precision,
    )
