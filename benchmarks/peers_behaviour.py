"""Other clients' handling of the same bytes: the table of docs/comparison.md, generated.

Each peer runs in its own environment, in the version that `PEERS` names, against a server of this machine that sends
scripted bytes. `--write` puts the table into the page; `--environments DIR` keeps the environments for the next run;
`--newest` takes the newest releases, to see what they change.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "comparison.md"
BEGIN, END = "<!-- peers: written by benchmarks/peers_behaviour.py -->", "<!-- end of peers -->"
PEERS = {
    "openai": "openai==3.57.0",
    "langchain-openai": "langchain-openai==1.7.4",
    "langchain-nvidia": "langchain-nvidia-ai-endpoints==1.5.0",
    "litellm": "litellm==1.110.2",
    "pydantic-ai": "pydantic-ai-slim[openai]==2.68.0",
}
OURS = "here"
TOOL = {
    "name": "weather",
    "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
OPENAI_TOOL = {"type": "function", "function": TOOL}


def piece(finish: str | None = None, **delta: object) -> dict[str, object]:
    """One chunk of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def call(place: int | None, **function: str) -> list[dict[str, object]]:
    """A piece of a call; without a place it has no index."""
    index = {} if place is None else {"index": place}
    head = {"id": "call_1", "type": "function"} if "name" in function else {}
    return [{**index, **head, "function": function}]


def sse(*events: object) -> bytes:
    """Events as bytes of the stream."""
    return b"".join(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode() for event in events)


HELLO, LO = piece(role="assistant", content="Hel"), piece(content="lo")
STOP = (piece("stop"), "[DONE]")
WHOLE = sse(HELLO, LO, *STOP)
CALLED = (*(piece(tool_calls=call(0, name="weather", arguments='{"city": "Paris"}')),), piece("tool_calls"), "[DONE]")
IN_TWO = (
    piece(tool_calls=call(None, name="weather", arguments='{"city": ')),
    piece(tool_calls=call(None, arguments='"Paris"}')),
)
NESTED = {"error": {"message": "boom", "type": "internal_error", "code": 500}}
FLAT = {"object": "error", "message": "boom", "type": "internal_error", "code": 500}
GONE = {"detail": "The model 'deepseek-ai/deepseek-v4-pro' has reached its end of life and is no longer available."}

CASES: dict[str, tuple[str, int, bytes]] = {
    "broken": ("two pieces of text, then nothing: no finish reason, no `[DONE]`", 200, sse(HELLO, LO)),
    "nested": ('a piece of text, then `{"error": {…}}`, status 200', 200, sse(HELLO, NESTED, "[DONE]")),
    "flat": (
        'a piece of text, then a flat error: `{"object": "error", "message": …}`',
        200,
        sse(HELLO, FLAT, "[DONE]"),
    ),
    "reasoning_content": (
        "reasoning, as `reasoning_content`",
        200,
        sse(piece(role="assistant", reasoning_content="Hm."), LO, *STOP),
    ),
    "reasoning": ("reasoning, as `reasoning`", 200, sse(piece(role="assistant", reasoning="Hm."), LO, *STOP)),
    "history": (
        "reasoning with tool calls, and the next request",
        200,
        sse(piece(role="assistant", reasoning="Hm."), *CALLED),
    ),
    "no_index": (
        "a call whose pieces have no index",
        200,
        sse(piece(role="assistant"), *IN_TWO, piece("tool_calls"), "[DONE]"),
    ),
    "gone": ("status 410 with a text that says that the model has ended", 410, json.dumps(GONE).encode()),
    "working": ("status 202 and no body (NVIDIA, still working)", 202, b""),
}
"""The server's answer: a name for it, the status and the body."""

ProbeAnswers = dict[str, Any]
"""A client's result: `text`, `reasoning`, `calls` (their arguments), `finish`; and `again`, which sends it back."""


def of_openai(url: str) -> ProbeAnswers:
    """The official client."""
    import openai

    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    asked: list[Any] = [{"role": "user", "content": "x"}]
    pieces: list[str] = []
    extras: list[str] = []
    finish, called = None, False
    for chunk in client.chat.completions.create(model="m", messages=asked, tools=[OPENAI_TOOL], stream=True):
        for choice in chunk.choices or ():
            pieces.append(choice.delta.content or "")
            extras += [name for name in ("reasoning", "reasoning_content") if getattr(choice.delta, name, None)]
            finish, called = choice.finish_reason or finish, called or bool(choice.delta.tool_calls)
    message: Any = None
    if called:  # its stream helper puts the pieces of calls together
        with client.chat.completions.stream(model="m", messages=asked, tools=[OPENAI_TOOL]) as stream:
            message = stream.get_final_completion().choices[0].message

    def again() -> None:
        told = {"role": "tool", "tool_call_id": "call_1", "content": "18"}
        client.chat.completions.create(model="m", messages=[*asked, message, told], stream=True)

    calls = [item.function.arguments for item in message.tool_calls or ()] if message else []
    thought = f"an untyped extra, `delta.{extras[0]}`" if extras else ""
    return {
        "text": "".join(pieces),
        "reasoning": thought,
        "calls": calls,
        "finish": finish,
        "again": again,
    }


