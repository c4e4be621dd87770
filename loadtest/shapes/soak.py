"""The same users for hours: leaks, slow growth, and what only time brings.

locust -f loadtest/locustfile.py,loadtest/shapes/soak.py --host http://127.0.0.1:8080
"""

from locust import LoadTestShape

from driving.shape_settings import MOST_SPAWNED_PER_S, ShapeSettings

SETTINGS = ShapeSettings("soak", {"users": (8, "users all the time"), "minutes": (240.0, "minutes it lasts")})


class Soak(LoadTestShape):
    """A plain."""

    def tick(self) -> tuple[int, float] | None:
        """Return how many users there should be, None at the end."""
        settings = SETTINGS.of(self.runner)
        is_over = self.get_run_time() >= 60 * settings["minutes"]  # type: ignore[no-untyped-call]
        return None if is_over else (settings["users"], MOST_SPAWNED_PER_S)
