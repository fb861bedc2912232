"""The fixed texts of the prompt format: control tokens, effort texts, instructions, tags. Only data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from deepseek_v4_sdk.chat import Thinking

Piece: TypeAlias = tuple[str, bool]
"""A part of a prompt: its text, and whether it is a control token that the format wrote."""

Generation: TypeAlias = Literal["2026-04", "2026-08", "v4.1"]
"""The prompt formats: the preview checkpoints of April 2026, the dated ones (Flash-0731, Pro-0813), and V4.1."""

# Control tokens, spelled as in the tokenizer.json of the V4 checkpoints; the bars are U+FF5C.
BOS: Final[Piece] = ("<｜begin▁of▁sentence｜>", True)
EOS: Final[Piece] = ("<｜end▁of▁sentence｜>", True)
SYSTEM: Final[Piece] = ("<｜System｜>", True)
"""Marks system texts, only in V4.1; V4 writes them bare."""
USER: Final[Piece] = ("<｜User｜>", True)
ASSISTANT: Final[Piece] = ("<｜Assistant｜>", True)
REMINDER: Final[Piece] = ("<｜latest_reminder｜>", True)
THINK_OPEN: Final[Piece] = ("<think>", True)
THINK_CLOSE: Final[Piece] = ("</think>", True)
DSML: Final[Piece] = ("｜DSML｜", True)

TASKS: Final[Mapping[str, Piece]] = {
    task: (f"<｜{task}｜>", True) for task in ("action", "query", "authority", "domain", "title", "read_url")
}
"""The tokens of V4's internal tasks, which a user message selects with its field `task` (vLLM 0.33)."""

BLANK_LINE: Final = "\n\n"
"""Joins the parts of a turn: texts, tool results, blocks."""

_EFFORT_A: Final = (
    "Reasoning Effort: Absolute maximum with no shortcuts permitted.\n"
    "You MUST be very thorough in your thinking and comprehensively decompose the problem to resolve the root cause, "
    "rigorously stress-testing your logic against all potential paths, edge cases, and adversarial scenarios.\n"
    "Explicitly write out your entire deliberation process, documenting every intermediate step, considered "
    "alternative, and rejected hypothesis to ensure absolutely no assumption is left unchecked.\n\n"
)
_EFFORT_B: Final = (
    "Reasoning Effort: Beyond maximum \N{EM DASH} exhaustive, relentless, and uncompromising.\n"
    "You MUST reason with the utmost depth and rigor, leaving absolutely nothing to chance: exhaustively decompose the "
    "problem into its most fundamental components, trace every causal chain to its root, and resolve the underlying "
    "cause rather than any surface symptom.\n"
    "Do not stop reasoning until you have independently verified the solution from multiple angles and are certain "
    "that no assumption remains unchecked and no error remains undiscovered.\n\n"
)
_EFFORT_LINE: Final = (
    "Reasoning Effort: {} (range 1-100, the higher the value, the more thorough the reasoning)" + BLANK_LINE
)

EFFORTS: Final[Mapping[Generation, Mapping[Thinking, str]]] = {
    # The level that the preview knew as "max" is "high" for the dated checkpoints; the preview had no "low".
    "2026-04": {"off": "", "low": "", "high": "", "max": _EFFORT_A},
    "2026-08": {"off": "", "low": "", "high": _EFFORT_A, "max": _EFFORT_B},
    "v4.1": {
        "off": "",
        "low": _EFFORT_LINE.format(50),
        "high": _EFFORT_LINE.format(75),
        "max": _EFFORT_LINE.format(100),
    },
}
"""The text at the head for each level (the encoders of SGLang 0.5.15, vLLM 0.33 and deepseek-recipe 0.2.0)."""

RESULT_OPEN: Final = "<tool_result>"
RESULT_CLOSE: Final = "</tool_result>"
"""Around the result of a call: plain text, no control tokens."""

SCHEMA_INTRO: Final = "## Response Format:\n\nYou MUST strictly adhere to the following schema to reply:\n"
"""Before the JSON Schema of the answer (vLLM 0.33, deepseek-recipe 0.2.0)."""

JSON_INTRO: Final = (
    "You are a helpful assistant designed to output JSON.\n## Response Format:\n\nReply with JSON object ONLY."
)
"""For an answer in any JSON (deepseek-recipe 0.2.0, its V4 encoding)."""

_TOOLS: Final = """## Tools

You have access to a set of tools to help answer the user's question. \
You can invoke tools by writing a "<@CALLS>" block like the following:

<@CALLS>
<@INVOKE name="$TOOL_NAME">
<@PARAMETER name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</@PARAMETER>
...
</@INVOKE>
<@INVOKE name="$TOOL_NAME2">
...
</@INVOKE>
</@CALLS>

String parameters should be specified as is and set `string="true"`. \
For all other types (numbers, booleans, arrays, objects), pass the value in JSON format and set `string="false"`.

If thinking_mode is enabled (triggered by <think>), \
you MUST output your complete reasoning inside <think>...</think> BEFORE any tool calls or final response.

Otherwise, output directly after </think> with tool calls or final response.

### Available Tool Schemas

"""

TOOLS_END: Final = (
    "\n\nYou MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.\n"
)
"""After the tools' definitions (vLLM 0.33, deepseek-recipe 0.2.0)."""

_CONTROL_IN_TEXT: Final = re.compile(
    "(" + "|".join(re.escape(text) for text, _ in (DSML, THINK_OPEN, THINK_CLOSE)) + ")"
)


def _marked(text: str) -> tuple[Piece, ...]:
    """Split a fixed text at the control tokens it spells: there they count as such, unlike in a user's text."""
    return tuple((part, index % 2 == 1) for index, part in enumerate(_CONTROL_IN_TEXT.split(text)) if part)


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of tool calls in one format, and the instructions about them.

    Attributes:
        calls: The text after the control token in the tag around all calls of a turn.
        invoke: The same for the tag around one call.
        parameter: The same for the tag around one argument.
        tools_intro: The instructions before the tools' definitions.
        forced: The opening of an answer that has to begin with a call.
    """

    calls: str
    invoke: str
    parameter: str
    tools_intro: tuple[Piece, ...]
    forced: tuple[Piece, ...]


def _tags(calls: str, invoke: str, parameter: str) -> Tags:
    names = {"@CALLS": calls, "@INVOKE": invoke, "@PARAMETER": parameter}
    intro = re.sub("|".join(names), lambda found: DSML[0] + names[found[0]], _TOOLS)
    return Tags(calls, invoke, parameter, _marked(intro), _marked(f"{BLANK_LINE}<{DSML[0]}{calls}>\n"))


V4_TAGS: Final = _tags("tool_calls", "invoke", "parameter")
"""vLLM 0.33 and deepseek-recipe 0.2.0."""

V41_TAGS: Final = _tags(" calls", " invoke", " parameter")
"""deepseek-recipe 0.2.0, its V4.1 encoding."""
