"""Rendering: the only call that turns a conversation into the prompt of a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from deepseek_v4_sdk.chat import MessagesInput, Thinking, ToolChoice, ToolInput
from deepseek_v4_sdk.prompt.definitions import read_tool_objects
from deepseek_v4_sdk.prompt.literals import Generation
from deepseek_v4_sdk.prompt.recipe_dialect import render_recipe
from deepseek_v4_sdk.prompt.render_job import Dialect, RenderJob, read_answer_format, read_choice
from deepseek_v4_sdk.prompt.rendered import RenderedPrompt, SegmentDraft, finished
from deepseek_v4_sdk.prompt.vllm_dialect import render_vllm

if TYPE_CHECKING:
    from collections.abc import Callable


_RENDERERS: Final[Mapping[Dialect, Callable[[RenderJob], list[SegmentDraft]]]] = {
    "vllm": render_vllm,
    "recipe": render_recipe,
}


def render_prompt(
    messages: MessagesInput,
    tools: Sequence[ToolInput] | None = None,
    *,
    thinking: Thinking = "high",
    generation: Generation = "2026-08",
    dialect: Dialect = "vllm",
    drop_thinking: bool = True,
    response_format: Mapping[str, object] | None = None,
    add_bos: bool = True,
    tool_choice: ToolChoice | None = None,
) -> RenderedPrompt:
    """Render the prompt that a server makes of a conversation.

    The messages are rendered as a server gets them: the provider makes the SDK's changes on the way (for example to ids
    of calls). Appending messages keeps the segments before them, with exceptions of the format: without tools, a
    further user turn takes the reasoning out of the turns before it; a user message or tool result joins the turn of
    another one before it; with `dialect="recipe"` and V4, a system message joins the head; with `dialect="vllm"`, one
    after a user turn joins that, the first one takes the tools to its place, and while the model thinks and has no
    tools, a developer message before the last user turn is left out.

    Args:
        messages: A text, a message or several. In mappings, the role `developer` stays what it is; the fields `task`
            and `wo_eos` (vLLM's encoder) and `prefix` (recipe) are read.
        tools: The tools offered. `vllm` prints each `function` object as it is given.
        thinking: The amount of reasoning.
        generation: The format of the model: "2026-04" (preview), "2026-08" (Flash-0731, Pro-0813) or "v4.1". vLLM
            0.33 and SGLang 0.5.23 take "2026-08" for every V4 model.
        dialect: The encoder: "vllm" (0.33), or "recipe" (deepseek-recipe 0.2.0: SGLang 0.5.23, DeepSeek's API).
        drop_thinking: False keeps the reasoning of earlier turns also without tools (only vLLM).
        response_format: OpenAI's mapping, or a JSON Schema. vLLM's server does not show it to its encoder: leave it
            out to get the prompt of a request to that server.
        add_bos: False leaves out the token that begins a sentence (only vLLM).
        tool_choice: `recipe` prints no tools for "none", only the chosen tool for a name, and opens the first call when
            one is forced; SGLang's server passes it "auto" instead of "required". `vllm` renders every choice alike.

    Raises:
        InvalidRequestError: An argument is wrong, or the encoder refuses it; the text names the message.
        UnsupportedOptionError: The encoder does not support it.
    """
    job = RenderJob(
        messages=messages,
        tools=read_tool_objects(tools),
        thinking=thinking,
        generation=generation,
        dialect=dialect,
        drop_thinking=drop_thinking,
        answer_format=read_answer_format(response_format),
        add_bos=add_bos,
        tool_choice=read_choice(tool_choice),
    )
    return finished(_RENDERERS[dialect](job))
