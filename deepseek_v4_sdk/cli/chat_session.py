"""A conversation on the command line: its client, its messages, and the name under which it is saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepseek_v4_sdk import Conversation, DeepSeekV4, DeepSeekV4Error, Timeouts
from deepseek_v4_sdk.cli import conversations
from deepseek_v4_sdk.cli.chat_turn import ChatTurn, take

if TYPE_CHECKING:
    from deepseek_v4_sdk import ChatOptions
    from deepseek_v4_sdk.cli.approval import Approval
    from deepseek_v4_sdk.cli.screen import Screen

__all__ = ["ChatSession"]

_PATIENCE = Timeouts(total=5.0)
"""The timers of the question about the server that comes before the first one of the user."""


@dataclass(slots=True)
class ChatSession:
    """A conversation that is going on.

    Attributes:
        client: The client.
        messages: The messages so far.
        tools: Functions that the model may call.
        options: The options of each question.
        screen: The screen for answers.
        name: The name under which it is saved, or None.
        lead: A text that goes before the next question.
        approve: Decides about each call; None runs all of them.
        files: Files that go before the next question.
        before: The conversation before the last question, and that question.
        stored: The messages as they were saved or loaded last.
    """

    client: DeepSeekV4
    messages: Conversation
    tools: list[object]
    options: ChatOptions
    screen: Screen
    name: str | None = None
    lead: str = ""
    approve: Approval | None = None
    files: list[str] = field(default_factory=list[str])
    before: tuple[Conversation, str] | None = None
    stored: Conversation = field(init=False)

    def __post_init__(self) -> None:
        self.stored = self.messages.copy()

    def ask(self, question: str) -> ChatTurn:
        """Take a turn, and save the conversation."""
        self.before = self.messages.copy(), question
        asked = self.messages.copy().user(question)
        turn = take(self.client, asked, self.tools, self.screen, self.options, self.approve)
        self.messages = turn.messages
        self.save()
        return turn

    def save(self) -> None:
        """Save the conversation, where it has a name.

        Raises:
            ConfigurationError: It cannot be written, or another process has continued it.
            StoreError: The store cannot be written.
        """
        if self.name is not None and self.messages:
            conversations.save(self.name, self.messages, self.stored)
            self.stored = self.messages.copy()

    def banner(self) -> list[str]:
        """The profile, the server, the model and its window; the last two come from the server."""
        profile = self.client.explain().profile
        lines = [f"{self.client.provider} at {self.client.base_url}"]
        if profile is not None:
            lines.insert(0, f"profile {profile}")
        model = self.options.get("model") or self.client.model
        window = self.options.get("window")
        try:
            quick = self.client.with_options(timeout=_PATIENCE, max_retries=0)
            if model is None and (served := quick.models()):
                model = served[0].id
            window = window or quick.budget(model=model).window
        except DeepSeekV4Error as error:  # a question will say the same
            return [*lines, str(error)]
        parts = [model or "the server's model", f"window {window:,} tokens"]
        return [*lines, ", ".join(parts)]
