"""What the blocking clients share: their methods. How a call travels is theirs."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from trust_nsfw.client.calls import Options, Reply
from trust_nsfw.client.conversation import Conversations, Done, Images, Send, T, Talk, advance
from trust_nsfw.client.errors import ModerationError, Unreachable
from trust_nsfw.client.payloads import Image
from trust_nsfw.client.results import BatchAnswer, ExplainedVerdict, ModeratedPicture, RemoteVerdict, Unscored


class SynchronousClient(ABC):
    """Base of the blocking clients: a context manager that threads may share.

    Every method raises a ModerationError, with the codes of the wire contract and those of `trust_nsfw.client.errors`.
    With `on_unavailable="review"` an unavailable service is not raised: an Unscored, whose action is review, is
    returned in the result's place.
    """

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations
        self._closed = threading.Event()

    def classify(
        self,
        image: Image,
        *,
        policy: str | None = None,
        min_confidence: float | None = None,
        request_id: str | None = None,
    ) -> RemoteVerdict | Unscored:
        """Return the verdict on one image."""
        return self._hold(self._conversations.classify(image, Options(policy, min_confidence, request_id)))

    def classify_many(
        self,
        images: Images,
        *,
        policy: str | None = None,
        min_confidence: float | None = None,
        request_id: str | None = None,
        deadline_seconds: float | None = None,
    ) -> BatchAnswer:
        """Return one result per image, in order; `images` is an iterable, or a mapping of ids to images.

        An image that cannot be scored, or makes the service fail, is a Failure in its place. Any number of images is
        split into requests within the limits; all of them together take `deadline_seconds` at most, by default the
        client's.
        """
        options = Options(policy, min_confidence, request_id)
        return self._hold(self._conversations.classify_many(images, options, deadline_seconds))

    def moderated(
        self,
        image: Image,
        *,
        policy: str | None = None,
        min_confidence: float | None = None,
        request_id: str | None = None,
    ) -> ModeratedPicture | Unscored:
        """Return the picture fit to show: blurred when the action is blur, else re-encoded without metadata."""
        return self._hold(self._conversations.moderated(image, Options(policy, min_confidence, request_id)))

    def explain(
        self,
        image: Image,
        *,
        policy: str | None = None,
        min_confidence: float | None = None,
        request_id: str | None = None,
    ) -> ExplainedVerdict | Unscored:
        """Return the verdict on one image and where in it the deciding score comes from."""
        return self._hold(self._conversations.explain(image, Options(policy, min_confidence, request_id)))

    def describe(self) -> dict[str, Any]:
        """Return TorchServe's description of the model; the service's own is under `customizedMetadata`.

        Raises ValueError without a management address.
        """
        return self._hold(self._conversations.describe())

    def ready(self) -> bool:
        """Say whether a worker is ready to score. Raises ValueError without a management address."""
        return self._hold(self._conversations.ready())

    def close(self) -> None:
        """Close the connections; a thread that waits to try again gives up with Unreachable."""
        self._closed.set()
        self._disconnect()

    @abstractmethod
    def _disconnect(self) -> None:
        """Close the connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _send(self, step: Send) -> Reply:
        """Send one call. Raises a ModerationError when no answer came before the step's deadline."""

    def _hold(self, talk: Talk[T]) -> T:
        step = advance(talk, None)
        while not isinstance(step, Done):
            if self._closed.wait(step.after_seconds):
                raise Unreachable("the client is closed")
            step = advance(talk, self._outcome(step))
        return step.value

    def _outcome(self, step: Send) -> Reply | ModerationError:
        try:
            return self._send(step)
        except ModerationError as error:
            return error
