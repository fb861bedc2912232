"""`check_provider`: the laws that every provider keeps, checked for one that somebody wrote."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.providers import ChatCompletions, Provider, ProviderData, find_provider
from deepseek_v4_sdk.testing.cassettes.cassette import CassetteError, RecordedExchange, read_cassette
from deepseek_v4_sdk.testing.conformance.answers import PARTS, answer_problems
from deepseek_v4_sdk.testing.conformance.playing import RecordedAnswer
from deepseek_v4_sdk.testing.conformance.refusals import refusal_problems
from deepseek_v4_sdk.testing.conformance.report import ProviderProblem, ProviderReport
from deepseek_v4_sdk.testing.conformance.requests import request_problems

__all__ = ["check_provider"]

_REFUSAL, _MODELS = "a refusal", "the list of models"


def check_provider(
    provider: str | Provider | ProviderData,
    recordings: str | os.PathLike[str] | Sequence[RecordedExchange],
    *,
    known: Collection[str] = (),
) -> ProviderReport:
    """Check that a provider keeps the laws that the providers of this package keep. Nothing is sent.

    It makes requests and reads them; plays the recorded answers to a client, whole and cut to pieces; and makes errors
    of refusals, recorded and made up. `ProviderProblem.law` lists the laws.

    Args:
        provider: The provider, its data where it is a `ChatCompletions`, or the name of one of this package.
        recordings: A cassette that `Recorder` wrote, a folder of them (`*.jsonl`), or exchanges.
        known: The places of problems that you know and accept, as the report shows them, such as "option seed".

    Returns:
        The problems, and the parts of answers that no recording has.

    Raises:
        CassetteError: A cassette is missing or broken.
        ConfigurationError: There is no provider of that name.
    """
    found = find_provider(provider) if isinstance(provider, str) else provider
    checked = ChatCompletions(found) if isinstance(found, ProviderData) else found
    exchanges = [
        exchange if exchange.place else replace(exchange, place=f"exchange {number}")
        for number, exchange in enumerate(_read(recordings), 1)
    ]
    seen: set[str] = set()
    problems = dict.fromkeys([*request_problems(checked), *_of_recordings(checked, exchanges, seen)])
    stale = {*known} - {problem.place for problem in problems}
    left = [problem for problem in problems if problem.place not in known]
    left += [ProviderProblem("recordings", place, "`known` has it, and nothing is wrong there") for place in stale]
    untested = tuple(part for part in (*PARTS, _REFUSAL, _MODELS) if part not in seen)
    return ProviderReport(checked.data.name, tuple(left), untested)


def _read(recordings: str | os.PathLike[str] | Sequence[RecordedExchange]) -> Sequence[RecordedExchange]:
    if not isinstance(recordings, str | os.PathLike):
        return recordings
    path = Path(recordings)
    files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise CassetteError(f"{path} holds no cassette: record one with Recorder(provider, path=...)")
    return [exchange for file in files for exchange in read_cassette(file)]


def _of_recordings(
    provider: Provider, exchanges: Sequence[RecordedExchange], seen: set[str]
) -> Iterator[ProviderProblem]:
    data = provider.data
    chats = [exchange for exchange in exchanges if exchange.method == "POST" and _is_chat(data, exchange.path)]
    answers = [exchange for exchange in chats if exchange.status == 200 and exchange.ended != "left"]
    refusals = [exchange for exchange in chats if (exchange.status or 0) >= 400]
    if not answers:
        text = f"they have no answer to a chat (POST {data.chat_path}); record one with Recorder(provider, path=...)"
        yield ProviderProblem("recordings", "the recordings", text)
    yield from answer_problems(provider, list(map(RecordedAnswer, answers)), seen)
    yield from refusal_problems(provider, refusals)
    seen |= {_REFUSAL} if refusals else set()
    for exchange in exchanges:
        if (exchange.method, exchange.path, exchange.status) == ("GET", data.models_path, 200):
            seen.add(_MODELS)
            if wrong := _wrong_models(provider, exchange):
                yield ProviderProblem("recordings", exchange.place, f"{wrong}; mend models")


def _is_chat(data: ProviderData, path: str) -> bool:
    others = {data.renderer.count_path, data.completions.path if data.completions is not None else None}
    return path == data.chat_path or (data.route is not None and path not in others)


def _wrong_models(provider: Provider, exchange: RecordedExchange) -> str | None:
    try:
        return None if provider.models(read_json(exchange.body)) else "its list of models is read as empty"
    except Exception as error:  # noqa: BLE001  # an error of the provider's own is a finding
        return f"its list of models cannot be read ({type(error).__name__}: {error})"
