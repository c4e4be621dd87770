import copy
import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import nn
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    DeiTConfig,
    DeiTForImageClassification,
    PreTrainedModel,
    ResNetConfig,
    ResNetForImageClassification,
    SwinConfig,
    SwinForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

import pictures
from trust_nsfw.errors import InternalError
from trust_nsfw.explain import Explainer
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import GROUPS, LABELS

CPU = torch.device("cpu")
NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {label: index for index, label in enumerate(LABELS)}}

TINY = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 3}
TINY_SWIN = {"embed_dim": 24, "depths": [1, 1], "num_heads": [2, 4]}
TINY_CONVNEXT = {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}

SIDE_PX, PATCH_PX = 112, 24
COLOURS = {
    "drawing": (255, 255, 0),
    "hentai": (0, 0, 255),
    "porn": (255, 0, 0),
    "sexy": (0, 255, 0),
}
"""The world the trained models live in: a patch of a class's colour, anywhere on muted blocks, or none: neutral."""


MOST = 0.75
"""Least share of maps that must be hottest where they should: a small ViT also tells a class by what is absent."""


def vit() -> PreTrainedModel:
    return ViTForImageClassification(ViTConfig(image_size=SIDE_PX, patch_size=16, **TINY, **NAMES))


def resnet() -> PreTrainedModel:
    sizes = {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "layer_type": "basic"}
    return ResNetForImageClassification(ResNetConfig(**sizes, **NAMES))


