"""How do I let the model call my function, and send the result back?

python examples/tools_by_hand.py
"""

from __future__ import annotations

from deepseek_v4_sdk import DeepSeekV4, InvalidToolArgumentsError, Message, ToolCall, ToolMessage, UserMessage

PRICES = {"Tea": 3, "Coffee": 4}
TOOL = {
    "name": "get_price",
    "description": "The price of an article in euros.",
    "parameters": {"type": "object", "properties": {"article": {"type": "string"}}, "required": ["article"]},
}


def answer_call(call: ToolCall) -> ToolMessage:
    """Run one call. The model reads errors too, so they go back as a result."""
    try:
        article = str(call.parsed.get("article"))
        result = f"{article} costs {PRICES[article]} euros"
    except InvalidToolArgumentsError as error:
        result = f"error: {error}"
    except KeyError as error:
        result = f"error: there is no article {error}"
    return ToolMessage(result, tool_call_id=call.id)


def main() -> None:
    """One question, its calls, their results, the answer."""
    with DeepSeekV4("mock") as client:
        messages: list[Message] = [UserMessage("What is the price of Tea?")]
        reply = client.chat(messages, tools=[TOOL])
        while reply.tool_calls:
            for call in reply.tool_calls:
                print(f"call    {call.name} {call.arguments}")
            results = [answer_call(call) for call in reply.tool_calls]
            for message in results:
                print(f"result  {message.content}")
            # reply.message carries the reasoning and the calls: the server needs both to go on.
            messages += [reply.message, *results]
            reply = client.chat(messages, tools=[TOOL])
        print(f"answer  {reply.text}")


if __name__ == "__main__":
    main()
