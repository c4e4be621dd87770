"""A keep-alive HTTP/1.1 connection that posts bodies at a few hundredths of a millisecond each."""

import re
import socket

STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
CHUNK_BYTES = 65_536


class ConnectionLost(Exception):
    """The server closed the connection, let it time out, or spoke something else than HTTP."""


class Connection:
    """Posts to one path of one server; reconnects after an answer that closed the connection. One thread's own."""

    def __init__(self, host: str, port: int, path: str, timeout_seconds: float) -> None:
        """Connect at the first post."""
        self._address = (host, port)
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: image/jpeg\r\nContent-Length: "
        ).encode()
        self._timeout_seconds = timeout_seconds
        self._socket: socket.socket | None = None

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Send one body; returns status and body of the answer. Raises ConnectionLost."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, self._timeout_seconds)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = b"%b%d\r\n\r\n" % (self._head, len(body))
            sent = self._socket.sendmsg([head, body])
            if sent < len(head) + len(body):
                self._socket.sendall(memoryview(head + body)[sent:])
            return self._receive(self._socket)
        except OSError as error:
            self.close()
            raise ConnectionLost(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Close; the next post connects anew."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _receive(self, connected: socket.socket) -> tuple[int, bytes]:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more(connected)
        head = data[:end]
        status, length = STATUS.match(head), LENGTH.search(head)
        if status is None or length is None:
            self.close()
            raise ConnectionLost(f"an answer without status or length: {head[:200]!r}")
        whole = end + 4 + int(length[1])
        while len(data) < whole:
            data += self._more(connected)
        if CLOSES.search(head):
            self.close()
        return int(status[1]), data[end + 4 : whole]

    def _more(self, connected: socket.socket) -> bytes:
        received = connected.recv(CHUNK_BYTES)
        if not received:
            self.close()
            raise ConnectionLost("the server closed the connection before its answer was whole")
        return received
