"""What do I do when an answer breaks off? Keep the received part, and let the model go on from there.

python examples/broken_answer.py
"""

from __future__ import annotations

from deepseek_v4_sdk import Conversation, DeepSeekV4, IncompleteReplyError, Reply
from deepseek_v4_sdk.testing import MockProvider, faults, script


def ask(client: DeepSeekV4, conversation: Conversation) -> Reply:
    """Ask; when the answer breaks off, ask for the rest."""
    try:
        reply = client.chat(conversation, thinking="off")
    except IncompleteReplyError as error:
        if error.partial is None or not error.partial.text:
            raise
        print(f"{type(error).__name__} after {error.partial.text!r}")
        conversation.add(error.partial).user("You were cut off. Go on exactly where you stopped, and repeat nothing.")
        reply = client.chat(conversation, thinking="off")
    conversation.add(reply)
    return reply


def main() -> None:
    """A server that dies in the middle of its first answer."""
    mock = MockProvider(
        script.text("The three longest rivers are the Nile,") | faults.cut(after_bytes=1_800),
        script.text(" the Amazon and the Yangtze."),
    )
    with DeepSeekV4(mock) as client:
        conversation = Conversation("Name the three longest rivers.")
        print(f"then {ask(client, conversation).text!r}")
        print(conversation)


if __name__ == "__main__":
    main()
