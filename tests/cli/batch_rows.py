"""Rows of a batch file, in OpenAI's format, and answers to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deepseek_v4_sdk.testing import script

__all__ = ["chat_line", "echo", "write"]


def chat_line(row_id: str, text: str, **body: Any) -> dict[str, Any]:
    chat = {"model": "deepseek-ai/DeepSeek-V4-Pro", "messages": [{"role": "user", "content": text}], **body}
    return {"custom_id": row_id, "method": "POST", "url": "/v1/chat/completions", "body": chat}


def write(*lines: Any) -> str:
    Path("in.jsonl").write_text(
        "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), encoding="utf-8"
    )
    return "in.jsonl"


def echo(request: Any) -> Any:
    return script.think("hm") + script.text(f"echo: {request.body['messages'][-1]['content']}")
