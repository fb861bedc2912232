"""Capacity: the engines' own arithmetic, beside what public logs of real servers say."""

from __future__ import annotations

import json
from math import inf

import pytest

from deepseek_v4_sdk.deploy import Interval, capacity
from deepseek_v4_sdk.deploy.sglang_cache import SGLangCache
from deepseek_v4_sdk.deploy.tables import read_tables
from deepseek_v4_sdk.deploy.vllm_cache import VLLMCache, in_flight_batches
from deepseek_v4_sdk.errors import ConfigurationError

GIB = 2**30
PRO, FLASH = (read_tables().families[name] for name in ("pro", "flash"))
V3_2 = 85_888  # bytes of a token of DeepSeek-V3.2 in BF16


class TestPublicLogs:
    def test_vllm_44376_needs_and_fits(self) -> None:
        """Flash on two GPUs, 30,000 tokens, 16,384 in flight, 0.22: it needs 6.66 GiB; 5.44 GiB serve 13,528 tokens."""
        cache = VLLMCache(FLASH, "0.22.0")
        assert round(cache.charge(30_000, 16_384) * cache.block_bytes / GIB, 2) == 6.66
        blocks = int(5.44 * GIB / cache.block_bytes)
        assert cache.longest(blocks, 16_384, 30_000) == pytest.approx(13_528, rel=0.001)

    def test_vllm_54703_prints_the_groups(self) -> None:
        assert VLLMCache(FLASH, "0.33.0").groups == (1_002_240, 823_680, 786_240, 870_912, 656_640)

    def test_vllm_44376_without_the_hybrid_manager(self) -> None:
        """Pro in two pipeline stages, a million tokens: 223.68 GiB of a GPU."""
        need = VLLMCache(PRO, "0.22.0", hybrid=False).token_bytes * 1_000_000 / 2 / GIB
        assert need == pytest.approx(223.68, rel=0.005)

    def test_without_the_hybrid_manager_a_server_holds_85_times_less(self) -> None:
        wish = {"engine": "vllm", "engine_version": "0.33.0", "kv_gib": 400.0}
        off = capacity("pro", "h200", 8, argv=["--disable-hybrid-kv-cache-manager"], **wish)  # type: ignore[arg-type]
        on = capacity("pro", "h200", 8, **wish)  # type: ignore[arg-type]
        assert off.token_bytes / on.token_bytes == pytest.approx(85, rel=0.05)
        assert off.reserve_gib == 0
        assert "without the hybrid manager" in " ".join(off.steps)

    def test_vllm_52495_prints_the_blocks(self) -> None:
        """8 and 128 tokens of window with 16,384 in flight."""
        parts = VLLMCache(PRO, "0.33.0").reserve(16_384, 10**6) - 2 * 259
        assert parts == 4_099 + 2_065

    def test_sglang_26783_prints_the_page(self) -> None:
        assert SGLangCache(PRO).page_bytes == 149_760

    def test_the_announcement(self) -> None:
        """9.62 GiB for a million tokens of Pro in BF16, 6.7 of Flash, 8.7 times less than V3.2."""
        pro, flash = (VLLMCache(family, "0.33.0", "bf16", "bf16").least_token_bytes for family in (PRO, FLASH))
        assert round(pro * 2**20 / GIB, 2) == 9.62
        assert round(flash * 2**20 / GIB, 2) == 6.72
        assert round(V3_2 / pro, 2) == 8.72

    def test_a_million_tokens_on_eight_h200(self) -> None:
        """A public deployment served 998,218 tokens with these flags."""
        flags = ["--max-num-batched-tokens", "4096", "--gpu-memory-utilization", "0.97", "--enable-expert-parallel"]
        found = capacity("pro", "h200", 8, engine="vllm", engine_version="0.31.0", argv=flags)
        assert found.window == Interval(2**20, 2**20)
        assert found.fits is True
        default = capacity("pro", "h200", 8, engine="vllm", engine_version="0.31.0")
        assert default.window.low < 2**20
        assert default.fits is None


@pytest.mark.parametrize(
    ("family", "kv", "index", "block"),
    [
        (PRO, "fp8", "fp8", 1_435_968),
        (PRO, "fp8", "mxfp4", 1_315_008),
        (FLASH, "fp8", "mxfp4", 917_568),
        (PRO, "bf16", "fp8", 2_290_688),
        (FLASH, "bf16", "fp8", 1_600_000),
    ],
)
def test_blocks(family: object, kv: str, index: str, block: int) -> None:
    assert VLLMCache(family, "0.33.0", kv, index).block_bytes == block  # type: ignore[arg-type]


def test_blocks_were_tuples_of_layers_until_0_28() -> None:
    assert [VLLMCache(PRO, version).block_bytes for version in ("0.20.0", "0.28.0")] == [1_482_048] * 2
    assert [VLLMCache(FLASH, version).by_groups for version in ("0.28.0", "0.29.0")] == [False, True]


