"""How do I ask a hundred questions at once?

python examples/async_many.py
"""

from __future__ import annotations

import asyncio
import time

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4Error, Reply

QUESTIONS = [f"What is {number} times {number}?" for number in range(100)]


async def ask(client: AsyncDeepSeekV4, question: str, room: asyncio.Semaphore) -> Reply | DeepSeekV4Error:
    """One question. A failure is a result too: it must not end the other ninety-nine."""
    async with room:
        try:
            return await client.chat(question, thinking="off", max_tokens=200)
        except DeepSeekV4Error as error:
            return error


async def main() -> None:
    """All questions on one client, at most 50 of them open at a time."""
    room = asyncio.Semaphore(50)
    started = time.perf_counter()
    async with AsyncDeepSeekV4("mock") as client:
        outcomes = await asyncio.gather(*(ask(client, question, room) for question in QUESTIONS))
    replies = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
    tokens = sum(reply.usage.completion_tokens or 0 for reply in replies)
    print(f"{len(replies)} answers, {len(outcomes) - len(replies)} failures, {tokens} tokens")
    print(f"{time.perf_counter() - started:.2f} s; the first: {replies[0].text}")


if __name__ == "__main__":
    asyncio.run(main())
