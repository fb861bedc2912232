"""What does an import cost? A fresh interpreter for each try, with byte-code on disk, its own start taken off."""

from __future__ import annotations

import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import tempfile

from measure import table

PROGRAMS = {
    "httpx": "import httpx",
    "deepseek_v4_sdk": "import deepseek_v4_sdk",
    "deepseek_v4_sdk and a client": (
        "import deepseek_v4_sdk; deepseek_v4_sdk.DeepSeekV4('vllm', base_url='http://localhost')"
    ),
    "openai": "import openai",
    "openai and a client": "import openai; openai.OpenAI(api_key='none')",
}


def milliseconds(program: str, byte_code: str) -> float:
    """CPU milliseconds of one process, which keeps its byte-code in a folder of its own."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], env={**variables, "PYTHONPYCACHEPREFIX": byte_code}, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def main(*, rounds: int = 9) -> None:
    """Measure, and print the table."""
    programs = {
        name: program
        for name, program in PROGRAMS.items()
        if not name.startswith("openai") or importlib.util.find_spec("openai") is not None
    }
    taken: dict[str, list[float]] = {name: [] for name in ("", *programs)}
    with tempfile.TemporaryDirectory() as byte_code:
        for _ in range(rounds + 1):  # the first round writes the byte-code
            for name in taken:
                taken[name].append(milliseconds(programs.get(name, ""), byte_code))
    medians = {name: statistics.median(values[1:]) for name, values in taken.items()}
    start = medians.pop("")
    results = {name: value - start for name, value in medians.items()}
    table(f"Import, over the {start:.0f} ms of a bare interpreter: CPU", "ms", results, "openai")


if __name__ == "__main__":
    main()
