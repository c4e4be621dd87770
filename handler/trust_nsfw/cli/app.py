"""`trust-nsfw`: its commands, and how each of them ends."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from trust_nsfw import __version__
from trust_nsfw.cli import pictures, policies, status
from trust_nsfw.cli.classify import classify
from trust_nsfw.cli.errors import CommandError
from trust_nsfw.cli.terminal import say, show
from trust_nsfw.errors import ServiceError, StartupError

FAILED = 2
INTERRUPTED = 130
"""128 + SIGINT, as shells count it."""

app = typer.Typer(
    help="What an image shows and what to do about it, asked of your own moderation service.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (classify, pictures.moderate, pictures.explain, status.health, status.models):
    app.command()(command)
app.add_typer(policies.app, name="policy")


def _show_version(asked: bool) -> None:
    if asked:
        show(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; whatever could be expected to go wrong is one line on stderr."""
    try:
        code: int | None = app(arguments, prog_name="trust-nsfw", standalone_mode=False)
    except typer.TyperException as error:
        return _fail(error.format_message())  # empty after a help text, which was asked for by saying nothing
    except (CommandError, ServiceError, StartupError) as error:
        return _fail(str(error))
    except SystemExit:
        return FAILED  # typer has seen that nobody reads stdout any more, and silenced it
    except OSError as error:
        return _fail(f"{error.filename or 'the output'}: {error.strerror or error}")
    if code == INTERRUPTED:
        _leave_at_once()
    return code or 0


def _fail(message: str) -> int:
    if message.strip():
        say(f"trust-nsfw: {' '.join(message.split())}")
    return FAILED


def _leave_at_once() -> None:
    """End the process although threads still wait for answers, which nobody wants any more."""
    say("trust-nsfw: interrupted")
    sys.stdout.flush()
    os._exit(INTERRUPTED)
