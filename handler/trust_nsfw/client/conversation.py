"""What every client says and in which order: splitting, retries, checks. It sends nothing and never waits.

A conversation is a generator: it yields a Send, is given the Reply or the error that came of it, and returns its
result in the end. So one text serves blocking and asynchronous clients, over HTTP and over gRPC.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from trust_nsfw.client import answers, errors
from trust_nsfw.client.backoff import Backoff, Deadline
from trust_nsfw.client.batches import Entry, RequestLimits, body_of, check_id, fits_json, group
from trust_nsfw.client.calls import Call, Kind, Options, Reply
from trust_nsfw.client.payloads import Image, read
from trust_nsfw.client.results import BatchAnswer, ExplainedVerdict, ModeratedPicture, RemoteVerdict, Unscored
from trust_nsfw.client.tokens import Tokens
from trust_nsfw.schema import Failure

READY_SECONDS = 5.0
"""A server that takes longer to say whether it is ready is not."""

T = TypeVar("T")
Images = Iterable[Image] | Mapping[str, Image]
OnUnavailable = Literal["raise", "review"]
OF_THE_IMAGE = (
    errors.EmptyImage,
    errors.UrlNotAllowed,
    errors.ImageTooLarge,
    errors.TooManyImages,
    errors.UnsupportedFormat,
    errors.CorruptImage,
    errors.RequestTooLarge,
    errors.UnreadableImage,
)
"""Refusals that concern one image and say nothing of its neighbours."""


@dataclass(frozen=True, slots=True)
class Send:
    """A step: wait, then send the call and come back with what happened before the deadline."""

    call: Call
    after_seconds: float
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The end of a conversation."""

    value: T


Talk = Generator[Send, Reply, T]


def advance(talk: Talk[T], outcome: Reply | errors.ModerationError | None) -> Send | Done[T]:
    """Give a conversation the outcome of its last step (None at its start) and return its next step or its end."""
    try:
        if outcome is None:
            return next(talk)
        if isinstance(outcome, errors.ModerationError):
            return talk.throw(outcome)
        return talk.send(outcome)
    except StopIteration as end:
        return Done(end.value)


