"""Reading config.properties as TorchServe does, and refusing what would open the door."""

from pathlib import Path

import pytest

from serving import ts_config
from serving.ports import Ports
from serving.ts_config import ConfigError, TorchServeConfig, write_config
from trust_nsfw import moderated

ROOT = Path(__file__).resolve().parents[3]
PORTS = Ports(inference=1, management=2, metrics=3, grpc_inference=4, grpc_management=5, first_worker=6)


def load(folder: Path, text: str, **environ: str) -> TorchServeConfig:
    path = folder / "config.properties"
    path.write_text(text)
    return TorchServeConfig.load(path, environ)


def value(config: TorchServeConfig, key: str) -> str:
    return config.settings[key].value


def test_the_projects_own_configuration_is_safe_and_says_what_the_readme_says():
    config = TorchServeConfig.load(ROOT / "config.properties", {})
    config.refuse_unsafe()
    assert [address.url for address in config.addresses()] == [
        "http://127.0.0.1:8080",
        "http://127.0.0.1:8081",
        "http://127.0.0.1:8082",
        "grpc://127.0.0.1:7070",
        "grpc://127.0.0.1:7071",
    ]
    assert not config.needs_tokens
    assert value(config, "enable_model_api") == "false"
    assert value(config, "max_request_size") == value(config, "max_response_size") == str(32 * 2**20)


def test_a_setting_that_is_missing_has_torchserves_default(tmp_path):
    config = load(tmp_path, "# nothing but a comment\n\n! and another\n")
    assert config.inference.url == "http://127.0.0.1:8080"
    assert config.needs_tokens


@pytest.mark.parametrize("line", ["model_store = here", "model_store=here", "  model_store =here  "])
def test_blanks_around_the_sign_do_not_count(tmp_path, line):
    assert value(load(tmp_path, line), "model_store") == "here"


def test_a_continued_line_is_one_setting_with_the_number_of_its_first(tmp_path):
    config = load(tmp_path, '# models\nmodels={\\\n  "nsfw": {\\\n  }\\\n}\nmodel_store=here')
    assert value(config, "models") == '{"nsfw": {}}'
    assert config.settings["models"].origin == "config.properties:2"
    assert config.settings["model_store"].origin == "config.properties:6"


def test_a_continuation_at_the_end_of_the_file_still_counts(tmp_path):
    assert not load(tmp_path, "disable_token_authorization=true\\").needs_tokens


def test_of_two_lines_with_one_key_the_last_wins(tmp_path):
    assert (
        load(tmp_path, "inference_address=http://0.0.0.0:1\ninference_address=http://localhost:2").inference.port == 2
    )


@pytest.mark.parametrize("line", ["disable_token_authorization: true", "disable_token_authorization true", r"a=\u0062"])
def test_spellings_that_only_java_understands_are_refused_by_line(tmp_path, line):
    with pytest.raises(ConfigError, match=r"config\.properties:2: .* is not plain key=value"):
        load(tmp_path, f"# first\n{line}\n")


def test_variables_are_filled_in_and_a_missing_one_is_named(tmp_path):
    line = "inference_address=http://127.0.0.1:$$MY_PORT$$"
    assert load(tmp_path, line, MY_PORT="9").inference.port == 9
    with pytest.raises(ConfigError, match="MY_PORT"):
        load(tmp_path, line)


def test_ts_variables_count_only_when_the_file_lets_them(tmp_path):
    environ = {"TS_INFERENCE_ADDRESS": "http://0.0.0.0:8080"}
    assert load(tmp_path, "", **environ).inference.host == "127.0.0.1"
    config = load(tmp_path, "enable_envvars_config=true", **environ)
    assert config.inference.host == "0.0.0.0"
    assert config.inference.url == "http://127.0.0.1:8080"
    assert config.inference.setting.origin == "environment variable TS_INFERENCE_ADDRESS"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST"])