def doodle(seed: int, side_px: int) -> Image.Image:
    """Return coloured discs with black outlines on white: a drawing, to the starter."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (side_px, side_px), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        left, top = random.integers(0, side_px * 3 // 4, 2).tolist()
        width = int(random.integers(side_px // 6, side_px // 2))
        colour = tuple(random.integers(60, 256, 3).tolist())
        draw.ellipse((left, top, left + width, top + width), outline="black", width=2, fill=colour)
    return image


def count_tensors() -> int:
    gc.collect()
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def blocks(random: np.random.Generator) -> np.ndarray:
    return np.kron(random.integers(80, 176, (14, 14, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def paste(image: np.ndarray, label: str, top: int, left: int) -> None:
    if label in COLOURS:
        image[top : top + PATCH_PX, left : left + PATCH_PX] = COLOURS[label]


def sample(seed: int, count: int) -> tuple[np.ndarray, list[str], list[tuple[int, int]]]:
    """Return images uint8 [count, 112, 112, 3], the class of each, and where its patch is: top and left in px."""
    random = np.random.default_rng(seed)
    images = np.stack([blocks(random) for _ in range(count)])
    labels = [LABELS[index] for index in random.integers(0, len(LABELS), count)]
    places = [(int(top), int(left)) for top, left in random.integers(0, SIDE_PX - PATCH_PX, (count, 2))]
    for image, label, (top, left) in zip(images, labels, places, strict=True):
        paste(image, label, top, left)
    return images, labels, places


def seeded(build: Callable[[], PreTrainedModel]) -> PreTrainedModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build()


def train(model: PreTrainedModel, steps: int) -> PreTrainedModel:
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    model.train()
    for step in range(steps):
        images, labels, _ = sample(seed=step, count=16)
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
        loss = model(pixel_values=pixels, labels=torch.tensor([LABELS.index(label) for label in labels])).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


def explainer_of(model: PreTrainedModel, directory: Path, height: int, width: int) -> Explainer:
    model.save_pretrained(directory)
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": height, "width": width}}
    (directory / "preprocessor_config.json").write_text(json.dumps(processor))
    return Explainer(directory, PreprocessingSpec.load(directory), CPU)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small models run fastest on one thread, above all where tests share the cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=[(vit, 240), (resnet, 80)], ids=["vit", "resnet"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    build, steps = request.param
    return explainer_of(train(seeded(build), steps), tmp_path_factory.mktemp("trained"), SIDE_PX, SIDE_PX)


@pytest.fixture(scope="module")
def starter(starter_checkpoint: Path) -> Explainer:
    return Explainer(starter_checkpoint, PreprocessingSpec.load(starter_checkpoint), CPU)


@pytest.fixture(scope="module")
def tiny(tiny_checkpoint: Path) -> Explainer:
    return Explainer(tiny_checkpoint, PreprocessingSpec.load(tiny_checkpoint), CPU)


def touches(grid: np.ndarray, place: tuple[int, int], patch_px: int = PATCH_PX, side_px: int = SIDE_PX) -> bool:
    """Tell whether the hottest cell overlaps the patch whose top and left are `place`."""
    cell_px = side_px / len(grid)
    hottest = np.unravel_index(grid.argmax(), grid.shape)
    return all(
        start - cell_px < index * cell_px < start + patch_px for index, start in zip(hottest, place, strict=True)
    )


def test_the_map_is_hottest_on_the_patch_that_decides_the_class(trained):
    """A cell drawn at random touches the patch in 8 of 100 pictures."""
    hits = [
        touches(trained.grid(image, label), place)
        for image, label, place in zip(*sample(seed=31, count=40), strict=True)
        if label in COLOURS
    ]
    assert np.mean(hits) > MOST


def test_of_two_patches_each_class_has_its_own(trained):
    random = np.random.default_rng(5)
    hits = []
    for _ in range(12):
        labels = random.permutation(list(COLOURS))[:2]
        places = [(int(random.integers(0, 30)), int(random.integers(0, 88))), (int(random.integers(60, 88)), 44)]
        image = blocks(random)
        for label, place in zip(labels, places, strict=True):
            paste(image, label, *place)
        hits += [touches(trained.grid(image, label), at) for label, at in zip(labels, places, strict=True)]
    assert np.mean(hits) > MOST


def test_a_group_is_explained_by_what_speaks_for_any_of_its_members(trained):
    hits = [
        touches(trained.grid(image, "nsfw"), place)
        for image, label, place in zip(*sample(seed=32, count=40), strict=True)
        if label in GROUPS["nsfw"]
    ]
    assert np.mean(hits) > MOST


def test_a_model_that_is_sure_beyond_fp32_is_explained_too(trained, tmp_path):
    image, label, place = next(case for case in zip(*sample(seed=6, count=9), strict=True) if case[1] in COLOURS)
    model = copy.deepcopy(trained._model)
    *_, head = (layer for layer in model.modules() if isinstance(layer, nn.Linear))
    head.weight *= 100
    explainer = explainer_of(model, tmp_path, SIDE_PX, SIDE_PX)
    assert touches(explainer.grid(image, label), place)


def test_the_map_is_of_the_weights_and_not_of_the_picture_alone(trained, tmp_path):
    """The model-parameter randomisation check of Adebayo et al.: Sanity Checks for Saliency Maps, 2018."""
    build = vit if isinstance(trained._model, ViTForImageClassification) else resnet
    untrained = explainer_of(seeded(build), tmp_path, SIDE_PX, SIDE_PX)
    likeness = [
        np.corrcoef(trained.grid(image, label).ravel(), untrained.grid(image, label).ravel())[0, 1]
        for image, label in zip(*sample(seed=7, count=8)[:2], strict=True)
    ]
    assert np.mean(likeness) < 0.3


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png"])
@pytest.mark.parametrize("seed", [2, 3])
def test_a_drawing_in_a_photo_is_where_the_starter_sees_a_drawing(starter, name, seed):
    image = pictures.photo(name).resize((224, 224))
    image.paste(doodle(seed, side_px=64), (80, 80))
    assert touches(starter.grid(np.asarray(image), "drawing"), (80, 80), 64, 224)


@pytest.mark.parametrize(
    ("model", "height", "width"),
    [
        (
            lambda: ViTForImageClassification(ViTConfig(image_size=(32, 48), patch_size=(8, 16), **TINY, **NAMES)),
            32,
            48,
        ),
        (lambda: ViTForImageClassification(ViTConfig(image_size=160, patch_size=8, **TINY, **NAMES)), 160, 160),
        (lambda: DeiTForImageClassification(DeiTConfig(image_size=64, patch_size=16, **TINY, **NAMES)), 64, 64),
        (lambda: SwinForImageClassification(SwinConfig(image_size=64, window_size=2, **TINY_SWIN, **NAMES)), 64, 64),
        (lambda: ConvNextForImageClassification(ConvNextConfig(**TINY_CONVNEXT, **NAMES)), 40, 56),
    ],
    ids=["vit 32x48", "vit 160", "deit", "swin", "convnext"],
)
def test_any_architecture_and_size_gives_a_14x14_map_for_every_class_and_group(tmp_path, model, height, width):
    explainer = explainer_of(seeded(model), tmp_path, height, width)
    image = np.random.default_rng(8).integers(0, 256, (height, width, 3), dtype=np.uint8)
    for target in (*LABELS, *GROUPS):
        grid = explainer.grid(image, target)
        assert (grid.shape, grid.dtype) == ((14, 14), np.float32)
        assert grid.min() >= 0
        assert grid.max() in {0, 1}


def test_where_no_place_differs_from_the_mean_colour_nothing_speaks_for_anything(starter):
    even = np.full((224, 224, 3), (200, 120, 37), dtype=np.uint8)
    assert not starter.grid(even, "porn").any()


def test_columns_follow_the_labels_whatever_the_checkpoints_order(tmp_path, tiny_checkpoint: Path, tiny):
    for file in tiny_checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = (tmp_path / "config.json").read_text()
    swapped = config.replace('"0": "drawing"', '"0": "sexy"').replace('"4": "sexy"', '"4": "drawings"')
    assert swapped != config
    (tmp_path / "config.json").write_text(swapped)
    explainer = Explainer(tmp_path, PreprocessingSpec.load(tmp_path), CPU)
    image = np.random.default_rng(9).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.allclose(explainer.grid(image, "sexy"), tiny.grid(image, "drawing"), atol=1e-5)
    assert not np.allclose(explainer.grid(image, "sexy"), tiny.grid(image, "sexy"), atol=0.01)


@pytest.mark.parametrize("name", ["tiny", "starter"])
def test_an_explanation_leaves_nothing_behind_and_comes_out_the_same_again(request, name):
    explainer = request.getfixturevalue(name)
    image = np.random.default_rng(10).integers(0, 256, explainer._shape, dtype=np.uint8)
    tensors, threads, random_state = count_tensors(), torch.get_num_threads(), torch.get_rng_state().tolist()
    assert explainer.grid(image, "porn").tolist() == explainer.grid(image, "porn").tolist()
    assert (count_tensors(), torch.get_num_threads()) == (tensors, threads)
    assert torch.get_rng_state().tolist() == random_state
    assert all(weight.grad is None and not weight.requires_grad for weight in explainer._model.parameters())


@pytest.mark.parametrize("target", ["nude", "", "PORN"])
def test_a_target_that_is_no_score_is_an_error_that_names_it(tiny, target):
    with pytest.raises(InternalError, match=f"no class or group is named '{target}'"):
        tiny.grid(np.zeros((32, 32, 3), dtype=np.uint8), target)


def test_an_image_of_another_shape_is_an_error_that_states_both(tiny):
    with pytest.raises(InternalError, match=r"takes \(32, 32, 3\), not \(32, 33, 3\)"):
        tiny.grid(np.zeros((32, 33, 3), dtype=np.uint8), "porn")


@pytest.mark.parametrize("name", ["tiny", "starter"])
def test_gradients_that_are_not_finite_are_an_error_and_never_a_map(request, name):
    explainer = copy.deepcopy(request.getfixturevalue(name))
    for weight in explainer._model.parameters():
        weight.fill_(torch.nan)
    with pytest.raises(InternalError, match="not finite"):
        explainer.grid(np.full(explainer._shape, 90, dtype=np.uint8), "porn")


@pytest.mark.parametrize("build", [vit, resnet])
def test_a_calibrated_checkpoint_is_explained_by_its_calibrated_scores(build, tmp_path):
    """A temperature explains as a last layer of weights divided by it does: both have the very same scores."""
    torch.manual_seed(3)
    model, temperature = build(), 0.05
    (tmp_path / "calibration.json").write_text(json.dumps({"temperature": temperature}))
    levels = np.random.default_rng(4).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    calibrated = explainer_of(model, tmp_path, SIDE_PX, SIDE_PX).grid(levels, "porn")
    (tmp_path / "calibration.json").unlink()
    plain = explainer_of(model, tmp_path, SIDE_PX, SIDE_PX).grid(levels, "porn")
    head = model.classifier if isinstance(model.classifier, nn.Linear) else model.classifier[-1]
    with torch.no_grad():
        head.weight /= temperature
        head.bias /= temperature
    divided = explainer_of(model, tmp_path, SIDE_PX, SIDE_PX).grid(levels, "porn")
    np.testing.assert_allclose(calibrated, divided, atol=1e-3)
    assert np.abs(calibrated - plain).max() > 0.01
