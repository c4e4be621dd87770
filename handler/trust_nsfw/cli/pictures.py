"""`trust-nsfw moderate` and `explain`: one image in, one picture out."""

from pathlib import Path
from typing import Annotated

import typer

from trust_nsfw.cli import options
from trust_nsfw.cli.errors import CommandError
from trust_nsfw.cli.files import Picture, find_one
from trust_nsfw.cli.server import Server
from trust_nsfw.cli.terminal import show
from trust_nsfw.cli.writers import reason_text
from trust_nsfw.client import Failure

Image = Annotated[str, typer.Argument(metavar="IMAGE", help="A file, or - for stdin.")]


def moderate(
    image: Image,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The picture to write.")],
    policy: options.PolicyName = None,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
    key_file: options.KeyFile = None,
) -> None:
    """Write the picture that may be shown: blurred if the action is blur, else without its metadata."""
    source = find_one(image)
    with Server(url, token=token, key_file=key_file) as server:
        picture = server.ask(lambda client: client.moderated(source.content, policy=policy))
    if isinstance(picture, Failure):
        raise CommandError(f"{picture.code}: {picture.message}")
    _write(picture.content, output, source)
    show(f"{picture.action} {picture.label}: {output}, {picture.content_type}, {len(picture.content):,} bytes")


def explain(
    image: Image,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.png", help="The PNG to write.")],
    policy: options.PolicyName = None,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
    key_file: options.KeyFile = None,
) -> None:
    """Show where in an image the model saw what decided."""
    source = find_one(image)
    with Server(url, token=token, key_file=key_file) as server:
        explained = server.ask(lambda client: client.explain(source.content, policy=policy))
    if isinstance(explained, Failure):
        raise CommandError(f"{explained.code}: {explained.message}")
    _write(explained.overlay_png, output, source)
    verdict = explained.verdict
    because = "".join(f", {reason_text(reason)}" for reason in verdict.reasons)
    show(f"{verdict.action} {verdict.label}{because}: where {explained.explanation.target} shows is in {output}")


def _write(content: bytes, output: Path, source: Picture) -> None:
    """Write a picture; raises CommandError rather than put it in its source's place."""
    if isinstance(source.content, Path) and output.exists() and output.samefile(source.content):
        raise CommandError(f"{output} is the image itself; name another file")
    output.write_bytes(content)