@pytest.mark.parametrize("key", ["inference_address", "management_address", "metrics_address"])
def test_loopback_without_tokens_is_allowed(tmp_path, key, host):
    load(tmp_path, f"disable_token_authorization=true\n{key}=http://{host}:8080").refuse_unsafe()


def test_grpc_on_the_other_loopback_is_allowed_too(tmp_path):
    load(tmp_path, "disable_token_authorization=true\ngrpc_inference_address=::1").refuse_unsafe()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "myhost", "127.0.0.1.example.org"])
@pytest.mark.parametrize("key", ["inference_address", "management_address", "metrics_address"])
def test_any_other_address_without_tokens_is_refused_with_both_lines(tmp_path, key, host):
    config = load(tmp_path, f"# first\ndisable_token_authorization=TRUE\n{key}=http://{host}:8080")
    with pytest.raises(ConfigError) as refusal:
        config.refuse_unsafe()
    assert "disable_token_authorization=TRUE (config.properties:2)" in str(refusal.value)
    assert f"{key}=http://{host}:8080 (config.properties:3)" in str(refusal.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1"])
@pytest.mark.parametrize("key", ["grpc_inference_address", "grpc_management_address"])
def test_grpc_beyond_this_machine_without_tokens_is_refused(tmp_path, key, host):
    with pytest.raises(ConfigError, match=key):
        load(tmp_path, f"disable_token_authorization=true\n{key}={host}").refuse_unsafe()


def test_tokens_switched_off_from_the_environment_are_refused_by_its_name(tmp_path):
    text = "enable_envvars_config=true\ninference_address=http://0.0.0.0:8080"
    with pytest.raises(ConfigError, match="environment variable TS_DISABLE_TOKEN_AUTHORIZATION"):
        load(tmp_path, text, TS_DISABLE_TOKEN_AUTHORIZATION="true").refuse_unsafe()


def test_with_tokens_any_address_goes(tmp_path):
    load(tmp_path, "inference_address=http://0.0.0.0:8080\ngrpc_inference_address=0.0.0.0").refuse_unsafe()


def test_metrics_that_are_switched_off_have_no_address(tmp_path):
    config = load(tmp_path, "enable_metrics_api=false\nmetrics_address=http://0.0.0.0:8082")
    assert "metrics_address" not in [address.setting.key for address in config.addresses()]


@pytest.mark.parametrize(
    "line", ["inference_address=127.0.0.1:8080", "inference_address=http://[::1]:8080", "grpc_inference_port=many"]
)
def test_an_address_that_torchserve_would_not_take_is_named(tmp_path, line):
    with pytest.raises(ConfigError, match=line.partition("=")[0]):
        load(tmp_path, line).addresses()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="absent is not a file"):
        TorchServeConfig.load(tmp_path / "absent", {})


def test_a_written_configuration_has_the_given_ports_and_works_from_any_directory(tmp_path):
    written = write_config(ROOT / "config.properties", tmp_path / "c.properties", PORTS, {"job_queue_size": "7"})
    config = TorchServeConfig.load(written, {})
    config.refuse_unsafe()
    assert [address.port for address in config.addresses()] == [1, 2, 3, 4, 5]
    assert value(config, "initial_worker_port") == "6"
    assert value(config, "job_queue_size") == "7"
    assert f"-Dlog4j.configurationFile={(ROOT / 'deploy/log4j2.xml').as_uri()}" in value(config, "vmargs")
    assert value(config, "load_models") == "nsfw.mar"


def test_a_response_limit_that_a_moderated_image_may_exceed_is_refused_by_line(tmp_path):
    file = tmp_path / "config.properties"
    file.write_text("max_response_size=6553500\n")
    with pytest.raises(ConfigError, match=r"max_response_size=6553500 \(config\.properties:1\) is below"):
        TorchServeConfig.load(file, {}).refuse_too_small()
    assert moderated.MAX_BODY_BYTES < ts_config.MIN_RESPONSE_BYTES
    TorchServeConfig.load(Path(__file__).resolve().parents[3] / "config.properties", {}).refuse_too_small()
