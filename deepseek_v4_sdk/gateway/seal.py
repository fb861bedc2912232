"""Sealed reasoning: what a client keeps and sends back, with a proof that it came from here. It is not secret."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.support.files import own_folder, write_private

if TYPE_CHECKING:
    from deepseek_v4_sdk.gateway.callers import Caller

__all__ = ["Seal", "kept_key"]

_HEAD = "dsv4."
_MAC_BYTES = 32


class Seal:
    """Writes and reads sealed reasoning.

    Args:
        key: The key, at least 16 bytes; without it one that lives as long as this object.

    Raises:
        ConfigurationError: The key is too short.
    """

    def __init__(self, key: bytes | None = None) -> None:
        if key is not None and len(key) < 16:
            raise ConfigurationError("the key of the seal is too short: give at least 16 bytes")
        self._key = secrets.token_bytes(32) if key is None else key

    def close(self, caller: Caller, model: str, reasoning: str) -> str:
        """The reasoning, sealed for one caller and one model."""
        text = reasoning.encode("utf-8", "replace")
        return _HEAD + urlsafe_b64encode(self._mac(caller, model, text) + text).decode("ascii")

    def open(self, caller: Caller, model: str, sealed: object) -> str | None:
        """The reasoning; None where it was sealed elsewhere, for another caller or model, or was changed."""
        if not isinstance(sealed, str) or not sealed.startswith(_HEAD):
            return None
        try:
            data = urlsafe_b64decode(sealed[len(_HEAD) :])
            text = data[_MAC_BYTES:]
            if not hmac.compare_digest(data[:_MAC_BYTES], self._mac(caller, model, text)):
                return None
            return text.decode()
        except (ValueError, binascii.Error):
            return None

    def _mac(self, caller: Caller, model: str, text: bytes) -> bytes:
        about = b"\0".join((caller.id.encode(), model.encode("utf-8", "replace")))
        return hmac.digest(self._key, len(about).to_bytes(8, "big") + about + text, hashlib.sha256)


def kept_key(folder: Path | None = None) -> bytes:
    """The key that is kept in the user's state folder, readable only by its owner; it is made at the first use.

    Args:
        folder: Another folder.

    Raises:
        ConfigurationError: The folder or the file cannot be used; the text names it.
    """
    place = own_folder("state") if folder is None else folder
    if place is None:
        raise ConfigurationError("there is no home folder to keep the key of the seal in: give a seal key")
    path = place / "gateway-seal.key"
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            write_private(path, secrets.token_bytes(32), replace=False)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the key of the seal cannot be kept in {path}: {error.strerror}") from None
    if len(key) < 16:
        raise ConfigurationError(f"{path} is not a key of the seal: delete it")
    return key
