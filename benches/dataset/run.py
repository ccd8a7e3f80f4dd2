#!/usr/bin/env python3
"""Measures the dataset layer: speed beside its peers, or memory at 60,000 and 600,000 pictures.

    cargo build --release
    python3 benches/dataset/run.py speed  --data ../shared/data [--work target/bench] [--runs 5] [--only tar,...]
    python3 benches/dataset/run.py memory --data ../shared/data

`--data` is a folder that holds fashion-mnist/, cifar10-jpeg/ and digits-trio-wds/ as `inputs.py` reads them. Inputs,
outputs and the virtual environment of the peers are made below `--work`. Each run of seedbed is followed by one of
its peer, so that a machine whose speed drifts hits both; medians are printed, and the median of the ratios (peer to
seedbed) of the pairs, in wall time and in processor time, which tells more where others work on the machine. seedbed's time is that of the whole process, files brought to the disk; the peers' leave out the start of Python.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import inputs

HERE = Path(__file__).parent
PACKAGES = ["datasets", "webdataset", "pillow", "numpy"]
LIGHT = [
    "--copies=4",
    "--op", '{ op = "hflip", p = 0.5 }',
    "--op", '{ op = "shift_scale_shear", shift_x = [-0.05, 0.05], shift_y = [-0.05, 0.05], border = "edge" }',
    "--op", '{ op = "brightness", factor = [0.8, 1.2] }',
]  # fmt: skip


class Bench:
    def __init__(self, args):
        self.args = args
        self.work = args.work.resolve()
        self.out = (args.out or args.work / "out").resolve()
        self.out.mkdir(parents=True, exist_ok=True)

    def seedbed(self, threads, stage, source, *options, out="out"):
        """Wall seconds, CPU seconds and peak MB of one stage as a command."""
        target = self.out / out
        shutil.rmtree(target, ignore_errors=True)
        command = [self.args.seedbed, "-q", stage, source, "--out", target, "--threads", threads, *options]
        log = self.work / "log.txt"
        timed = ["/usr/bin/time", "-f", "%e %U %S %M", "-o", log, *command]
        start = time.perf_counter()
        done = subprocess.run([str(part) for part in timed], stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - start
        if done.returncode not in (0, 3):
            sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}")
        _, user, system, peak = log.read_text().split()[-4:]
        return wall, float(user) + float(system), int(peak) / 1024

    def peer(self, name, folder, threads):
        """Wall and CPU seconds of a peer in Python."""
        python = self.work / "peers" / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", self.work / "peers"], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        command = [python, HERE / "peers.py", name, folder, str(threads)]
        done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
        wall, cpu, _ = map(float, done.stdout.split())
        return wall, cpu

    def gzip(self, path):
        """Wall and CPU seconds of the command gzip."""
        before, start = os.times(), time.perf_counter()
        subprocess.run(["gzip", "-dc", path], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        return time.perf_counter() - start, sum(after[2:4]) - sum(before[2:4])

    def disk(self, size):
        """Wall and CPU seconds to bring so many bytes of nothing to the disk: what no program goes below."""
        path, block = self.out / "disk", bytes(1 << 20)
        start, cpu = time.perf_counter(), time.process_time()
        with open(path, "wb") as file:
            for _ in range(size >> 20):
                file.write(block)
            os.fsync(file.fileno())
        seconds = time.perf_counter() - start, time.process_time() - cpu
        path.unlink()
        return seconds

    def pairs(self, what, samples, ours, theirs):
        """A row of the table for each number of threads."""
        if self.args.only and what.split()[0] not in self.args.only:
            return
        for threads in (1, 2):
            runs = [(ours(threads), theirs(threads)) for _ in range(self.args.runs + 1)][1:]
            median = statistics.median
            wall, cpu = (median(run[i] for run, _ in runs) for i in (0, 1))
            other, other_cpu = (median(peer[i] for _, peer in runs) for i in (0, 1))
            ratio, cpu_ratio = (median(peer[i] / run[i] for run, peer in runs) for i in (0, 1))
            print(
                f"| {what} | {threads} | {wall:.2f} s | {cpu:.2f} s | {samples / cpu:,.0f} | {other:.2f} s |"
                f" {other_cpu:.2f} s | {ratio:.2f} | {cpu_ratio:.2f} |",
                flush=True,
            )


def speed(bench):
    data, work = bench.args.data, bench.work
    fashion, jpeg, trio = inputs.fashion(data, work), inputs.jpeg(data, work, 10), inputs.trio(data, work, 10)
    packed = fashion / "train-images-idx3-ubyte.gz"
    print("| what; peer | threads | seedbed | CPU | samples per CPU second | peer | CPU | ratio | of CPU |")
    print("| --- " + "| ---: " * 8 + "|")
    collect = lambda source, *options: lambda threads: bench.seedbed(threads, "collect", source, *options)
    raw = ("--storage", "raw")
    bench.pairs("idx.gz to PNG; gzip -dc", 60_000, collect(fashion), lambda _: bench.gzip(packed))
    bench.pairs("idx.gz to raw; gzip -dc", 60_000, collect(fashion, *raw), lambda _: bench.gzip(packed))
    for peer in ("copied", "decoded"):
        what = f"jpeg folder; datasets, {peer}"
        bench.pairs(what, 20_000, collect(jpeg), lambda threads, peer=peer: bench.peer(peer, jpeg, threads))
    bench.pairs("tar; webdataset", 6_000, collect(trio), lambda threads: bench.peer("webdataset", trio, threads))
    bench.seedbed(2, "collect", fashion, *raw, out="fashion")
    augment = lambda threads: bench.seedbed(threads, "augment", bench.out / "fashion", *LIGHT)
    augment(2)
    size = sum(file.stat().st_size for file in (bench.out / "out").iterdir())
    bench.pairs(f"augment x 4; {size >> 20} MB written to the disk", 60_000, augment, lambda _: bench.disk(size))


def memory(bench):
    data, work = bench.args.data, bench.work
    print("| stage | 60,000 | 600,000 |\n| --- | ---: | ---: |")

    def row(stage, *call):
        if bench.args.only and stage.split()[0] not in bench.args.only:
            return
        peaks = [bench.seedbed(2, stage.split()[0], *call_of(times))[2] for times in (1, 10) for call_of in call]
        print(f"| {stage} | {peaks[0]:.0f} MB | {peaks[1]:.0f} MB |", flush=True)

    row("collect IDX", lambda n: [inputs.idx(data, work, n)])
    row("collect tar", lambda n: [inputs.tar(data, work, n)])
    for n in (1, 10):
        bench.seedbed(2, "collect", inputs.idx(data, work, n), "--storage", "raw", out=f"set-{n}")
    made = lambda n: bench.out / f"set-{n}"
    row("preprocess", lambda n: [made(n), "--size", "32"])
    row("augment", lambda n: [made(n), "--copies", "1"])
    for form in ("webdataset", "parquet", "arrow", "idx", "npz", "jsonl", "tfrecord"):
        row(f"export {form}", lambda n, form=form: [made(n), "--format", form])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "memory"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("target/bench"))
    parser.add_argument("--out", type=Path, help="where results are written; below --work unless given")
    parser.add_argument("--seedbed", type=Path, default=Path("target/release/seedbed"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", type=lambda text: text.split(","))
    args = parser.parse_args()
    args.seedbed = args.seedbed.resolve()
    bench = Bench(args)
    try:
        (speed if args.what == "speed" else memory)(bench)
    finally:
        shutil.rmtree(bench.out, ignore_errors=True)


if __name__ == "__main__":
    main()
