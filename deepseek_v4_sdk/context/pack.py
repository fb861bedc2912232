"""Packing documents into a prompt: whole or clipped, in a stable order, within a budget, with a list of the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.context.budget import ContextBudget
from deepseek_v4_sdk.context.documents import (
    EXCLUDE,
    MAX_BYTES,
    Document,
    DocumentInput,
    Found,
    LeftOut,
    find_documents,
)
from deepseek_v4_sdk.errors import BudgetError, InvalidRequestError

if TYPE_CHECKING:
    from deepseek_v4_sdk.tokens import SpecialText

__all__ = ["Pack", "PackedDocument", "pack"]

_CLOSER: Final = re.compile(r"</document(?:-(\d+))?>")


@dataclass(frozen=True, slots=True)
class PackedDocument:
    """A document in a pack.

    Attributes:
        name: Its name.
        tokens: Its tokens, with the lines around it.
        clipped: Number of characters that were cut off at its end.
        special: Whether it spells control tokens such as `<think>`, which vLLM reads as such.
    """

    name: str
    tokens: int
    clipped: int = 0
    special: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Documents as one text, and a list of those left out.

    Each document is between two lines, `<document name="...">` and `</document>`. Where its own text holds the closing
    line, both lines have a number that it does not hold: `<document-2 name="...">`. So a document ends at its first
    closing line, whatever its content. The name is a JSON string; `clipped` after it marks a missing end.

    Attributes:
        text: The documents, with the question after them.
        documents: The packed documents, in order.
        left_out: The documents left out, in the given order.
        tokens: The tokens of the text.
        limit: The limit of the text's tokens.
    """

    text: str
    documents: tuple[PackedDocument, ...]
    left_out: tuple[LeftOut, ...]
    tokens: int
    limit: int

    def __str__(self) -> str:
        """List the packed and the left-out documents, one line each."""
        lines = [f"{len(self.documents):,} documents, {self.tokens:,} of {self.limit:,} tokens"]
        lines += [
            f"clipped   {item.name}: {item.clipped:,} characters are missing at its end"
            for item in self.documents
            if item.clipped
        ]
        lines += [f"left out  {item.name}: {item.detail}" for item in self.left_out]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the report, without the text, ready for JSON."""
        return {
            "tokens": self.tokens,
            "limit": self.limit,
            "documents": [
                {"name": item.name, "tokens": item.tokens, "clipped": item.clipped, "special": item.special}
                for item in self.documents
            ],
            "left_out": [
                {"name": item.name, "reason": item.reason, "detail": item.detail, "tokens": item.tokens}
                for item in self.left_out
            ],
        }


def pack(
    documents: DocumentInput | Iterable[DocumentInput],
    budget: ContextBudget | int,
    *,
    question: str = "",
    reserve: int = 0,
    policy: Literal["whole", "clip"] = "whole",
    exclude: Sequence[str] = EXCLUDE,
    max_bytes: int = MAX_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> Pack:
    """Put documents into one text that fits, each exactly counted.

    They keep the given order; those in a folder are sorted by name. Only the documents before it decide whether one is
    packed, so adding or changing one at the end leaves the text before it unchanged, and the server's prefix cache
    hits.

    Args:
        documents: Paths of files and folders, and `Document(name, text)`.
        budget: The budget of the endpoint (`client.budget()`): a user message with the text, and all that the server
            writes around it, stays within its available tokens. Or a number of tokens only for the text.
        question: The question about the documents, placed after them; blanks before it are removed.
        reserve: Tokens of the budget for other messages and tools.
        policy: The treatment of a document that does not fit: "whole" leaves it out and tries the next; "clip" takes as
            much of its beginning as there is room for, at the end of a line where it has lines.
        exclude: Names to skip in folders, with `*`, `?` and `[...]`; with a `/` in it, paths below the folder.
            `.gitignore` is not read: pass the list of `git ls-files` instead.
        max_bytes: Files of more bytes are left out unread.
        on_progress: A callback after each document, with the number of finished documents and the total.

    Raises:
        InvalidRequestError: One of them is not a document, or a text holds a surrogate.
        BudgetError: The question does not fit even without documents.
        ConfigurationError: The vocabulary is not installed.
    """
    if policy not in ("whole", "clip"):
        raise InvalidRequestError(f"policy is {policy!r}: give 'whole' or 'clip'")
    if isinstance(exclude, str):
        raise InvalidRequestError("exclude is one text: give a list of patterns")
    question = question.lstrip()
    packer = _Packer.of(budget, question, reserve, clips=policy == "clip")
    found = list(find_documents(documents, exclude, max_bytes))
    for done, item in enumerate(found, 1):
        packer.take(item.read() if isinstance(item, Found) else item)
        if on_progress is not None:
            on_progress(done, len(found))
    return packer.packed(question)


class _Packer:
    """Takes documents one by one, as long as there is room."""

    def __init__(self, limit: int, asked: int, special: SpecialText, *, clips: bool) -> None:
        self._limit = limit
        self._left = limit - asked
        self._special: SpecialText = special
        self._clips = clips
        self._blocks: list[str] = []
        self._taken: list[PackedDocument] = []
        self._left_out: list[LeftOut] = []

    @classmethod
    def of(cls, budget: ContextBudget | int, question: str, reserve: int, *, clips: bool) -> _Packer:
        """Make a packer for a budget, without the question's tokens.

        Raises:
            BudgetError: There is no room for them.
        """
        from deepseek_v4_sdk.tokens import count_text

        special: SpecialText = "control"
        if isinstance(budget, ContextBudget):
            counter = budget.counter
            request = counter.request("?", {})
            special = "control" if counter.form(request).dialect == "vllm" else "plain"
            limit = budget.room - reserve - (counter.count(request).total - count_text("?"))
        else:
            limit = budget - reserve
        asked = count_text(question, special=special)
        if asked > limit:
            raise BudgetError(f"the question has {asked:,} tokens, and there is room for {max(0, limit):,}")
        return cls(limit, asked, special, clips=clips)

    def take(self, item: Document | LeftOut) -> None:
        """Add a document after the others, or note the reason why not."""
        if isinstance(item, LeftOut):
            self._left_out.append(item)
            return
        block = _block(item.name, item.text)
        tokens = self._count(block)
        if tokens <= self._left:
            self._add(item, block, tokens)
            return
        clipped = self._clipped(item) if self._clips else None
        if clipped is None:
            detail = f"{tokens:,} tokens, and {self._left:,} are left"
            self._left_out.append(LeftOut(item.name, "no_room", detail, tokens))
            return
        block = _block(item.name, clipped, note=" clipped")
        self._add(item, block, self._count(block), len(item.text) - len(clipped))

    def packed(self, question: str) -> Pack:
        """Return all that was packed."""
        text = "".join([*self._blocks, question])
        return Pack(
            text=text,
            documents=tuple(self._taken),
            left_out=tuple(self._left_out),
            tokens=self._limit - self._left,
            limit=self._limit,
        )

    def _add(self, document: Document, block: str, tokens: int, clipped: int = 0) -> None:
        from deepseek_v4_sdk.tokens.texts import spells_special

        self._blocks.append(block)
        self._left -= tokens
        self._taken.append(PackedDocument(document.name, tokens, clipped, spells_special(block)))

    def _clipped(self, document: Document) -> str | None:
        """The longest beginning that fits, or None where nothing of it does."""
        from deepseek_v4_sdk.tokens import decode, encode

        ids = encode(document.text, special=self._special)
        available_tokens = self._left - self._count(_block(document.name, "", note=" clipped"))
        while available_tokens > 0:
            beginning = decode(ids[:available_tokens]).rstrip(
                "\N{REPLACEMENT CHARACTER}"
            )  # the last character may be cut in two
            text = beginning[:end] if (end := beginning.rfind("\n")) > 0 else beginning
            over = self._count(_block(document.name, text, note=" clipped")) - self._left
            if over <= 0:
                return text or None
            available_tokens -= over
        return None

    def _count(self, block: str) -> int:
        from deepseek_v4_sdk.tokens.parallel import count_large

        return count_large(block, special=self._special)


def _block(name: str, text: str, *, note: str = "") -> str:
    """A document between its two lines.

    A block begins with a sign and ends with a line end: no token spans two blocks, so their counts add up.
    """
    used = {int(number or 1) for number in _CLOSER.findall(text)}
    number = next(number for number in range(1, len(used) + 2) if number not in used)
    tag = "document" if number == 1 else f"document-{number}"
    return f"<{tag} name={json.dumps(name, ensure_ascii=False)}{note}>\n{text}\n</{tag}>\n"
