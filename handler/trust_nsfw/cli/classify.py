"""`trust-nsfw classify`: many images, one result each, in order."""

import time
from pathlib import Path
from typing import Annotated

import typer

from trust_nsfw.cli import options
from trust_nsfw.cli.askers import Question, ask_here, ask_server
from trust_nsfw.cli.errors import CommandError
from trust_nsfw.cli.files import STDIN, find
from trust_nsfw.cli.progress import is_in_the_way, progress_bar
from trust_nsfw.cli.results_file import earlier_results
from trust_nsfw.cli.run import Run
from trust_nsfw.cli.server import Server
from trust_nsfw.cli.terminal import counted, say
from trust_nsfw.cli.writers import Format, format_of, open_writer

NO_SERVER = "Without a server"
THREADS_HERE = 2
"""One scores while the other reads files."""


def classify(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Images, folders, patterns, or - for stdin.")],
    *,
    policy: options.PolicyName = None,
    min_confidence: Annotated[
        float | None, typer.Option(help="Show every class that has it, from 0 to 1, not only the first.")
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Of the results.", show_default="what --output's name says")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A new file.", show_default="stdout")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the --output file ends.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no summary.")] = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
    key_file: options.KeyFile = None,
    parallel: Annotated[
        int, typer.Option(min=1, max=32, help="Requests at a time.", rich_help_panel=options.SERVER)
    ] = 4,
    deadline: Annotated[
        float, typer.Option(min=1, help="Seconds for every 16 images.", rich_help_panel=options.SERVER)
    ] = 60,
    local: Annotated[
        Path | None,
        typer.Option(metavar="MODEL_DIR", help="The checkpoint to score with.", rich_help_panel=NO_SERVER),
    ] = None,
    policies: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where --policy's name is looked up.",
            show_default="those shipped",
            rich_help_panel=NO_SERVER,
        ),
    ] = None,
) -> None:
    """Classify images. Exit code 0: all are allowed; 1: some are to be reviewed or blurred; 2: something failed."""
    kind = form or format_of(output)
    question = Question(policy, policies, min_confidence)
    if resume and STDIN in paths:
        raise CommandError("--resume goes by paths, and every image from stdin is called -: name files instead")
    found = find(paths)
    earlier = earlier_results(output, kind, found.pictures, resume=resume)
    run = Run([one for one in found.pictures if one.path not in earlier.paths], earlier.tally, earlier.origin)
    if local is None:
        asker = ask_server(Server(url, token=token, key_file=key_file, deadline_seconds=deadline), question)
    else:
        asker, parallel = ask_here(local, question), THREADS_HERE
    shown = not quiet and not is_in_the_way(output, kind)
    with (
        asker as ask,
        open_writer(kind, output) as writer,
        progress_bar(run.tally, len(run.pictures), shown=shown) as advance,
    ):
        begun = time.monotonic()
        for images in run.proceed(ask, parallel, writer):
            advance(images)
        seconds = time.monotonic() - begun
    _sum_up(run, found.others, seconds, quiet=quiet)
    raise typer.Exit(run.tally.exit_code)


def _sum_up(run: Run, others: int, seconds: float, *, quiet: bool) -> None:
    """Say on stderr what came of a run and who decided."""
    if run.last is not None and run.last.model.weights == "random":
        say("warning: the model's weights are random, so these results mean nothing")
    if quiet:
        return
    earlier = run.tally.counts.total() - run.done
    before = f" ({earlier:,} before)" if earlier else ""
    say(f"{counted(run.done, 'image')} in {seconds:.1f} s{before}: {run.tally}")
    if others:
        say(f"not looked at, being no images by their extension: {counted(others, 'file')}")
    if run.last is not None:
        policy, model = run.last.policy, run.last.model
        say(f"policy {policy.name} {policy.version}; {model.checkpoint}, {model.engine} {model.precision}")
