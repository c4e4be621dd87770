"""One test in one process: what users draw from, what they hold answers against, and where results go."""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import gevent
from gevent.pool import Group
from locust.env import Environment
from locust.exception import CatchResponseError
from locust.log import greenlet_exception_logger

from driving.arrivals import Schedule, arrival_times, total_seconds
from driving.generator_health import SENT_LATE_LIMIT_MS, GeneratorHealth, Watch
from driving.options import Options
from driving.samples import Sample, SampleFile, process_name, unused
from traffic.call import Call, Judgement, Kind, Outcome, Reply
from traffic.calls import Calls, Fresh, Mix
from traffic.checks import judge
from traffic.references import References
from traffic.result_checks import Asked

logger = logging.getLogger(__name__)

Exchange = Callable[[Call], Reply]
"""Sends a request and returns the whole answer, or raises NoAnswerError."""

IDLE_SECONDS = 1.0  # that a user sleeps at a time when it has nothing to send; stopping wakes it
SPAWN_SECONDS = 0.25
"""What a user finds overdue by no more than this when it is spawned, it sends at once; all users of a process may take
so long to be spawned, and what they send is late by that, which their latencies say."""
ANSWERED = (Outcome.RIGHT, Outcome.EXPECTED_ERROR, Outcome.LATE)
MOST_MESSAGES = 50
"""Different messages that Locust's table of failures may gain; the samples have them all."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which of several processes this is, and the number of the first of its users among all of them."""

    index: int = 0
    first_user: int = 0


class NoAnswerError(Exception):
    """No whole answer came: the connection failed, or the time was up."""