@dataclass(frozen=True, slots=True)
class Conversations:
    """All that a client can talk about; none takes longer than `deadline_seconds`, however many requests it needs."""

    tokens: Tokens = field(default_factory=Tokens)
    deadline_seconds: float = 60.0
    backoff: Backoff = field(default_factory=Backoff)
    limits: RequestLimits = field(default_factory=RequestLimits)
    on_unavailable: OnUnavailable = "raise"

    def __post_init__(self) -> None:
        if self.on_unavailable not in ("raise", "review"):
            raise ValueError(f"on_unavailable is 'raise' or 'review', not {self.on_unavailable!r}: there is no 'allow'")
        if not self.deadline_seconds > 0:
            raise ValueError(f"deadline_seconds is {self.deadline_seconds}; it must be more than 0")

    def classify(self, image: Image, options: Options) -> Talk[RemoteVerdict | Unscored]:
        """Ask for the verdict on one image."""
        return self._about_one(Kind.CLASSIFY, image, options, answers.read_one)

    def moderated(self, image: Image, options: Options) -> Talk[ModeratedPicture | Unscored]:
        """Ask for the picture itself, fit to show."""
        return self._about_one(Kind.MODERATE, image, options, answers.read_picture)

    def explain(self, image: Image, options: Options) -> Talk[ExplainedVerdict | Unscored]:
        """Ask for the verdict on one image and where in it the deciding score comes from."""
        return self._about_one(Kind.EXPLAIN, image, options, answers.read_explained)

    def classify_many(
        self, images: Images, options: Options, deadline_seconds: float | None = None
    ) -> Talk[BatchAnswer]:
        """Ask for the verdicts on many images, in as few requests as the limits allow, one after the other.

        Raises InvalidRequest for an id that no request can carry, before any is sent.
        """
        deadline = self._deadline(deadline_seconds)
        if isinstance(images, Mapping):
            for name in images:
                check_id(name)
        named = images.items() if isinstance(images, Mapping) else ((None, image) for image in images)
        ids: list[str | None] = []
        results: dict[int, RemoteVerdict | Failure] = {}

        def entries() -> Iterator[Entry]:
            for position, (name, image) in enumerate(named):
                ids.append(name)
                try:
                    yield Entry(position, name, read(image, self.limits.max_body_bytes))
                except OF_THE_IMAGE as error:
                    results[position] = Failure.of(error)

        for batch in group(entries(), self.limits):
            found = yield from self._classify_batch(batch, options, deadline)
            results |= {entry.position: result for entry, result in zip(batch, found, strict=True)}
        if len(results) != len(ids):
            raise errors.InvalidAnswer(f"{len(ids)} images have {len(results)} results")
        return BatchAnswer(tuple(ids), tuple(results[position] for position in range(len(ids))))

    def describe(self) -> Talk[dict[str, Any]]:
        """Ask the management address what is served."""
        reply = yield from self._ask(Call(Kind.DESCRIBE), self._deadline())
        return answers.read_description(reply)

    def ready(self) -> Talk[bool]:
        """Ask the management address, once, whether a worker is ready to score."""
        try:
            reply = yield Send(Call(Kind.STATUS), 0.0, self._deadline(min(self.deadline_seconds, READY_SECONDS)))
            if (error := errors.of_answer(reply.status, reply.body)) is not None:
                raise error
            return answers.read_readiness(reply)
        except (errors.Unavailable, errors.NotFound):
            return False

    def _about_one(
        self, kind: Kind, image: Image, options: Options, read_answer: Callable[[Reply, bytes], T]
    ) -> Talk[T | Unscored]:
        payload = read(image, self.limits.max_body_bytes)
        try:
            reply = yield from self._ask(Call(kind, payload, options), self._deadline())
            return read_answer(reply, payload)
        except errors.Unavailable as error:
            return self._unscored(error)

    def _classify_batch(
        self, batch: list[Entry], options: Options, deadline: Deadline
    ) -> Talk[list[RemoteVerdict | Failure]]:
        """Ask about images that fit one request.

        Only the service knows how many model inputs they make, for an animation makes several: what it refuses as too
        much is asked again in halves. So is a request that makes it fail, until the image that does is alone: what the
        others were given is not lost with it.
        """
        try:
            if fits_json(batch, self.limits):
                reply = yield from self._ask(Call(Kind.CLASSIFY_MANY, body_of(batch), options), deadline)
                return answers.read_many(reply, batch)
            reply = yield from self._ask(Call(Kind.CLASSIFY, batch[0].payload, options), deadline)
            return [answers.read_one(reply, batch[0].payload)]
        except (*OF_THE_IMAGE, errors.InternalError) as error:
            if len(batch) == 1:
                return [Failure.of(error)]
        except errors.Unavailable as error:
            if type(error) is not errors.BackendFailed:  # nobody is there, or not our service: fewer are no better
                return [self._unscored(error)] * len(batch)
            if len(batch) == 1:
                return [Failure.of(error) if self.on_unavailable == "raise" else self._unscored(error)]
        half = len(batch) // 2
        first = yield from self._classify_batch(batch[:half], options, deadline)
        return first + (yield from self._classify_batch(batch[half:], options, deadline))

    def _ask(self, call: Call, deadline: Deadline) -> Talk[Reply]:
        """Send a call until it is answered: again after a 503 or a lost connection, never after a refusal.

        A token that is not accepted is read from its file again, once: the server may have made a new one.
        """
        failures: list[errors.Unavailable] = []
        wait_seconds, renewed = 0.0, False
        while True:
            try:
                if deadline.left_seconds() <= wait_seconds:
                    raise errors.DeadlineExceeded("no time is left of the deadline")
                reply = yield Send(call, wait_seconds, deadline)
                if (error := errors.of_answer(reply.status, reply.body)) is not None:
                    raise error
                return reply
            except (errors.Overloaded, errors.Unreachable) as error:
                failures.append(error)
                wait_seconds = self.backoff.wait_seconds(len(failures))
                if len(failures) == self.backoff.attempts:
                    raise
            except errors.DeadlineExceeded as error:
                raise failures[-1] if failures else error  # noqa: B904 - what kept us asking says more
            except errors.Unauthorized:
                if renewed or not self.tokens.renew():
                    raise
                wait_seconds, renewed = 0.0, True

    def _unscored(self, error: errors.Unavailable) -> Unscored:
        """Return what stands for a verdict when nobody could give one, or raise, as the caller wants it."""
        if self.on_unavailable == "raise":
            raise error
        return Unscored(error.code, error.status, error.message)

    def _deadline(self, seconds: float | None = None) -> Deadline:
        return Deadline.in_seconds(self.deadline_seconds if seconds is None else seconds)
