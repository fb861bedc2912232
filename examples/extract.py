"""How do I get an answer in my own type? By a type, and by nothing else: every server, every mechanism.

python examples/extract.py
python examples/extract.py --profile sglang "Send 12 boxes of tea to Oslo, and quickly."
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from deepseek_v4_sdk import DeepSeekV4, SchemaViolationError


class Order(BaseModel):
    """An order of a customer."""

    article: Literal["tea", "coffee"]
    boxes: int = Field(ge=1, description="How many boxes")
    city: str = Field(description="Where they go")


def main() -> None:
    """Read an order out of a letter, and say how it was done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("letter", nargs="?", default="Hello, could you send 3 boxes of coffee to Lisbon?")
    parser.add_argument("--profile", help="a name from the file of profiles; without it the file's default")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("deepseek_v4.toml"))
    arguments = parser.parse_args()

    with DeepSeekV4.from_profile(arguments.profile, path=arguments.config) as client:
        try:
            parsed = client.parse(arguments.letter, Order)
        except SchemaViolationError as error:
            print(f"no order: {error}")
            return
        order = parsed.value  # an Order, for the type checker too
        print(f"{order.boxes} boxes of {order.article} to {order.city}")
        print(f"by {parsed.mechanism}, {parsed.reply.usage.total_tokens} tokens")
        for repair in parsed.reply.repairs:
            print(f"{repair.kind}: {repair.detail}")


if __name__ == "__main__":
    main()
