"""Reads TorchServe's config.properties the way TorchServe 0.12 does, to know what it will open before it does."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.ports import Ports

# TorchServe's defaults for what this module asks about (ConfigManager.java, 0.12.0).
DEFAULTS = {
    "inference_address": "http://127.0.0.1:8080",
    "management_address": "http://127.0.0.1:8081",
    "metrics_address": "http://127.0.0.1:8082",
    "grpc_inference_address": "127.0.0.1",
    "grpc_inference_port": "7070",
    "grpc_management_address": "127.0.0.1",
    "grpc_management_port": "7071",
    "disable_token_authorization": "false",
    "enable_metrics_api": "true",
    "enable_envvars_config": "false",
    "max_response_size": "6553500",
}
MIN_RESPONSE_BYTES = 31 * 2**20  # trust_nsfw.moderated.MAX_BODY_BYTES and its head
REST_ADDRESS = re.compile(r"(https?)://([^:/^]+)(?::(\d+))?", re.IGNORECASE)
PLAIN_LINE = re.compile(r"([\w.]+)\s*=\s*(.*)")
ENVIRONMENT_REFERENCE = re.compile(r"\$\$([^$]+)\$\$")
LOG_SETTINGS = re.compile(r"(-Dlog4j\.configurationFile=)(?!\w+:)(\S+)")
METRICS_SETTING = re.compile(r"^(metrics_config=)(?!/)(\S+)", re.MULTILINE)


class ConfigError(RuntimeError):
    """A setting that TorchServe would refuse or that we must; the message names file, line and value."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it was written: "config.properties:12", "TS_..." or "TorchServe's default"."""

    key: str
    value: str
    origin: str

    def __str__(self) -> str:
        return f"{self.key}={self.value} ({self.origin})"


@dataclass(frozen=True, slots=True)
class Address:
    """Something TorchServe listens on; `scheme` is http, https or grpc."""

    setting: Setting
    scheme: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for a client on this machine."""
        ip = self._ip()
        host = "127.0.0.1" if ip is not None and ip.is_unspecified else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it. A name other than localhost counts as reachable by others."""
        ip = self._ip()
        return self.host.lower() == "localhost" if ip is None else ip.is_loopback

    def _ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            return ipaddress.ip_address(self.host.strip("[]"))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class TorchServeConfig:
    """The settings in force: the file's, with $$NAME$$ filled in, under TS_* variables where those count."""

    path: Path
    settings: Mapping[str, Setting]

    @classmethod
    def load(cls, path: Path, environ: Mapping[str, str]) -> "TorchServeConfig":
        """Read `path`. Raises ConfigError for what isn't there or isn't plain `key=value`."""
        settings = {key: Setting(key, value, "TorchServe's default") for key, value in DEFAULTS.items()}
        settings |= {setting.key: setting for setting in _read(path, environ)}
        if settings["enable_envvars_config"].value.lower() == "true":
            for key in settings:
                if (name := f"TS_{key.upper()}") in environ:
                    settings[key] = Setting(key, environ[name], f"environment variable {name}")
        return cls(path, settings)

    @property
    def needs_tokens(self) -> bool:
        """Whether requests must carry a token from key_file.json."""
        return self.settings["disable_token_authorization"].value.lower() != "true"

    @property
    def inference(self) -> Address:
        """Where images go."""
        return self._rest_address("inference_address", default_port=80)

    @property
    def management(self) -> Address:
        """Where /models/NAME says whether a worker is ready."""
        return self._rest_address("management_address", default_port=8081)

    def addresses(self) -> tuple[Address, ...]:
        """Everything TorchServe will listen on. Raises ConfigError for one that TorchServe wouldn't take."""
        with_metrics = self.settings["enable_metrics_api"].value.lower() == "true"
        metrics = [self._rest_address("metrics_address", default_port=8082)] if with_metrics else []
        grpc = [self._grpc_address("grpc_inference"), self._grpc_address("grpc_management")]
        return (self.inference, self.management, *metrics, *grpc)

    def refuse_unsafe(self) -> None:
        """Raise ConfigError when anybody beyond this machine could ask without a token."""
        exposed = [address for address in self.addresses() if not address.is_loopback]
        if exposed and not self.needs_tokens:
            raise ConfigError(
                f"{self.settings['disable_token_authorization']} lets everybody in who reaches "
                f"{exposed[0].setting}: bind every address to 127.0.0.1, or leave token authorization on"
            )

    def refuse_too_small(self) -> None:
        """Raise ConfigError when an answer that the handler may give would be over the limit: that kills the worker."""
        setting = self.settings["max_response_size"]
        if not setting.value.isdecimal() or int(setting.value) < MIN_RESPONSE_BYTES:
            raise ConfigError(f"{setting} is below the {MIN_RESPONSE_BYTES:,} bytes that a moderated image may need")

    def _rest_address(self, key: str, default_port: int) -> Address:
        setting = self.settings[key]
        match = REST_ADDRESS.fullmatch(setting.value)
        if match is None:
            raise ConfigError(f"{setting}: expected http://HOST:PORT, HOST a name or an IPv4 address")
        scheme, host, port = match.groups()
        return Address(setting, scheme.lower(), host, int(port or default_port))

    def _grpc_address(self, prefix: str) -> Address:
        host, port = self.settings[f"{prefix}_address"], self.settings[f"{prefix}_port"]
        if not port.value.isdecimal():
            raise ConfigError(f"{port}: expected a port number")
        return Address(host, "grpc", host.value, int(port.value))


def write_config(template: Path, destination: Path, ports: Ports, overrides: Mapping[str, str]) -> Path:
    """Write `template` to `destination` with other ports and settings; in both readers the last line wins.

    The relative paths of the log4j2 and metrics files are made absolute, so that the result works from any
    directory. Returns `destination`.
    """
    text = template.read_text(encoding="utf-8")
    folder = template.resolve().parent
    text = LOG_SETTINGS.sub(lambda match: match[1] + (folder / match[2]).as_uri(), text)
    text = METRICS_SETTING.sub(lambda match: match[1] + str(folder / match[2]), text)
    lines = [f"{key}={value}" for key, value in {**ports.settings(), **overrides}.items()]
    destination.write_text("\n".join([text, "# For this run.", *lines, ""]), encoding="utf-8")
    return destination


def _read(path: Path, environ: Mapping[str, str]) -> Iterator[Setting]:
    """Yield the file's settings in order. Java's other spellings are refused: a check must not be fooled."""
    for number, line in _logical_lines(path):
        origin = f"{path.name}:{number}"
        match = PLAIN_LINE.fullmatch(line)
        if match is None or "\\" in line:
            raise ConfigError(f"{origin}: {line!r} is not plain key=value")
        key, value = match.groups()
        for name in ENVIRONMENT_REFERENCE.findall(value):
            if name not in environ:
                raise ConfigError(f"{origin}: {key} refers to {name}, which is not set in the environment")
            value = value.replace(f"$${name}$$", environ[name])
        yield Setting(key, value, origin)


def _logical_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number of its first line, text) for each line that says something, continuations joined."""
    if not path.is_file():
        raise ConfigError(f"{path} is not a file")
    begun, number_begun = "", 0
    for number, raw in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        line = raw.strip()
        if not begun and (not line or line[0] in "#!"):
            continue
        number_begun = number_begun if begun else number
        begun += line
        if begun.endswith("\\"):
            begun = begun[:-1]
            continue
        yield number_begun, begun
        begun = ""
    if begun:
        yield number_begun, begun
