"""Load the gRPC API with mixed traffic; every answer is checked, and a wrong one is a failure.

locust -f loadtest/locustfile_grpc.py --host 127.0.0.1:7070
"""

from typing import Any

import grpc.experimental.gevent
from locust import events, task

from driving.grpc_users import KINDS, GrpcUser
from driving.wiring import Wiring
from traffic.call import Kind


class GrpcClient(GrpcUser):
    """A service that uploads what its users do. Moderated pictures and explanations are REST only."""

    @task(60)
    def single(self) -> None:
        """One image."""
        self.ask(Kind.SINGLE)

    @task(12)
    def batch4(self) -> None:
        """JSON with four images."""
        self.ask(Kind.BATCH_4)

    @task(4)
    def batch16(self) -> None:
        """JSON with sixteen images, the most there may be."""
        self.ask(Kind.BATCH_16)

    @task(8)
    def health(self) -> None:
        """The health check of a load balancer."""
        self.ask(Kind.HEALTH)

    @task(5)
    def bad(self) -> None:
        """A file that must be refused with its code."""
        self.ask(Kind.BAD)


@events.init.add_listener  # type: ignore[untyped-decorator]
def make_grpc_cooperative(**_: Any) -> None:
    """Let a waiting call give way to others; in each process of --processes, for its threads don't survive a fork."""
    grpc.experimental.gevent.init_gevent()


Wiring(GrpcClient, KINDS).listen()
