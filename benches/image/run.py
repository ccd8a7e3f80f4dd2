#!/usr/bin/env python3
"""Measures image operations beside the best libraries for the same work, and prints the table of ratios.

    python3 benches/image/run.py [--work target/bench-image] [--rounds 3] [--only resize] [--no-rust-peers]

Everything is on one thread. For each operation our program and those of the peers take turns, a quarter of a second each,
so that a machine whose speed drifts hits all; of each the least time of a call counts. 512 x 512 RGB of 8 bits, unless
the name says otherwise. Python's packages are installed into a virtual environment below `--work`; Pillow-SIMD, which is
compiled there, needs a C compiler, Python's headers, and those of zlib and libjpeg, and is left out where these are
missing, with a line that says so.

The column `bound` is what the machine itself allows, and `of it` the share that we reach: the time to move the bytes
that are read and written, at the speed of a copy of one such image in the same run (for the 3 MiB of numbers of
`normalise`, which do not fit where a copy does, that of filling them with one number); or, where that is longer, that of the
products of the definition at 32 of 16 bits a cycle (two registers of 256 bits), with the cycle measured in the run.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from turns import ROOT, Program, environment

IMAGE = 512 * 512 * 3
PART = 224 * 224 * 3
NUMBERS = IMAGE * 4

# Name, the ratio that is wanted, bytes read and written, products.
OPS = [
    ("hflip", 1.0, 2 * IMAGE, 0),
    ("vflip", 1.0, 2 * IMAGE, 0),
    ("crop224", 1.0, 2 * PART, 0),
    ("cutout", 1.0, 2 * IMAGE, 0),
    ("cutmix", 1.0, 2 * IMAGE, 0),
    ("rot90", 2.0, 2 * IMAGE, 0),
    ("transpose", 2.0, 2 * IMAGE, 0),
    ("brightness_contrast", 1.5, 2 * IMAGE, 0),
    ("gamma", 1.5, 2 * IMAGE, 0),
    ("greyscale", 2.5, IMAGE + IMAGE // 3, IMAGE),
    ("normalise", 6.0, IMAGE + NUMBERS, 0),
    ("normalise_chw", None, IMAGE + NUMBERS, 0),
    ("mixup", 3.0, 3 * IMAGE, IMAGE),
    ("resize_512_224_bilinear", 1.3, IMAGE + PART, round(512 * 224 * 3 * 4.57 + PART * 4.57)),
    ("resize_512_224_bicubic", 1.3, IMAGE + PART, round(512 * 224 * 3 * 9.14 + PART * 9.14)),
    ("resize_512_224_lanczos3", 1.3, IMAGE + PART, round(512 * 224 * 3 * 13.7 + PART * 13.7)),
    ("resize_224_512_bilinear", 1.5, IMAGE + PART, 224 * 512 * 3 * 2 + IMAGE * 2),
    ("rotate", 2.5, 2 * IMAGE, IMAGE * 6),
    ("affine", 2.5, 2 * IMAGE, IMAGE * 6),
    ("perspective", 2.5, 2 * IMAGE, IMAGE * 6),
    ("rotate_nearest", None, 2 * IMAGE, 0),
    ("rotate_bicubic", None, 2 * IMAGE, IMAGE * 20),
    ("elastic", 3.0, 2 * IMAGE, IMAGE * 6),
    ("elastic_smooth", None, 2 * IMAGE, IMAGE * 6),
    ("grid_distortion", None, 2 * IMAGE, IMAGE * 6),
    ("optical_distortion", None, 2 * IMAGE, IMAGE * 6),
    ("thin_plate", None, 2 * IMAGE, IMAGE * 6),
    ("gaussian_blur", 1.5, 2 * IMAGE, IMAGE * 10),
    ("box_blur", None, 2 * IMAGE, 0),
    ("median_3", None, 2 * IMAGE, 0),
    ("median_5", 1.0, 2 * IMAGE, 0),
    ("median_7", None, 2 * IMAGE, 0),
    ("motion_9", 1.5, 2 * IMAGE, IMAGE * 9),
    ("motion_15", 1.5, 2 * IMAGE, IMAGE * 42),
    ("defocus", None, 2 * IMAGE, IMAGE * 37),
    ("zoom_blur", None, 2 * IMAGE, IMAGE * 54),
    ("glass_blur", None, 2 * IMAGE, IMAGE * 14),
    ("sharpen", None, 2 * IMAGE, 0),
    ("unsharp_mask", None, 2 * IMAGE, IMAGE * 10),
    ("emboss", None, 2 * IMAGE, IMAGE * 7),
    ("bilateral", None, 2 * IMAGE, IMAGE * 13),
    ("erode_3", None, 2 * IMAGE, 0),
    ("erode_11", None, 2 * IMAGE, 0),
    ("downscale", None, 2 * IMAGE, 0),
    ("chromatic_aberration", None, 2 * IMAGE, IMAGE * 4),
    ("ringing", None, 2 * IMAGE, IMAGE * 225),
    ("jpeg_q75", 2.0, 2 * IMAGE, IMAGE * 16),
    ("hue", 5.0, 2 * IMAGE, IMAGE * 3),
    ("colour_jitter", 5.0, 2 * IMAGE, IMAGE * 6),
    ("gaussian_noise", 6.0, 2 * IMAGE, 0),
    ("equalise", 2.0, 3 * IMAGE, 0),
    ("autocontrast", 2.0, 3 * IMAGE, 0),
    ("clahe", 2.0, 3 * IMAGE, IMAGE // 3 * 6),
    ("clahe_grey", 2.0, IMAGE, IMAGE // 3 * 6),
    ("rgb_to_hsv", 1.5, 3 * IMAGE, 0),
    ("hsv_to_rgb", 1.5, 3 * IMAGE, 0),
    ("rgb_to_lab", 1.5, 3 * IMAGE, 0),
    ("lab_to_rgb", 1.5, 3 * IMAGE, 0),
    ("sepia", None, 3 * IMAGE, 0),
    ("planckian_jitter", None, 3 * IMAGE, 0),
    ("fancy_pca", None, 4 * IMAGE, 0),
    ("fourier_adaptation", None, 4 * IMAGE, IMAGE * 12 * 26),
    ("shot_noise", 5.0, 2 * IMAGE, 0),
    ("rand_augment", 4.0, 0, 0),
    ("trivial_augment_wide", 4.0, 0, 0),
    ("aug_mix", 4.0, 0, 0),
    ("small_batch", None, 10_000 * 32 * 32 * 15, 0),
    ("training_pipeline", 4.0, IMAGE // 2 + PART * 5, 0),
]
WORDS = {
    "small_batch": "32×32×3: pad 4, crop, flip, normalise (an image of 10,000)",
    "rand_augment": "RandAugment, 2 operations of strength 9",
    "trivial_augment_wide": "TrivialAugmentWide",
    "aug_mix": "AugMix",
    "training_pipeline": "RandomResizedCrop 224, flip, colour jitter, normalise",
}
# What a measured call does so many times, and the table tells of one.
EACH = {"small_batch": 10_000, "rand_augment": 10, "trivial_augment_wide": 10, "aug_mix": 10}


def programs(args):
    import os

    cargo = ["cargo", "bench", "--quiet"]
    ours = Program("seedbed", [*cargo, "-p", "seedbed-benches", "--bench", "image_table"])
    python = environment(args.work / "peers", ["numpy", "opencv-python-headless", "pillow", "albumentations==2.0.8", "torchvision"])
    if python is None:
        sys.exit("cannot install the peers by pip")
    peers = [Program(name, [python, HERE / "peers.py", key]) for name, key in
             [("OpenCV", "opencv"), ("albumentations", "albumentations"), ("torchvision", "torchvision"),
              ("Pillow", "pillow")]]  # fmt: skip
    simd = environment(args.work / "simd", ["numpy", "pillow-simd"], {**os.environ, "CC": "cc -mavx2"})
    if simd is None:
        print("skip: Pillow-SIMD, which cannot be compiled here", file=sys.stderr)
    else:
        peers.append(Program("Pillow-SIMD", [simd, HERE / "peers.py", "pillow"]))
    if not args.no_rust_peers:
        rust = [*cargo, "--manifest-path", "benches/peers/Cargo.toml", "--bench", "image"]
        peers.append(Program("Rust crates", rust))
    return ours, peers


# How a program of several libraries calls that of an operation.
RUST = {"gaussian_blur": "libblur"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "bench-image")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--no-rust-peers", action="store_true")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    ours, peers = programs(args)
    once = lambda name: min(ours.least(name) for _ in range(args.rounds))
    copy, clock, fill = once("memcpy"), once("clock"), once("fill")
    cycle = clock / 2_000_000
    print(f"a copy of 768 KiB {copy / 1000:.1f} µs; 3 MiB filled {fill / 1000:.0f} µs; a cycle {cycle:.3f} ns\n")
    print("| operation | seedbed, µs | best peer, µs | ratio | wanted | bound, µs | of it | other peers, µs |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for op, wanted, moved, products in OPS:
        if args.only not in op:
            continue
        best, others = float("inf"), {}
        for _ in range(args.rounds):
            best = min(best, ours.least(op))
            for peer in peers:
                time = peer.least(op)
                if time is not None:
                    name = RUST.get(op, "pic-scale") if peer.name == "Rust crates" else peer.name
                    others[name] = min(time, others.get(name, float("inf")))
        bound = max(copy * moved / (2 * IMAGE), products / 32 * cycle)
        bound = max(bound, fill) if moved == IMAGE + NUMBERS else bound
        each = EACH.get(op, 1)
        show = lambda ns: f"{ns / 1000 / each:,.2f}" if ns / each < 20_000 else f"{ns / 1000 / each:,.0f}"
        ranked = sorted(others.items(), key=lambda item: item[1])
        name, time = ranked[0] if ranked else ("none", float("nan"))
        rest = ", ".join(f"{name} {show(ns)}" for name, ns in ranked[1:])
        print(
            f"| {WORDS.get(op, op.replace('_', ' '))} | {show(best)} | {show(time)} ({name}) | {time / best:.1f} "
            f"| {wanted or ''} | {show(bound)} | {bound / best:.0%} | {rest} |",
            flush=True,
        )


main()
