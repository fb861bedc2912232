"""Any re-cutting of the model's words into deltas leaves text, reasoning, calls and verdict as they were."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.exchange.meaning import gist
from tests.support.profiles import NIGHTLY
from tests.support.recorded import Recording, recordings
from tests.support.replay import Outcome, answer, ask

RECUTS = 200 if NIGHTLY else 10
STREAMS = [recording for recording in recordings(chat=True) if recording.streamed]


@dataclass(frozen=True)
class Atom:
    """One piece of what the model said, as some delta had it."""

    kind: str
    text: str
    index: int = 0
    id: str | None = None
    name: str | None = None


def take_apart(recording: Recording) -> tuple[dict[str, Any], list[Atom], list[dict[str, Any]]]:
    """The frame of the chunks, the pieces, and the chunks that end the stream."""
    chunks = [json.loads(line[6:]) for line in recording.body.decode().split("\n\n") if line.startswith("data: {")]
    atoms: list[Atom] = []
    tail: list[dict[str, Any]] = []
    for chunk in chunks:
        choices = [choice for choice in chunk["choices"] if choice["index"] == 0]
        if not chunk["choices"] or (choices and choices[0]["finish_reason"]):
            tail.append(chunk)
        if not choices:
            continue
        delta = choices[0]["delta"]
        atoms += [Atom(key, delta[key]) for key in ("reasoning", "reasoning_content", "content") if delta.get(key)]
        for call in delta.pop("tool_calls", None) or []:
            function = call["function"]
            text = function.get("arguments") or ""
            atoms.append(Atom("call", text, call["index"], call.get("id"), function.get("name")))
    frame = {key: chunks[0][key] for key in ("id", "object", "created", "model")}
    return frame, atoms, tail


def cut_and_merge(atoms: list[Atom], dice: random.Random) -> list[Atom]:
    """The same words in other pieces: cut at random places, then neighbours of one kind put together."""
    cut: list[Atom] = []
    for atom in atoms:
        places = sorted(dice.sample(range(len(atom.text) + 1), dice.randint(0, min(4, len(atom.text)))))
        texts = [atom.text[start:end] for start, end in zip([0, *places], [*places, None], strict=True)]
        cut.append(replace(atom, text=texts[0]))
        cut += [Atom(atom.kind, text, atom.index) for text in texts[1:]]
    merged: list[Atom] = []
    for atom in cut:
        last = merged[-1] if merged else None
        alike = last is not None and (last.kind, last.index) == (atom.kind, atom.index) and atom.name is None
        if last is not None and alike and dice.random() < 0.5:
            merged[-1] = replace(last, text=last.text + atom.text)
        else:
            merged.append(atom)
    return merged


def call_entry(atom: Atom, dice: random.Random, *, indexed: bool) -> dict[str, Any]:
    """A piece of a call in one of the forms in which servers write it."""
    function: dict[str, Any] = {"arguments": atom.text}
    if not atom.text:
        function = dice.choice([{}, {"arguments": ""}, {"arguments": None}])
    entry: dict[str, Any] = {"function": function}
    if atom.name is not None:
        function["name"], entry["id"], entry["type"] = atom.name, atom.id, "function"
    else:
        function.update(dice.choice([{}, {"name": None}, {"name": ""}]))
        entry.update(dice.choice([{}, {"id": None}, {"id": ""}, {"id": None, "type": "function"}]))
    if indexed:
        entry["index"] = atom.index
    elif dice.random() < 0.5:
        entry["index"] = None
    return entry


ORDER = ("reasoning", "reasoning_content", "content", "call")


def chunks_of(atoms: list[Atom], frame: dict[str, Any], dice: random.Random, *, indexed: bool) -> list[dict[str, Any]]:
    """Chunks with one piece or several in each, as far as the order of the pieces allows it."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    place = -1
    for atom in atoms:
        mine = ORDER.index(atom.kind)
        if (mine < place or (mine == place and mine < 3)) or dice.random() < 0.4:
            deltas.append(dice.choice([{}, {"content": None}, {"reasoning_content": None, "role": None}]))
        place = mine
        if atom.kind == "call":
            deltas[-1].setdefault("tool_calls", []).append(call_entry(atom, dice, indexed=indexed))
        else:
            deltas[-1][atom.kind] = atom.text
        if dice.random() < 0.2:
            empty = dice.choice([{}, {"content": ""}, {"reasoning": "", "tool_calls": []}, {"tool_calls": None}])
            deltas += [empty, {}]
            place = -1
    chunks: list[dict[str, Any]] = []
    for delta in deltas:
        choice: dict[str, Any] = {"delta": delta, "finish_reason": None}
        if dice.random() < 0.7:
            choice["index"] = 0
        chunks.append({**frame, "choices": [choice]})
    return chunks


def send(recording: Recording, chunks: list[dict[str, Any]]) -> Outcome:
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    return ask(answer(body), recording.server)


@pytest.mark.parametrize("indexed", [True, False], ids=["by-index", "by-order"])
@pytest.mark.parametrize("recording", STREAMS, ids=lambda recording: f"{recording.server}-{recording.name}")
def test_recut(recording: Recording, indexed: bool) -> None:
    whole = gist(ask(answer(recording.body), recording.server))
    frame, atoms, tail = take_apart(recording)
    for seed in range(RECUTS):
        dice = random.Random(seed)
        chunks = chunks_of(cut_and_merge(atoms, dice), frame, dice, indexed=indexed)
        assert gist(send(recording, chunks + tail)) == whole, f"seed {seed}"


def test_the_last_piece_and_the_count_may_come_with_the_finish_reason() -> None:
    for recording in STREAMS:
        whole = gist(ask(answer(recording.body), recording.server))
        frame, atoms, tail = take_apart(recording)
        dice = random.Random(0)
        *chunks, last = chunks_of(atoms, frame, dice, indexed=True)
        finish = tail[0]["choices"][0]
        last["choices"][0].update({key: value for key, value in finish.items() if key != "delta"})
        for extra in tail[1:]:
            last["usage"] = extra.get("usage")
        assert gist(send(recording, [*chunks, last])) == whole


def test_characters_one_by_one_and_everything_at_once() -> None:
    for recording in STREAMS:
        whole = gist(ask(answer(recording.body), recording.server))
        frame, atoms, tail = take_apart(recording)
        dice = random.Random(0)
        single = [
            Atom(atom.kind, text, atom.index, *((atom.id, atom.name) if place == 0 else (None, None)))
            for atom in atoms
            for place, text in enumerate([*atom.text] or [""])
        ]
        assert gist(send(recording, chunks_of(single, frame, dice, indexed=True) + tail)) == whole
        joined: list[Atom] = []
        for atom in atoms:
            if joined and (joined[-1].kind, joined[-1].index) == (atom.kind, atom.index):
                joined[-1] = replace(joined[-1], text=joined[-1].text + atom.text)
            else:
                joined.append(atom)
        assert gist(send(recording, chunks_of(joined, frame, dice, indexed=True) + tail)) == whole
