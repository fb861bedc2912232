"""The budget of a context window: the tokens that a prompt may have, and those that are kept for the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Unpack

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.catalogue.prices import PRICES, Cost
from deepseek_v4_sdk.chat import (
    AssistantMessage,
    ChatRequest,
    JsonValue,
    MessagesInput,
    PromptOptions,
    Shared,
    SystemMessage,
    ToolInput,
    UserMessage,
    check_prompt_options,
    first_fatal,
)
from deepseek_v4_sdk.context.measure import Measure, parts_of
from deepseek_v4_sdk.context.prompt_counter import PromptCounter
from deepseek_v4_sdk.context.strategies import DEFAULT_STRATEGIES, Strategy
from deepseek_v4_sdk.context.trimming import FitPlan, TrimMemory, fit_messages
from deepseek_v4_sdk.errors import BudgetError, ContextLengthExceededError, InvalidRequestError
from deepseek_v4_sdk.support.option_signatures import shows_options
from deepseek_v4_sdk.support.redaction import never_raises

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Message
    from deepseek_v4_sdk.context.window import WindowSource
    from deepseek_v4_sdk.tokens.prompts import PromptCount
else:
    WindowSource = late_type("deepseek_v4_sdk.context.window", "WindowSource")

__all__ = ["UNSURE_TOKENS", "ContextBudget"]

UNSURE_TOKENS = 100
"""The largest error of an inexact count: the effort texts, in which versions differ, have 92 tokens at most."""


def kept_free(tokens: int) -> str:
    """The reason why so many tokens of a window are kept free, for an error; empty where none are."""
    if not tokens:
        return ""
    return f"; {tokens} tokens are kept free, for the count may be off: give server_version, where it is known"


class ContextBudget(Shared):
    """A context window, and the part of it that is kept for the answer. `client.budget()` makes one for its endpoint.

    Args:
        window: The window in tokens; prompt and answer share it.
        reserve_output: Tokens kept for the answer.
        reserve_reasoning: Tokens kept for the reasoning before it.
        low_water: The share of the available tokens at which `fit` stops once it has to cut.
        window_source: The source of the window's size.
        max_output: The most tokens that the server gives in one answer, or None.
        counter: Counts prompts as its server does. Without one they are rendered as vLLM does.
        trim_memory: The memory of earlier cuts of `fit`; its own by default.
        strategies: The parts that `fit` may leave out, one after another; by default large results are clipped, then
            the oldest turns dropped.

    Raises:
        BudgetError: The numbers leave no room for a prompt.
    """

    def __init__(
        self,
        window: int,
        reserve_output: int = 4_096,
        reserve_reasoning: int = 0,
        *,
        low_water: float = 0.6,
        window_source: WindowSource = "configured",
        max_output: int | None = None,
        counter: PromptCounter | None = None,
        trim_memory: TrimMemory | None = None,
        strategies: Strategy | Sequence[Strategy] | None = None,
    ) -> None:
        for name, value, least in (
            ("window", window, 1),
            ("reserve_output", reserve_output, 0),
            ("reserve_reasoning", reserve_reasoning, 0),
        ):
            if type(value) is not int or value < least:
                raise BudgetError(f"{name} is {value!r}: give a whole number of tokens from {least}")
        if type(low_water) not in (int, float) or not 0 < low_water <= 1:
            raise BudgetError(f"low_water is {low_water!r}: give a share of the available tokens, above 0 and up to 1")
        if reserve_output + reserve_reasoning >= window:
            raise BudgetError(
                f"reserve_output and reserve_reasoning ({reserve_output:,} + {reserve_reasoning:,} tokens) leave "
                f"nothing of the window of {window:,}: reserve less"
            )
        self.window = window
        self.reserve_output = reserve_output
        self.reserve_reasoning = reserve_reasoning
        self.low_water = low_water
        self.window_source: WindowSource = window_source
        self.max_output = max_output
        self._counter = counter or PromptCounter.rendering("vllm")
        self.strategies = DEFAULT_STRATEGIES if strategies is None else _as_strategies(strategies)
        self._trim_memory = trim_memory or TrimMemory()
        self._known_tools: tuple[bytes, tuple[Message, ...], int] | None = None
        self._known_left_out: tuple[bytes, tuple[Message, ...], int] = (b"", (), 0)

    @property
    def counter(self) -> PromptCounter:
        """Its prompt counter."""
        return self._counter

    @property
    def trim_memory(self) -> TrimMemory:
        """The cuts it remembers."""
        return self._trim_memory

    @property
    def reserved(self) -> int:
        """The tokens that are kept for the answer and its reasoning."""
        return self.reserve_output + self.reserve_reasoning

    @property
    def room(self) -> int:
        """The tokens that a prompt may have."""
        no_prompt, no_answer = self._counter.edge
        return self.window - max(no_prompt, no_answer + self.reserved)

    def left_behind(self, prompt: int) -> int:
        """The tokens that an answer may have after a prompt of that size; less than 1 where the prompt is too long."""
        no_prompt, no_answer = self._counter.edge
        return 0 if prompt > self.window - no_prompt else self.window - no_answer - prompt

    def unsure(self, request: ChatRequest) -> int:
        """The tokens that are kept free because the count of a request may be off."""
        return 0 if self._counter.exact(request) else UNSURE_TOKENS

    @never_raises
    def __repr__(self) -> str:
        return f"ContextBudget({self.window}, {self.reserve_output}, {self.reserve_reasoning}, {self.window_source})"

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the budget, ready for JSON."""
        return {
            "window": self.window,
            "window_source": self.window_source,
            "reserve_output": self.reserve_output,
            "reserve_reasoning": self.reserve_reasoning,
            "room": self.room,
            "low_water": self.low_water,
            "max_output": self.max_output,
        }

    @shows_options("chat:PromptOptions")
    def measure(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None = None,
        **options: Unpack[PromptOptions],
    ) -> Measure:
        """Measure the use of the tokens in a prompt.

        Args:
            messages: As for `chat`.
            tools: As for `chat`.
            options: See `PromptOptions`.

        Raises:
            InvalidRequestError: Something is wrong with the request.
            ConfigurationError: The vocabulary is not installed.
        """
        request = self._request(messages, tools, options)
        count = self._counter.count(request)
        return Measure(
            window=self.window,
            window_source=self.window_source,
            reserved=self.reserved,
            total=count.total,
            **parts_of(request.messages, count, self._tools(request)),
            left_out=self._left_out(request, count),
            exact=self._counter.exact(request),
            _messages=request.messages,
            _count=count,
        )

    @shows_options("chat:PromptOptions")
    def max_tokens_for(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None = None,
        **options: Unpack[PromptOptions],
    ) -> int:
        """The largest `max_tokens` that fits after a prompt, and that the server accepts.

        Where the count is not exact, it is 100 tokens less.

        Args:
            messages: As for `chat`.
            tools: As for `chat`.
            options: See `PromptOptions`.

        Raises:
            ContextLengthExceededError: The prompt leaves no room for an answer; nothing was sent.
            InvalidRequestError: Something is wrong with the request.
        """
        request = self._request(messages, tools, options)
        prompt = self._counter.count(request).total
        unsure = self.unsure(request)
        left = self.left_behind(prompt + unsure)
        if left < 1:
            raise self.too_long(prompt, prompt + 1, unsure)
        return left if self.max_output is None else min(left, self.max_output)

    @shows_options("chat:PromptOptions")
    def fit(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None = None,
        *,
        strategy: Strategy | Sequence[Strategy] | None = None,
        **options: Unpack[PromptOptions],
    ) -> FitPlan:
        """Make a conversation fit the available tokens. One that fits already stays unchanged.

        One that does not is cut once, down to `low_water` of the available tokens, and the cut is remembered: the
        conversation may grow and be fitted again, and until it fills the window again, each request continues the one
        before. So the server's prefix cache loses something only at a cut.

        System messages, the last turn of the user, and the answer and results after it stay; a call and its results
        stay or go together.

        Args:
            messages: As for `chat`; the whole conversation, or the rest of it.
            tools: As for `chat`.
            strategy: The parts to leave out, and their order; else the budget's own.
            options: See `PromptOptions`.

        Raises:
            BudgetError: It does not fit, whatever is left out; `excess` is the number of tokens above the limit.
            InvalidRequestError: Something is wrong with the request.
        """
        request = self._request(messages, tools, options)
        return self.fit_request(request, strategy)

    def fit_request(self, request: ChatRequest, strategy: Strategy | Sequence[Strategy] | None = None) -> FitPlan:
        """Make a whole request fit, like `fit`.

        Raises:
            BudgetError: As `fit`.
            InvalidRequestError: As `fit`.
        """
        thinks = request.thinking != "off"
        if problem := first_fatal(request.history.problems(self._counter.history_rules, thinking=thinks)):
            raise InvalidRequestError(problem)
        return fit_messages(
            request.messages,
            self._counter.form(request),
            self.strategies if strategy is None else _as_strategies(strategy),
            self._trim_memory,
            available_tokens=self.room,
            low_water=int(self.room * self.low_water),
        )

    @shows_options("chat:PromptOptions")
    def estimate_cost(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None = None,
        *,
        max_tokens: int | None = None,
        cached_tokens: int | None = None,
        currency: str = "USD",
        at: datetime | None = None,
        **options: Unpack[PromptOptions],
    ) -> Cost | None:
        """Estimate the highest cost of a request, at the current price; None where no price is known.

        Args:
            messages: As for `chat`.
            tools: As for `chat`.
            max_tokens: The tokens of the answer, its reasoning included; by default all reserved ones.
            cached_tokens: The tokens of the prompt that will come from the cache, such as `cache_report(...).cached`;
                none by default.
            currency: The currency.
            at: The time of sending, if not now; off-peak, for example.
            options: See `PromptOptions`.

        Raises:
            InvalidRequestError: Something is wrong with the request, or `at` has no time zone.
            ConfigurationError: The vocabulary is not installed.
        """
        request = self._request(messages, tools, options)
        provider, model = self._counter.billed(request)
        cost = (self._counter.prices or PRICES).cost(
            provider,
            model,
            at or datetime.now(UTC),
            prompt_tokens=self._counter.count(request).total,
            completion_tokens=self.reserved if max_tokens is None else max_tokens,
            cached_tokens=cached_tokens,
            currency=currency,
        )
        return None if cost is None else replace(cost, exact=False)

    def too_long(self, prompt: int, requested: int, unsure: int = 0) -> ContextLengthExceededError:
        """Make the error for a prompt that is too long, before anything is sent; it has no status.

        Args:
            prompt: The tokens of the prompt.
            requested: The tokens of prompt and answer.
            unsure: The tokens that are kept free because the count may be off.
        """
        no_prompt, no_answer = self._counter.edge
        edge = f", of which a prompt may have {self.window - no_prompt:,}" if no_prompt or no_answer else ""
        edge += f" and both {self.window - no_answer:,}" if no_answer else ""
        error = ContextLengthExceededError(
            f"the prompt has {prompt:,} tokens, with the answer {requested:,}, and the window {self.window:,} "
            f"({self.window_source}){edge}{kept_free(unsure)}: shorten the conversation, or give overflow='fit'"
        )
        error.limit, error.prompt_tokens, error.requested = self.window, prompt, requested
        return error

    def _request(
        self, messages: MessagesInput, tools: Sequence[ToolInput] | None, options: PromptOptions
    ) -> ChatRequest:
        return self._counter.request(messages, {**check_prompt_options(options), "tools": tools})

    def _tools(self, request: ChatRequest) -> int:
        """The tokens of the tools, by comparison with a prompt without them.

        They are at the head, so a head is enough.
        """
        if not request.tools:
            return 0
        from deepseek_v4_sdk.tokens.prompts import count_prompt

        form = replace(self._counter.form(request), response_format=None)
        key, end = form.key, 0
        while end < len(request.messages) and isinstance(request.messages[end], SystemMessage):
            end += 1
        head = request.messages[:end]
        known = self._known_tools
        if known is None or known[:2] != (key, head):
            probe = (*head, UserMessage("?"))
            without = count_prompt(probe, replace(form, tools=(), tool_choice=None))
            known = self._known_tools = (key, head, count_prompt(probe, form).total - without.total)
        return known[2]

    def _left_out(self, request: ChatRequest, count: PromptCount) -> int:
        """The tokens of reasoning that is in the conversation and not in the prompt."""
        from deepseek_v4_sdk.tokens import count_text
        from deepseek_v4_sdk.tokens.stable_prefix import stable_end

        key, messages = self._counter.form(request).key, request.messages
        known_key, seen, tokens = self._known_left_out
        if known_key != key or messages[: len(seen)] != seen:
            seen, tokens = (), 0
        settled, rest = max(stable_end(messages), len(seen)), 0
        for index in range(len(seen), len(messages)):
            message = messages[index]
            if isinstance(message, AssistantMessage) and message.reasoning and not count.reasoning[index]:
                found = count_text(message.reasoning)
                tokens, rest = (tokens + found, rest) if index < settled else (tokens, rest + found)
        self._known_left_out = (key, messages[:settled], tokens)
        return tokens + rest


def _as_strategies(given: Strategy | Sequence[Strategy] | None) -> tuple[Strategy, ...]:
    return () if given is None else tuple(given) if isinstance(given, Sequence) else (given,)
