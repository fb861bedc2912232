"""`plan`: every published recipe for every release that it is for, other numbers of GPUs, and what does not fit."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.deploy import Node, Plan, check, plan
from deepseek_v4_sdk.deploy.engines import known_versions
from deepseek_v4_sdk.deploy.recipes import RECIPES, gpus_of, refusals
from deepseek_v4_sdk.deploy.tables import read_tables
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = [(engine, version) for engine in ("vllm", "sglang") for version in known_versions(engine)]
WISHES = sorted({(row.engine, row.family, row.gpu, row.recipe) for row in read_tables().recipes})
NEWEST = {engine: known_versions(engine)[-1] for engine in ("vllm", "sglang")}


@cache
def planned(engine: str, family: str, gpu: str, recipe: str) -> Plan:
    return plan(family, gpu, engine=engine, engine_version=NEWEST[engine], recipe=recipe)


@pytest.mark.parametrize(("engine", "version"), RELEASES)
def test_no_release_refuses_a_recipe_that_is_for_it(engine: str, version: str) -> None:
    assert list(refusals(read_tables(), engine, version)) == []


def test_a_release_that_renames_a_flag_would_be_seen() -> None:
    """The rows hold meanings: rendered for another release, the old and the new name are refused."""
    old = planned("vllm", "pro", "b200", "balanced").argv
    assert not [each for each in check("vllm", "0.33.0", old, gpu="b200") if each.severity == "error"]
    assert [each.flag for each in check("vllm", "0.25.0", old, gpu="b200") if each.severity == "error"] == [
        "--sse-keep-alive-interval",
        "--attention-config.indexer_kv_dtype",
    ]


@pytest.mark.parametrize("wish", WISHES, ids="-".join)
def test_every_wish_of_the_tables_can_be_planned(wish: tuple[str, str, str, str]) -> None:
    found = planned(*wish)
    engine, _, gpu, _ = wish
    for node in found.nodes:
        if node.gpus:
            problems = check(engine, NEWEST[engine], node.argv, gpu=gpu, env=node.env)
            assert [each for each in problems if each.severity == "error"] == []
            assert not [each for each in problems if "parser" in each.flag]
    assert found.gpus == sum(node.gpus for node in found.nodes)
    assert found.verified_by
    assert found.assumptions
    profile = tomllib.loads(found.profile_toml)
    assert profile["models"][0]["window"] > 0
    assert profile["profiles"]["planned"]["provider"] == engine


@pytest.mark.parametrize("wish", WISHES, ids="-".join)
def test_gpus_are_what_the_arguments_use(wish: tuple[str, str, str, str]) -> None:
    found = planned(*wish)
    heads = [node for node in found.nodes if node.rank == 0 and node.gpus]

    def together(head: Node) -> int:
        return sum(each.gpus for each in found.nodes if (each.role, each.replica) == (head.role, head.replica))

    assert {each.name: together(each) for each in heads} == {
        each.name: gpus_of(wish[0], list(each.argv)) for each in heads
    }


@pytest.mark.parametrize("wish", [wish for wish in WISHES if wish[3] == "pd"], ids="-".join)
def test_prefill_and_decode_agree(wish: tuple[str, str, str, str]) -> None:
    found = planned(*wish)
    roles = {node.role: list(node.argv) for node in found.nodes if node.rank == 0}
    assert set(roles) == {"prefill", "decode", "router"}
    for flag in ("--speculative-config", "--speculative-algorithm", "--max-model-len", "--context-length"):
        values = [argv[argv.index(flag) + 1] if flag in argv else None for argv in (roles["prefill"], roles["decode"])]
        assert values[0] == values[1], flag
    assert {"--prefill", "--decode"} <= set(roles["router"])


@pytest.mark.parametrize("wish", WISHES, ids="-".join)
def test_a_summary_fits_a_terminal(wish: tuple[str, str, str, str]) -> None:
    found = planned(*wish)
    texts = (found.summary(), found.capacity.explain())
    assert [line for text in texts for line in text.splitlines() if len(line) > 80] == []


def test_the_profile_makes_a_client(tmp_path: Path) -> None:
    found = plan("pro", "h200", 8, engine="vllm", engine_version="0.33.0", recipe="long-context", hosts=["10.0.0.7"])
    file = tmp_path / "deepseek_v4.toml"
    file.write_text(found.profile_toml, encoding="utf-8")
    with DeepSeekV4.from_profile(path=file) as client:
        shown = client.explain().to_dict()
    text = json.dumps(shown)
    assert "http://10.0.0.7:8000" in text
    assert found.served_name in text
    entry = tomllib.loads(found.profile_toml)["models"][0]
    assert (entry["window"], entry["generation"]) == (2**20, "2026-08")


def test_a_million_tokens_on_eight_h200() -> None:
    found = plan("pro", "h200", 8, engine="vllm", engine_version="0.33.0", context=2**20)
    assert found.argv[found.argv.index("--max-model-len") + 1] == str(2**20)
    assert found.capacity.fits is True


def test_batches_are_made_smaller_until_the_window_fits() -> None:
    found = planned("vllm", "pro", "gb200", "max-throughput")
    assert found.argv[found.argv.index("--max-num-batched-tokens") + 1] == "8192"  # with the default it does not fit
    assert found.capacity.fits is True
    assert any("--max-num-batched-tokens 8192" in each for each in found.assumptions)


def test_two_trays() -> None:
    found = plan(
        "pro", "gb200", 8, engine="vllm", engine_version="0.31.0", recipe="max-throughput", hosts=["tray-a", "tray-b"]
    )
    first, second = found.nodes
    assert (first.host, second.host, first.gpus, second.gpus) == ("tray-a", "tray-b", 4, 4)
    assert "--data-parallel-start-rank" not in first.argv
    assert second.argv[second.argv.index("--data-parallel-start-rank") + 1] == "4"
    for node in found.nodes:
        assert node.argv[node.argv.index("--data-parallel-address") + 1] == "tray-a"
    profile = tomllib.loads(found.profile_toml)["profiles"]["planned"]
    assert profile["endpoints"] == ["http://tray-a:8000", "http://tray-b:8000"]
    assert not any("hosts=" in each for each in found.warnings)


def test_a_model_over_two_nodes_by_tensor_parallelism() -> None:
    for engine in ("vllm", "sglang"):
        found = plan("pro", "gb200", 8, engine=engine, engine_version=NEWEST[engine], recipe="long-context")
        ranks = [node.argv[node.argv.index("--node-rank") + 1] for node in found.nodes]
        assert ranks == ["0", "1"]
        assert ("--headless" in found.nodes[1].argv) is (engine == "vllm")
        assert "--headless" not in found.argv


@pytest.mark.parametrize("gpus", [16, 32, 128])
def test_more_gpus_than_the_recipe_had(gpus: int) -> None:
    wide = plan("pro", "b200", gpus, engine="vllm", engine_version="0.33.0", recipe="max-throughput")
    assert wide.gpus == gpus
    assert len(wide.nodes) == gpus // 8
    assert wide.verified_by.startswith("derived") is (gpus != 16)
    pd = plan("pro", "gb200", gpus, engine="vllm", engine_version="0.33.0", recipe="pd")
    assert pd.gpus == gpus
    assert pd.nodes[-1].role == "router"
    assert pd.nodes[-1].argv.count("--decode") == gpus // 16


def test_fewer_gpus() -> None:
    found = plan("flash", "rtxpro6000", 4, engine="sglang", engine_version="0.5.23", recipe="low-latency")
    assert found.verified_by.startswith("sgl-project/sglang")
    found = plan("flash", "rtxpro6000", 4, engine="vllm", engine_version="0.33.0", recipe="low-latency")
    assert found.argv[found.argv.index("--tensor-parallel-size") + 1] == "4"
    assert found.verified_by.startswith("derived from vllm-project/recipes")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"gpus": 4}, ["208 GiB of weights leave 0 GiB", "the nearest that fits is balanced on 8 x h200"]),
        ({"gpus": 12}, ["cannot be split so", "the nearest is 8"]),
        ({"recipe": "pd", "gpus": 8}, ["the nearest is 16", "the nearest that fits is low-latency on 8 x h200"]),
        ({"recipe": "fast"}, ["give low-latency, balanced"]),
        ({"gpu": "h100"}, ["no recipe for balanced of pro on h100", "the nearest is", "sglang"]),
        ({"gpu": "h200x"}, ["did you mean 'h200'"]),
        ({"engine_version": "0.34.0"}, ["the nearest is 0.33.0"]),
        ({"checkpoint": "nvidia/DeepSeek-V4-Pro-NVFP4"}, ["no recipe for balanced of nvidia/", "0813"]),
        ({"checkpoint": "DeepSeek-V4-Flash"}, ["belongs to flash"]),
        ({"context": 0}, ["give a number of tokens from 1"]),
        ({"sessions": 500, "context": 2**20}, ["500 conversations of 1,048,576 tokens do not fit", "data parallelism"]),
    ],
)
def test_what_cannot_be_planned_names_the_nearest(wish: dict[str, object], words: list[str]) -> None:
    asked: dict[str, object] = {"gpu": "h200", "engine": "vllm", "engine_version": "0.33.0", "gpus": None, **wish}
    with pytest.raises(ConfigurationError) as caught:
        plan("pro", **asked)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(("family", "inside"), list(product(("pro", "flash"), ("vllm", "sglang"))))
def test_dynamo_runs_the_engine_that_it_pins(family: str, inside: str) -> None:
    found = plan(family, "b200", engine="dynamo", engine_version="1.6.1", recipe="low-latency", inside=inside)
    assert found.argv[:3] == ["python3", "-m", f"dynamo.{inside}"]
    assert found.argv.count("--dyn-tool-call-parser") == found.argv.count("--dyn-reasoning-parser") == 1
    assert "--tool-call-parser" not in found.argv
    assert found.nodes[-1].role == "frontend"
    assert check("dynamo", "1.6.1", found.argv, gpu="b200", env=found.env) == []


def test_dynamo_with_prefill_and_decode() -> None:
    found = plan("pro", "b200", engine="dynamo", engine_version="1.6.1", recipe="pd")
    modes = {node.role: node.argv[node.argv.index("--disaggregation-mode") + 1] for node in found.nodes if node.gpus}
    assert modes == {"prefill": "prefill", "decode": "decode"}


def test_tables_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "gpus.json").write_text(
        json.dumps(
            {
                "as_of": "2026-11-01",
                "gpus": {
                    "box": {
                        "name": "My box",
                        "arch": "sm90",
                        "gib": [140, 140],
                        "per_node": 2,
                        "fp4_index": False,
                        "mega_moe": False,
                        "arm64": True,
                    }
                },
            }
        ),
        encoding="utf-8",
    )
    row: dict[str, object] = {
        "engine": "vllm",
        "family": "flash",
        "gpu": "box",
        "recipe": "balanced",
        "strategy": "tp",
        "checkpoints": ["deepseek-ai/DeepSeek-V4-Flash"],
        "draft": {},
        "since": "0.30.0",
        "argv": "@base @parsers --tensor-parallel-size 2",
    }
    (tmp_path / "recipes.json").write_text(json.dumps({"as_of": "2026-11-01", "recipes": [row]}), encoding="utf-8")
    found = plan("flash", "box", engine="vllm", engine_version="0.33.0", context=65_536, tables=tmp_path)
    assert found.arm64
    assert found.gpus == 2
    assert found.verified_by == "derived"
    assert (
        plan("flash", "gb200", engine="vllm", engine_version="0.33.0", tables=tmp_path).gpus == 4
    )  # the package's too
    (tmp_path / "recipes.json").write_text(
        '{"as_of": "2026-11-01", "recipes": [{"checkpoints": []}]}', encoding="utf-8"
    )
    with pytest.raises(ConfigurationError, match=r"recipes\.json is not a table of the known form"):
        read_tables(tmp_path)
    wrong = {"as_of": "2026-11-01", "recipes": [{**row, "sinze": "0.30.0"}]}
    (tmp_path / "recipes.json").write_text(json.dumps(wrong), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="a row has sinze"):
        read_tables(tmp_path)
    with pytest.raises(ConfigurationError, match="is not a folder"):
        read_tables(tmp_path / "nowhere")


def test_the_weights_that_a_name_means() -> None:
    asked = plan("deepseek-ai/DeepSeek-V4-Flash", "b200", engine="vllm", engine_version="0.33.0")
    assert asked.model == "deepseek-ai/DeepSeek-V4-Flash"
    assert '"method":"mtp"' in " ".join(asked.argv)
    dspark = plan("flash", "b200", engine="sglang", engine_version="0.5.23", checkpoint="DeepSeek-V4-Flash-0731")
    assert dspark.argv[dspark.argv.index("--speculative-algorithm") + 1] == "DSPARK"
    assert dspark.verified_by.startswith("derived from")


def test_the_names_of_recipes_are_those_of_the_tables() -> None:
    assert {row.recipe for row in read_tables().recipes} == set(RECIPES)
