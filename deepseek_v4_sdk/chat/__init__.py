"""The neutral form of a chat: messages, options, request, events, reply. It is the same for every server."""

from deepseek_v4_sdk.chat.attempt import Attempt, RequestDetails
from deepseek_v4_sdk.chat.call_ids import CallIds
from deepseek_v4_sdk.chat.checked import ArgumentCheck
from deepseek_v4_sdk.chat.checks import is_iterable, is_list, is_mapping, kind_of
from deepseek_v4_sdk.chat.control_tokens import CONTROL_TOKENS, mark_tokens, spelled_token
from deepseek_v4_sdk.chat.conversation import Conversation, HasHistoryRules
from deepseek_v4_sdk.chat.events import (
    ChatEvent,
    Finished,
    ReasoningDelta,
    Repaired,
    StreamRestarted,
    StreamResumed,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
)
from deepseek_v4_sdk.chat.history import History, HistoryRules, Problem, ProblemKind, first_fatal
from deepseek_v4_sdk.chat.json_value import (
    JsonValue,
    check_finite,
    plain_json,
    read_event,
    read_json,
    spaced_json,
    write_json,
)
from deepseek_v4_sdk.chat.messages import (
    AssistantMessage,
    Content,
    Message,
    MessagesInput,
    ReminderMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
    content_json,
)
from deepseek_v4_sdk.chat.option_checks import (
    OPTION_NAMES,
    check_options,
    check_prompt_options,
    is_budget,
    nearest,
    with_defaults,
)
from deepseek_v4_sdk.chat.options import (
    AskOptions,
    ChatOptions,
    ControlTokens,
    OnInterrupt,
    Overflow,
    PromptOptions,
    Thinking,
    ToolChoice,
)
from deepseek_v4_sdk.chat.rate_limits import RateLimits
from deepseek_v4_sdk.chat.reading import read_message, read_messages
from deepseek_v4_sdk.chat.reply import FinishReason, Repair, RepairLevel, Reply
from deepseek_v4_sdk.chat.request import ChatRequest
from deepseek_v4_sdk.chat.results import result_text
from deepseek_v4_sdk.chat.shared import Shared
from deepseek_v4_sdk.chat.timing import Phase, Timeouts, Timing, as_timeouts
from deepseek_v4_sdk.chat.tool_call import MarkupBars, ToolCall, read_arguments, reading_notes
from deepseek_v4_sdk.chat.tool_spec import OfferedTools, OffersTool, ToolInput, ToolSpec, read_tool, read_tools
from deepseek_v4_sdk.chat.usage import CountMethod, TokenCount, Usage

__all__ = [
    "CONTROL_TOKENS",
    "OPTION_NAMES",
    "ArgumentCheck",
    "AskOptions",
    "AssistantMessage",
    "Attempt",
    "CallIds",
    "ChatEvent",
    "ChatOptions",
    "ChatRequest",
    "Content",
    "ControlTokens",
    "Conversation",
    "CountMethod",
    "FinishReason",
    "Finished",
    "HasHistoryRules",
    "History",
    "HistoryRules",
    "JsonValue",
    "MarkupBars",
    "Message",
    "MessagesInput",
    "OfferedTools",
    "OffersTool",
    "OnInterrupt",
    "Overflow",
    "Phase",
    "Problem",
    "ProblemKind",
    "PromptOptions",
    "RateLimits",
    "ReasoningDelta",
    "ReminderMessage",
    "Repair",
    "RepairLevel",
    "Repaired",
    "Reply",
    "RequestDetails",
    "Shared",
    "StreamRestarted",
    "StreamResumed",
    "SystemMessage",
    "TextDelta",
    "Thinking",
    "Timeouts",
    "Timing",
    "TokenCount",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallReady",
    "ToolCallStarted",
    "ToolChoice",
    "ToolInput",
    "ToolMessage",
    "ToolSpec",
    "Usage",
    "UserMessage",
    "as_timeouts",
    "check_finite",
    "check_options",
    "check_prompt_options",
    "content_json",
    "first_fatal",
    "is_budget",
    "is_iterable",
    "is_list",
    "is_mapping",
    "kind_of",
    "mark_tokens",
    "nearest",
    "plain_json",
    "read_arguments",
    "read_event",
    "read_json",
    "read_message",
    "read_messages",
    "read_tool",
    "read_tools",
    "reading_notes",
    "result_text",
    "spaced_json",
    "spelled_token",
    "with_defaults",
    "write_json",
]
