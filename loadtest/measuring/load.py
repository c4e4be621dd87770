"""Closed-loop load: users who each send the next picture when the last is answered, every answer checked."""

import hashlib
import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from measuring.answers import Expected, Kind, problem_of
from measuring.connection import Connection, ConnectionLost
from measuring.process_usage import Groups, busy_seconds, cpu_seconds
from traffic.fresh import Fresh

POLL_SECONDS = 0.02
BUSY = 503
BUSY_PAUSE_SECONDS = 0.05  # of a user who was refused: real ones come back later, not at once
ANSWER_LIMIT_SECONDS = 120.0  # for one answer, and beyond the end of what is measured
KEPT_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Load:
    """One measurement. `seconds` count from the end of the warm-up, in which every user is answered at least once.

    `distinct` makes every body new to the server; otherwise pictures go out as they are. `busy_is_fine` counts
    refusals of a full queue (503) instead of taking them for wrong answers.
    """

    host: str
    port: int
    path: str
    kind: Kind
    concurrency: int
    seconds: float
    warmup_seconds: float
    distinct: bool = True
    busy_is_fine: bool = False
    groups: Groups = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What came of it.

    `images_per_s` counts from the last answer before the window to the last one in it, so that answers that come a
    batch at a time are not cut. CPU seconds cover every request, warm-up included, and are given per image.
    `generator_share` and `strangers_share` are the parts of one core that the load itself took, and everything that
    is not part of the measurement.
    """

    images_per_s: float
    latencies_ms: list[float]
    answered: int
    busy: int
    problems: list[str]
    cpu_seconds_per_image: dict[str, float]
    generator_share: float
    strangers_share: float
    wall_seconds: float


@dataclass(slots=True)
class _Run:
    """What the users of one run share; appending to a list is atomic."""

    load: Load
    pictures: Sequence[bytes]
    expected: Sequence[Mapping[str, float]]
    fresh: Fresh
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    over: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, float]] = field(default_factory=list)  # when it came, how long it took, seconds
    busy: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def user(self) -> None:
        connection = Connection(self.load.host, self.load.port, self.load.path, ANSWER_LIMIT_SECONDS)
        try:
            self._ask(connection)
        except Exception as error:  # noqa: BLE001 - it would end this user unseen, and the load would be less than said
            self.report(f"a user failed: {type(error).__name__}: {error}")
        finally:
            connection.close()

    def _ask(self, connection: Connection) -> None:
        load = self.load
        sha256s: dict[int, str] = {}
        while not self.over.is_set():
            index = next(self.numbers) % len(self.pictures)
            body = self.fresh.bytes_of(self.pictures[index]) if load.distinct else self.pictures[index]
            started = time.perf_counter()
            try:
                status, answer = connection.post(body)
            except ConnectionLost as error:
                self.report(f"picture {index}: {error}")
                continue
            ended = time.perf_counter()
            if status == BUSY and load.busy_is_fine:
                self.busy.append(ended)
                time.sleep(BUSY_PAUSE_SECONDS)
                continue
            if load.distinct or index not in sha256s:
                sha256s[index] = hashlib.sha256(body).hexdigest()
            wanted = Expected(sha256s[index], self.expected[index])
            if problem := problem_of(load.kind, status, answer, wanted):
                self.report(f"picture {index}: {problem}")
            self.answers.append((ended, ended - started))

    def report(self, problem: str) -> None:
        """Note what is wrong; the run is worthless and ends."""
        self.problems.append(f"{self.load.path}: {problem}")
        self.over.set()


def run(load: Load, pictures: Sequence[bytes], expected: Sequence[Mapping[str, float]], fresh: Fresh) -> LoadResult:
    """Apply the load; `expected` holds each picture's probabilities by label. Ends early at a wrong answer."""
    shared = _Run(load, pictures, expected, fresh)
    users = [threading.Thread(target=shared.user) for _ in range(load.concurrency)]
    before, own_before, busy_before = cpu_seconds(load.groups), time.process_time(), busy_seconds()
    begun = time.perf_counter()
    for user in users:
        user.start()
    _wait(shared, begun + load.warmup_seconds, at_least=load.concurrency)
    window_start = time.perf_counter()
    _wait(shared, window_start + load.seconds, at_least=len(shared.answers) + 1)
    window_end = time.perf_counter()
    shared.over.set()
    for user in users:
        user.join()
    spent, own = cpu_seconds(load.groups), time.process_time() - own_before
    wall_seconds = time.perf_counter() - begun
    strangers = busy_seconds() - busy_before - own - sum(spent[name] - before[name] for name in before)
    answered = max(len(shared.answers), 1)
    inside = [seconds for ended, seconds in shared.answers if window_start < ended <= window_end]
    return LoadResult(
        images_per_s=rate([ended for ended, _ in shared.answers], window_start, window_end),
        latencies_ms=[1000 * seconds for seconds in inside],
        answered=len(shared.answers),
        busy=len(shared.busy),
        problems=shared.problems[:KEPT_PROBLEMS],
        cpu_seconds_per_image={
            **{name: (spent[name] - before[name]) / answered for name in before},
            "generator": own / answered,
        },
        generator_share=own / wall_seconds,
        strangers_share=max(strangers, 0) / wall_seconds,
        wall_seconds=wall_seconds,
    )


def rate(ends: Sequence[float], window_start: float, window_end: float) -> float:
    """Return answers per second between the last one up to the window's start and the last one in it; 0 without two."""
    inside = [end for end in ends if window_start < end <= window_end]
    before = [end for end in ends if end <= window_start]
    return len(inside) / (max(inside) - max(before)) if inside and before else 0.0


def _wait(shared: _Run, until: float, at_least: int) -> None:
    """Return at a time, once enough is answered; at once when something went wrong, such as that it never is."""
    while not shared.over.is_set() and ((now := time.perf_counter()) < until or len(shared.answers) < at_least):
        if now > until + ANSWER_LIMIT_SECONDS:
            limit = f"{ANSWER_LIMIT_SECONDS:g} s after the time was up"
            shared.report(f"only {len(shared.answers)} of {at_least} answers had come {limit}")
        shared.over.wait(POLL_SECONDS)
