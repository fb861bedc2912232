"""Text from the bytes of a file, by its byte order mark."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

__all__ = ["decoded"]

# The marks that editors and shells on Windows write. UTF-32 comes first: its mark begins with that of UTF-16.
_MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decoded(data: bytes) -> str:
    """Decode these bytes, without the mark: UTF-8, or the encoding of the mark at their beginning.

    Raises:
        UnicodeDecodeError: They are neither.
    """
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    return data.decode(encoding)