class Session:
    """What the users of one process share during one test. Requests run in greenlets of their own, in `in_flight`:
    they outlive a user that is stopped, and are waited for at the end.
    """

    def __init__(self, environment: Environment, options: Options, mix: Mix, fresh: Fresh, place: Place) -> None:
        """Begin. Raises ValueError or OSError where an option can't be carried out."""
        self.options = options
        self.over = False
        self.in_flight = Group()
        self._request: Any = environment.events.request  # which Locust has not annotated
        self._place = place
        self._random = Random(f"{options.seed} {place.index}")
        self._calls = Calls(mix, fresh, self._random, options.duplicates)
        self.traffic = {kind: weight for kind, weight in options.traffic.items() if self._calls.can_draw(kind)}
        if left_out := options.traffic.keys() - self.traffic.keys():
            logger.warning("Left out of the traffic, for want of such pictures: %s", ", ".join(sorted(left_out)))
        if not self.traffic:
            raise ValueError("--traffic: among the pictures is none for it")
        keys = {picture.key for picture in mix.good}
        self._references = References.load(options.references, keys) if options.references else References()
        self._asked = Asked(options.policy, options.model_name.partition("/")[2])
        self._samples = options.samples and SampleFile(options.samples, process_name("samples", place.index))
        self._messages: set[str] = set()
        self._sent_late_ms: list[float] | None = [] if options.rates else None
        self._schedules: list[Schedule] = []
        self._outcomes: Counter[Outcome] = Counter()
        self._unix_offset_s = time.time() - time.perf_counter()
        self._begun_s = time.perf_counter()
        self._ended_s: float | None = None
        self._watch: Watch | None = Watch()
        self._log_exception = greenlet_exception_logger(logger)  # type: ignore[no-untyped-call]

    def draw(self, kind: Kind | None = None) -> Call:
        """Return the next request: of a kind, or of one drawn by the traffic's weights."""
        if kind is None:
            [kind] = self._random.choices(list(self.traffic), list(self.traffic.values()))
        return self._calls.draw(kind)

    def schedule(self) -> Schedule:
        """Return the times on the clock of perf_counter at which one more user has to send.

        Arrivals begin when the first user is there. What a later one has missed by then is noted as unsent.
        """
        now = time.perf_counter()
        if not self._schedules:
            self._begun_s = now
        schedule = Schedule(self._arrivals(len(self._schedules)))
        self._schedules.append(schedule)
        for due in schedule.taken_until(now - SPAWN_SECONDS):
            self._give_up(due, now, "its user was spawned after its time")
        return schedule

    def _arrivals(self, number: int) -> Iterator[float]:
        options = self.options
        seed = Random(f"{options.seed} arrivals {self._place.index} {number}")
        share, phase = 1 / options.total_users, self._place.first_user + number
        times = arrival_times(options.rates, options.arrivals, seed, share, phase * share % 1)
        return (self._begun_s + seconds for seconds in times)

    def send(self, call: Call, exchange: Exchange, method: str, intended: float | None = None) -> None:
        """Exchange one request for its answer, judge it, and note it once; latency counts from `intended`.

        Runs in a greenlet of `in_flight`.
        """
        started = time.perf_counter()
        if intended is None:
            intended = started
        elif self._sent_late_ms is not None:
            self._sent_late_ms.append((started - intended) * 1000)
        reply = None
        try:
            reply = exchange(call)
            judgement = None
        except NoAnswerError as error:
            judgement = Judgement(Outcome.LOST, str(error))
        except gevent.GreenletExit:
            judgement = Judgement(Outcome.LOST, "not answered at the end of the test")
        latency_ms = (time.perf_counter() - intended) * 1000
        if reply is not None:
            options = self.options
            judgement = judge(call, reply, latency_ms, options.deadline_ms, self._references, asked=self._asked)
        assert judgement is not None
        times = self._unix_offset_s + intended, self._unix_offset_s + started, latency_ms
        self._note(call, reply, judgement, times, method)

    def spawn(
        self, call: Call, exchange: Callable[[Call], Reply], method: str, intended: float | None = None
    ) -> gevent.Greenlet:
        """Start `send` in a greenlet of its own, and return it; what it raises ends Locust with status 2."""
        greenlet = self.in_flight.spawn(self.send, call, exchange, method, intended)
        greenlet.link_exception(self._on_exception)
        return greenlet

    def _on_exception(self, greenlet: gevent.Greenlet) -> None:
        """Tell Locust of an error of ours; Ctrl+C, which Python raises in whatever runs just then, is none."""
        if isinstance(greenlet.exception, Exception):
            self._log_exception(greenlet)

    def finish(self) -> None:
        """Send nothing more, wait for what is in flight, and close the samples; a second call does nothing more."""
        if not self.over:
            self._give_up_unsent()
            self._ended_s = time.perf_counter()
        self.over = True
        watch, self._watch = self._watch, None
        health = None if watch is None else watch.stop(self._sent_late_ms)
        self.in_flight.join(timeout=self.options.answer_limit_seconds)
        self.in_flight.kill()
        if isinstance(self._samples, SampleFile):
            self._samples.close()
        if health is not None:
            self._report(health)

    def _give_up_unsent(self) -> None:
        """Note what was to be sent and never was: leaving it out would make the offered rate what was sent."""
        now = time.perf_counter()
        for schedule in self._schedules:
            for due in schedule.taken_until(now - SENT_LATE_LIMIT_MS / 1000):
                self._give_up(due, now, "the generator came too late")

    def _give_up(self, due: float, now: float, why: str) -> None:
        late_ms = (now - due) * 1000
        if self._sent_late_ms is not None:
            self._sent_late_ms.append(late_ms)
        [kind] = self._random.choices(list(self.traffic), list(self.traffic.values()))
        judgement = Judgement(Outcome.UNSENT, f"never sent: {why}")
        times = self._unix_offset_s + due, self._unix_offset_s + now, late_ms
        self._note(Call(kind, b"", "", ()), None, judgement, times, Outcome.UNSENT)

    def _note(
        self, call: Call, reply: Reply | None, judgement: Judgement, times: tuple[float, float, float], method: str
    ) -> None:
        outcome, code = judgement.outcome, "" if reply is None else reply.code
        self._outcomes[outcome] += 1
        fine = outcome.is_success or (outcome is Outcome.REFUSED and self.options.refusals_expected)
        if isinstance(self._samples, SampleFile):
            error_code, message = judgement.error_code, judgement.message
            self._samples.add(Sample(*times, call.kind, outcome, code, error_code, len(call.images), message))
        self._request.fire(
            request_type=method,
            name=str(call.kind),
            response_time=times[2],
            response_length=0 if reply is None else len(reply.body),
            exception=None if fine else CatchResponseError(self._message(judgement)),
            context={},
            start_time=times[1],
        )

    def _message(self, judgement: Judgement) -> str:
        """Return what Locust's table of failures says, which groups by it."""
        message = f"{judgement.outcome}: {judgement.message}"
        if message not in self._messages and len(self._messages) >= MOST_MESSAGES:
            return f"{judgement.outcome}: further messages are in the samples"
        self._messages.add(message)
        return message

    def _report(self, health: GeneratorHealth) -> None:
        if self.options.samples is not None:
            file = unused(self.options.samples, process_name("generator", self._place.index), ".json")
            said = asdict(health) | {"begun_s": self._unix_offset_s + self._begun_s}
            file.write_text(json.dumps(said), encoding="utf-8")
        if self.options.rates and self._ended_s is not None:
            seconds = max(min(self._ended_s - self._begun_s, total_seconds(self.options.rates)), 1e-9)
            answered = sum(self._outcomes[outcome] for outcome in ANSWERED)
            offered = self._outcomes.total()
            logger.info("Offered %.1f/s, answered %.1f/s", offered / seconds, answered / seconds)
        if health.starved:
            logger.warning(
                "THE GENERATOR WAS STARVED, so these figures are its own and not the server's: %s. "
                "Take several processes (--processes) or machines (--master, --worker).",
                health.reason,
            )
