"""docs/mock-fidelity.md, as the comparison gives it: `python -m tests.fidelity.page` writes it."""

from __future__ import annotations

from pathlib import Path

from tests.fidelity.compare import EXCEPTIONS, OTHER_TEXT, compared, differences, recorded_answer, refusals, replayed
from tests.fidelity.compare import refusal_differences as odd_differences
from tests.fidelity.points import POINTS, tally

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parents[2] / "docs" / "mock-fidelity.md"
FRONTS = {"vllm-0.33": "vLLM 0.33.0", "vllm-0.33-rust": "vLLM 0.33.0, Rust front end"}
VERSIONS = {"vllm": "vLLM 0.32.0", "sglang": "SGLang 0.5.23"}

HEAD = """\
---
description: How we compare the mock with recorded answers of real vLLM and SGLang servers, and the results.
---

# How true the mock is

The suite compares the [mock](testing.md) with real servers. Real vLLM and SGLang ran without a GPU, with a model whose
words a script dictates; we recorded their answers. The suite sends each recorded request to the mock, scripts the
same words, and compares: status, content type, every key, the order of keys, every value, token counts and cached
tokens included. It compares ids by their form, and ignores times and fingerprints. In streams, it joins neighbouring
deltas of the same kind, because the place where a server breaks a text depends on its load.

*Recorded* has chats, counts, models, health and errors as a program meets them. *Odd* has requests that nobody should
send, with wrong types, values out of range, broken schemas: the suite compares the refusal word for word, and where the
real server takes such a request, so must the mock. *Cuts* is one output with reasoning, text and two calls, cut at each
of its tokens, streamed and plain. *Kinds* has odd outputs (tags of reasoning that come again, values that are not JSON,
other names of blocks, blocks that are not closed), odd histories, stop texts, full windows, and options of one server,
a few of each kind.
"""

TAIL = """\
DeepSeek's own API cannot be run. The suite compares the mock's validation with `deepseek-recipe` 0.2.0, the vendor's
own code. Both take or refuse {fields} single values of all fields, and some hundred bodies with several of them at
random, in the same words and in the same order of checks. The suite also compares the defaults and refusals of
`max_tokens`, and the parser's result for a cut answer. For NVIDIA's hosted API, NIM's management routes and Dynamo
there is nothing to run here: the mock follows their documentation, measured replies of Dynamo 1.6.1, and reports of
users.

## Point by point

For each server `tests/fidelity/points.py` lists what a mock of it must do. A point has the tests that
show it, or its name is in the [list of what the mock does not model](mock-servers.md#which-server-it-imitates), or
both, where that list has a part of it. Another test checks that all of these exist.

{points}

The tests under `tests/interop` run the client against a real server and the mock side by side; they are off by
default ([CONTRIBUTING](../CONTRIBUTING.md#a-real-server)). `python -m tests.fidelity.page` writes this page; a
test fails when it differs from the comparison.
"""


def page() -> str:
    """The page."""
    from tests.fidelity.kinds import KIND_OTHERWISE, asked, kind_differences
    from tests.fidelity.test_cuts import CUT_OTHERWISE, CUTS
    from tests.fidelity.test_fronts import COMPARED, front_differences
    from tests.fidelity.test_fronts import EXCEPTIONS as FRONT_EXCEPTIONS
    from tests.fidelity.test_validator import CASES

    rows = ["| server | recorded | odd | cuts | kinds |", "|---|---|---|---|---|"]
    reasons: list[str] = []
    for server, name in VERSIONS.items():
        same = [
            each
            for each in compared(server)
            if recorded_answer(each) == replayed()[server, each.name]
            and not differences(recorded_answer(each).body, replayed()[server, each.name].body)
        ]
        odd = refusals(server)
        told = [case for case in odd if not odd_differences(server, case)]
        cuts = [cut["max_tokens"] for cut in CUTS[server]["cuts"]]
        exact = [cut for cut in cuts if (server, cut) not in CUT_OTHERWISE]
        kinds = [case for case in asked(server) if not kind_differences(server, case)]
        counts = f"{len(same)} of {len(compared(server))} | {len(told)} of {len(odd)} | {len(exact)} of {len(cuts)}"
        counts += f" | {len(kinds)} of {len(asked(server))}"
        rows.append(f"| {name} | {counts} |")
        for (where, case), reason in EXCEPTIONS.items():
            if where == server:
                reasons.append(f"| {name} | `{case}` | {reason} |")
        for (where, named), reason in KIND_OTHERWISE.items():
            if where == server:
                reasons.append(f"| {name} | {', '.join(f'`{case}`' for case in named.split())} | {reason} |")
        cases = ", ".join(f"`{case}`" for case in OTHER_TEXT[server].split())
        reason = "same status; the real text lists each form that a field may have, and what is wrong by each of them"
        reasons.append(f"| {name} | {cases} | {reason} |")
    for front, name in FRONTS.items():
        held = [each for where, each in COMPARED if where == front]
        right = [each for each in held if not front_differences(front, each)]
        rows.append(f"| {name} | {len(right)} of {len(held)} | | | |")
        for (where, case), reason in FRONT_EXCEPTIONS.items():
            if where == front:
                reasons.append(f"| {name} | `{case}` | {reason} |")
    for (server, limit), reason in CUT_OTHERWISE.items():
        reasons.append(f"| {VERSIONS[server]} | `max_tokens: {limit}` | {reason} |")
    exceptions = ["The differences, and their reasons:", "", "| server | case | reason |", "|---|---|---|", *reasons]
    points = ["| server | points | reproduced | a part is not | not modelled |", "|---|---|---|---|---|"]
    for server, listed in POINTS.items():
        whole, part, none = tally(listed)
        points.append(f"| {server} | {len(listed)} | {whole} | {part} | {none} |")
    tail = TAIL.format(fields=len(CASES), points="\n".join(points))
    return "\n".join([HEAD, *rows, "", *exceptions, "", tail])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
