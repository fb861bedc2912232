"""`recommend`: what fits, in an order that can be explained."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk.deploy import recommend
from deepseek_v4_sdk.errors import ConfigurationError


def test_verified_ones_stand_first() -> None:
    found = recommend("pro", context=2**20, sessions=2, gpus={"h200": 16})
    verified = [each.verified for each in found]
    assert verified == sorted(verified, reverse=True)
    assert {True, False} == set(verified)
    best = found[0]
    assert (best.plan.recipe, best.plan.gpus) == ("long-context", 8)
    assert best.sessions.low >= 2
    assert best.usd_per_hour is not None
    assert any("verified by" in reason for reason in best.reasons)
    assert best.to_dict()["verified_by"] == best.plan.verified_by
    assert "long-context" in str(best)


def test_only_what_there_is_and_what_holds_it() -> None:
    found = recommend("flash", context=131_072, sessions=40, gpus={"rtxpro6000": 8, "h200": 4})
    assert found
    for each in found:
        assert each.plan.gpus <= {"rtxpro6000": 8, "h200": 4}[each.plan.gpu]
        assert each.sessions.high >= 40
    assert recommend("pro", context=2**20, gpus={"rtxpro6000": 8}) == []
    assert recommend("pro", context=2**20, sessions=10_000, gpus={"h200": 8}) == []


def test_without_gpus_every_kind_is_tried() -> None:
    found = recommend("flash", context=131_072, sessions=20)
    assert {"b200", "h200", "gb200", "dgx-station"} <= {each.plan.gpu for each in found}
    assert {each.plan.engine for each in found} == {"vllm", "sglang"}
    only = recommend("flash", context=131_072, engine_versions={"dynamo": "1.6.1"}, gpus={"b200": 8})
    assert {each.plan.engine for each in only} == {"dynamo"}


def test_names_that_are_not_known() -> None:
    with pytest.raises(ConfigurationError, match="is not known"):
        recommend("pro", context=8_192, gpus={"a100": 8})
    with pytest.raises(ConfigurationError, match="is not known"):
        recommend("v5", context=8_192)
    with pytest.raises(ConfigurationError, match="is not in the tables"):
        recommend("pro", context=8_192, engine_versions={"vllm": "9.9.9"})
