"""Add users step by step until throughput stops growing; the log then names the point of saturation.

locust -f loadtest/locustfile.py,loadtest/shapes/ramp.py --host http://127.0.0.1:8080
"""

import logging

from locust import LoadTestShape

from driving.saturation import Step, saturation
from driving.shape_settings import MOST_SPAWNED_PER_S, ShapeSettings

logger = logging.getLogger(__name__)

SETTINGS = ShapeSettings(
    "ramp",
    {
        "step-users": (4, "users added a step"),
        "step-seconds": (15.0, "seconds a step lasts; workers report every 3, and its second half is measured"),
        "patience": (3, "steps without growth after which it is over"),
        "most-users": (256, "users after which it is over at the latest"),
    },
)


class Ramp(LoadTestShape):
    """Measures each step when its new users have settled, and stops at saturation."""

    def reset_time(self) -> None:
        """Begin anew."""
        super().reset_time()  # type: ignore[no-untyped-call]
        self._steps: list[Step] = []
        self._users, self._began = 0, 0.0
        self._half_way: tuple[float, int] | None = None

    def tick(self) -> tuple[int, float] | None:
        """Return how many users there should be, None at the end."""
        settings, now = SETTINGS.of(self.runner), float(self.get_run_time())  # type: ignore[no-untyped-call]
        half_way, length = self._half_way, settings["step-seconds"]
        if self._users and now >= self._began + length and half_way is not None and now > half_way[0]:
            rate = (self._answered() - half_way[1]) / (now - half_way[0])
            self._steps.append(Step(self._users, rate))
            logger.info("%d users: %.1f right answers per second", self._users, rate)
            if self._is_over(settings["patience"], settings["most-users"]):
                return None
        elif self._users:
            if half_way is None and now >= self._began + length / 2:
                self._half_way = now, self._answered()
            return self._users, min(settings["step-users"], MOST_SPAWNED_PER_S)
        self._users, self._began, self._half_way = self._users + settings["step-users"], now, None
        return self._users, min(settings["step-users"], MOST_SPAWNED_PER_S)

    def _is_over(self, patience: int, most_users: int) -> bool:
        if point := saturation(self._steps, patience):
            logger.info("SATURATED at %d users with %.1f right answers per second", point.users, point.answered_per_s)
        elif self._users >= most_users:
            logger.warning("NOT SATURATED at %d users; raise --ramp-most-users", self._users)
        return point is not None or self._users >= most_users

    def _answered(self) -> int:
        assert self.runner is not None
        total = self.runner.stats.total
        return int(total.num_requests - total.num_failures)
