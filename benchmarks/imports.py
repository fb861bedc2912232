"""What does an import cost? A fresh interpreter for each try, with byte-code on disk, its own start taken off."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from importlib.util import find_spec

from measure import Goal, Result, clean_environment

OURS, FLOOR, OPENAI = "deepseek_v4_sdk and a client", "httpx + pydantic", "openai and a client"
PROGRAMS = {
    "httpx": "import httpx",
    FLOOR: "import httpx, pydantic",
    "deepseek_v4_sdk": "import deepseek_v4_sdk",
    OURS: "import deepseek_v4_sdk; deepseek_v4_sdk.DeepSeekV4('vllm', base_url='http://localhost')",
    "openai": "import openai",
    OPENAI: "import openai; openai.OpenAI(api_key='none')",
    "langchain-nvidia-ai-endpoints": "import langchain_nvidia_ai_endpoints",
    "langchain-openai": "import langchain_openai",
}
GOALS = [Goal(OURS, FLOOR, 1.15), Goal(OURS, OPENAI, 0.3)]


def milliseconds(program: str, byte_code: str) -> float:
    """CPU milliseconds of one process, which keeps its byte-code in its own folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {
        **clean_environment(),
        "PYTHONPYCACHEPREFIX": byte_code,
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def main(*, rounds: int = 9) -> list[Result]:
    """Measure imports, each in its own process."""

    def installed(name: str) -> bool:
        return find_spec(name.partition(" ")[0].replace("-", "_")) is not None

    programs = {name: program for name, program in PROGRAMS.items() if installed(name)}
    taken: dict[str, list[float]] = {name: [] for name in ("", *programs)}
    with tempfile.TemporaryDirectory() as byte_code:
        for turn in range(rounds + 1):
            for name, found in taken.items():
                value = milliseconds(programs.get(name, ""), byte_code)
                if turn:  # the first round writes the byte-code
                    found.append(value)
    start = taken.pop("")
    over = {name: [value - bare for value, bare in zip(found, start, strict=True)] for name, found in taken.items()}
    return [Result("imports", "Import, over a bare interpreter: CPU", "ms", over, GOALS, OPENAI)]


if __name__ == "__main__":
    for result in main():
        print(result.table())
