"""`check`: what a release refuses, dies of later, or serves badly, and what it lets pass."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time

import pytest

from deepseek_v4_sdk.deploy import CommandProblem, check
from deepseek_v4_sdk.errors import ConfigurationError

PRO, FLASH = "deepseek-ai/DeepSeek-V4-Pro", "deepseek-ai/DeepSeek-V4-Flash"
PARSERS = "--tool-call-parser deepseek_v4 --enable-auto-tool-choice --reasoning-parser deepseek_v4"
VLLM = f"--trust-remote-code --kv-cache-dtype fp8 --block-size 256 --tokenizer-mode deepseek_v4 {PARSERS}"
SGLANG = "--tool-call-parser deepseekv4 --reasoning-parser deepseek-v4 --swa-full-tokens-ratio 0.1"


def vllm(flags: str, *, version: str = "0.33.0", model: str = FLASH, **rest: object) -> list[CommandProblem]:
    return check("vllm", version, shlex.split(f"vllm serve {model} {VLLM} {flags}"), **rest)  # type: ignore[arg-type]


def sglang(flags: str, *, version: str = "0.5.23", model: str = FLASH, **rest: object) -> list[CommandProblem]:
    words = shlex.split(f"sglang serve --model-path {model} --trust-remote-code {SGLANG} {flags}")
    return check("sglang", version, words, **rest)  # type: ignore[arg-type]


def error(problems: list[CommandProblem]) -> CommandProblem:
    (found,) = (each for each in problems if each.severity == "error")
    assert found.text
    assert found.remedy
    return found


@pytest.mark.parametrize(
    "name", ["vllm serve", "python3 -m vllm.entrypoints.openai.api_server", "X=1 vllm serve", "env X=1 vllm serve", ""]
)
def test_a_good_command_has_no_problem_with_and_without_its_program(name: str) -> None:
    assert check("vllm", "0.33.0", shlex.split(f"{name} --model {FLASH} {VLLM} -tp 4")) == []
    assert sglang("--tp 4") == []  # an abbreviation, as the cookbook has it


def test_the_old_name_of_the_fp4_index() -> None:
    old = "--attention_config.use_fp4_indexer_cache=True"
    for version in ("0.30.0", "0.31.0", "0.32.0", "0.33.0"):
        found = error(vllm(old, version=version, gpu="b200"))
        assert found.flag == "--attention_config.use_fp4_indexer_cache"
        assert (found.since, found.last) == ("0.20.0", "0.29.0")
        assert "indexer_kv_dtype mxfp4" in found.remedy
    assert [each.severity for each in vllm(old, version="0.28.0", gpu="b200")] == ["note"]
    assert vllm(old, version="0.25.0", gpu="b200") == []


def test_the_new_name_of_the_fp4_index_before_v4_reads_it() -> None:
    new = "--attention-config.indexer_kv_dtype mxfp4"
    found = error(vllm(new, version="0.25.0", gpu="b200"))
    assert (found.flag, found.since) == ("--attention-config.indexer_kv_dtype", "0.28.0")
    assert vllm(new, version="0.28.0", gpu="b200") == vllm(new, gpu="b200") == []
    assert "sm_10x" in error(vllm(f"{new} -tp 8", gpu="rtxpro6000")).text
    as_json = """-tp 4 --attention-config '{"indexer_kv_dtype": "mxfp4"}'"""
    assert vllm(as_json, gpu="b200") == []
    assert error(vllm(as_json, gpu="h200")).flag == "--attention-config.indexer_kv_dtype"


@pytest.mark.parametrize(
    ("flag", "last"),
    [
        ("--enable-deepep-waterfill", "0.5.14"),
        ("--nsa-prefill-cp-mode round-robin-split", "0.5.18"),
        ("--prefill-round-robin-balance", "0.5.18"),
        ("--cuda-graph-max-bs 8", "0.5.18"),  # it begins the names of others, and is not an abbreviation
    ],
)
def test_flags_that_sglang_has_dropped(flag: str, last: str) -> None:
    found = error(sglang(flag))
    assert (found.flag, found.last) == (flag.partition(" ")[0], last)
    assert not [each for each in sglang(flag, version=last) if each.severity == "error"]


def test_what_is_of_another_engine_or_of_none() -> None:
    assert "flag of vLLM" in error(sglang("--enable-auto-tool-choice")).text
    assert "ambiguous" in error(sglang("--cp 2")).text
    assert error(vllm("--max-model-length 8k")).remedy == "use --max-model-len"
    assert error(vllm("--sse-keep-alive-interval 5", version="0.28.0")).since == "0.29.0"


@pytest.mark.parametrize(
    ("flags", "flag"),
    [
        ("--max-model-len lots", "--max-model-len"),
        ("--max-num-seqs 1k", "--max-num-seqs"),
        ("--gpu-memory-utilization much", "--gpu-memory-utilization"),
        ("--moe-backend marlyn", "--moe-backend"),
        ("--speculative-config {broken", "--speculative-config"),
        ("--tensor-parallel-size", "--tensor-parallel-size"),
        ("--enable-expert-parallel=yes", "--enable-expert-parallel"),
        ("--attention-config.backend_per_kinds x", "--attention-config.backend_per_kinds"),
        ("another/model", "another/model"),
    ],
)
def test_values(flags: str, flag: str) -> None:
    found = error(vllm(flags))
    assert found.flag == flag


@pytest.mark.parametrize("value", ["auto", "-1", "200000", "200k", "1M"])
def test_the_windows_that_vllm_reads(value: str) -> None:
    assert not [each for each in vllm(f"--max-model-len {value}") if each.severity == "error"]


def test_a_json_flag_from_inside() -> None:
    inside = """--compilation-config '{"pass_config": {"fuse_norms": true}}'"""
    assert "fuse_norm" in error(vllm(inside)).text
    assert vllm("--compilation-config.custom_ops+ all") == []  # as vLLM adds to a list
    assert vllm("""--compilation-config '{"mode":0,"cudagraph_mode":"FULL_DECODE_ONLY"}'""") == []


def test_names_of_parsers_are_not_those_of_the_other_engine() -> None:
    line = f"vllm serve {FLASH} --tool-call-parser deepseekv4 --enable-auto-tool-choice --reasoning-parser deepseek-v4"
    wrong = check("vllm", "0.33.0", line.split())
    assert {(each.flag, each.remedy) for each in wrong if each.severity == "error"} == {
        ("--tool-call-parser", "use deepseek_v4"),
        ("--reasoning-parser", "use deepseek_v4"),
    }
    wrong = check(
        "sglang", "0.5.23", f"--model {FLASH} --tool-call-parser deepseek_v4 --mem-fraction-static 0.9".split()
    )
    assert error(wrong).remedy == "use deepseekv4"
    assert error(vllm("--tokenizer-mode deepseekv4")).remedy == "use deepseek_v4"


def test_missing_parsers() -> None:
    bare = check("sglang", "0.5.23", ["--model-path", FLASH, "--swa-full-tokens-ratio", "0.1"])
    assert [(each.severity, each.flag) for each in bare] == [
        ("warning", "--tool-call-parser"),
        ("warning", "--reasoning-parser"),
    ]
    bare = check("vllm", "0.25.0", [FLASH])
    assert {each.flag for each in bare} == {"--tool-call-parser", "--reasoning-parser", "--tokenizer-mode"}
    half = check("vllm", "0.33.0", [FLASH, *PARSERS.replace("--enable-auto-tool-choice", "").split()])
    assert [each.flag for each in half] == ["--enable-auto-tool-choice"]


def test_parsers_of_two_models() -> None:
    line = f"--model {FLASH} --tool-call-parser deepseekv4 --reasoning-parser qwen3 --max-running-requests 8"
    assert "parsers of two models" in error(check("sglang", "0.5.23", line.split())).text


def test_what_dies_later_on_the_wrong_gpu() -> None:
    mega = "--moe-backend deep_gemm_mega_moe --enable-expert-parallel -tp 8"
    assert vllm(mega, gpu="b200") == []
    for gpu in ("h200", "rtxpro6000"):
        assert "SM100" in error(vllm(mega, gpu=gpu)).text
        assert "SM100" in error(sglang("--tp 8 --dp 8 --enable-dp-attention --moe-a2a-backend megamoe", gpu=gpu)).text
    assert error(vllm(mega.replace("--enable-expert-parallel", ""), gpu="b200")).flag == "--moe-backend"
    nvfp4 = "nvidia/DeepSeek-V4-Flash-NVFP4"
    assert error(vllm("-tp 4", model=nvfp4, gpu="h200")).flag == "--model"
    assert error(vllm(mega, model=nvfp4, gpu="b200")).flag == "--moe-backend"


def test_slices_that_fp8_blocks_do_not_allow() -> None:
    found = error(vllm("--tensor-parallel-size 16", model=PRO))
    assert "192" in found.text
    assert found.remedy == "use --tensor-parallel-size 8 --data-parallel-size 2"
    assert vllm("--tensor-parallel-size 8 --data-parallel-size 2", model=PRO) == []
    assert sglang("--tp 16 --moe-runner-backend marlin", model=PRO) == []


def test_drafts_belong_to_the_weights() -> None:
    mtp = """--speculative-config '{"method":"mtp","num_speculative_tokens":2}'"""
    dspark = """--speculative-config.method dspark --speculative-config.num_speculative_tokens 7"""
    assert vllm(mtp) == vllm(dspark, model="deepseek-ai/DeepSeek-V4-Flash-0731") == []
    assert "dspark" in error(vllm(mtp, model="deepseek-ai/DeepSeek-V4-Pro-0813")).remedy
    assert "mtp" in error(vllm(dspark)).remedy
    eagle = "--speculative-algorithm EAGLE --speculative-eagle-topk 1"
    assert sglang(eagle) == []
    assert "DSPARK" in error(sglang(eagle, model="/models/DeepSeek-V4-Pro-0813/")).remedy
    assert error(sglang(eagle.replace("1", "2"))).flag == "--speculative-eagle-topk"
    assert error(sglang("--speculative-algorithm NGRAM")).flag == "--speculative-algorithm"


def test_the_hybrid_manager_stays_on() -> None:
    connector = """--kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'"""
    assert "--no-disable-hybrid-kv-cache-manager" in error(vllm(connector)).remedy
    assert vllm(f"{connector} --no-disable-hybrid-kv-cache-manager") == []
    assert error(vllm("--disable-hybrid-kv-cache-manager")).flag == "--disable-hybrid-kv-cache-manager"
    assert vllm(f"{connector} --enable-hybrid-kv-cache-manager") == []  # the twin that 0.33 has
    assert error(vllm("--enable-hybrid-kv-cache-manager", version="0.32.0")).since == "0.33.0"


