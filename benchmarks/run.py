"""All benchmarks, one after another: `make bench`, or `python benchmarks/run.py --tiny` for a quick look."""

from __future__ import annotations

import argparse
import os
import platform

import count
import imports
import plain
import stream
from measure import versions

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="a small run that shows only that they work")
    tiny = parser.parse_args().tiny
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores")
    print(versions("deepseek-v4-sdk", "httpx", "httpcore", "pydantic-core", "openai"))
    stream.main(**({"chunks": 500, "rounds": 1} if tiny else {}))
    plain.main(**({"calls": 20, "rounds": 1} if tiny else {}))
    imports.main(**({"rounds": 1} if tiny else {}))
    count.main(**({"size": 500_000, "messages": 100, "rounds": 1} if tiny else {}))
    if tiny:
        print("\nA run this small shows that the benchmarks work. Its figures mean nothing.")
