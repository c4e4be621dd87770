"""The suite's own arguments."""

from pathlib import Path

import configargparse
import pytest

from driving.arrivals import Stage
from driving.options import OptionError, Options, register
from traffic.call import Kind

DEFAULT = {Kind.SINGLE: 60, Kind.BAD: 5}


def parsed(*arguments: str, environ: dict[str, str] | None = None) -> Options:
    parser = configargparse.ArgumentParser()
    parser.add_argument("--users", dest="num_users", type=int)  # Locust's own
    register(parser, DEFAULT)
    return Options.parse(parser.parse_args(list(arguments), env_vars=environ or {}), tuple(Kind))


def test_without_arguments_the_mix_is_generated_and_sent_in_closed_loop():
    options = parsed()
    assert options.traffic == DEFAULT
    assert (options.model_name, options.policy, options.duplicates) == ("nsfw", "", 0)
    assert (options.pictures, options.samples, options.references) == (None, None, None)
    assert (options.mix_seed, options.mix_count, options.bad_share) == (0, 48, 0.02)
    assert (options.rates, options.pause_seconds, options.deadline_ms) == ((), 0, 10_000)
    assert not options.refusals_expected
    assert options.total_users == 1


def test_arguments_are_read_in_their_units(tmp_path: Path):
    options = parsed(
        "--traffic", "single=1,batch4=2,health=0", "--rates", "20x10,60x5", "--pause-ms", "250", "--users", "3",
        "--arrivals", "constant", "--pictures", str(tmp_path), "--refusals-expected",
    )  # fmt: skip
    assert options.traffic == {Kind.SINGLE: 1, Kind.BATCH_4: 2}
    assert options.rates == (Stage(20, 10), Stage(60, 5))
    assert (options.pause_seconds, options.arrivals, options.total_users) == (0.25, "constant", 3)
    assert options.pictures == tmp_path
    assert options.refusals_expected


def test_arguments_can_come_from_the_environment():
    assert parsed(environ={"LOADTEST_RATES": "45", "LOADTEST_MODEL_NAME": "other/1.0"}).rates == (Stage(45),)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--traffic", "single"), "--traffic: 'single' is not KIND=WEIGHT"),
        (("--traffic", "single=a"), "--traffic: 'single=a' is not KIND=WEIGHT with a whole number"),
        (("--traffic", "upload=1"), "--traffic: 'upload' is none of single, batch4"),
        (("--traffic", "single=1,single=2"), "--traffic: single is named twice"),
        (("--traffic", "single=0"), "--traffic: every weight is 0"),
        (("--rates", "fast"), "--rates: 'fast' is neither a rate"),
        (("--mix-count", "0"), "--mix-count: 0 is not at least 1"),
        (("--bad-share", "2"), "--bad-share: 2.0 is not from 0 to 1"),
        (("--duplicates", "nan"), "--duplicates: nan is not from 0 to 1"),
        (("--pause-ms", "-1"), "--pause-ms: -1.0 is not 0 or more"),
        (("--deadline-ms", "0"), "--deadline-ms: 0.0 is not more than 0"),
        (("--model-name", "../x"), "--model-name: '../x' is not a model's name"),
        (("--policy", "a\nb"), "--policy: 'a\\\\nb' is not a policy's name"),
        (("--pictures", "/nowhere"), "--pictures: '/nowhere' is not a folder"),
        (("--references", "/nowhere"), "--references: '/nowhere' is not a file"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(arguments, said):
    with pytest.raises(OptionError, match=said):
        parsed(*arguments)


def test_a_transport_takes_only_the_kinds_it_carries():
    parser = configargparse.ArgumentParser()
    parser.add_argument("--users", dest="num_users", type=int)
    register(parser, DEFAULT)
    values = parser.parse_args(["--traffic", "moderated=1"], env_vars={})
    with pytest.raises(OptionError, match="--traffic: 'moderated' is none of single, bad"):
        Options.parse(values, (Kind.SINGLE, Kind.BAD))