def test_what_deepep_may_dispatch() -> None:
    flags = "--tp 16 --dp 16 --enable-dp-attention --moe-a2a-backend deepep --max-running-requests 1024"
    drafts = "--speculative-algorithm EAGLE --speculative-num-draft-tokens 4"
    limit = {"SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK": "128"}
    assert not [each for each in sglang(flags, env=limit) if each.severity == "error"]
    found = error(sglang(f"{flags} {drafts}", env=limit))
    assert found.flag == "SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK"
    assert "256" in found.remedy


def test_the_pool_that_fills_a_gpu() -> None:
    words = f"--model-path {PRO} --tool-call-parser deepseekv4 --reasoning-parser deepseek-v4 --tp 8".split()
    (found,) = check("sglang", "0.5.23", words)
    assert (found.severity, found.flag, found.since) == ("warning", "--swa-full-tokens-ratio", "0.5.22")
    assert check("sglang", "0.5.20", words) == []


def test_context_parallelism_of_today() -> None:
    good = "--tp 8 --enable-prefill-cp --cp-strategy interleave --attn-cp-size 8"
    assert sglang(good) == []
    assert error(sglang(good.replace("--tp 8", "--tp 16"), model=PRO)).flag == "--enable-prefill-cp"
    assert error(sglang(good.replace("interleave", "zigzag"))).flag == "--cp-strategy"


