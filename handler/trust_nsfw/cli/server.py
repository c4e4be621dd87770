"""A server, asked through the client: quick to say that nobody is there, patient once somebody was."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from trust_nsfw.cli.errors import CommandError
from trust_nsfw.client import Backoff, ModerationClient, ModerationError
from trust_nsfw.client.errors import Overloaded, Unreachable

T = TypeVar("T")
FIRST_ATTEMPTS = 3


class Server:
    """The REST clients of one server. Threads may share it."""

    def __init__(
        self,
        url: str,
        *,
        management_url: str | None = None,
        token: str | None = None,
        management_token: str | None = None,
        key_file: Path | None = None,
        deadline_seconds: float = 60.0,
    ) -> None:
        """Connect to nothing yet; raises CommandError for an address or token that makes no sense."""

        def client(backoff: Backoff) -> ModerationClient:
            return ModerationClient(
                url,
                management_url=management_url,
                token=token,
                management_token=management_token,
                key_file=key_file,
                deadline_seconds=deadline_seconds,
                backoff=backoff,
            )

        try:
            self._hasty, self._patient = client(Backoff(attempts=FIRST_ATTEMPTS)), client(Backoff())
        except (ModerationError, ValueError) as error:
            raise CommandError(str(error)) from error
        self._address = management_url or url
        self._answered = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hasty.close()
        self._patient.close()

    def ask(self, question: Callable[[ModerationClient], T]) -> T:
        """Put a question; raises CommandError with what stands in the answer's place.

        A lost connection is tried again for as long as the deadline lets it, but not before the first answer: until
        then it may be the address that is wrong, and nobody wants to wait a minute to hear it.
        """
        try:
            answer = question(self._patient) if self._answered else self._ask_first(question)
        except Unreachable as error:
            raise CommandError(f"{error.code}: no answer from {self._address}: {_root(error)}") from error
        except ModerationError as error:
            raise CommandError(f"{error.code}: {error}") from error
        except ValueError as error:  # the HTTP library's word for an address or a token that it can't write down
            raise CommandError(str(error)) from error
        self._answered = True
        return answer

    def _ask_first(self, question: Callable[[ModerationClient], T]) -> T:
        try:
            return question(self._hasty)
        except Overloaded:
            return question(self._patient)


def _root(error: BaseException) -> str:
    """Return what is at the bottom of a chain of errors: the libraries' own words wrap it in several layers."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
