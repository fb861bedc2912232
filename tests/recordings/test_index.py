"""The invariants of the recordings, of their indexes and of their loader."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from tests.recordings import make_sglang_index
from tests.support.recorded import ROOT, SERVERS, Recording, recordings


def _name(recording: Recording) -> str:
    return f"{recording.server}-{recording.name}"


each_recording = pytest.mark.parametrize("recording", recordings(), ids=_name)


def test_counts() -> None:
    assert Counter(r.server for r in recordings()) == {"vllm": 61, "sglang": 66}
    assert Counter(r.server for r in recordings(chat=True)) == {"vllm": 42, "sglang": 55}
    assert len(recordings("sglang", chat=False)) == 11
    with pytest.raises(ValueError, match="no recordings of 'nim'"):
        recordings("nim")


def test_order_is_stable_and_lists_are_the_callers_own() -> None:
    names = [_name(r) for r in recordings()]
    assert len(set(names)) == len(names)
    assert names == [f"{server}-{name}" for server in SERVERS for name in sorted(r.name for r in recordings(server))]
    recordings().clear()
    assert [_name(r) for r in recordings()] == names


@pytest.mark.parametrize("server", SERVERS)
def test_every_case_has_an_index_entry_and_every_entry_a_case(server: str) -> None:
    index = json.loads((ROOT / server / "index.json").read_text("utf-8"))
    assert set(index) == {path.name for path in (ROOT / server).iterdir() if path.is_dir()}
    assert set(index) == {r.name for r in recordings(server)}


@each_recording
def test_recording(recording: Recording) -> None:
    headers = {name.lower(): value for name, value in recording.headers}
    assert b"".join(recording.http_chunks) == recording.body
    assert all(recording.http_chunks) or not recording.body
    assert int(headers.get("content-length", len(recording.body))) == len(recording.body)
    assert ("content-length" in headers) is not ("transfer-encoding" in headers)
    assert recording.streamed is recording.expected.get("streamed", False)
    assert (recording.status, recording.path) == (recording.expected["status"], recording.expected["path"])
    assert ("choices" in recording.expected) is (
        recording.status == 200 and "completions" in recording.path.split("/")[-1]
    )
    assert ("error" in recording.expected) is (recording.status != 200)
    asked = (recording.request_body or {}).get("stream", False)
    assert recording.streamed is (asked and recording.status == 200)


def test_sglang_index_is_what_its_script_makes() -> None:
    assert (ROOT / "sglang" / "index.json").read_bytes() == make_sglang_index.build().encode()


@pytest.mark.parametrize("recording", recordings("vllm"), ids=_name)
def test_the_script_agrees_with_the_index_recorded_with_vllm(recording: Recording) -> None:
    made = make_sglang_index.outcome(recording.status, recording.body, "reasoning", "stop_reason")
    about_the_case = {"status", "path", "ordinary", "note"}
    assert made == {key: value for key, value in recording.expected.items() if key not in about_the_case}


def test_nothing_tells_of_the_machine_recorded_on() -> None:
    # SGLang names a source file in a validation error: its folder was replaced by a neutral one.
    told = re.compile(
        rb"/(?:home|root|tmp|mnt|srv|Users|usr(?!/lib/python3/dist-packages/sglang/)|var|opt/(?!sssssss/))[\w./-]*|\b(?:sk-|hf_)[A-Za-z0-9]{16,}"
    )
    for path in sorted(ROOT.rglob("*")):
        if path.suffix in {".txt", ".json", ".md"}:
            assert not told.search(path.read_bytes()), path.relative_to(ROOT)