def test_variables() -> None:
    env = {"VLLM_RPC_TIMEOUT": "1", "VLLM_LOGGING_LEVEL": "INFO", "NCCL_DEBUG": "INFO"}
    (found,) = vllm("", env=env)
    assert (found.severity, found.flag) == ("warning", "VLLM_RPC_TIMEOUT")
    assert error(vllm("--fail-on-environ-validation", env=env)).flag == "VLLM_RPC_TIMEOUT"
    (found,) = sglang("", env={"SGLANG_ENABLE_SPEC_V2": "1", "SGLANG_DSV4_FP4_EXPERTS": "0"})
    assert (found.severity, found.flag) == ("warning", "SGLANG_ENABLE_SPEC_V2")


def test_weights_that_fit_nowhere() -> None:
    assert "GiB of weights" in error(vllm("--tensor-parallel-size 4", model=PRO, gpu="h200")).text
    assert vllm("--tensor-parallel-size 4", gpu="h200") == []


def test_caps_of_benchmarks_and_short_windows() -> None:
    assert [each.severity for each in vllm("--max-model-len 9280")] == ["warning"]
    assert [each.severity for each in vllm("--max-model-len 200000")] == ["note"]


def test_a_file_of_flags_is_not_read() -> None:
    (found,) = vllm("--config flags.yaml")
    assert (found.severity, found.flag) == ("note", "--config")


