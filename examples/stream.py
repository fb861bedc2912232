"""How do I show an answer while it is being written, with its reasoning?

python examples/stream.py
"""

from __future__ import annotations

from deepseek_v4_sdk import DeepSeekV4, Finished, ReasoningDelta, TextDelta


def main() -> None:
    """Stream one answer to the terminal."""
    with DeepSeekV4("mock") as client, client.stream("Why do cats purr?", thinking="high") as stream:
        for event in stream:
            match event:
                case ReasoningDelta(text):
                    print(f"~{text}", end="", flush=True)
                case TextDelta(text):
                    print(text, end="", flush=True)
                case Finished(reply):
                    print(f"\n{reply.finish_reason}, {reply.usage.completion_tokens} tokens")
                case _:
                    pass


if __name__ == "__main__":
    main()
