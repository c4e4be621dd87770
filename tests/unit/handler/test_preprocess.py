import json

import numpy as np
import pytest
from PIL import Image
from transformers import AutoImageProcessor

import pictures
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input

VIT = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 224, "width": 224},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


@pytest.mark.parametrize("name", pictures.PHOTOS)
@pytest.mark.parametrize("resample", [0, 1, 2, 3])
def test_preprocessing_equals_transformers_own_bit_for_bit(tmp_path, name, resample):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(VIT | {"resample": resample}))
    spec = PreprocessingSpec.load(tmp_path)
    image = pictures.photo(name)
    ours = (to_model_input(image, spec).astype(np.float64) * spec.rescale_factor - spec.mean) / spec.std
    theirs = AutoImageProcessor.from_pretrained(tmp_path, backend="pil")(image)["pixel_values"][0]
    assert np.abs(ours.transpose(2, 0, 1) - theirs).max() < 1e-6


def test_the_output_is_uint8_height_width_channels():
    spec = PreprocessingSpec.parse(VIT | {"size": {"height": 32, "width": 48}})
    array = to_model_input(pictures.picture(1), spec)
    assert (array.shape, array.dtype) == ((32, 48, 3), np.uint8)


def test_an_old_config_that_states_little_gets_the_processors_defaults():
    old = {"feature_extractor_type": "ViTFeatureExtractor", "size": 224, "resample": 2, "do_normalize": True}
    assert PreprocessingSpec.parse(old) == PreprocessingSpec.parse(VIT)


def test_no_normalisation_means_zero_to_one():
    spec = PreprocessingSpec.parse(VIT | {"do_normalize": False})
    assert (spec.mean, spec.std) == ((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"do_center_crop": True}, "do_center_crop is not supported"),
        ({"do_pad": True}, "do_pad is not supported"),
        ({"include_top": True}, "include_top is not supported"),
        ({"rescale_offset": True, "do_flip": 1}, "do_flip, rescale_offset is not supported"),
        ({"size": {"shortest_edge": 224}}, "only a fixed height and width"),
        ({"size": {"height": 0, "width": 224}}, "not a number of pixels"),
        ({"resample": 9}, "resample 9 is not a Pillow filter"),
        ({"do_rescale": False}, "must be true"),
        ({"image_std": [0.5, 0, 0.5]}, "image_std"),
        ({"image_mean": [0.5]}, "image_mean"),
        ({"image_processor_type": "ConvNextImageProcessor"}, "does not state do_center_crop"),
    ],
)
def test_a_recipe_we_cannot_honour_exactly_is_refused_by_name(change, message):
    with pytest.raises(CheckpointError, match=message):
        PreprocessingSpec.parse(VIT | change)


def test_the_fingerprint_changes_with_any_part_of_the_spec():
    specs = [VIT, VIT | {"resample": 3}, VIT | {"image_std": [0.5, 0.5, 0.4]}, VIT | {"size": 384}]
    assert len({PreprocessingSpec.parse(config).fingerprint for config in specs}) == len(specs)


def test_an_image_of_the_models_size_is_not_resampled():
    image = pictures.photo("coffee.png").resize((224, 224), Image.Resampling.BICUBIC)
    assert np.array_equal(to_model_input(image, PreprocessingSpec.parse(VIT)), np.asarray(image))
