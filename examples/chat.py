"""How does one program run on vLLM, on SGLang and on the mock? By the profile's name, and by nothing else.

python examples/chat.py --profile mock
python examples/chat.py --profile vllm "What is the weather in Rome?"
"""

from __future__ import annotations

import argparse
from pathlib import Path

from deepseek_v4_sdk import (
    DeepSeekV4,
    Finished,
    Message,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolCall,
    ToolCallReady,
    ToolMessage,
    ToolSpec,
    UserMessage,
)

WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city right now.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def run_tool(call: ToolCall) -> str:
    """Run the model's calls. The model receives errors, and can then correct itself."""
    if call.error is not None:
        return f"error: {call.error}"
    if call.name != WEATHER.name:
        return f"error: there is no tool {call.name!r}"
    return f"18 °C and sunny in {call.parsed.get('city', 'an unknown place')}"


def ask(client: DeepSeekV4, messages: list[Message]) -> Reply:
    """Stream one turn to the terminal, and give the whole of it."""
    section = ""

    def begin(name: str) -> None:
        nonlocal section
        if section != name:
            print(f"\n[{name}] ", end="")
            section = name

    with client.stream(messages, tools=[WEATHER], thinking="high") as stream:
        for event in stream:
            match event:
                case ReasoningDelta(text):
                    begin("thinking")
                    print(text, end="", flush=True)
                case TextDelta(text):
                    begin("answer")
                    print(text, end="", flush=True)
                case ToolCallReady(call):
                    print(f"\n[call] {call.name} {call.arguments}", end="")
                case Finished(reply):
                    used = reply.usage
                    print(f"\n[{reply.finish_reason}] {used.prompt_tokens} tokens in, {used.completion_tokens} out")
                case _:
                    pass
        return stream.reply()


def main() -> None:
    """Ask, run the tools that the model calls, and send their results back until it answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", nargs="?", default="What is the weather in Paris?")
    parser.add_argument("--profile", help="a name from the file of profiles; without it the file's default")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("deepseek_v4.toml"))
    arguments = parser.parse_args()

    with DeepSeekV4.from_profile(arguments.profile, path=arguments.config) as client:
        print(f"{client.provider} at {client.base_url}: {arguments.question}")
        messages: list[Message] = [UserMessage(arguments.question)]
        for _ in range(5):
            reply = ask(client, messages)
            if not reply.tool_calls:
                break
            messages.append(reply.message)
            for call in reply.tool_calls:
                result = run_tool(call)
                print(f"[result] {result}")
                messages.append(ToolMessage(result, call.id))


if __name__ == "__main__":
    main()
