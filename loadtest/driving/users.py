"""A Locust user in closed loop, where it waits for each answer, or in open loop, where requests arrive as they do."""

import time
from abc import abstractmethod
from typing import ClassVar

import gevent
from locust import User
from locust.env import Environment

from driving.session import IDLE_SECONDS, Session
from traffic.call import Call, Kind, Reply

sessions: dict[int, Session] = {}
"""The last test's, by the id of its environment."""


def session_of(environment: Environment) -> Session:
    """Return the last test's."""
    return sessions[id(environment)]


class TrafficUser(User):
    """Base of the transports' users. Tasks are named as the kinds they ask for, and weighted as the traffic is.

    In open loop its only task is `arrive`.
    """

    abstract = True
    method: ClassVar[str]
    """The request type in Locust's tables; HEALTH has its own over REST."""

    @abstractmethod
    def exchange(self, call: Call) -> Reply:
        """Send a request and return the whole answer. Raises NoAnswerError."""

    @property
    def session(self) -> Session:
        """The running test."""
        return session_of(self.environment)

    def on_start(self) -> None:
        """Take a part of the open loop's arrivals."""
        self._schedule = self.session.schedule()
        self._call: Call | None = None
        self._prepare()

    def ask(self, kind: Kind) -> None:
        """Send a request and wait for its answer, in closed loop."""
        if not self.session.over:
            self.session.spawn(self.session.draw(kind), self.exchange, self.method_of(kind)).join()

    def arrive(self) -> None:
        """Send the request whose time has come, and wait for nothing, in open loop."""
        due, call = self._schedule.due, self._call
        if due is not None and call is not None and time.perf_counter() >= due and not self.session.over:
            self.session.spawn(call, self.exchange, self.method_of(call.kind), self._schedule.take())
            gevent.sleep(0)  # it is sent now: drawing the next one first would be part of its latency
            self._prepare()

    def wait_time(self) -> float:
        """Return the seconds until the next task: a pause, or what is left until the next arrival."""
        if self.session.over:
            return IDLE_SECONDS
        if not self.session.options.rates:
            return self.session.options.pause_seconds
        due = self._schedule.due
        return IDLE_SECONDS if due is None else max(0.0, due - time.perf_counter())

    def method_of(self, kind: Kind) -> str:
        """Return the request type in Locust's tables."""
        return self.method

    def _prepare(self) -> None:
        """Draw the next request before it is due, so that drawing takes none of its time."""
        self._call = None if self._schedule.due is None else self.session.draw()
