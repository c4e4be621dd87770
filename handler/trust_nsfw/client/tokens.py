"""The tokens that TorchServe's token authorization asks for."""

import json
from pathlib import Path

from trust_nsfw.client.calls import Call
from trust_nsfw.client.errors import Unauthorized


class Tokens:
    """Fixed tokens, or those of TorchServe's key_file.json, which the server rewrites when it makes new ones."""

    def __init__(
        self, token: str | None = None, key_file: Path | str | None = None, management_token: str | None = None
    ) -> None:
        """Take tokens or the file that holds them; raises ValueError for both, Unauthorized for a file without keys."""
        if key_file is not None and (token is not None or management_token is not None):
            raise ValueError("give a token or a key_file, not both")
        self._key_file = None if key_file is None else Path(key_file)
        self._inference = token
        self._management = management_token
        self.renew()

    def __repr__(self) -> str:
        return f"Tokens(key_file={self._key_file})"

    def bearer(self, call: Call) -> str | None:
        """Return the value of the Authorization header for a call, None where there is no token."""
        token = self._management if call.is_about_model else self._inference
        return None if token is None else f"Bearer {token}"

    def renew(self) -> bool:
        """Read the key file again; False where there is none. Raises Unauthorized when it holds no keys."""
        if self._key_file is None:
            return False
        try:
            keys = json.loads(self._key_file.read_text(encoding="utf-8"))
            self._inference, self._management = keys["inference"]["key"], keys["management"]["key"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise Unauthorized(f"{self._key_file} holds no keys of TorchServe: {error}") from error
        return True
