"""Logs of servers: each known trouble is recognized by what it writes, and mended for that engine."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk.deploy import read_log, troubles_of
from deepseek_v4_sdk.deploy.troubles import TROUBLES

VLLM_TP8 = "Initializing a V1 LLM engine (v0.33.0) with config: tensor_parallel_size=8, pipeline_parallel_size=1, "
SGLANG_TP8 = "[2026-11-30 11:25:32] server_args={'model_path': 'x', 'tp_size': 8, 'pp_size': 1, 'dp_size': "
PREFILL = "Prefill batch, #new-seq: 1, #new-token: 8192, #cached-token: "
LINES = {
    ("vllm", 1): "AttentionConfig: 1 validation error: use_fp4_indexer_cache Unexpected keyword argument [type=...]",
    ("vllm", 2): "(14.41 GiB KV cache is needed). Based on it, the estimated maximum model length is 640000. Try ...",
    ("sglang", 2): "RuntimeError: The DSV4 SWA pool cap (606464 tokens, 25.6 GiB) leaves no room for full tokens",
    ("vllm", 3): "Engine 000: Running: 0 reqs, Waiting: 3 reqs (waiting=capacity), GPU KV cache usage: 0.0%",
    ("vllm", 4): "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`",
    ("sglang", 4): "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
    ("vllm", 5): f"{VLLM_TP8}data_parallel_size=1\nRunning: 3 reqs, Waiting: 9 reqs, GPU KV cache usage: 98.1%",
    ("sglang", 5): f"{SGLANG_TP8}1}}\nDecode batch, #running-req: 3, full token usage: 0.98, #queue-req: 9",
    ("vllm", 6): "ValueError: To serve ... (223.68 GiB KV cache is needed, which is larger than available)",
    ("vllm", 7): "AssertionError: DeepGEMM MegaMoE requires SM100 GPUs",
    ("sglang", 7): "NotImplementedError: No NvFp4 MoE backend supports the deployment configuration",
    ("vllm", 8): "ValueError: The input_size_per_partition = 192 is not divisible by weight quantization block_n = 128",
    ("vllm", 9): "TimeoutError: Timed out waiting for engine core processes to start",
    ("sglang", 9): "Entering DeepGEMM JIT Pre-Compile session. It may take a long time",
    ("vllm", 10): "No available shared memory broadcast block found in 60 seconds",
    ("vllm", 11): "RuntimeError: CUDASymmetricMemory: rendezvous failed: symm_mem multicast error",
    ("vllm", 12): "NIXL handshake failed: compatibility hash mismatch",
    ("sglang", 12): "Mooncake transfer engine: no RDMA device, fall back to TCP",
    ("vllm", 13): "SpecDecoding metrics: Mean acceptance length: 1.4, Draft acceptance rate: 19.3%",
    ("vllm", 14): '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    ("sglang", 14): "server_args=ServerArgs(model_path='x', tool_call_parser=None, reasoning_parser=None)",
    ("vllm", 15): "\n".join(["Running: 1 reqs, GPU KV cache usage: 1.0%, Prefix cache hit rate: 0.0%"] * 10),
    ("sglang", 15): "\n".join([f"{PREFILL}0, #queue-req: 0"] * 10),
}


@pytest.mark.parametrize(("engine", "number"), LINES)
def test_each_trouble_is_recognized(engine: str, number: int) -> None:
    report = read_log(LINES[engine, number].splitlines(), engine=engine)
    assert number in [each.trouble for each in report.findings]
    (found,) = (each for each in report.findings if each.trouble == number)
    assert found.line == (2 if number == 5 else 1)
    assert found.remedy == next(each for each in TROUBLES if each.number == number).remedies[engine]


def test_each_trouble_has_a_number_words_and_a_line() -> None:
    assert [each.number for each in TROUBLES] == list(range(1, 16))
    for trouble in TROUBLES:
        assert trouble.title
        assert trouble.remedies
        shown = {number for _, number in LINES}
        assert trouble.number in shown


def test_a_good_log_shows_nothing() -> None:
    lines = [
        "INFO 11-01 12:00:00 [api_server.py:1] vLLM API server version 0.33.0",
        "INFO GPU KV cache size: 2,124,598 tokens",
        "INFO Maximum concurrency for 1,048,576 tokens per request: 2.03x",
        "INFO Application startup complete.",
        "SpecDecoding metrics: Draft acceptance rate: 62.0%",
    ]
    report = read_log(lines)
    assert (report.engine, report.version, report.lines, report.findings) == ("vllm", "0.33.0", 5, ())
    assert "none of the known troubles" in str(report)


def test_the_line_of_vllms_engine_names_the_release() -> None:
    report = read_log([f"{VLLM_TP8}data_parallel_size=1"])
    assert (report.engine, report.version, report.findings) == ("vllm", "0.33.0", ())


def test_a_full_cache_of_several_replicas_is_not_a_copied_one() -> None:
    for engine, settings in (("vllm", f"{VLLM_TP8}data_parallel_size=8"), ("sglang", f"{SGLANG_TP8}8}}")):
        _, full = LINES[engine, 5].splitlines()
        assert read_log([settings, full], engine=engine).findings == ()
    _, full = LINES["sglang", 5].splitlines()
    assert read_log([f"{SGLANG_TP8}1, 'attn_dp_size': 8}}", full], engine="sglang").findings == ()


def test_a_cache_that_is_hit_once_or_has_hardly_been_asked_shows_nothing() -> None:
    for engine, hit in (("vllm", "Prefix cache hit rate: 41.0%"), ("sglang", f"{PREFILL}4096")):
        lines = LINES[engine, 15].splitlines()
        assert read_log(lines[:9], engine=engine).findings == ()
        assert read_log([*lines, hit], engine=engine).findings == ()


def test_the_settings_of_sglang_are_one_long_line() -> None:
    """SGLang 0.5.23 writes 19,000 characters, in which the parsers come after the first 4,000."""
    rest = ", ".join(f"'setting_{number}': None" for number in range(800))
    line = f"{SGLANG_TP8}1, {rest}, 'reasoning_parser': None, 'tool_call_parser': None}}"
    report = read_log([line])
    assert report.engine == "sglang"
    assert [each.trouble for each in report.findings] == [14]


def test_flags_that_the_release_refuses() -> None:
    lines = [
        "[2026-11-01] sglang version: 0.5.23",
        "launch_server.py: error: unrecognized arguments: --enable-deepep-waterfill --port-x 3",
        "error: argument --tool-call-parser: invalid choice: 'deepseek_v4' (choose from 'apertus2509')",
    ]
    report = read_log(lines)
    assert (report.engine, report.version) == ("sglang", "0.5.23")
    texts = [f"{each.title} {each.remedy}" for each in report.findings]
    assert "0.5.14 was the last release" in texts[0]
    assert "--port-x" in texts[1]
    assert "use --tool-call-parser deepseekv4" in texts[2]


def test_the_engine_inside_dynamo_is_not_the_server() -> None:
    report = read_log(["python3 -m dynamo.vllm --model x", "vLLM engine starts", LINES["vllm", 12]])
    assert report.engine == "dynamo"
    assert "UCX_TLS" in report.findings[0].remedy


def test_many_lines_and_long_ones() -> None:
    lines = ["x" * 100_000, *[LINES["vllm", 3]] * 500]
    report = read_log(lines, engine="vllm")
    (found,) = report.findings
    assert (found.line, found.times, report.lines) == (2, 500, 501)
    assert "500 times" in str(report)


def test_control_characters_of_a_log_stay_in_their_line() -> None:
    report = read_log([f"\x1b[31m{LINES['vllm', 9]}\x1b[0m\u2028"], engine="vllm")
    assert "\x1b" not in str(report)


def test_troubles_are_those_of_a_release() -> None:
    assert 1 in [each.number for each in troubles_of("vllm", "0.30.0")]
    assert 1 not in [each.number for each in troubles_of("vllm", "0.28.0")]
    assert 10 in [each.number for each in troubles_of("vllm", "0.20.0")]
    assert 10 not in [each.number for each in troubles_of("vllm", "0.33.0")]
    assert [each.number for each in troubles_of("sglang", features=("tools",))] == [14]
    assert list(troubles_of("nim")) == []
