"""An unpacked archive -> a service that has proved itself: settings, policies, engine, pipeline, golden replay."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from trust_nsfw.checkpoint import has_weights, read_labels, weights_sha256
from trust_nsfw.engines.candidates import Candidate, candidates, resolve_device
from trust_nsfw.engines.loading import load_engine
from trust_nsfw.errors import CheckpointError, DriftError, SettingsError
from trust_nsfw.explanations import Explanations
from trust_nsfw.golden import replay
from trust_nsfw.manifest import CHECKPOINT_FOLDER, Graph, Manifest, graph_sha256
from trust_nsfw.moderated import moderated
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy import Policy
from trust_nsfw.policy_file import load_policies
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import LABELS, Answer, Describe, Failure, ModelInfo, Output, Request
from trust_nsfw.score_cache import ScoreCache
from trust_nsfw.settings import Settings
from trust_nsfw.temperature import read_temperature
from trust_nsfw.wire.rendering import Reply, render, render_description, render_failure, render_moderated

logger = logging.getLogger(__name__)

MODEL_NAME = "nsfw"
POLICIES_FOLDER = "policies"


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a transport needs: the pipeline, and what to say of the model behind it."""

    pipeline: Pipeline
    model: ModelInfo
    manifest: Manifest
    explanations: Explanations

    @classmethod
    def load(cls, archive: Path, model_config: Mapping[str, Any], gpu_id: int | None, version: str) -> "Service":
        """Load an unpacked archive onto its device and replay its golden pairs.

        Raises a StartupError (settings, policy, checkpoint or drift) with the reason not to serve.
        """
        settings = Settings.parse(model_config)
        manifest = Manifest.read(archive)
        _check_checkpoint(archive, manifest)
        policies = load_policies(archive / POLICIES_FOLDER)
        for key, name in (("policy", settings.policy), ("shadow_policy", settings.shadow_policy)):
            if name not in policies and (name or key == "policy"):
                raise SettingsError(f"trust_nsfw.{key}: no policy is named {name!r}")
        device = resolve_device(gpu_id)
        pipeline = _proven_pipeline(archive, manifest, policies, settings, device)
        explained = archive / CHECKPOINT_FOLDER if manifest.explanations else None
        model = ModelInfo(
            name=MODEL_NAME,
            version=version,
            checkpoint=manifest.checkpoint,
            sha256=manifest.sha256,
            weights=manifest.weights,
            engine=pipeline.engine.name,
            precision=pipeline.engine.precision,
        )
        return cls(pipeline, model, manifest, Explanations(explained, manifest.preprocessing, settings.limits, device))

    def reply(self, call: Request | Describe | Failure, answer: Answer | Failure, request_id: str | None) -> Reply:
        """Write the response to one request, given its answer from the pipeline; `request_id` is echoed in JSON.

        Raises ServiceError where the picture asked for cannot be made.
        """
        match call:
            case Describe():
                return render_description(self.describe())
            case Failure():
                return render_failure(call, request_id)
            case Request() if isinstance(answer, Failure):
                return render_failure(answer, request_id)
            case Request():
                return self._reply_in_kind(call, answer, request_id)

    def _reply_in_kind(self, request: Request, answer: Answer, request_id: str | None) -> Reply:
        """Write what a request wants back; a single image that could not be scored is an error in any kind."""
        only = answer.results[0]
        if request.output is Output.RESULTS or isinstance(only, Failure):
            return render(answer, request, self.model, request_id)
        payload = request.items[0].payload
        assert isinstance(payload, bytes), "an image that was scored had bytes"
        if request.output is Output.MODERATED:
            image = moderated(payload, only.decision.action, self.pipeline.settings.limits)
            return render_moderated(image.body, image.content_type, only)
        return render(answer, request, self.model, request_id, self.explanations.explain(payload, only))

    def describe(self) -> dict[str, Any]:
        """Return what GET /models/nsfw?customized=true shows of this service."""
        return {
            "model": asdict(self.model) | {"revision": self.manifest.revision},
            "labels": list(LABELS),
            "policies": {policy.name: policy.version for policy in self.pipeline.policies.values()},
            "default_policy": self.pipeline.settings.policy,
            "shadow_policy": self.pipeline.settings.shadow_policy or None,
            "cache_entries": self.pipeline.settings.cache_entries,
            "graph": _graph_facts(self.manifest.graph),
            "limits": asdict(self.pipeline.settings.limits),
            "explanations": self.manifest.explanations,
            "temperature": self.manifest.temperature,
            "preprocessing": asdict(self.manifest.preprocessing) | {"fingerprint": self.manifest.fingerprint},
        }


def _graph_facts(graph: Graph | None) -> dict[str, Any] | None:
    """Return what is worth knowing of a graph from outside: all but its golden scores."""
    return None if graph is None else {key: value for key, value in asdict(graph).items() if key != "golden"}


def _proven_pipeline(
    archive: Path, manifest: Manifest, policies: Mapping[str, Policy], settings: Settings, device: torch.device
) -> Pipeline:
    """Return a pipeline that reproduces its golden pairs, over the fastest engine that does.

    Raises DriftError when the last candidate drifts too.
    """

    def load(candidate: Candidate) -> Pipeline:
        engine = load_engine(candidate, archive, manifest.preprocessing, device, settings.engine)
        pipeline = Pipeline(engine, manifest.preprocessing, policies, settings)
        replay(manifest.golden_for(candidate.engine), pipeline)
        return pipeline.with_cache(
            ScoreCache(settings.cache_entries), manifest.identity
        )  # not before: a replay computes

    weights = has_weights(archive / CHECKPOINT_FOLDER)
    *faster, last = candidates(settings.engine, device, manifest.graph, has_weights=weights)
    for candidate in faster:
        try:
            return load(candidate)
        except (DriftError, CheckpointError) as error:
            logger.warning("not serving by %s in %s: %s", candidate.engine, candidate.precision, error)
    return load(last)


def _check_checkpoint(archive: Path, manifest: Manifest) -> None:
    """Refuse a checkpoint or a graph that is not the one the manifest describes."""
    checkpoint = archive / CHECKPOINT_FOLDER
    left_out = manifest.graph is not None and not manifest.explanations and not has_weights(checkpoint)
    if not left_out and (sha256 := weights_sha256(checkpoint)) != manifest.sha256:
        raise CheckpointError(f"the weights' sha256 is {sha256}; the manifest says {manifest.sha256}")
    if read_labels(checkpoint) != manifest.labels:
        raise CheckpointError("the checkpoint's labels are not in the order the manifest says")
    if PreprocessingSpec.load(checkpoint) != manifest.preprocessing:
        raise CheckpointError("the checkpoint's preprocessing is not what the manifest says")
    if (temperature := read_temperature(checkpoint)) != manifest.temperature:
        raise CheckpointError(
            f"the checkpoint's temperature is {temperature}; the manifest says {manifest.temperature}"
        )
    if manifest.graph is None:
        return
    if graph_sha256(archive) != manifest.graph.sha256:
        raise CheckpointError("the graph is missing or not the one the manifest describes")
    if manifest.graph.forced:
        logger.warning("the graph was forced: it has not passed its gate")
