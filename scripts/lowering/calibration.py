"""Model inputs that quantization observes its ranges on."""

import random
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from archiving.golden_pictures import generated_pictures
from lowering.pictures import PictureFolder
from trust_nsfw import images
from trust_nsfw.errors import ServiceError, SettingsError
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.settings import Limits

MOST = 300
"""Pictures that are used; NNCF's own default, beyond which ranges hardly change."""

FEWEST = 32
SEED = 1


def calibration_inputs(folder: PictureFolder | None, spec: PreprocessingSpec) -> list[NDArray[np.uint8]]:
    """Return uint8 [1, H, W, 3] model inputs of at most MOST pictures of a folder, a seeded choice of them.

    Without a folder the pictures are generated, which suits random weights only. Pictures that can't be decoded are
    passed over; raises SettingsError when fewer than FEWEST are left.
    """
    inputs = list(islice(_decoded(_payloads(folder), spec), MOST))
    if len(inputs) < FEWEST:
        where = folder.path if folder else "the generator"
        raise SettingsError(f"{len(inputs)} readable pictures in {where}; calibration needs at least {FEWEST}")
    return inputs


def _payloads(folder: PictureFolder | None) -> Iterator[bytes]:
    if folder is None:
        yield from generated_pictures(FEWEST, SEED)
        return
    files = [folder.files[sha256] for sha256 in sorted(folder.files)]  # names don't matter, contents do
    random.Random(SEED).shuffle(files)
    for file in files:
        yield file.read_bytes()


def _decoded(payloads: Iterable[bytes], spec: PreprocessingSpec) -> Iterator[NDArray[np.uint8]]:
    limits = Limits()
    for payload in payloads:
        try:
            view = next(images.decode(payload, limits, spec.decoded_at_least).views)
        except ServiceError:
            continue
        yield to_model_input(view.rgb, spec, view.box)[np.newaxis]
