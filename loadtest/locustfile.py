"""Load the REST API with mixed traffic; every answer is checked, and a wrong one is a failure.

locust -f loadtest/locustfile.py --host http://127.0.0.1:8080
"""

from locust import task

from driving.rest import KINDS, RestUser
from driving.wiring import Wiring
from traffic.call import Kind


class RestClient(RestUser):
    """A service that uploads what its users do: mostly single images."""

    @task(60)
    def single(self) -> None:
        """One raw image."""
        self.ask(Kind.SINGLE)

    @task(12)
    def batch4(self) -> None:
        """JSON with four images."""
        self.ask(Kind.BATCH_4)

    @task(4)
    def batch16(self) -> None:
        """JSON with sixteen images, the most there may be."""
        self.ask(Kind.BATCH_16)

    @task(10)
    def moderated(self) -> None:
        """One raw image; the picture to show in its place comes back."""
        self.ask(Kind.MODERATED)

    @task(1)
    def explanation(self) -> None:
        """One raw image, and where in it the model saw what it says."""
        self.ask(Kind.EXPLANATION)

    @task(8)
    def health(self) -> None:
        """The health check of a load balancer."""
        self.ask(Kind.HEALTH)

    @task(5)
    def bad(self) -> None:
        """A file that must be refused with its code."""
        self.ask(Kind.BAD)


Wiring(RestClient, KINDS).listen()
