"""How do I classify thousands of texts, and go on after a crash? Start it again: it sends only what is missing.

python examples/classify.py
python examples/classify.py reviews.txt --profile deepseek --journal moods.jsonl
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Literal

from deepseek_v4_sdk import DeepSeekV4

REVIEWS = ["It broke on the first day.", "Exactly what I wanted, thank you!", "It is a box. It holds things."]


def main() -> None:
    """Classify the lines of a file, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reviews", nargs="?", type=Path, help="a file with one text a line; without it three of ours")
    parser.add_argument("--journal", type=Path, default=Path(tempfile.gettempdir(), "deepseek-v4-moods.jsonl"))
    parser.add_argument("--profile", help="a name from the file of profiles; without it the file's default")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("deepseek_v4.toml"))
    arguments = parser.parse_args()
    reviews = arguments.reviews.read_text(encoding="utf-8").splitlines() if arguments.reviews else REVIEWS

    # The ten lines.
    rows = (f"Is the customer glad, angry or neutral?\n\n{review}" for review in reviews)
    mood = Literal["glad", "angry", "neutral"]
    with (
        DeepSeekV4.from_profile(arguments.profile, path=arguments.config) as client,
        client.map(rows, schema=mood, thinking="off", journal=arguments.journal) as results,
    ):
        for result in results:
            print(result.id, result.parsed.value if result.parsed else result.error, sep="\t", flush=True)
    kept = results.progress.from_journal
    print(f"{results.done} done ({kept} of them before), {results.failed} failed, {results.usage.total_tokens} tokens")


if __name__ == "__main__":
    main()
