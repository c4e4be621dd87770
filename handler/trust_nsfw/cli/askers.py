"""Who classifies a batch of images: a server, or a model in this process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trust_nsfw.cli.errors import CommandError
from trust_nsfw.cli.files import Picture
from trust_nsfw.cli.lines import Result
from trust_nsfw.cli.policy_lookup import DEFAULT_POLICY, is_path, look_up
from trust_nsfw.cli.run import Classify
from trust_nsfw.cli.server import Server
from trust_nsfw.client.synchronous import SynchronousClient


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every image. `policies` is where a policy's name is looked up; a server has its own."""

    policy: str | None = None
    policies: Path | None = None
    min_confidence: float | None = None

    def __post_init__(self) -> None:
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise CommandError(f"--min-confidence is {self.min_confidence}; it must be a number from 0 to 1")

    def put(self, client: SynchronousClient, batch: Sequence[Picture]) -> list[Result]:
        """Ask about some images; raises ModerationError."""
        contents = [picture.content for picture in batch]
        answer = client.classify_many(contents, policy=self.policy, min_confidence=self.min_confidence)
        return list(answer.results)


@contextmanager
def ask_server(server: Server, question: Question) -> Iterator[Classify]:
    """Yield what asks a server; raises CommandError for a policy that only a file here defines."""
    if question.policies or (question.policy is not None and is_path(question.policy)):
        raise CommandError("a server knows its policies by name: a policy's file and --policies need --local")
    with server:
        yield lambda batch: server.ask(lambda client: question.put(client, batch))


@contextmanager
def ask_here(checkpoint: Path, question: Question) -> Iterator[Classify]:
    """Yield what asks a checkpoint directory's model, loaded into this process.

    Raises CommandError, PolicyError or CheckpointError for what can't be loaded.
    """
    if not checkpoint.is_dir():
        raise CommandError(f"{checkpoint} is not a checkpoint's folder")
    policy = look_up(question.policy or DEFAULT_POLICY, question.policies).policy
    try:
        from trust_nsfw.cli.local import LocalClient  # noqa: PLC0415 - brings torch, which nothing else here needs
    except ModuleNotFoundError as missing:
        raise CommandError(f"--local needs {missing.name}: install trust-nsfw[serve]") from None
    here = Question(policy.name, min_confidence=question.min_confidence)
    with LocalClient(checkpoint, policy) as client:
        yield lambda batch: here.put(client, batch)
