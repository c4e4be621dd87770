"""TCP ports: which to take, and which are taken."""

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass, fields


class PortError(RuntimeError):
    """An address that can't be listened on; the message names it and the reason."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one TorchServe. Workers use `first_worker` and those after it where there is no epoll."""

    inference: int
    management: int
    metrics: int
    grpc_inference: int
    grpc_management: int
    first_worker: int

    def settings(self) -> dict[str, str]:
        """Return them as settings of config.properties, on loopback."""
        return {
            "inference_address": f"http://127.0.0.1:{self.inference}",
            "management_address": f"http://127.0.0.1:{self.management}",
            "metrics_address": f"http://127.0.0.1:{self.metrics}",
            "grpc_inference_port": str(self.grpc_inference),
            "grpc_management_port": str(self.grpc_management),
            "initial_worker_port": str(self.first_worker),
        }


def free_ports() -> Ports:
    """Return ports that nobody listens on at this moment, each different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in fields(Ports)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return Ports(*(one.getsockname()[1] for one in sockets))


def require_free(host: str, port: int) -> None:
    """Raise PortError when TorchServe could not listen on host:port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does: not held up by TIME_WAIT
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            reason = "in use by another program" if error.errno == errno.EADDRINUSE else error.strerror
            raise PortError(f"can't listen on port {port} of {host}: {reason}") from error
