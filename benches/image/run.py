#!/usr/bin/env python3
"""Measures image operations beside the best libraries for the same work, and prints the table of ratios.

    python3 benches/image/run.py [--work target/bench-image] [--rounds 3] [--only resize blur] [--no-rust-peers]

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
OPAQUE = 512 * 512 * 4
OVERLAY = 384 * 384 * 3

# Name, the ratio that is wanted, bytes read and written, products.
OPS = [
    ("hflip", 1.0, 2 * IMAGE, 0),
    ("vflip", 1.0, 2 * IMAGE, 0),
    ("crop224", 1.0, 2 * PART, 0),
    ("cutout", 1.0, 2 * IMAGE, 0),
    ("cutmix", 1.0, 2 * IMAGE, 0),
    ("rot90", 2.0, 2 * IMAGE, 0),
    ("rot180", None, 2 * IMAGE, 0),
    ("transpose", 2.0, 2 * IMAGE, 0),
    ("brightness_contrast", 1.5, 2 * IMAGE, 0),
    ("gamma", 1.5, 2 * IMAGE, 0),
    ("invert", None, 3 * IMAGE, 0),
    ("solarise", None, 3 * IMAGE, 0),
    ("posterise", None, 3 * IMAGE, 0),
    ("tone_curve", None, 3 * IMAGE, 0),
    ("greyscale", 2.5, IMAGE + IMAGE // 3, IMAGE),
    ("grey_to_rgb", None, IMAGE + IMAGE // 3, 0),
    ("normalise", 6.0, IMAGE + NUMBERS, 0),
    ("normalise_chw", None, IMAGE + NUMBERS, 0),
    ("to_float", None, IMAGE + NUMBERS, 0),
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
    ("fisheye", None, 2 * IMAGE, IMAGE * 6),
    ("piecewise_affine", None, 2 * IMAGE, IMAGE * 6),
    ("grid_shuffle", None, 2 * IMAGE, 0),
    ("zoom_out", None, 2 * IMAGE, 0),
    ("random_iou_crop", None, 0, 0),
    ("pad_32", None, 2 * IMAGE, 0),
    ("mosaic", None, 5 * IMAGE, 0),
    ("paste_disc", None, 2 * IMAGE + 2 * OVERLAY, 0),
    ("paste_soft", None, 2 * IMAGE + 2 * OVERLAY, OVERLAY),
    ("resize_linear_light", None, IMAGE + PART, 0),
    ("resize_labels", None, (IMAGE + PART) // 3, 0),
    ("premultiply", None, 3 * OPAQUE, IMAGE),
    ("unpremultiply", None, 3 * OPAQUE, IMAGE),
    ("volume_flip_depth", None, 0, 0),
    ("volume_flip_height", None, 0, 0),
    ("volume_flip_width", None, 0, 0),
    ("volume_turn_depth", None, 0, 0),
    ("volume_turn_height", None, 0, 0),
    ("volume_turn_width", None, 0, 0),
    ("volume_crop_48", None, 0, 0),
    ("volume_pad_8", None, 0, 0),
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
    ("dilate_3", None, 2 * IMAGE, 0),
    ("dilate_11", None, 2 * IMAGE, 0),
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
    ("rgb_to_hls", None, 3 * IMAGE, 0),
    ("hls_to_rgb", None, 3 * IMAGE, 0),
    ("rgb_to_ycbcr", None, 3 * IMAGE, 0),
    ("ycbcr_to_rgb", None, 3 * IMAGE, 0),
    ("srgb_to_linear", None, 3 * IMAGE, 0),
    ("linear_to_srgb", None, 3 * IMAGE, 0),
    ("hsv_shift", None, 3 * IMAGE, IMAGE * 3),
    ("channel_shuffle", None, 3 * IMAGE, 0),
    ("channel_drop", None, 3 * IMAGE, 0),
    ("rgb_shift", None, 3 * IMAGE, 0),
    ("sepia", None, 3 * IMAGE, 0),
    ("planckian_jitter", None, 3 * IMAGE, 0),
    ("fancy_pca", None, 4 * IMAGE, 0),
    ("fourier_adaptation", None, 4 * IMAGE, IMAGE * 12 * 26),
    ("match_histograms", None, 4 * IMAGE, 0),
    ("pixel_adaptation_standard", None, 4 * IMAGE, IMAGE),
    ("pixel_adaptation_minmax", None, 4 * IMAGE, IMAGE),
    ("pixel_adaptation_pca", None, 4 * IMAGE, IMAGE * 3),
    ("shot_noise", 5.0, 2 * IMAGE, 0),
    ("salt_and_pepper", None, 2 * IMAGE, 0),
    ("iso_noise", None, 2 * IMAGE, 0),
    ("multiplicative_noise", None, 2 * IMAGE, IMAGE),
    ("multiplicative_noise_rgb", None, 2 * IMAGE, IMAGE),
    ("speckle", None, 2 * IMAGE, IMAGE),
    ("banding", None, 2 * IMAGE, 0),
    ("vignetting", None, 2 * IMAGE, IMAGE),
    ("fog", None, 2 * IMAGE, IMAGE),
    ("rain", None, 2 * IMAGE, IMAGE),
    ("snow", None, 2 * IMAGE, IMAGE),
    ("sun_flare", None, 2 * IMAGE, IMAGE),
    ("shadow", None, 2 * IMAGE, IMAGE),
    ("grid_dropout", None, 2 * IMAGE, 0),
    ("pixel_dropout", None, 2 * IMAGE, 0),
    ("coarse_dropout", None, 2 * IMAGE, 0),
    ("xy_masking", None, 2 * IMAGE, 0),
    ("random_erasing", None, 2 * IMAGE, 0),
    ("mask_dropout", None, 2 * IMAGE, 0),
    ("rand_augment", 4.0, 0, 0),
    ("auto_augment_imagenet", None, 0, 0),
    ("auto_augment_cifar10", None, 0, 0),
    ("auto_augment_svhn", None, 0, 0),
    ("trivial_augment_wide", 4.0, 0, 0),
    ("aug_mix", 4.0, 0, 0),
    ("small_batch", None, 10_000 * 32 * 32 * 15, 0),
    ("training_pipeline", 4.0, IMAGE // 2 + PART * 5, 0),
    ("diff_augment", None, 0, 0),
    ("diff_augment_back", None, 0, 0),
    ("ada_bgc", None, 0, 0),
    ("ada_all", None, 0, 0),
    ("ada_all_back", None, 0, 0),
]
WORDS = {
    "small_batch": "32×32×3: pad 4, crop, flip, normalise (an image of 10,000)",
    "random_iou_crop": "random IoU crop, to 224 × 224",
    "mosaic": "mosaic of four, around (300, 220)",
    "paste_disc": "paste 384 × 384, a disc of it",
    "paste_soft": "paste 384 × 384, of any opacity",
    "resize_linear_light": "resize 512 224 bilinear in linear light",
    "resize_labels": "labels 512 224, the most frequent",
    "volume_crop_48": "volume 64×64×64: 48×48×48 of it",
    "volume_pad_8": "volume 64×64×64: 8 around it",
    "volume_flip_depth": "volume 64×64×64: flip, slices",
    "volume_flip_height": "volume 64×64×64: flip, rows",
    "volume_flip_width": "volume 64×64×64: flip, columns",
    "volume_turn_depth": "volume 64×64×64: 15° about the depth",
    "volume_turn_height": "volume 64×64×64: 15° about the height",
    "volume_turn_width": "volume 64×64×64: 15° about the width",
    "multiplicative_noise": "multiplicative noise, of pixels",
    "multiplicative_noise_rgb": "multiplicative noise, of values",
    "auto_augment_imagenet": "AutoAugment, ImageNet",
    "auto_augment_cifar10": "AutoAugment, CIFAR-10",
    "auto_augment_svhn": "AutoAugment, SVHN",
    "diff_augment": "DiffAugment, 64×28×28",
    "diff_augment_back": "DiffAugment with the way back",
    "ada_bgc": "ADA, blitting, geometry, colours at 0.6, 64×28×28",
    "ada_all": "ADA, all groups at 0.6",
    "ada_all_back": "ADA, all groups, with the way back",
    "rand_augment": "RandAugment, 2 operations of strength 9",
    "trivial_augment_wide": "TrivialAugmentWide",
    "aug_mix": "AugMix",
    "training_pipeline": "RandomResizedCrop 224, flip, colour jitter, normalise",
}
# What a measured call does so many times, and the table tells of one.
TEN = ["rand_augment", "trivial_augment_wide", "aug_mix", "random_iou_crop"]
TEN += ["auto_augment_imagenet", "auto_augment_cifar10", "auto_augment_svhn"]
EACH = {"small_batch": 10_000} | dict.fromkeys(TEN, 10)


def programs(args):
    import os

    cargo = ["cargo", "bench", "--quiet"]
    ours = Program("seedbed", [*cargo, "-p", "seedbed-benches", "--bench", "image_table"])
    packages = ["numpy", "opencv-python-headless", "pillow", "albumentations==2.0.8", "torchvision", "scikit-image"]
    python = environment(args.work / "peers", packages)
    if python is None:
        sys.exit("cannot install the peers by pip")
    peers = [Program(name, [python, HERE / "peers.py", key]) for name, key in
             [("OpenCV", "opencv"), ("albumentations", "albumentations"), ("torchvision", "torchvision"),
              ("Pillow", "pillow"), ("scikit-image", "skimage"), ("SciPy", "scipy"), ("NumPy", "numpy"),
              ("PyTorch", "pytorch")]]  # fmt: skip
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
    parser.add_argument("--only", nargs="*", default=[""], help="parts of the names of what is to be measured")
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
        if not any(part in op for part in args.only):
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
        peer, ratio = "none", ""
        if ranked:
            name, time = ranked[0]
            peer, ratio = f"{show(time)} ({name})", f"{time / best:.{2 if time < best else 1}f}"
        rest = ", ".join(f"{name} {show(ns)}" for name, ns in ranked[1:])
        # No bound is known of what takes as long as was drawn, and of what is small enough for a nearer cache than an image.
        limit = f"{show(bound)} | {bound / best:.0%}" if moved else " | "
        words = WORDS.get(op, op.replace("_", " "))
        print(f"| {words} | {show(best)} | {peer} | {ratio} | {wanted or ''} | {limit} | {rest} |", flush=True)


main()
