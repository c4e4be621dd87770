"""A call as HTTP: which method, address, headers and body. No library sends anything here."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from trust_nsfw import __version__
from trust_nsfw.client.calls import Call, Kind
from trust_nsfw.client.tokens import Tokens

USER_AGENT = f"trust-nsfw/{__version__}"
HEADER_NAMES = {"policy": "X-Policy", "min_confidence": "X-Min-Confidence", "request_id": "X-Request-Id"}
DEFAULT_MODEL = "nsfw"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What any HTTP library needs to know."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpService:
    """Where the service is; raises ValueError for what is not http(s)://HOST[:PORT][/PREFIX]."""

    url: str
    management_url: str | None = None
    model: str = DEFAULT_MODEL
    version: str | None = None

    def __post_init__(self) -> None:
        for url in (self.url, self.url if self.management_url is None else self.management_url):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
                raise ValueError(f"{url!r} is not an address like http://127.0.0.1:8080")

    def request(self, call: Call, tokens: Tokens) -> HttpRequest:
        """Return the request that a call is; raises ValueError to describe without a management address."""
        headers = {"User-Agent": USER_AGENT, "Accept": "image/*" if call.kind is Kind.MODERATE else "application/json"}
        headers |= {HEADER_NAMES[name]: value for name, value in call.options.named().items()}
        if (bearer := tokens.bearer(call)) is not None:
            headers["Authorization"] = bearer
        if call.is_about_model:
            query = "?customized=true" if call.kind is Kind.DESCRIBE else ""
            return HttpRequest("GET", self._model_address() + query, headers, b"")
        many = call.kind is Kind.CLASSIFY_MANY
        headers["Content-Type"] = "application/json" if many else "application/octet-stream"
        verb = "explanations" if call.kind is Kind.EXPLAIN else "predictions"
        return HttpRequest("POST", f"{self.url.rstrip('/')}/{verb}/{self._name()}", headers, call.body)

    @property
    def is_local(self) -> bool:
        """Whether the service is on this machine: what goes there never goes through a proxy."""
        return is_loopback(urlsplit(self.url).hostname or "")

    def _model_address(self) -> str:
        if self.management_url is None:
            raise ValueError("the management address describes the model: give the client a management_url")
        return f"{self.management_url.rstrip('/')}/models/{self._name()}"

    def _name(self) -> str:
        version = () if self.version is None else (self.version,)
        return "/".join(quote(part, safe="") for part in (self.model, *version))


def is_loopback(host: str) -> bool:
    """Say whether a host name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
