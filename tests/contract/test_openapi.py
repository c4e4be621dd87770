"""docs/openapi.yaml says what the code says: its codes, limits, formats, policies and keys; and its examples hold."""

from dataclasses import asdict, fields

import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator

import openapi_document
from answers import check_answer
from trust_nsfw import errors
from trust_nsfw.containers import FORMATS
from trust_nsfw.explain import GRID_CELLS
from trust_nsfw.images import BACKGROUNDS
from trust_nsfw.policy_file import SCORE_NAMES, load_policies
from trust_nsfw.schema import GROUPS, LABELS, Action, Explanation, ImageInfo, ModelInfo, Reason
from trust_nsfw.settings import Limits
from trust_nsfw.wire.document import IMAGE_KEYS, KEYS, MAX_ID_CHARACTERS
from trust_nsfw.wire.options import MAX_REQUEST_ID_CHARACTERS
from trust_nsfw.wire.parsing import RESERVED_FIELDS

DOCUMENT = openapi_document.load()
OPERATIONS = openapi_document.operations(DOCUMENT)
COMPONENTS = DOCUMENT["components"]
SCHEMAS = COMPONENTS["schemas"]
EXAMPLES = {name: content for name, content in openapi_document.contents(DOCUMENT) if "example" in content}
ROOT = openapi_document.FILE.parents[1]

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ServiceError)]
LIMITS = Limits()


def properties(schema: str) -> dict:
    return SCHEMAS[schema]["properties"]


def test_the_document_is_valid_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(DOCUMENT)


def test_it_has_every_code_of_the_service_and_no_other():
    codes = properties("ErrorDetail")["code"]["enum"]
    assert len(codes) == len(set(codes))
    assert set(codes) == {kind.code for kind in ERRORS}


@pytest.mark.parametrize("operation", ["classify", "explain"])
def test_an_operation_declares_the_statuses_of_the_codes_and_torchserves_full_queue(operation):
    assert set(OPERATIONS[operation]["responses"]) == {"200", "503"} | {str(kind.status) for kind in ERRORS}


def test_its_limits_are_the_defaults():
    assert properties("Images")["images"]["maxItems"] == SCHEMAS["Results"]["maxItems"] == LIMITS.max_images
    assert SCHEMAS["Index"]["maximum"] == LIMITS.max_images - 1
    assert f"up to {LIMITS.max_images}." in OPERATIONS["classify"]["summary"]
    assert [properties("Image")[side]["maximum"] for side in ("width", "height")] == [LIMITS.max_side_px] * 2
    [described] = EXAMPLES["describe 200 application/json"]["example"]
    assert described["customizedMetadata"]["limits"] == asdict(LIMITS)


def test_a_request_is_as_large_as_torchserve_takes():
    assert "over 32 MiB is" in COMPONENTS["responses"]["TooLarge"]["description"]
    assert f"max_request_size={32 * 2**20}\n" in (ROOT / "config.properties").read_text()


def test_its_formats_are_those_that_are_accepted():
    assert properties("Image")["format"]["enum"] == list(FORMATS)


def test_its_policies_are_those_that_ship():
    policies = load_policies(ROOT / "handler/policies")
    [described] = EXAMPLES["describe 200 application/json"]["example"]
    assert SCHEMAS["PolicyName"]["enum"] == list(policies)
    assert described["customizedMetadata"]["policies"] == {policy.name: policy.version for policy in policies.values()}


def test_its_names_of_scores_and_actions_are_ours():
    assert SCHEMAS["Label"]["enum"] == properties("Verdict")["scores"]["required"] == list(LABELS)
    assert properties("Verdict")["groups"]["required"] == list(GROUPS)
    assert SCHEMAS["ScoreName"]["enum"] == list(SCORE_NAMES)
    assert SCHEMAS["Action"]["enum"] == list(Action)
    assert properties("Image")["background"]["enum"] == [*BACKGROUNDS, None]


@pytest.mark.parametrize(
    ("schema", "kind"), [("Model", ModelInfo), ("Image", ImageInfo), ("Reason", Reason), ("Explanation", Explanation)]
)
def test_an_object_of_an_answer_has_the_keys_of_its_value(schema, kind):
    assert list(properties(schema)) == SCHEMAS[schema]["required"] == [field.name for field in fields(kind)]


def test_a_request_has_the_keys_that_are_understood():
    image = properties("Images")["images"]["items"]["properties"]
    assert set(properties("Images")) == set(KEYS)
    assert set(image) == set(IMAGE_KEYS) - {"url"}, "a URL is understood so that it can be refused by name"
    names = SCHEMAS["Form"]["propertyNames"]
    assert image["id"]["maxLength"] == names["maxLength"] == MAX_ID_CHARACTERS
    assert names["not"]["enum"] == list(RESERVED_FIELDS)
    request_id = COMPONENTS["parameters"]["RequestId"]["schema"]
    assert request_id["pattern"] == f"^[ -~]{{1,{MAX_REQUEST_ID_CHARACTERS}}}$"


def test_an_explanations_grid_has_its_cells():
    grid = properties("Explanation")["grid"]
    assert {side[bound] for side in (grid, grid["items"]) for bound in ("minItems", "maxItems")} == {GRID_CELLS}


def test_every_operation_shows_what_it_takes_and_gives():
    answers = {f"{operation} 200 application/json" for operation in OPERATIONS}
    assert answers | {"classify request application/json", "explain request application/json"} <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_its_schema_says(name):
    schema = EXAMPLES[name]["schema"] | {"components": COMPONENTS}
    Draft202012Validator(schema).validate(EXAMPLES[name]["example"])


@pytest.mark.parametrize("operation", ["classify", "explain"])
def test_an_answer_that_is_shown_adds_up(operation):
    check_answer(EXAMPLES[f"{operation} 200 application/json"]["example"])
