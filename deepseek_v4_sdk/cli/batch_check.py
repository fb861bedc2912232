"""`deepseek-v4 batch check`: the problems of a batch file, for each program that may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk import InvalidRequestError
from deepseek_v4_sdk.chat.openai_form import is_mapping
from deepseek_v4_sdk.cli.batch_lines import URL, id_of, ignored_in, parsed_line, read_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["problems_of"]

_OURS, _VLLM, _OPENAI, _ALL = "deepseek-v4", "vllm", "openai", "all"
# OpenAI's Batch API, platform.openai.com/docs/guides/batch; vLLM 0.33's run_batch.
_MOST_LINES, _MOST_BYTES = 50_000, 200 * 1024 * 1024
_OF_SERVERS = ("chat_template_kwargs", "top_k", "min_p", "cache_salt", "thinking", "enable_thinking")


def problems_of(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the problems of a file: the line, the program that refuses it, and the reason."""
    met: set[str] = set()
    models: set[object] = set()
    number = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                request = parsed_line(line)
                custom_id = id_of(request)
            except InvalidRequestError as error:
                yield number, _ALL, str(error)
                continue
            if custom_id in met:
                yield number, _ALL, f"custom_id {custom_id!r} was in an earlier line: give each its own"
            met.add(custom_id)
            yield from ((number, by, problem) for by, problem in _of_line(request))
            body = request.get("body")
            models.add(body.get("model") if is_mapping(body) else None)
    if number > _MOST_LINES:
        yield number, _OPENAI, f"a file has {_MOST_LINES:,} lines at most: split it"
    if path.stat().st_size > _MOST_BYTES:
        yield number, _OPENAI, f"a file has {_MOST_BYTES // 1024**2} MiB at most: split it"
    if len(models) > 1:
        yield number, _OPENAI, "a file is for one model, and this one names several: split it"


def _of_line(request: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, wanted in (("method", "POST"), ("url", URL)):
        if name not in request:
            yield _VLLM, f"{name} is missing: give {wanted!r}"
            yield _OPENAI, f"{name} is missing: give {wanted!r}"
    try:
        read_line(request)
        ignored = ignored_in(request)
    except InvalidRequestError as error:
        yield _OURS, str(error)
    else:
        if ignored:
            yield _OURS, f"{', '.join(ignored)} would have no effect here"
    body = request.get("body")
    if not is_mapping(body):
        return
    if body.get("stream"):
        yield _VLLM, "stream is true: a batch has no streams"
        yield _OPENAI, "stream is true: a batch has no streams"
    if body.get("model") is None:
        yield _OPENAI, "model is missing"
    if unknown := [name for name in _OF_SERVERS if name in body]:
        yield _OPENAI, f"{', '.join(unknown)}: fields that only vLLM, SGLang or DeepSeek know"
