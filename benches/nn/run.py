#!/usr/bin/env python3
"""Measures the training of small models, a decoder and matrix products beside other libraries, and prints tables of ratios.

    python3 benches/nn/run.py [--work target/bench-nn] [--rounds 3] [--only vae] [--no-jax] [--no-rust-peers]

For each our program and those of the peers take turns, a quarter of a second each, so that a machine whose speed drifts
hits all; of each the least time of a call counts. One call is one step of training (forward, backward, Adam) on a batch
with new noise, or the decoding of one latent vector, or one product. Python's packages are installed into a virtual
environment below `--work`: PyTorch takes some gigabytes there.

`of peak` is the share of what the fused multiply-adds of one core could do, as measured in the run, that the products which
have to be computed reach; for two threads, of two cores.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from turns import ROOT, Program, environment

# Name, million multiply-adds of a call, the ratio to the best peer that is wanted.
MODELS = [("mlp-vae", 210, 1.08), ("conv-vae", 1355, 1.3), ("dcgan", 4690, 1.2), ("decoder", 0.32, 1.0)]
CRATES = ("gemm", "faer", "matrixmultiply", "burn", "candle")
PEAK = 12 * 16 * 20_000


def shapes():
    """Of products as nn_table has them: rows, columns, k, and n or t for A and B as they are or transposed. Of `packed` ones
    ours has B in panels before, as the weights of a model in use are."""
    square = [f"{n}x{n}x{n} nn" for n in (64, 128, 256, 512, 1024)]
    vae = ["128x400x784 nt", "128x40x400 nt", "128x400x20 nt", "128x784x400 nt", "128x400x784 nn", "128x20x400 nn",
           "128x400x40 nn", "400x784x128 tn", "40x400x128 tn", "400x20x128 tn", "784x400x128 tn"]  # fmt: skip
    few = ["1x784x400 nt", "4x784x400 nt", "8x784x400 nt", "16x784x400 nt", "2x1024x1024 nn", "16x1024x1024 nn"]
    groups = (("gemm ", square, 0.97), ("gemm ", vae, 0.97), ("gemm ", few, 1.2), ("packed ", few[:4], 1.2))
    return [(kind + shape, wanted) for kind, group, wanted in groups for shape in group]


def programs(args):
    cargo = ["cargo", "bench", "--quiet"]
    ours = Program("seedbed", [*cargo, "-p", "seedbed-benches", "--bench", "nn_table"])
    packages = ["numpy", "torch", "onnxruntime", "onnx"] + ([] if args.no_jax else ["jax[cpu]"])
    python = environment(args.work / "peers", packages)
    if python is None:
        sys.exit("cannot install the peers by pip")
    libraries = ["torch", "numpy", "onnxruntime"] + ([] if args.no_jax else ["jax"])
    # How many threads a library has is said when it starts.
    peers = {n: [Program(name, [python, HERE / "peers.py", name, n]) for name in libraries] for n in (1, 2)}
    if not args.no_rust_peers:
        rust = [*cargo, "--manifest-path", "benches/peers/Cargo.toml", "--features", "models", "--bench"]
        peers[1].append(Program("rust", [*rust, "products"]))
        for n, programs in peers.items():
            programs.append(Program("rust", ["env", f"RAYON_NUM_THREADS={n}", *rust, "models"]))
    return ours, peers


def least(rounds, ours, peers, name, threads):
    best, others = float("inf"), {}
    for _ in range(rounds):
        best = min(best, ours.least(f"{name} {threads}"))
        for peer in peers:
            # The crates' names are those of the operation.
            for library in CRATES if peer.name == "rust" else (peer.name,):
                op = name.replace("packed ", "gemm ")
                time = peer.least(f"{library} {op}" if peer.name == "rust" else op)
                if time is not None:
                    others[library] = min(time, others.get(library, float("inf")))
    return best, sorted(others.items(), key=lambda item: item[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "bench-nn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--no-jax", action="store_true")
    parser.add_argument("--no-rust-peers", action="store_true")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    ours, peers = programs(args)
    peak = PEAK / min(ours.least("peak 1") for _ in range(args.rounds))
    print(f"peak {2 * peak:.0f} GFLOP/s on one core\n")
    print("| a call | threads | seedbed, µs | best peer, µs | ratio | wanted | of peak | other peers, µs |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    cases = [(name, n, work * 1e6, wanted) for name, work, wanted in MODELS for n in (1, 2) if (name, n) != ("decoder", 2)]
    for shape, wanted in shapes():
        m, n, k = (int(side) for side in shape.split()[1].split("x"))
        cases.append((shape, 1, m * n * k, wanted))
    for name, threads, products, wanted in cases:
        if args.only not in name:
            continue
        best, others = least(args.rounds, ours, peers[threads], name, threads)
        (first, time), *rest = others
        show = lambda ns: f"{ns / 1000:,.1f}" if ns < 1e6 else f"{ns / 1000:,.0f}"
        print(
            f"| {name} | {threads} | {show(best)} | {show(time)} ({first}) | {time / best:.2f} | {wanted} "
            f"| {products / best / peak / threads:.0%} | {', '.join(f'{name} {show(ns)}' for name, ns in rest)} |",
            flush=True,
        )


main()
