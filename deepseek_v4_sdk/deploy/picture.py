"""A capacity as a picture for a terminal: one bar for the memory of a GPU, and a table of sessions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.capacity import Capacity
    from deepseek_v4_sdk.deploy.tables import Interval

__all__ = ["bullets", "picture", "wrapped"]

_COLUMNS = 80
_BAR = 60
_REMEDIES = {
    "vllm": "lower --max-num-batched-tokens first, then the window",
    "sglang": "give --swa-full-tokens-ratio 0.1, or lower --max-running-requests",
}
_MARKS = {"weights": "█", "overhead": "▒", "reserve": "▓", "cache": "░"}


def wrapped(text: str, first: str = "", rest: str = "") -> str:
    """A sentence in lines for a terminal, of which no flag or name is cut."""
    return textwrap.fill(
        text,
        _COLUMNS,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def bullets(title: str, sentences: Iterable[str]) -> list[str]:
    """A list with a title, as lines; nothing where it is empty."""
    lines = [wrapped(each, "- ", "  ") for each in sentences]
    return ["", f"{title}:", *lines] if lines else []


def picture(capacity: Capacity) -> str:
    """The picture."""
    lines = [
        f"{capacity.model} on {capacity.gpus} x {capacity.gpu}, {capacity.engine} {capacity.version}",
        "",
        *_bar(capacity),
        "",
        *_sessions(capacity),
        "",
        *_closing(capacity),
    ]
    return "\n".join(lines)


def _bar(capacity: Capacity) -> list[str]:
    """The memory of one GPU, the cautious way: the least that is left for the cache."""
    memory = capacity.memory_gib.low
    cache = capacity.kv_gib.low
    reserve = min(capacity.reserve_gib, cache)
    overhead = max(0.0, memory - capacity.weights_gib - cache)
    parts = {
        "weights": capacity.weights_gib,
        "overhead": overhead,
        "reserve": reserve,
        "cache": cache - reserve,
    }
    bar, used = "", 0.0
    for name, size in parts.items():
        used += size
        bar += _MARKS[name] * (min(_BAR, round(used / memory * _BAR)) - len(bar))
    words = {"overhead": "overhead and free", "cache": "conversations"}
    legend = "  ".join(f"{_MARKS[name]} {words.get(name, name)} {size:.1f}" for name, size in parts.items())
    return [f"GiB of one GPU, {memory:.0f} in all, counted cautiously", bar, legend]


def _range(interval: Interval, unit: str = "") -> str:
    low, high = f"{interval.low:,.0f}", f"{interval.high:,.0f}"
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def _sessions(capacity: Capacity) -> list[str]:
    names = {8_192: "8K", 131_072: "128K", 1_048_576: "1M"}
    rows = [("tokens each", "conversations at once", "GiB each")]
    for length, count in capacity.sessions.items():
        rows.append((names.get(length, f"{length:,}"), _range(count), f"{capacity.session_gib[length]:.2f}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _closing(capacity: Capacity) -> list[str]:
    lines = [f"longest conversation: {_range(capacity.window, ' tokens')}"]
    if capacity.fits is False:
        asked = f" with a window of {capacity.asked_window:,}" if capacity.asked_window else ""
        lines.append(f"the server does not start{asked}: {_REMEDIES[capacity.engine]}")
    elif capacity.fits is None:
        lines.append("whether the server starts depends on its overhead")
    if capacity.reported_sessions is None:
        lines.append(f"its log will say: max_total_num_tokens={_range(capacity.reported_tokens)}")
    else:
        times = capacity.reported_sessions
        lines.append(
            f"its log will say: GPU KV cache size: {_range(capacity.reported_tokens)} tokens, concurrency "
            f"{times.low:.2f}x to {times.high:.2f}x (it charges each request the reserve)"
        )
    if capacity.pools > 1:
        lines.append(f"{capacity.pools} caches that share nothing: one for each replica of attention")
    return [wrapped(line, rest="  ") for line in lines]
