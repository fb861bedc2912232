"""Bodies that a proxy has compressed unasked: bytes in, their content out, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["UnpackError", "Unpacker"]

_PIECE = 256 * 1024
# A body of repetitions may shrink to a thousandth. No answer does, beyond its first few megabytes.
_FREE = 4 * 1024 * 1024
_RATIO = 200
_GZIP = b"\x1f\x8b"
_ENOUGH = 6  # bytes that show the kind of a body
_PLAIN = (b"data:", b"event:", b"retry:", b"id:", b":", b"{", b"[", b'"', b"<", b"\n", b"\r", b" ", b"\xef\xbb\xbf")


class UnpackError(ValueError):
    """A body cannot be unpacked."""


class Unpacker:
    """Unpacks gzip and deflate, by the first bytes and the header. Each block is unpacked as far as it goes.

    Args:
        encoding: The header `content-encoding`; it may be wrong, or a hook of the user's client may have unpacked the
            body.

    Attributes:
        idle: Whether the body was found not to be compressed: all of it passes unchanged.
    """

    def __init__(self, encoding: str = "") -> None:
        self._encoding = encoding.strip().lower()
        self._held = b""
        self._inflater: Any = None  # zlib's type has no public name
        self._bits = 0
        self._taken = self._given = 0
        self.idle = False

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Take received bytes; return their content, in pieces of bounded size.

        Raises:
            UnpackError: They use another compression, are broken, or hold too much.
        """
        if self._inflater is None:
            block = self._held + block
            self._held = b""
            if len(block) < _ENOUGH and self._may_be_packed(block):
                self._held = block
                return
            self._decide(block)
        if self.idle:
            yield block
        else:
            yield from self._unpacked(block)

    def finish(self) -> Iterator[bytes]:
        """Note that the body has ended: return the bytes that were held back.

        Raises:
            UnpackError: As for `feed`.
        """
        if self._held:
            block, self._held = self._held, b""
            self._decide(block)
            yield from [block] if self.idle else self._unpacked(block)

    def _may_be_packed(self, block: bytes) -> bool:
        return self._encoding not in {"", "identity"} or not block or _GZIP.startswith(block[:2])

    def _decide(self, block: bytes) -> None:
        if block[:2] == _GZIP:
            self._bits = 31
        elif self._encoding in {"", "identity"} or block.startswith(_PLAIN):
            self.idle = True
            return
        elif self._encoding == "deflate":
            # The standard means zlib's format; some send the bytes without its header.
            self._bits = 15 if block[0] & 15 == 8 and int.from_bytes(block[:2], "big") % 31 == 0 else -15
        else:
            raise UnpackError(f"a body compressed as {self._encoding[:60]!r}, which was not asked for")
        self._inflater = self._new()

    def _new(self) -> Any:
        import zlib  # few answers need it

        return zlib.decompressobj(self._bits)

    def _unpacked(self, block: bytes) -> Iterator[bytes]:
        import zlib

        while block and self._inflater is not None:
            try:
                piece = self._inflater.decompress(block, _PIECE)
            except zlib.error as error:
                raise UnpackError(f"a compressed body that is broken: {error}") from None
            self._given += len(piece)
            self._taken += len(block) - len(self._inflater.unconsumed_tail)
            if self._given > _FREE and self._given > _RATIO * self._taken:
                raise UnpackError(f"a compressed body that unpacks to more than {_RATIO} times its size")
            if piece:
                yield piece
            block = self._inflater.unconsumed_tail
            if self._inflater.eof:
                block = self._inflater.unused_data
                if self._bits != 31 or not block:  # gzip may have several parts
                    return
                self._inflater = self._new()
            elif not piece and not block:
                return
