"""A model hub on 127.0.0.1 with one repository, in the layout of the real one.

Small files come from the hub itself; weights are redirected to a second address, as the real hub's are to its store.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STORED_APART = (".safetensors", ".bin", ".zip", ".parquet")


@dataclass(frozen=True)
class Request:
    """What a client asked for; `at_store` says of which address."""

    at_store: bool
    method: str
    path: str
    authorization: str | None
    range: str | None


class HubStandIn:
    """Serves `files` as the repository `repo_id` between `with` and its end; keeps every request."""

    def __init__(
        self,
        repo_id: str,
        files: Mapping[str, bytes],
        *,
        token: str | None = None,
        gated: bool = False,
        kind: Literal["model", "dataset"] = "model",
    ):
        self.repo_id = repo_id
        self.kinds = f"{kind}s"  # as the API's paths say it; a data set's other paths begin with it too
        self.files = dict(files)
        self.token = token
        self.gated = gated
        self.honours_ranges = True
        self.cut_at_bytes: int | None = None  # the store's next answer breaks off there
        self.hangs_at_cut = False  # and its connection stays open until the stand-in ends
        self.cut_reached = threading.Event()
        self._end = threading.Event()
        self.requests: list[Request] = []
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, at_store)) for at_store in (False, True)]
        self._threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in self._servers]

    @property
    def url(self) -> str:
        """The hub's address, for HF_ENDPOINT."""
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def store_url(self) -> str:
        """The address of the store of large files."""
        return f"http://127.0.0.1:{self._servers[1].server_port}"

    def ranges_asked_of_store(self) -> list[str | None]:
        """Return the Range headers of the downloads of weights, in order."""
        return [request.range for request in self.requests if request.at_store and request.method == "GET"]

    def names_downloaded(self) -> set[str]:
        """Return the names of the files whose content was asked for."""
        return {request.path.rpartition("/")[2] for request in self.requests if "/resolve/" in request.path}

    def wait_for_end(self) -> None:
        """Block the calling thread until the stand-in ends."""
        self._end.wait()

    def __enter__(self) -> "HubStandIn":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(hub: HubStandIn, at_store: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            authorization, wanted = self.headers["Authorization"], self.headers["Range"]
            hub.requests.append(Request(at_store, self.command, self.path, authorization, wanted))
            knows_us = hub.token is None or authorization == f"Bearer {hub.token}"
            parts = urlsplit(self.path).path.strip("/").split("/")
            if hub.kinds == "datasets" and parts[0] == "datasets":
                parts = parts[1:]
            elif hub.kinds == "datasets" and parts[0] != "api" and not at_store:
                parts = []
            match [unquote(part) for part in parts]:
                case [_, *path] if at_store:
                    name = "/".join(path)
                    self._send_stored(hub.files[name if name in hub.files else path[-1]], wanted)
                case ["forbidden", *_]:
                    self._answer(403, {"Content-Type": "text/html"}, b"<html>Your employer says no.</html>")
                case ["api", kinds, owner, name, "revision", revision] if kinds == hub.kinds:
                    if f"{owner}/{name}" != hub.repo_id or not (knows_us or hub.gated):
                        self._refuse(404 if authorization else 401, "RepoNotFound")
                    elif revision in ("main", COMMIT):
                        self._send_listing()
                    else:
                        self._refuse(404, "RevisionNotFound")
                case [_, _, "resolve", _, *_] if not knows_us:
                    self._refuse(403 if authorization else 401, "GatedRepo" if hub.gated else "RepoNotFound")
                case [_, _, "resolve", _, *path] if (name := "/".join(path)) in hub.files:
                    self._send_file(name, hub.files[name])
                case _:
                    self._refuse(404, "EntryNotFound")

        def _send_listing(self) -> None:
            listing = {
                "id": hub.repo_id,
                "sha": COMMIT,
                "siblings": [{"rfilename": name} for name in hub.files],
                "cardData": {"license": "apache-2.0"},
            }
            self._answer(200, {"Content-Type": "application/json"}, json.dumps(listing).encode())

        def _send_file(self, name: str, content: bytes) -> None:
            headers = {"X-Repo-Commit": COMMIT}
            if name.endswith(STORED_APART):
                digest = hashlib.sha256(content).hexdigest()
                headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
                self._answer(302, headers | {"Location": f"{hub.store_url}/{digest}/{name}"}, b"")
            else:
                git_digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
                self._answer(200, headers | {"ETag": f'"{git_digest}"'}, content)

        def _send_stored(self, content: bytes, wanted: str | None) -> None:
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and hub.honours_ranges else None
            status, headers = 200, {}
            if start is not None:
                status, headers = 206, {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self._answer(status, headers, content[start or 0 :], cut_at_bytes=hub.cut_at_bytes)

        def _answer(
            self, status: int, headers: Mapping[str, str], body: bytes, cut_at_bytes: int | None = None
        ) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(body[:cut_at_bytes])
            if cut_at_bytes is not None:
                hub.cut_at_bytes = None
                hub.cut_reached.set()
                self.close_connection = True
                if hub.hangs_at_cut:
                    hub.wait_for_end()

        def _refuse(self, status: int, code: str) -> None:
            self._answer(status, {"X-Error-Code": code, "X-Error-Message": "refused"}, b"")

        def log_message(self, format: str, *args: object) -> None:
            """Keep the tests' output clean."""

    return Handler
