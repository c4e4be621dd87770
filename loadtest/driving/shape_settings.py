"""A load shape's own arguments: numbers above 0, on the command line, as LOADTEST_*, and in Locust's page."""

import sys
from collections.abc import Mapping
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import Runner

MOST_SPAWNED_PER_S = 100.0
"""Beyond which Locust warns of its own limits."""


class ShapeSettings:
    """The arguments `--SHAPE-NAME` of one shape, each with its default and help text."""

    def __init__(self, shape: str, defaults: Mapping[str, tuple[float, str]]) -> None:
        """Add them to Locust's; whole defaults take whole numbers."""
        self._shape, self._defaults = shape, defaults
        hooks: Any = events  # which Locust has not annotated
        hooks.init_command_line_parser.add_listener(self._add_arguments)
        hooks.init.add_listener(self._check)

    def of(self, runner: Runner | None) -> dict[str, Any]:
        """Return the values by name. Raises StopTest, which names the argument, for one that is not above 0."""
        assert runner is not None
        return self._values(runner.environment)

    def _values(self, environment: Environment) -> dict[str, Any]:
        given = vars(environment.parsed_options)
        values = {name: given[f"{self._shape}_{name}".replace("-", "_")] for name in self._defaults}
        for name, value in values.items():
            if not 0 < value < float("inf"):
                raise StopTest(f"--{self._shape}-{name}: {value!r} is not above 0")
        return values

    def _add_arguments(self, parser: LocustArgumentParser, **_: Any) -> None:
        for name, (default, text) in self._defaults.items():
            option = f"{self._shape}-{name}"
            variable = f"LOADTEST_{option.replace('-', '_').upper()}"
            more: dict[str, Any] = {"type": type(default), "default": default, "env_var": variable}
            # Not within a group of arguments: Locust's page would leave it out.
            parser.add_argument(f"--{option}", help=f"{text} (default {default:g})", **more)

    def _check(self, environment: Environment, **_: Any) -> None:
        try:
            self._values(environment)
        except StopTest as error:
            sys.exit(f"locust: {error}")
