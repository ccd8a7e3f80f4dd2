"""Programs that take turns: each is given names of operations, one a line, and answers each with the least time of a call."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Program:
    """A program that answers the name of an operation with its least time."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def least(self, op):
        self.process.stdin.write(op + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().strip()
        if not line:
            sys.exit(f"{self.name} stopped at {op}")
        return None if line == "none" else float(line)


def environment(folder, packages, env=None):
    """The Python of a virtual environment with these packages; None where they cannot be installed."""
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists() or not set(packages) <= set(done.read_text().split()):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        installed = subprocess.run([python, "-m", "pip", "-q", "install", *packages], env=env)
        if installed.returncode != 0:
            return None
        done.write_text("\n".join(packages))
    return python


def least(op):
    """The least time of a call in nanoseconds, of calls that together take a quarter of a second."""
    op()
    start = time.perf_counter_ns()
    op()
    calls = min(max(200_000 // max(time.perf_counter_ns() - start, 1), 1), 10_000)
    begin, best = time.perf_counter_ns(), float("inf")
    while time.perf_counter_ns() - begin < 250_000_000:
        start = time.perf_counter_ns()
        for _ in range(calls):
            op()
        best = min(best, (time.perf_counter_ns() - start) / calls)
    return best
