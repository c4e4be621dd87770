"""Some users, suddenly many, then the first again: what happens past capacity, and whether it recovers.

locust -f loadtest/locustfile.py,loadtest/shapes/spike.py --host http://127.0.0.1:8080
"""

from locust import LoadTestShape

from driving.shape_settings import MOST_SPAWNED_PER_S, ShapeSettings

SETTINGS = ShapeSettings(
    "spike",
    {
        "base-users": (4, "users before and after"),
        "base-seconds": (30.0, "seconds before, and again after"),
        "users": (128, "users in the spike"),
        "seconds": (20.0, "seconds the spike lasts"),
    },
)


class Spike(LoadTestShape):
    """A base, a jump, the base."""

    def tick(self) -> tuple[int, float] | None:
        """Return how many users there should be, None at the end."""
        settings, now = SETTINGS.of(self.runner), float(self.get_run_time())  # type: ignore[no-untyped-call]
        begins, ends = settings["base-seconds"], settings["base-seconds"] + settings["seconds"]
        if now >= ends + settings["base-seconds"]:
            return None
        return settings["users" if begins <= now < ends else "base-users"], MOST_SPAWNED_PER_S
