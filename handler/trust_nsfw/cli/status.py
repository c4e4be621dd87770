"""`trust-nsfw health` and `models`: what the server says of itself."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from trust_nsfw.cli import options
from trust_nsfw.cli.errors import CommandError
from trust_nsfw.cli.server import Server
from trust_nsfw.cli.terminal import console, one_line, print_table, show
from trust_nsfw.client.errors import NotFound, Unavailable

NOT_READY = 1
DEADLINE_SECONDS = 10.0


def health(
    *,
    management_url: options.ManagementUrl = options.DEFAULT_MANAGEMENT_URL,
    token: options.Token = None,
    key_file: options.KeyFile = None,
) -> None:
    """Say whether a worker is ready. Exit code 0: it is; 1: not, or nobody is there; 2: it can't be told."""
    try:
        description = _description(management_url, token, key_file)
    except CommandError as error:
        if not isinstance(error.__cause__, Unavailable | NotFound):
            raise
        show(f"not ready: {error}")
        raise typer.Exit(NOT_READY) from error
    states = [str(worker["status"]) for worker in description.get("workers", [])]
    if "READY" not in states:
        show(f"not ready: workers {', '.join(states) or 'none'}")
        raise typer.Exit(NOT_READY)
    show(f"ready: {states.count('READY')} of {len(states)} workers")
    service = _service(description)
    model = service["model"]
    show(f"model: {model['checkpoint']} ({model['weights']} weights), {model['engine']} {model['precision']}")
    show(f"policies: {', '.join(service['policies'])}; {service['default_policy']} unless another is named")


def models(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as the server tells it.")] = False,
    management_url: options.ManagementUrl = options.DEFAULT_MANAGEMENT_URL,
    token: options.Token = None,
    key_file: options.KeyFile = None,
) -> None:
    """Tell what is served: model, labels, policies, limits, preprocessing."""
    description = _description(management_url, token, key_file)
    if as_json:
        print(json.dumps(description, indent=2))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in _rows(_service(description)):
        table.add_row(*map(one_line, row))
    print_table(console(), table)


def _description(management_url: str, token: str | None, key_file: Path | None) -> dict[str, Any]:
    """Ask the management address, which takes a token of its own. Raises CommandError as Server.ask does."""
    server = Server(
        management_url,
        management_url=management_url,
        management_token=token,
        key_file=key_file,
        deadline_seconds=DEADLINE_SECONDS,
    )
    with server:
        return server.ask(lambda client: client.describe())


def _service(description: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what our own service says in TorchServe's description; raises CommandError when there is none of it."""
    service = description.get("customizedMetadata")
    if not isinstance(service, Mapping) or not {"model", "policies", "default_policy"} <= service.keys():
        raise CommandError("the server does not describe a model of this service")
    return service


def _rows(service: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield topic, name and value of everything; a topic is named once."""
    for topic, content in service.items():
        if isinstance(content, Mapping):
            for index, (name, value) in enumerate(content.items()):
                yield "" if index else topic, str(name), str(value)
        elif isinstance(content, list):
            yield topic, "", ", ".join(map(str, content))
        else:
            yield topic, "", str(content)
