"""The suite's own arguments beside Locust's: on the command line, as LOADTEST_*, and in its page."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from driving.arrivals import PROCESSES, Process, Stage, parse_rates
from traffic.call import Kind
from traffic.weights import Weights, format_weights, parse_weights

T = TypeVar("T")
MODEL_NAME = re.compile(r"\w[\w.-]*(/[\w.]+)?")
POLICY_NAME = re.compile(r"[\w.-]*")
ANSWER_GRACE_SECONDS = 20.0
"""Beyond the deadline, after which an answer is no longer waited for: late ones are told from lost ones."""
TOTAL_USERS = "loadtest_total_users"
"""What the master tells its workers beside the arguments: over how many users the rate is spread."""


class OptionError(ValueError):
    """An argument that makes no sense; the message begins with its name."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the arguments say. `pictures` None is the generated mix; no `rates` is closed loop."""

    traffic: Weights
    model_name: str
    pictures: Path | None
    mix_seed: int
    mix_count: int
    bad_share: float
    duplicates: float
    policy: str
    rates: tuple[Stage, ...]
    arrivals: Process
    pause_seconds: float
    deadline_ms: float
    seed: int
    samples: Path | None
    references: Path | None
    refusals_expected: bool
    total_users: int

    @property
    def answer_limit_seconds(self) -> float:
        """How long an answer is waited for."""
        return self.deadline_ms / 1000 + ANSWER_GRACE_SECONDS

    @classmethod
    def parse(cls, values: Namespace, kinds: Collection[Kind]) -> "Options":
        """Read Locust's parsed arguments for a transport that carries `kinds`. Raises OptionError."""
        given = vars(values)
        _checked("mix-count", given, lambda count: count >= 1, "at least 1")
        for name in ("bad-share", "duplicates"):
            _checked(name, given, lambda share: 0 <= share <= 1, "from 0 to 1")
        _checked("pause-ms", given, lambda pause_ms: pause_ms >= 0, "0 or more")
        _checked("deadline-ms", given, lambda deadline_ms: deadline_ms > 0, "more than 0")
        _checked("arrivals", given, PROCESSES.__contains__, f"one of {', '.join(PROCESSES)}")
        _checked("model-name", given, MODEL_NAME.fullmatch, "a model's name, with a version behind a slash or without")
        _checked("policy", given, POLICY_NAME.fullmatch, "a policy's name")
        _checked("pictures", given, lambda folder: not folder or Path(folder).is_dir(), "a folder")
        _checked("references", given, lambda file: not file or Path(file).is_file(), "a file")
        return cls(
            traffic=_parsed("traffic", given, lambda text: parse_weights(text, kinds)),
            model_name=values.model_name,
            pictures=_path(values.pictures),
            mix_seed=values.mix_seed,
            mix_count=values.mix_count,
            bad_share=values.bad_share,
            duplicates=values.duplicates,
            policy=values.policy,
            rates=_parsed("rates", given, parse_rates),
            arrivals=values.arrivals,
            pause_seconds=values.pause_ms / 1000,
            deadline_ms=values.deadline_ms,
            seed=values.seed,
            samples=_path(values.samples),
            references=_path(values.references),
            refusals_expected=values.refusals_expected,
            total_users=max(1, given.get(TOTAL_USERS) or values.num_users or 1),
        )


def register(parser: ArgumentParser, traffic: Weights) -> None:
    """Add the arguments; `traffic` is what is sent unless told otherwise."""

    def add(name: str, default: object, text: str, **more: Any) -> None:
        more |= {} if "action" in more else {"type": type(default)}
        more["env_var"] = f"LOADTEST_{name.replace('-', '_').upper()}"
        # Not within a group of arguments: Locust's page would leave it out.
        parser.add_argument(f"--{name}", default=default, help=text, **more)

    add("traffic", format_weights(traffic), f"weights by kind of request, out of {', '.join(traffic)}")
    add("model-name", "nsfw", "the model asked, such as nsfw or nsfw/1.0")
    add("pictures", "", "a folder of JPEG, PNG and WebP files to send instead of the generated mix")
    add("mix-seed", 0, "seed of the generated mix: equal ones give equal pictures")
    add("mix-count", 48, "pictures in the generated mix, bad ones included")
    add("bad-share", 0.02, "share of files in the generated mix that must be refused, within batches too")
    add("duplicates", 0.0, "share of images whose bytes were sent before; at 0 no cache flatters")
    add("policy", "", "the policy to ask for (X-Policy); the service's default where empty")
    add("rates", "", "open loop: requests per second, 45, or a profile of rate x seconds, 20x10,60x15,20x10; "
        "in closed loop, where empty, every user waits for its answer")  # fmt: skip
    add("arrivals", "poisson", "how open-loop requests arrive: poisson or constant", choices=PROCESSES)
    add("pause-ms", 0.0, "closed loop: a user's pause between an answer and the next request")
    add("deadline-ms", 10_000.0, "an answer that comes later is a failure")
    add("seed", 0, "seed of which pictures are sent, and when")
    add("samples", "", "a folder that gets every request's raw sample, a CSV file per process")
    add("references", "", "a JSON file of the scores that must come back, {picture: {label: probability}}; without it "
        "a picture's first answer is what later ones are held against")  # fmt: skip
    add("refusals-expected", False, "a request that the full queue refuses is no failure", action="store_true")


def _checked(name: str, given: Mapping[str, Any], holds: Callable[[Any], Any], what: str) -> None:
    value = given[name.replace("-", "_")]
    if not holds(value):
        raise OptionError(f"--{name}: {value!r} is not {what}")


def _parsed(name: str, given: Mapping[str, Any], parse: Callable[[str], T]) -> T:
    try:
        return parse(given[name.replace("-", "_")])
    except ValueError as error:
        raise OptionError(f"--{name}: {error}") from None


def _path(text: str) -> Path | None:
    return Path(text) if text else None