def of_langchain(url: str) -> ProbeAnswers:
    """LangChain's client for servers with OpenAI's API."""
    from langchain_openai import ChatOpenAI

    return of_chat_model(ChatOpenAI(base_url=url, model="m", api_key="none", max_retries=0))


def of_nvidia(url: str) -> ProbeAnswers:
    """LangChain's client for NVIDIA's servers."""
    from langchain_nvidia_ai_endpoints import ChatNVIDIA

    return of_chat_model(ChatNVIDIA(base_url=url, model="m", api_key="none"))


def of_chat_model(chat_model: Any) -> ProbeAnswers:
    """A chat model of LangChain."""
    from langchain_core.messages import HumanMessage, ToolMessage

    model = chat_model.bind_tools([OPENAI_TOOL])
    whole: Any = None
    for chunk in model.stream("x"):
        whole = chunk if whole is None else whole + chunk

    def again() -> None:
        list(model.stream([HumanMessage("x"), whole, ToolMessage("18", tool_call_id="call_1")]))

    thought = [name for name in ("reasoning", "reasoning_content") if whole.additional_kwargs.get(name)]
    return {
        "text": whole.text if isinstance(whole.text, str) else whole.text(),
        "reasoning": f"read, as `additional_kwargs[{thought[0]!r}]`" if thought else "",
        "calls": [json.dumps(item["args"]) for item in whole.tool_calls],
        "finish": whole.response_metadata.get("finish_reason"),
        "again": again,
    }


def of_litellm(url: str) -> ProbeAnswers:
    """litellm, with its provider for vLLM."""
    import litellm

    litellm.suppress_debug_info = True
    asked: list[Any] = [{"role": "user", "content": "x"}]
    given: dict[str, Any] = {"model": "hosted_vllm/m", "api_base": url, "api_key": "none", "max_retries": 0}
    chunks = list(litellm.completion(messages=asked, tools=[OPENAI_TOOL], stream=True, **given))
    choice: Any = litellm.stream_chunk_builder(chunks, messages=asked).choices[0]

    def again() -> None:
        told = {"role": "tool", "tool_call_id": "call_1", "content": "18"}
        list(litellm.completion(messages=[*asked, choice.message, told], tools=[OPENAI_TOOL], stream=True, **given))

    return {
        "text": choice.message.content or "",
        "reasoning": "read" if getattr(choice.message, "reasoning_content", None) else "",
        "calls": [item.function.arguments for item in choice.message.tool_calls or ()],
        "finish": choice.finish_reason,
        "again": again,
    }


def of_pydantic_ai(url: str) -> ProbeAnswers:
    """Pydantic-ai by its direct requests: an agent would go on automatically."""
    from openai import AsyncOpenAI
    from pydantic_ai.direct import model_request_stream
    from pydantic_ai.messages import ModelRequest, TextPart, ThinkingPart, ToolCallPart, ToolReturnPart
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.tools import ToolDefinition

    tool = ToolDefinition(name="weather", description="The weather.", parameters_json_schema=TOOL["parameters"])
    offered = ModelRequestParameters(function_tools=[tool])
    asked = ModelRequest.user_text_prompt("x")

    async def ask(messages: list[Any]) -> Any:
        client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
        model = OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client))
        async with model_request_stream(model, messages, model_request_parameters=offered) as stream:
            async for _ in stream:
                pass
            return stream.get()

    reply = asyncio.run(ask([asked]))

    def again() -> None:
        told = ModelRequest(parts=[ToolReturnPart("weather", "18", tool_call_id="call_1")])
        asyncio.run(ask([asked, reply, told]))

    return {
        "text": "".join(part.content for part in reply.parts if isinstance(part, TextPart)),
        "reasoning": "read" if any(isinstance(part, ThinkingPart) for part in reply.parts) else "",
        "calls": [part.args_as_json_str() for part in reply.parts if isinstance(part, ToolCallPart)],
        "finish": reply.finish_reason,
        "again": again,
    }


def of_ours(url: str) -> ProbeAnswers:
    """This client."""
    from deepseek_v4_sdk import DeepSeekV4, DeepSeekV4Error

    hosted = url.removesuffix("/v1").endswith(("gone", "working"))
    client = DeepSeekV4(
        "nvidia" if hosted else "vllm", base_url=url, api_key="none", max_retries=0, model="pro" if hosted else "m"
    )
    try:
        reply = client.chat("x", tools=[TOOL])
    except DeepSeekV4Error as error:
        error.told = [  # type: ignore[attr-defined]
            *(["the text in `.partial`"] if error.partial is not None and error.partial.text else []),
            *(["`successors`"] if getattr(error, "successors", ()) else []),  # type: ignore[attr-defined]
        ]
        raise

    def again() -> None:
        client.chat(
            [
                {"role": "user", "content": "x"},
                reply.message,
                {"role": "tool", "tool_call_id": "call_1", "content": "18"},
            ]
        )

    return {
        "text": reply.text,
        "reasoning": "`reply.reasoning`" if reply.reasoning else "",
        "calls": [call.arguments for call in reply.tool_calls],
        "finish": reply.finish_reason,
        "again": again,
    }


