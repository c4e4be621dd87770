"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

SERVER = "Which server"

Url = Annotated[str, typer.Option("--url", envvar="TRUST_NSFW_URL", help="Where images go.", rich_help_panel=SERVER)]
ManagementUrl = Annotated[
    str,
    typer.Option(
        "--management-url",
        envvar="TRUST_NSFW_MANAGEMENT_URL",
        help="Where the server tells about itself.",
        rich_help_panel=SERVER,
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="TRUST_NSFW_TOKEN",
        help="The token the server asks for; better in the environment, where ps does not show it.",
        rich_help_panel=SERVER,
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar="TRUST_NSFW_KEY_FILE",
        help="TorchServe's key_file.json, in place of a token.",
        rich_help_panel=SERVER,
    ),
]
PolicyName = Annotated[
    str | None,
    typer.Option("--policy", metavar="NAME", help="The policy that decides.", show_default="the server's own"),
]
PoliciesFolder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where policies are looked up by name.", show_default="those shipped"),
]

DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_MANAGEMENT_URL = "http://127.0.0.1:8081"
