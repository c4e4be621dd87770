"""One TorchServe, from its start to the end of its last worker."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from serving import probe
from serving.java import find_java
from serving.log_tail import LogTail
from serving.process_session import ProcessSession
from serving.ts_config import ConfigError, TorchServeConfig

START_LIMIT_SECONDS = 300.0
POLL_SECONDS = 0.25
SHOWN_LOG_LINES = 12
LONGEST_TMPDIR = 60

LOG_PREFIX = re.compile(r"^\S+ \[\w+\] \S+ - ")  # as deploy/log4j2.xml writes it
WARNING = re.compile(r"^\S+ \[(WARN|ERROR|FATAL)\] ")
REFUSAL = re.compile(r"REFUSED TO SERVE: (.*)")
# How TorchServe 0.12 and its worker say that a model can't be loaded. It would try again for five minutes.
LOAD_FAILURE = re.compile(
    r"Failed to load model|Load model failed|Backend worker error|Backend worker process died|Invalid model config"
)


class StartError(RuntimeError):
    """The server did not get ready; the message gives the handler's reason, or the end of the log."""


class TorchServeProcess:
    """A TorchServe with its own session, temporary directory and logs; a context manager that starts and ends it.

    Several run side by side when their configurations name different ports. `log_dir` gains console.log,
    ts_log.log and model_log.log. The workers import the archive's code: PYTHONPATH is not passed on.
    """

    def __init__(
        self,
        config_file: Path,
        model_store: Path,
        log_dir: Path,
        *,
        model_name: str = "nsfw",
        working_dir: Path | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Read the configuration; raises ConfigError. `working_dir` defaults to the configuration's directory."""
        self.config = TorchServeConfig.load(config_file, environ)
        for address in (self.config.inference, self.config.management):
            if address.scheme != "http":
                raise ConfigError(f"{address.setting}: we ask in plain HTTP; leave TLS to a proxy in front")
        self.model_store = model_store
        self.model_name = model_name
        self.working_dir = working_dir or config_file.resolve().parent
        self.log_dir = log_dir.resolve()
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def key_file(self) -> Path:
        """Where TorchServe writes its tokens, when it asks for them."""
        return self.working_dir / "key_file.json"

    def __enter__(self) -> Self:
        """Start, without waiting; see wait_until_ready."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start TorchServe in a session of its own. Raises JavaNotFoundError."""
        environment = self._child_environment()
        self.log_dir.mkdir(parents=True, exist_ok=True)
        # The workers' sockets lie in it, and a socket's path has at most 107 bytes.
        parent = tempfile.gettempdir() if len(tempfile.gettempdir()) <= LONGEST_TMPDIR else "/tmp"  # noqa: S108
        self.tmp_dir = Path(tempfile.mkdtemp(prefix="torchserve-", dir=parent))
        environment |= {"TMPDIR": str(self.tmp_dir), "TEMP": str(self.tmp_dir)}
        self._model_log = LogTail(self.log_dir / "model_log.log")
        self._server_log = LogTail(self.log_dir / "ts_log.log")
        self._recent: deque[str] = deque(maxlen=SHOWN_LOG_LINES)
        command = [sys.executable, "-m", "ts.model_server", "--start", "--foreground", "--ncs"]
        command += ["--model-store", str(self.model_store.resolve()), "--ts-config", str(self.config.path.resolve())]
        with (self.log_dir / "console.log").open("wb") as console:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self.working_dir,
                env=environment,
                start_new_session=True,
            )
        self.session = ProcessSession.led_by(self._process.pid)

    def wait_until_ready(self, limit_seconds: float = START_LIMIT_SECONDS) -> None:
        """Return once a worker is ready to predict. Raises StartError as soon as it can't come to that."""
        deadline = time.monotonic() + limit_seconds
        while not self.worker_pids():
            self._raise_if_failed()
            if time.monotonic() > deadline:
                raise StartError(self._with_log(f"no worker got ready within {limit_seconds:.0f} s"))
            time.sleep(POLL_SECONDS)

    def classify(self, photo: Path, limit_seconds: float) -> dict[str, Any]:
        """Return the server's answer to a JPEG. Raises probe.ProbeError for one without valid scores."""
        url = self.config.inference.url
        return probe.classify(url, self.model_name, photo, self._headers("inference"), limit_seconds)

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers that are ready; none while the server starts."""
        headers = self._headers("management")
        return probe.worker_pids(probe.describe(self.config.management.url, self.model_name, headers))

    def is_running(self) -> bool:
        """Whether the server's first process lives."""
        return self._process is not None and self._process.poll() is None

    def new_log_lines(self) -> list[str]:
        """Return what the logs gained since the last call: all of the workers', the server's warnings and errors."""
        return self._model_log.new_lines() + [line for line in self._server_log.new_lines() if WARNING.match(line)]

    def stop(self) -> None:
        """End every process of the server and delete its temporary directory; nothing to do is fine."""
        if self._process is not None:
            self.session.stop()
            self._process.wait()
            shutil.rmtree(self.tmp_dir, ignore_errors=True)

    def _raise_if_failed(self) -> None:
        lines = self.new_log_lines()
        ended = not self.is_running()
        unloadable = any(LOAD_FAILURE.search(line) for line in lines)
        if ended or unloadable:
            time.sleep(POLL_SECONDS)  # the reason may still be on its way through the logs
            lines += self.new_log_lines()
        if ended:
            lines += (self.log_dir / "console.log").read_text(encoding="utf-8", errors="replace").splitlines()
        self._recent.extend(LOG_PREFIX.sub("", line) for line in lines if not line.startswith("\t"))
        for line in lines:
            if refusal := REFUSAL.search(line):
                raise StartError(f"the model refused to serve: {refusal[1]}")
        if ended:
            raise StartError(self._with_log("TorchServe ended before it was ready"))
        if unloadable:
            raise StartError(self._with_log("the model could not be loaded"))

    def _with_log(self, what: str) -> str:
        return "\n  ".join([f"{what}; {self.log_dir} has the logs, which end with", *self._recent])

    def _headers(self, kind: str) -> dict[str, str]:
        """Return the token for "inference" or "management", from the file TorchServe writes when it starts."""
        if not self.config.needs_tokens:
            return {}
        try:
            key = json.loads(self.key_file.read_text(encoding="utf-8"))[kind]["key"]
        except (FileNotFoundError, ValueError):
            return {}  # not written yet, or half
        return {"Authorization": f"Bearer {key}"}

    def _child_environment(self) -> dict[str, str]:
        environment = {
            **self._environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), self._environ.get("PATH", os.defpath)]),
            "LOG_LOCATION": str(self.log_dir),
            "METRICS_LOCATION": str(self.log_dir),
            "TORCHSERVE_CONSOLE_LEVEL": "off",  # the log files have it all, and they are bounded
        }
        for name in ("PYTHONPATH", "TS_CONFIG_FILE"):  # each would replace what we were told to serve
            environment.pop(name, None)
        return environment | {"JAVA_HOME": str(find_java(environment).home)}