READERS: dict[str, Callable[[str], ProbeAnswers]] = {
    OURS: of_ours,
    "openai": of_openai,
    "langchain-openai": of_langchain,
    "langchain-nvidia": of_nvidia,
    "litellm": of_litellm,
    "pydantic-ai": of_pydantic_ai,
}


def cell(case: str, read: Callable[[str], ProbeAnswers], url: str) -> str:
    """A client's handling of one case, in words."""
    try:
        heard = read(url)
    except Exception as error:
        told = "".join(f", with {part}" for part in getattr(error, "told", ()))
        return f"`{type(error).__name__}`{told}"
    if case in {"reasoning", "reasoning_content"}:
        return heard["reasoning"] or "lost"
    if case == "no_index":
        whole = [json.loads(arguments) for arguments in heard["calls"] if _is_json(arguments)] == [{"city": "Paris"}]
        return (
            "one whole call"
            if whole
            else f"calls with the arguments `{heard['calls']}`"
            if heard["calls"]
            else "no call"
        )
    if case == "history":
        if not heard["calls"]:
            return "no call"
        heard["again"]()
        return f"sent back as {{{case}}}"  # the server saw it
    if case == "working":
        return f"`{heard['text']!r}` as the answer" if not heard["text"] else "polled for"
    reason = f", finish reason `{heard['finish']!r}`" if heard["finish"] else ""
    return f"`{heard['text']!r}` as the answer{reason}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


class Server(BaseHTTPRequestHandler):
    """Sends what the case in the path says; a second request of a conversation gets a whole answer."""

    sent_back: str = ""

    def do_POST(self) -> None:
        """A chat."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        case = self.path.split("/")[1]
        _, status, answer = CASES[case]
        before = [message for message in body["messages"] if message["role"] == "assistant"]
        if before:
            names = [name for name in ("reasoning", "reasoning_content") if before[0].get(name)]
            Server.sent_back = f"sent back as `{names[0]}`" if names else "not sent back"
            status, answer = 200, WHOLE
        self.answer(status, answer)

    def do_GET(self) -> None:
        """Answer as a server that is ready."""
        self.answer(200, WHOLE)

    def answer(self, status: int, content: bytes) -> None:
        """Send it, and close."""
        self.send_response(status)
        self.send_header("content-type", "application/json" if content.startswith(b"{") else "text/event-stream")
        self.send_header("nvcf-reqid", "11111111-2222-3333-4444-555555555555")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def cells(peer: str) -> dict[str, str]:
    """All cells of a client that is installed here."""
    found: dict[str, str] = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for case in CASES:
            found[case] = cell(case, READERS[peer], f"http://127.0.0.1:{server.server_port}/{case}/v1")
            if case == "history" and found[case].startswith("sent back"):
                found[case] = Server.sent_back
        server.shutdown()
    return found


def name_of(peer: str) -> str:
    """The name of a peer's distribution."""
    return re.split(r"[\[=]", PEERS[peer])[0]


def in_an_environment(peer: str, folder: Path, *, newest: bool) -> tuple[str, dict[str, str]]:
    """The version of a peer and its cells, from its own environment."""
    place = folder / name_of(peer)
    package = PEERS[peer].partition("==")[0] if newest else PEERS[peer]
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--upgrade", package], check=True)
    done = subprocess.run([python, __file__, "--one", peer], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return found["version"], found["cells"]


def main() -> None:
    """Run them all, or one that is installed here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into docs/comparison.md")
    parser.add_argument("--newest", action="store_true", help="take the newest releases instead of those in PEERS")
    parser.add_argument("--environments", type=Path, metavar="DIR", help="where the environments are, or will be")
    parser.add_argument("--one", choices=READERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps({"version": version(name_of(arguments.one)), "cells": cells(arguments.one)}))
        return
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.environments or Path(folder)
        found = {peer: in_an_environment(peer, place, newest=arguments.newest) for peer in PEERS}
    columns = {OURS: cells(OURS), **{f"{peer} {number}": made for peer, (number, made) in found.items()}}
    rows = [["the server sends", *columns], ["---"] * (len(columns) + 1)]
    rows += [[CASES[case][0], *(column[case] for column in columns.values())] for case in CASES]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    if arguments.write:
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
    sys.stdout.write(f"{table}\n")


if __name__ == "__main__":
    main()
