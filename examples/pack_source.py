"""How do I ask about a whole source tree? Packed into the window of a million tokens, with what did not fit.

python examples/pack_source.py deepseek_v4_sdk
python examples/pack_source.py src docs --window 262144 --profile vllm --question "Where are requests retried?"
"""

from __future__ import annotations

import argparse
from pathlib import Path

from deepseek_v4_sdk import DeepSeekV4, cache_report, cache_use, pack


def main() -> None:
    """Pack folders, ask one question and then another, and say what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, default=[Path("deepseek_v4_sdk")])
    parser.add_argument("--question", default="What is this, in one sentence?")
    parser.add_argument("--window", type=int)
    parser.add_argument("--profile", help="a name from the file of profiles; without it the file's default")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("deepseek_v4.toml"))
    arguments = parser.parse_args()

    with DeepSeekV4.from_profile(arguments.profile, path=arguments.config) as client:
        budget = client.budget(window=arguments.window)  # without one, the client asks the server for its window
        packed = pack(arguments.paths, budget, question=arguments.question)
        print(f"{len(packed.documents)} files, {packed.tokens:,} of {packed.limit:,} tokens")
        for item in packed.left_out:
            print(f"left out: {item.name} ({item.detail})")

        reply = client.chat(packed.text, thinking="low")
        print(f"answer: {reply.text.strip()[:200]}")
        use, cost = cache_use(reply), reply.cost()
        cached = f"{use.hit:,}" if use.reported else "not reported"
        print(f"prompt: {reply.usage.prompt_tokens:,} tokens, from the cache: {cached}")
        print(f"cost: {cost or 'no price is known here'}")

    # The documents come first: another question about them finds all of them in the cache.
    again = pack(arguments.paths, budget, question="And what is it not?")
    print(f"another question: {cache_report(packed.text, again.text, budget)}")


if __name__ == "__main__":
    main()
