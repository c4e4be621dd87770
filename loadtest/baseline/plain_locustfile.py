"""Locust as its documentation teaches it: JPEGs posted as they are, no answer looked at but its status."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from locust import FastHttpUser, events, task
from locust.argument_parser import LocustArgumentParser


def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Add the folder of pictures to Locust's command line."""
    parser.add_argument("--pictures", required=True, help="folder of JPEGs to send")


events.init_command_line_parser.add_listener(add_options)  # type: ignore[no-untyped-call]


class Poster(FastHttpUser):
    """A user who sends one picture after another, with no pause between."""

    def on_start(self) -> None:
        """Read the pictures."""
        files = sorted(Path(self.environment.parsed_options.pictures).glob("*.jp*g"))
        self.payloads: Iterator[Any] = itertools.cycle([file.read_bytes() for file in files])

    @task
    def post(self) -> None:
        """Send one picture."""
        self.client.post("/predictions/nsfw", data=next(self.payloads), headers={"Content-Type": "image/jpeg"})
