"""The same number of users more at every step, up to the most, whatever comes of it.

locust -f loadtest/locustfile.py,loadtest/shapes/steps.py --host http://127.0.0.1:8080
"""

from locust import LoadTestShape

from driving.shape_settings import MOST_SPAWNED_PER_S, ShapeSettings

SETTINGS = ShapeSettings(
    "steps",
    {
        "users": (8, "users added a step"),
        "seconds": (30.0, "seconds a step lasts"),
        "most-users": (64, "users of the last step"),
    },
)


class Steps(LoadTestShape):
    """A staircase."""

    def tick(self) -> tuple[int, float] | None:
        """Return how many users there should be, None at the end."""
        settings, now = SETTINGS.of(self.runner), float(self.get_run_time())  # type: ignore[no-untyped-call]
        users = settings["users"] * (1 + int(now // settings["seconds"]))
        if users >= settings["most-users"] + settings["users"]:
            return None
        return min(users, settings["most-users"]), min(settings["users"], MOST_SPAWNED_PER_S)
