#!/usr/bin/env python3
"""Measures what training the MLP VAE costs beside its arithmetic, ours beside PyTorch and JAX: the memory of the process after
one epoch of 60,000 pictures of bytes (VmHWM), and the time from its start to the end of its first step, less what the
pictures took to make.

    python3 benches/nn/start.py [--work target/bench-nn] [--rounds 3]
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from turns import ROOT, environment


def ours():
    """The path of our program: cargo's own start must not count."""
    built = ["cargo", "bench", "--quiet", "-p", "seedbed-benches", "--bench", "elbo", "--no-run", "--message-format", "json"]
    lines = subprocess.run(built, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    return next(m["executable"] for m in found if m.get("target", {}).get("name") == "elbo" and m.get("executable"))


def run(command):
    """Milliseconds up to what is said, and megabytes at the end."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    marks, begun = {}, time.perf_counter()
    for line in process.stdout:
        marks[line.strip().split()[0]] = (time.perf_counter() - begun) * 1000
        last = line
    if process.wait() != 0:
        sys.exit(f"{command} failed")
    return marks, int(last.split()[0]) * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "bench-nn")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    python = environment(args.work / "peers", ["numpy", "torch", "jax[cpu]", "onnxruntime", "onnx"])
    if python is None:
        sys.exit("cannot install the peers by pip")
    programs = {"seedbed": [ours(), "--start"]}
    programs |= {name: [python, HERE / "peers.py", name, 1, "--start"] for name in ("torch", "jax")}
    print("| library | start to first step, ms | most memory, MB |\n| --- | ---: | ---: |")
    for name, command in programs.items():
        found = [run(command) for _ in range(args.rounds)]
        # The pictures are made after `imported` is said and before `pictures` is.
        first = min(m["step"] - m["pictures"] + m["imported"] for m, _ in found)
        print(f"| {name} | {first:,.0f} | {min(most for _, most in found):,.0f} |", flush=True)


main()
