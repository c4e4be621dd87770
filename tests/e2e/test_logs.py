"""What the server writes down when image bytes come to the wrong door."""

import contextlib
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CAT = (ROOT / "samples/cat.jpg").read_bytes()


def test_an_image_sent_raw_to_any_port_leaves_no_trace_in_the_logs(server):
    for address in server.config.addresses():
        with socket.create_connection((address.host, address.port), timeout=10) as connection:
            connection.sendall(CAT[:4096])
            with contextlib.suppress(ConnectionResetError):
                connection.recv(1)
    for log in server.log_dir.rglob("*"):
        content = log.read_bytes()
        assert CAT[:2] not in content
        assert CAT[:5].hex().encode() not in content
        assert b"JFIF" not in content
    assert len(server.worker_pids()) == 1
