"""How do I keep a conversation, and go on with it another day?

python examples/keep_talking.py talk.json "Name three rivers."
python examples/keep_talking.py talk.json "Which of them is the longest?"
"""

from __future__ import annotations

import sys
from pathlib import Path

from deepseek_v4_sdk import Conversation, DeepSeekV4


def main() -> None:
    """Read the text, ask, and keep all of it, with its reasoning and its calls."""
    file, question = Path(sys.argv[1]), sys.argv[2]
    talk = Conversation.from_json(file.read_bytes()) if file.exists() else Conversation().system("Be brief.")
    with DeepSeekV4("mock") as client:
        talk.repair(client)  # a program that died in the middle may have left a call without its result
        reply = client.chat(talk.user(question))
    file.write_text(talk.add(reply).to_json(), encoding="utf-8")
    print(reply.text)
    print(f"{file.name} has {len(talk)} messages")


if __name__ == "__main__":
    main()