def test_dynamo_reads_its_own_parsers() -> None:
    words = ["python3", "-m", "dynamo.vllm", "--model", FLASH, "--block-size", "256", "--tensor-parallel-size", "4"]
    dyn = ["--dyn-tool-call-parser", "deepseek_v4", "--dyn-reasoning-parser", "deepseek_v4"]
    assert check("dynamo", "1.6.1", [*words, *dyn]) == []
    bare = check("dynamo", "1.6.1", words)
    assert {(each.severity, each.flag) for each in bare} == {
        ("warning", "--dyn-tool-call-parser"),
        ("warning", "--dyn-reasoning-parser"),
    }
    found = error(check("dynamo", "1.6.1", [*words, *dyn, "--tool-call-parser", "deepseek_v4"]))
    assert (found.flag, found.remedy) == ("--tool-call-parser", "use --dyn-tool-call-parser")
    inside = ["python3", "-m", "dynamo.sglang", "--model-path", FLASH, "--max-running-requests", "8", *dyn]
    assert check("dynamo", "1.6.1", inside) == []
    assert error(check("dynamo", "1.6.1", [*inside, "--enable-dp-lm-heads"])).remedy == "use --enable-dp-lm-head"


@pytest.mark.parametrize(
    ("engine", "version", "words"),
    [
        ("vllm", "0.28.1", ["the nearest is 0.28.0", "make tables VERSION=vllm==0.28.1"]),
        ("vllm", "latest", ["is not a version"]),
        ("tgi", "3", ["'tgi' is not known", "vllm"]),
    ],
)
def test_what_the_tables_do_not_know(engine: str, version: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(engine, version, [])
    assert all(word in str(caught.value) for word in words)


def test_unknown_gpu_and_one_text() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'h200'"):
        check("vllm", "0.33.0", [], gpu="h2000")
    assert check("vllm", "0.33.0", [FLASH, *VLLM.split(), "-tp", "8"], gpu="RTX PRO 6000") == []
    with pytest.raises(ConfigurationError, match=r"shlex\.split"):
        check("vllm", "0.33.0", "vllm serve")


@pytest.mark.parametrize("value", ["0", "-1", "0.0", "nan", "9" * 30, "", "x", "{}"])
def test_numbers_that_make_no_sense_break_nothing(value: str) -> None:
    for flag in ("--tensor-parallel-size", "--data-parallel-size", "--max-num-batched-tokens", "--max-model-len"):
        assert isinstance(vllm(f"{flag}={value}", gpu="h200"), list)
    for flag in ("--tp-size", "--attn-dp-size", "--pp-size", "--max-running-requests", "--swa-full-tokens-ratio"):
        assert isinstance(sglang(f"{flag}={value}", gpu="h200"), list)


def test_it_takes_half_a_second() -> None:
    check("vllm", "0.33.0", [FLASH])
    began = time.process_time()
    vllm("--tensor-parallel-size 8", version="0.31.0")
    assert time.process_time() - began < 0.5


def test_it_loads_no_network_library() -> None:
    code = (
        "import sys; from deepseek_v4_sdk.deploy import check; check('vllm', '0.33.0', []); "
        "print(*[name for name in ('yaml', 'torch', 'typer', 'jsonschema') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
