"""A child process that answers questions, a line of JSON each way; what it loads stays in its own memory."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

LOADTEST = Path(__file__).resolve().parent.parent
END_SECONDS = 20.0


class CoprocessError(RuntimeError):
    """The child ended or failed; the message has its reason."""


class Coprocess:
    """`python -m MODULE ARGUMENTS`, running between questions without using the CPU; a context manager."""

    def __init__(
        self, module: str, arguments: Sequence[str] = (), *, environ: Mapping[str, str] = os.environ, path: str = ""
    ) -> None:
        """Start it, with its code from `path` before anything installed; its stderr is ours."""
        environment = {**environ, "PYTHONPATH": os.pathsep.join([*filter(None, [path]), str(LOADTEST)])}
        self._name = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def ask(self, **question: Any) -> Any:
        """Return the answer to one question. Raises CoprocessError."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise CoprocessError(f"{self._name} has ended; its reason is above") from None
        line = self._process.stdout.readline()
        if not line:
            raise CoprocessError(f"{self._name} ended without an answer; its reason is above")
        answer = json.loads(line)
        if "error" in answer:
            raise CoprocessError(f"{self._name}: {answer['error']}")
        return answer["answer"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it: it does so by itself at the end of its questions, unless they no longer matter."""
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if error is not None:
            self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def answer_questions(answer: Callable[[dict[str, Any]], Any]) -> None:
    """Be the child: answer every line of stdin until it ends. What libraries print goes to stderr."""
    for question, replies in _questions():
        try:
            reply = {"answer": answer(question)}
        except (ValueError, RuntimeError, OSError, LookupError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def _questions() -> Iterator[tuple[dict[str, Any], TextIO]]:
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        for line in sys.stdin:
            yield json.loads(line), replies
