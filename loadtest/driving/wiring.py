"""Plugs the suite into Locust: its arguments, one session per test and process, an end that waits for all answers."""

import logging
import random
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import gevent
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import MasterRunner, WorkerRunner

from driving import options as arguments
from driving.arrivals import total_seconds
from driving.options import OptionError, Options
from driving.session import Place, Session
from driving.users import TrafficUser, sessions
from traffic.call import Kind
from traffic.fresh import Fresh
from traffic.mix import Mix, MixSettings, mix_of_folder, open_mix
from traffic.weights import Weights

logger = logging.getLogger(__name__)

DRAIN, DRAINED = "loadtest_drain", "loadtest_drained"
DRAIN_MARGIN_SECONDS = 5.0  # beyond what the workers wait themselves
WORKERS_BEGIN_SECONDS = 1.0  # after the master, at the latest; they would miss the end of their profile
POLL_SECONDS = 0.05
SETUP_FAILED = 2  # Locust's own status for what went wrong outside the requests


class Wiring:
    """One locustfile's listeners on Locust's events."""

    def __init__(self, user_class: type[TrafficUser], kinds: Collection[Kind]) -> None:
        """Take over the weights of the class's tasks, which bear the kinds' names."""
        self._user_class, self._kinds = user_class, kinds
        tasks: Sequence[Any] = user_class.tasks
        self._tasks: Mapping[Kind, Any] = {Kind(task.__name__): task for task in tasks}
        weights = {kind: user_class.tasks.count(task) for kind, task in self._tasks.items()}
        self._traffic: Weights = {kind: weights[kind] for kind in kinds}
        self._drained: set[str] = set()

    def listen(self) -> None:
        """Add the listeners."""
        hooks: Any = events  # which Locust has not annotated
        hooks.init_command_line_parser.add_listener(self._add_arguments)
        hooks.init.add_listener(self._check)
        hooks.test_start.add_listener(self._start)
        hooks.test_stopping.add_listener(self._stop)
        hooks.quitting.add_listener(self._quit)

    def _add_arguments(self, parser: LocustArgumentParser, **_: Any) -> None:
        arguments.register(parser, self._traffic)

    def _check(self, environment: Environment, **_: Any) -> None:
        """Refuse bad arguments at once, and make the pictures before the first test needs them."""
        runner = environment.runner
        if isinstance(runner, WorkerRunner):
            runner.register_message(DRAIN, self._drain, concurrent=True)
        elif isinstance(runner, MasterRunner):
            runner.register_message(DRAINED, lambda msg, **_: self._drained.add(msg.node_id))
        try:
            options = self._options(environment)
            if _is_headless(environment):
                _check_phases(options, _processes(environment))
            if isinstance(runner, WorkerRunner):
                return  # its options come from the master; one of --processes has refused them too, and won't wait
            if options.rates:
                _spawn_at_once(environment)
            if not (isinstance(runner, MasterRunner) and options.pictures):
                _pictures(options)
        except (ValueError, OSError) as error:
            sys.exit(f"locust: {error}")

    def _start(self, environment: Environment, **_: Any) -> None:
        """Open a session in every process that has users; in the others, tell the workers what they need to know."""
        runner = environment.runner
        assert runner is not None
        is_worker = isinstance(runner, WorkerRunner)
        environment.process_exit_code = None  # of a test before, whose arguments were refused in the page
        if not is_worker:
            setattr(environment.parsed_options, arguments.TOTAL_USERS, runner.target_user_count)
        try:
            options = self._options(environment)
            _check_phases(options, _processes(environment))
            self._drained.clear()
            if not isinstance(runner, MasterRunner):
                self._open(environment, options)
        except (ValueError, OSError) as error:
            environment.process_exit_code = SETUP_FAILED
            if not is_worker:
                raise StopTest(str(error)) from None
            logger.error("%s", error)
            gevent.spawn(runner.quit)  # not from here: it would end the greenlet that has called us
            return
        if not is_worker and options.rates and (seconds := total_seconds(options.rates)) != float("inf"):
            margin = WORKERS_BEGIN_SECONDS if isinstance(runner, MasterRunner) else 0.0
            gevent.spawn_later(seconds + margin, _end, environment)

    def _open(self, environment: Environment, options: Options) -> None:
        mix, fresh = _pictures(options)
        index = getattr(environment.runner, "worker_index", 0)
        place = Place(index, index * options.total_users // _processes(environment))
        session = sessions[id(environment)] = Session(environment, options, mix, fresh, place)
        random.seed(f"{options.seed} {index}")  # by which Locust draws tasks
        tasks = [self._tasks[kind] for kind, weight in session.traffic.items() for _ in range(weight)]
        self._user_class.tasks = [TrafficUser.arrive] if options.rates else tasks

    def _stop(self, environment: Environment, **_: Any) -> None:
        """Wait for every answer that is on its way, before Locust ends the users."""
        runner = environment.runner
        if isinstance(runner, MasterRunner):
            runner.send_message(DRAIN)
            until = time.monotonic() + self._options(environment).answer_limit_seconds + DRAIN_MARGIN_SECONDS
            while time.monotonic() < until and set(runner.clients.keys()) - self._drained:
                gevent.sleep(POLL_SECONDS)
        elif session := sessions.get(id(environment)):
            session.finish()

    def _drain(self, environment: Environment, **_: Any) -> None:
        if session := sessions.get(id(environment)):
            session.finish()
        assert environment.runner is not None
        environment.runner.send_message(DRAINED)

    def _quit(self, environment: Environment, **_: Any) -> None:
        """Leave whole samples behind whatever ends Locust."""
        self._stop(environment)

    def _options(self, environment: Environment) -> Options:
        """Return what the arguments say. Raises OptionError."""
        assert environment.parsed_options is not None
        options = Options.parse(environment.parsed_options, self._kinds)
        if options.rates and environment.shape_class is not None:
            raise OptionError("--rates: a load shape varies users in closed loop; leave one of the two out")
        return options


def _pictures(options: Options) -> tuple[Mix, Fresh]:
    """Return the pictures, made in a thread, for a worker that is silent for seconds counts as missing."""
    in_thread = gevent.get_hub().threadpool.apply
    if options.pictures is not None:
        return in_thread(mix_of_folder, (options.pictures,)), Fresh()
    return in_thread(open_mix, (MixSettings(options.mix_seed, options.mix_count, options.bad_share),)), Fresh()


def _processes(environment: Environment) -> int:
    given = vars(environment.parsed_options) if environment.parsed_options else {}
    return max(1, given.get("processes") or given.get("expect_workers") or 1)


def _is_headless(environment: Environment) -> bool:
    return bool(getattr(environment.parsed_options, "headless", False))


def _spawn_at_once(environment: Environment) -> None:
    """Have all users from the start in open loop; the page asks for a rate of its own."""
    given = environment.parsed_options
    assert given is not None
    given.spawn_rate = max(given.spawn_rate or 0, given.num_users or 1)


def _check_phases(options: Options, processes: int) -> None:
    """Raise OptionError where some users' constant arrivals would fall together.

    Which process gets one user more than another, Locust decides; so none may.
    """
    if options.rates and options.arrivals == "constant" and options.total_users % processes:
        raise OptionError(
            f"--arrivals: constant ones of {options.total_users} users can't be spaced evenly over {processes} "
            "processes; take as many users in each"
        )


def _end(environment: Environment) -> None:
    """End the test when its profile has."""
    logger.info("The profile of --rates is over")
    assert environment.runner is not None
    if _is_headless(environment):
        environment.runner.quit()
    else:
        environment.runner.stop()
