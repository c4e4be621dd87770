from pathlib import Path

import pytest
import yaml

from trust_nsfw.errors import SettingsError
from trust_nsfw.settings import Limits, Settings

MODEL_CONFIG = Path(__file__).resolve().parents[3] / "handler/model-config.yaml"


def test_the_model_config_that_ships_states_every_default():
    section = yaml.safe_load(MODEL_CONFIG.read_text())
    assert Settings.parse(section) == Settings()
    assert set(section["trust_nsfw"]["limits"]) == set(Limits.__slots__)


def test_an_absent_section_means_the_defaults():
    assert Settings.parse({"batchSize": 8}) == Settings()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"polcy": "default"}, "trust_nsfw: unknown key 'polcy'"),
        ({"limits": {"max_image": 3}}, "trust_nsfw.limits: unknown key 'max_image'"),
        ({"limits": {"max_images": "16"}}, "trust_nsfw.limits.max_images: '16' is not of type int"),
        ({"limits": {"max_images": 0}}, "trust_nsfw.limits.max_images: 0 is below 1"),
        ({"limits": {"max_images": True}}, "is not of type int"),
        ({"limits": [1]}, "trust_nsfw.limits: expected keys and values, found list"),
        ({"decode_threads": -1}, "trust_nsfw.decode_threads: -1 is below 0"),
        ({"cache_entries": -1}, "trust_nsfw.cache_entries: -1 is below 0"),
        ({"engine": {"precision": "int4"}}, "'int4' is not one of auto, fp32, bf16, fp16"),
        ("default", "trust_nsfw: expected keys and values, found str"),
    ],
)
def test_a_setting_not_understood_is_refused_by_name(section, message):
    with pytest.raises(SettingsError) as refused:
        Settings.parse({"trust_nsfw": section})
    assert message in str(refused.value)


def test_a_cache_of_no_entries_is_a_setting():
    assert Settings.parse({"trust_nsfw": {"cache_entries": 0}}).cache_entries == 0
