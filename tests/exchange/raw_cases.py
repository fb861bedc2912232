"""Outputs of a model, raw, for tests of the route for rendered prompts and of answers that go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CASES", "TOOLS", "RawCase"]

BAR = "\N{FULLWIDTH VERTICAL LINE}"
DSML = f"{BAR}DSML{BAR}"
TOOLS = [
    {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "tags": {"type": "array"}},
        },
    },
    {"name": "now", "parameters": {"type": "object", "properties": {}}},
]
CALLS = (
    f'\n\n<{DSML}tool_calls>\n<{DSML}invoke name="get_weather">\n'
    f'<{DSML}parameter name="city" string="true">São "Paulo"\\ \n<b>x</b> 北京</{DSML}parameter>\n'
    f'<{DSML}parameter name="days" string="false">3</{DSML}parameter>\n'
    f'<{DSML}parameter name="tags" string="false">["a", "b"]</{DSML}parameter>\n'
    f'</{DSML}invoke>\n<{DSML}invoke name="now">\n</{DSML}invoke>\n</{DSML}tool_calls>'
)


@dataclass(frozen=True)
class RawCase:
    """An output, and the options of the request."""

    output: str
    options: dict[str, Any] = field(default_factory=dict)


CASES = {
    "text": RawCase("I think.</think>Hello, world. It is 20 °C."),
    "unicode": RawCase("Denk nach: 北京 🌍 naïve\n\nJa.</think>Grüße 👩‍👩‍👧 aus 東京, à bientôt."),
    "no thinking": RawCase("Hello, world.", {"thinking": "off"}),
    "only text": RawCase("</think>Short."),
    "calls": RawCase(f"Let me look.</think>I look it up.{CALLS}", {"tools": TOOLS}),
    "only calls": RawCase(f"Call it.</think>{CALLS}", {"tools": TOOLS}),
    "no thinking calls": RawCase(f"I look.{CALLS}", {"tools": TOOLS, "thinking": "off"}),
    "prose about markup": RawCase(
        "Tags like <b> and a < b.</think>Write `<|DSML|tool_calls>` or `</thin` or <thi or <tool_calls> here, "
        "a < b > c.\n\nThen <div>.\n\n```\n<|DSML|invoke\n```\nEnd\n\n.",
        {"tools": TOOLS},
    ),
    "line ends": RawCase("One.\n\nTwo.</think>A\n\nB\n\n- c\n", {"tools": TOOLS}),
}