def test_the_reserve_of_a_request() -> None:
    assert [VLLMCache(PRO, "0.33.0").reserve(2 * each, 10**6) for each in (512, 2_048, 8_192, 16_384)] == [
        442,
        1_690,
        6_682,
        13_338,
    ]
    assert [in_flight_batches(each) for each in ("0.25.0", "0.26.0", "0.33.0")] == [1, 2, 2]
    assert in_flight_batches("0.33.0", asynchronous=False) == 1


def test_the_longest_window_is_the_longest() -> None:
    cache = VLLMCache(PRO, "0.33.0")
    for blocks in (30, 500, 6_000, 20_000):
        found = cache.longest(blocks, 8_192, 10**6)
        assert cache.charge(found, 8_192) <= blocks
        assert found == 10**6 or cache.charge(found + 1, 8_192) > blocks


def test_pools_of_sglang() -> None:
    plain, drafting = SGLangCache(PRO), SGLangCache(PRO, 4)
    assert [round(each) for each in (plain.full_token, drafting.full_token)] == [5_587, 5_678]
    assert [round(each.token_in_ratio(0.1)) for each in (plain, drafting)] == [10_115, 11_257]
    assert round(plain.states(256) / GIB, 1) == 3.9
    sizes = [plain.cap_tokens(each, 8_192) * plain.window_token / GIB for each in (256, 64, 32)]
    assert [round(each, 1) for each in sizes] == [25.6, 6.9, 3.8]


def test_the_pool_leaves_no_room_in_sglang_0_5_22() -> None:
    def on_h200(version: str, *more: str) -> float:
        flags = ["--tp", "8", "--mem-fraction-static", "0.88", *more]
        name = "DeepSeek-V4-Pro"
        got = capacity("pro", "h200", 8, engine="sglang", engine_version=version, argv=flags, checkpoint=name)
        return got.reported_tokens.high

    assert on_h200("0.5.23") == 0
    assert on_h200("0.5.20") > 10**6
    assert on_h200("0.5.23", "--swa-full-tokens-ratio", "0.1") > 10**6
    assert on_h200("0.5.23", "--max-running-requests", "32") > on_h200("0.5.23", "--max-running-requests", "64") > 0


def test_tensor_parallelism_copies_the_cache_and_data_parallelism_does_not() -> None:
    def million(*flags: str) -> Interval:
        argv = [*flags, "--enable-expert-parallel"]
        return capacity("flash", "b200", 8, engine="vllm", engine_version="0.33.0", argv=argv).sessions[2**20]

    tp, dp = million("--tensor-parallel-size", "8"), million("--data-parallel-size", "8")
    assert 7 < dp.low / tp.low < 8.5


def test_a_cache_that_is_known_has_no_interval() -> None:
    found = capacity("flash", "gb200", 4, engine="vllm", engine_version="0.33.0", kv_gib=100)
    assert found.kv_gib == Interval(100, 100)
    assert found.sessions[131_072].low == found.sessions[131_072].high > 0
    for length, held in found.session_gib.items():
        assert 0 < held < found.kv_gib.low, length


def test_more_memory_never_holds_less() -> None:
    before = -inf
    for kv in (2, 5, 10, 40):
        found = capacity("pro", "h200", 8, engine="vllm", engine_version="0.33.0", kv_gib=kv)
        assert found.window.low >= before
        before = found.window.low


def test_the_picture_and_the_arithmetic() -> None:
    found = capacity(
        "pro", "h200", 8, engine="vllm", engine_version="0.33.0", argv=["--max-num-batched-tokens", "4096"]
    )
    shown = str(found)
    assert "longest conversation" in shown
    assert "GPU KV cache size" in shown
    bar = shown.splitlines()[3]
    assert len(bar) == 60
    assert set(bar) == set("█▒▓░")
    assert "3,354 blocks" in found.explain()
    assert "copies the cache" in found.explain()
    assert json.loads(json.dumps(found.to_dict()))["gpus"] == 8


@pytest.mark.parametrize("value", ["0", "-1", "nan", "9" * 30])
def test_numbers_that_make_no_sense_give_a_capacity_or_an_error(value: str) -> None:
    flags = {"vllm": ["--max-num-batched-tokens", "--gpu-memory-utilization"], "sglang": ["--swa-full-tokens-ratio"]}
    for engine, names in flags.items():
        version = {"vllm": "0.33.0", "sglang": "0.5.23"}[engine]
        for name in names:
            found = capacity("flash", "h200", 4, engine=engine, engine_version=version, argv=[f"{name}={value}"])
            assert found.window.low >= 0


def test_what_does_not_agree() -> None:
    with pytest.raises(ConfigurationError, match="the flags use 4 GPUs"):
        capacity("pro", "h200", 8, engine="vllm", engine_version="0.33.0", argv=["-tp", "4"])
    with pytest.raises(ConfigurationError, match="checkpoint 'deepseek-v5' is not known"):
        capacity("deepseek-v5", "h200", 8, engine="vllm", engine_version="0.33.0")
    old = capacity("flash", "h200", 4, engine="vllm", engine_version="0.20.0")
    assert old.model == "deepseek-ai/DeepSeek-V4-Flash"  # the dated weights need 0.25
