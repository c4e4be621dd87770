"""The `trust_nsfw` section of model-config.yaml, parsed once at the edge. An unknown key is an error that names it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from trust_nsfw.errors import SettingsError

SECTION = "trust_nsfw"
ENGINES = ("auto", "torch", "openvino")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8", "int8-dynamic")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for. Request and response bytes are bounded by config.properties."""

    max_images: int = 16
    """Images in one request."""
    max_model_inputs: int = 32
    """Model inputs in one request: images x sampled frames x backgrounds."""
    max_frames: int = 8
    """Frames sampled evenly from one animation."""
    max_pixels: int = 50_000_000
    """Width x height of one picture."""
    max_side_px: int = 16_384
    """Longer side of one picture."""
    max_animation_pixels: int = 100_000_000
    """Pixels decoded of one animation: width x height x frames up to the last sampled one, of pages the sampled."""
    max_moderated_side_px: int = 2_048
    """Longer side of a moderated image in an answer."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the model runs."""

    name: str = "auto"
    """torch, openvino, or auto: torch on CUDA and where the archive holds no graph, else OpenVINO."""
    precision: str = "auto"
    """One of PRECISIONS; auto is the fastest that the archive was built for and the device has in hardware."""
    max_batch: int = 8
    """Images in one forward pass; a larger TorchServe batch goes through in chunks."""
    threads: int = 0
    """Compute threads of a CPU engine; 0 leaves the library's own choice, one per physical core."""
    pin_threads: bool = False
    """Bind OpenVINO's threads to cores; for machines where nothing else runs on them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the pipeline takes from model-config.yaml."""

    policy: str = "default"
    """Policy for requests that name none."""
    shadow_policy: str = ""
    """Policy that is evaluated beside, its differences counted and not acted on; empty for none."""
    decode_threads: int = 0
    """Threads that decode and resize; 0 means one per available core."""
    cache_entries: int = field(default=10_000, metadata={"least": 0})
    """Images whose scores each worker keeps, to answer the same bytes again: 7 MB in all, up to 67 MB if every one were
    an animation with transparency. 0 switches that off."""
    engine: EngineSettings = field(default_factory=EngineSettings)
    limits: Limits = field(default_factory=Limits)

    NESTED: ClassVar[Mapping[str, type]] = {"engine": EngineSettings, "limits": Limits}

    @classmethod
    def parse(cls, model_config: Mapping[str, Any]) -> "Settings":
        """Read the section out of a parsed model-config.yaml; raises SettingsError naming the key."""
        values = dict(_section(model_config.get(SECTION), SECTION))
        for key, kind in cls.NESTED.items():
            if key in values:
                values[key] = _build(kind, values[key], f"{SECTION}.{key}")
        settings: Settings = _build(cls, values, SECTION)
        for key, value, known in (
            ("name", settings.engine.name, ENGINES),
            ("precision", settings.engine.precision, PRECISIONS),
        ):
            if value not in known:
                raise SettingsError(f"{SECTION}.engine.{key}: {value!r} is not one of {', '.join(known)}")
        return settings


def _section(content: Any, where: str) -> Mapping[str, Any]:
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise SettingsError(f"{where}: expected keys and values, found {type(content).__name__}")
    return content


def _build(kind: type, content: Any, where: str) -> Any:
    """Build a settings dataclass; each value must have its default's type, and a number must be large enough."""
    defaults = kind()
    known = {entry.name: getattr(defaults, entry.name) for entry in fields(kind)}
    least = {entry.name: entry.metadata.get("least", 1) for entry in fields(kind)}
    for key, value in _section(content, where).items():
        if key not in known:
            raise SettingsError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
        if type(value) is not type(known[key]):
            raise SettingsError(f"{where}.{key}: {value!r} is not of type {type(known[key]).__name__}")
        if isinstance(value, int) and not isinstance(value, bool) and value < (lowest := min(known[key], least[key])):
            raise SettingsError(f"{where}.{key}: {value} is below {lowest}")
    return kind(**content)
