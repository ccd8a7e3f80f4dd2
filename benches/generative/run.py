#!/usr/bin/env python3
"""Trains the presets on pictures of 28 x 28 by the command, and judges what they draw: Fréchet distance, coverage, recall,
precision and density among the features of a small classifier, beside those of real pictures that no model saw.

    python3 benches/generative/run.py --data FOLDER [--work target/bench-generative] [PART...]

FOLDER has the IDX files of Fashion-MNIST or MNIST (`train-images-idx3-ubyte.gz` and so on). Parts:

quality    each preset as it is, after some numbers of epochs, with the CPU seconds until then
peers      plain models of PyTorch, judged alike (its packages take some gigabytes below --work)
small      dcgan on 100, 500 and 1,000 pictures, shown as they are, by DiffAugment and by ADA
rare       two classes cut to 2 %: a classifier trained on the raw, oversampled, augmented, and by generated samples balanced
           train split, of models that saw pictures as they are and by DiffAugment, five seeds each
transfer   models of the pictures of `--other FOLDER` adapted to few of FOLDER, beside the same from the beginning
tasks      Reptile and first-order MAML over eight classes, adapted to few pictures of the two others
labels     few labels of each of five classes: the share of the other labels that is told rightly

Each figure is a line of JSON in WORK/PART.jsonl, and stays: what is there is not measured again. `--table` prints the tables of
what there is, `--curves FILE.svg` draws the quality over CPU time. Samples are drawn without any filter, 10,000 of each model, at the temperature 1.
"""

import argparse
import gzip
import json
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from curves import draw
from turns import ROOT, environment

SAMPLES = 10_000
# Train pictures beside test pictures, as the bench `quality` says.
FLOOR = 1.41
PARTS = ("quality", "peers", "small", "rare", "transfer", "tasks", "labels")


class Bench:
    def __init__(self, args, part):
        self.args, self.part = args, part
        self.work = args.work / part
        self.work.mkdir(parents=True, exist_ok=True)
        self.file = args.work / f"{part}.jsonl"
        self.done = rows_of(args.work, part)

    def known(self, **key):
        """The line that begins with these, if there is one."""
        return next((row for row in self.done if all(row.get(k) == v for k, v in key.items())), None)

    def note(self, **row):
        self.done.append(row)
        with self.file.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(self.part, row, flush=True)

    def seedbed(self, *words):
        """Runs the command; its JSON, and the CPU seconds that it took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        words = [str(w) for w in (self.args.seedbed, *words, "--json", "--quiet", "--threads", self.args.threads)]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
        if done.returncode not in (0, 3):
            sys.exit(f"failed: {' '.join(words)}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = sum(getattr(after, k) - getattr(before, k) for k in ("ru_utime", "ru_stime"))
        return json.loads(done.stdout.splitlines()[-1]), seconds

    def out(self, name):
        """A folder that is not there yet."""
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def dataset(self, folder, name):
        path = self.args.work / name
        if not path.exists():
            self.seedbed("collect", folder, "--out", path)
        return path

    def judge(self, data, folder):
        """What the classifier says of the generated pictures of a dataset folder."""
        idx = self.out("idx")
        self.seedbed("export", folder, "--format", "idx", "--out", idx)
        return self.judge_file(data, idx / "train-images-idx3-ubyte")

    def judge_file(self, data, file):
        kept = self.args.work / f"judge-{data.name}.bin"
        words = [*self.args.judge, "--data", str(data), "--judge", str(kept), str(file)]
        text = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout.splitlines()[-1]
        pairs = re.findall(r"(FD|coverage|recall|precision|density) ([\d.]+)", text)
        return {key: float(value) for key, value in pairs}

    def drawn(self, dataset, model, data, *words):
        """What is said of samples of a model."""
        made = self.out("made")
        none = ("--copy-ratio", 0, "--manifold-k", 0, "--temperature", 1)
        self.seedbed("generate", dataset, "--model", model, "--n", SAMPLES, *(words or none), "--out", made)
        if grid := next(iter(made.glob("grid.png")), None):
            shutil.copy(grid, self.work / f"{model.name}.png")
        return self.judge(data, made)


# Preset, the epochs after which it is judged, and options of its own.
QUALITY = [
    ("dcgan", (2, 4, 8, 16, 24), ()),
    ("cdcgan", (2, 4, 8, 16, 24), ()),
    ("wgan", (4, 8), ()),
    ("vae-mlp", (1, 5, 10, 30), ()),
    ("vae-conv", (1, 3, 10, 25), ()),
    ("cvae", (3, 10, 25), ()),
    ("vqvae", (6, 18), ()),
]


def quality(bench):
    data = bench.dataset(bench.args.data, "data")
    for preset, points, words in QUALITY:
        if bench.args.only and preset != bench.args.only:
            continue
        seconds, before = 0.0, None
        for epochs in points:
            model = bench.work / f"{preset}-{epochs}"
            if row := bench.known(preset=preset, epochs=epochs):
                seconds, before = row["cpu_seconds"], model
                continue
            # Whose end is part of their training is trained anew.
            whole = preset == "vqvae"
            resume = ("--resume", before) if before and not whole else ()
            options = ("--model", preset, "--epochs", epochs, "--patience", 0, *words, *resume)
            shutil.rmtree(model, ignore_errors=True)
            _, took = bench.seedbed("train", data, *options, "--out", model)
            seconds = took if whole else seconds + took
            found = bench.drawn(data, model, bench.args.data)
            bench.note(preset=preset, epochs=epochs, cpu_seconds=round(seconds, 1), **found)
            before = model


PEERS = [("dcgan", (1, 2, 3, 6)), ("vae-conv", (1, 3, 10)), ("vae-mlp", (1, 5, 10))]


def peers(bench):
    python = environment(bench.args.work / "environment", ["torch", "numpy"])
    if python is None:
        return print("skip: cannot install PyTorch by pip")
    for name, points in PEERS:
        if bench.known(peer=name):
            continue
        words = [python, ROOT / "benches/generative/peers.py", name, bench.args.data, bench.work, *points]
        said = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, text=True, check=True).stdout
        for line in map(json.loads, said.splitlines()):
            found = bench.judge_file(bench.args.data, line.pop("file"))
            bench.note(peer=name, **line, **found)


def small(bench):
    data = bench.dataset(bench.args.data, "data")
    for n in (100, 500, 1000):
        for show in ("plain", "diff", "ada"):
            if bench.known(pictures=n, show=show):
                continue
            # As many steps for each.
            batch = min(64, n)
            epochs = 4000 // -(-n // batch)
            model = bench.out(f"{n}-{show}")
            _, took = bench.seedbed("train", data, "--model", "dcgan", "--shots", n // 10, "--show", show, "--epochs", epochs,
                                    "--batch", batch, "--out", model)  # fmt: skip
            found = bench.drawn(data, model, bench.args.data)
            # How many of a thousand are copies, as `generate` finds them by default.
            said, _ = bench.seedbed("generate", data, "--model", model, "--n", 1000, "--manifold-k", 0, "--max-tries", 1000,
                                    "--out", bench.out("copies"))  # fmt: skip
            bench.note(pictures=n, show=show, epochs=epochs, cpu_seconds=round(took, 1), **found,
                       copies=said["rejected_as_copies"])  # fmt: skip


def idx_files(folder, split="train"):
    """Pictures and labels of a split."""
    read = []
    for what, head in (("images-idx3", 16), ("labels-idx1", 8)):
        name = next(n for s in ("", ".gz") if (n := folder / f"{split}-{what}-ubyte{s}").exists())
        opened = gzip.open(name) if name.suffix == ".gz" else name.open("rb")
        with opened as file:
            read.append(file.read()[head:])
    return read


def write_idx(folder, pictures, labels, split="train"):
    folder.mkdir(parents=True, exist_ok=True)
    n = len(labels)
    (folder / f"{split}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, n, 28, 28) + pictures)
    (folder / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, n) + bytes(labels))


# T-shirts and coats of Fashion-MNIST, which others are like.
RARE = (0, 4)


def rare(bench):
    raw = bench.work / "raw-idx"
    if not raw.exists():
        pictures, labels = idx_files(bench.args.data)
        left = {c: labels.count(c) // 50 for c in RARE}
        keep = []
        for i, label in enumerate(labels):
            if label in left:
                left[label] -= 1
                if left[label] < 0:
                    continue
            keep.append(i)
        write_idx(raw, b"".join(pictures[i * 784 : (i + 1) * 784] for i in keep), [labels[i] for i in keep])
    data, model = bench.work / "data", bench.work / "model"
    if not data.exists():
        bench.seedbed("collect", raw, "--val-fraction", 0, "--test-fraction", 0, "--out", data)
    generate = ("generate", data, "--model", model, "--balance", "--add-to-dataset")
    sets = {
        "raw": ("export", data),
        "oversampled": ("balance", data, "--method", "oversample"),
        "augmented": ("balance", data, "--method", "augment"),
        "generated": generate,
        "generated, DiffAugment": generate,
    }
    for seed in range(1, 6):
        for name, words in sets.items():
            if bench.known(train=name, seed=seed):
                continue
            if words is generate:
                show = "diff" if "Diff" in name else "plain"
                bench.seedbed("train", data, "--model", "cdcgan", "--show", show, "--epochs", 8, "--seed", seed, "--out",
                              bench.out("model"))  # fmt: skip
            made, idx = bench.out("made"), bench.out(f"{name}-idx")
            if name == "raw":
                made = data
            else:
                bench.seedbed(*words, "--seed", seed, "--out", made)
            bench.seedbed("export", made, "--format", "idx", "--splits", "train", "--out", idx)
            words = [*bench.args.classify, "--data", str(bench.args.data), "--seed", str(seed), "--rare",
                     ",".join(map(str, RARE)), str(idx)]  # fmt: skip
            text = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout.splitlines()[-1]
            pairs = re.findall(r"(accuracy|rare|others|pictures) ([\d.]+)", text)
            bench.note(train=name, seed=seed, **{key: float(value) for key, value in pairs})


def transfer(bench):
    """Models of other pictures, adapted to 20 pictures of each class in equal steps."""
    data, other = bench.dataset(bench.args.data, "data"), bench.dataset(bench.args.other, "other")
    bases = {"vae-conv": 10, "dcgan": 8}
    few = ("--shots", 20, "--batch", 50, "--patience", 0)
    for preset, epochs in bases.items():
        if bench.args.only and preset != bench.args.only:
            continue
        base = bench.work / f"{preset}-base"
        if not base.exists():
            plain = ("--conditional", "false") if preset == "vae-conv" else ()
            bench.seedbed("train", other, "--model", preset, *plain, "--epochs", epochs, "--out", base)
        arms = {"from the beginning": (), "all weights": ("--from", base), "LoRA of rank 8": ("--from", base, "--lora", 8)}
        if preset == "dcgan":
            arms["FreezeD"] = ("--from", base, "--freeze", "discriminator.0,discriminator.2")
        else:
            arms["decoder alone"] = ("--from", base, "--freeze", "encoder")
        for steps in (100, 400):
            for arm, words in arms.items():
                if bench.known(preset=preset, steps=steps, arm=arm):
                    continue
                model = bench.out(f"{preset}-{steps}")
                show = ("--show", "diff") if preset == "dcgan" else ("--conditional", "false")
                said, took = bench.seedbed("train", data, "--model", preset, *few, "--epochs", steps // 4, *show, *words,
                                           "--out", model)  # fmt: skip
                found = bench.drawn(data, model, bench.args.data)
                bench.note(preset=preset, steps=steps, arm=arm, cpu_seconds=round(took, 1),
                           val_elbo=said.get("val_elbo"), **found)  # fmt: skip


def tasks(bench):
    """Weights to begin with from eight classes; two others are learnt from ten pictures each in a few steps."""
    data = bench.dataset(bench.args.data, "data")
    classes = json.loads((data / "dataset.json").read_text())["classes"] if (data / "dataset.json").exists() else None
    names = classes or [str(i) for i in range(10)]
    new = [names[i] for i in (3, 8)]
    common = ("--model", "vae-conv", "--conditional", "false", "--patience", 0)
    bases = {
        "all classes alike": (),
        "Reptile": ("--meta", "reptile"),
        "first-order MAML": ("--meta", "fomaml"),
    }
    for base, words in bases.items():
        model = bench.work / base.replace(" ", "-")
        if not model.exists():
            bench.seedbed("train", data, *common, *[w for name in new for w in ("--except", name)], "--epochs", 5, *words, "--out", model)
    for name in new:
        for steps in (5, 20, 80):
            for base in ("from the beginning", *bases):
                if bench.known(task=name, steps=steps, base=base):
                    continue
                words = () if base == "from the beginning" else ("--from", bench.work / base.replace(" ", "-"))
                bounds = []
                for seed in range(1, 4):
                    said, _ = bench.seedbed("train", data, *common, "--only", name, "--shots", 10, "--batch", 10, "--epochs",
                                            steps, "--seed", seed, *words, "--out", bench.out("adapted"))  # fmt: skip
                    bounds.append(said["val_elbo"])
                bench.note(task=name, steps=steps, base=base, val_elbo=sum(bounds) / 3, spread=max(bounds) - min(bounds))


def labels(bench):
    """Embeddings from the few labels themselves, and from the five other classes."""
    pictures, numbers = idx_files(bench.args.data)
    sets = {}
    # Every other class, so that both halves have shoes and tops.
    for name, rest in (("base", 0), ("new", 1)):
        idx, sets[name] = bench.work / f"{name}-idx", bench.work / name
        if not sets[name].exists():
            keep = [i for i, label in enumerate(numbers) if label % 2 == rest]
            write_idx(idx, b"".join(pictures[i * 784 : (i + 1) * 784] for i in keep), [numbers[i] // 2 for i in keep])
            bench.seedbed("collect", idx, "--out", sets[name])
    arms = {"a drawn network": ("--episodes", 0), "the few labels": (), "five other classes": ("--base", sets["base"])}
    for shots in (1, 5, 20):
        for arm, words in arms.items():
            if bench.known(shots=shots, arm=arm) or (shots == 1 and not words):
                continue
            shares = []
            for seed in range(1, 4):
                said, _ = bench.seedbed("label", sets["new"], "--shots", shots, "--seed", seed, *words, "--out",
                                        bench.out("labelled"))  # fmt: skip
                shares.append(said["checked_right"])
            bench.note(shots=shots, arm=arm, right=sum(shares) / 3, spread=max(shares) - min(shares))


def rows_of(work, part):
    file = work / f"{part}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def table(work):
    for part in PARTS:
        rows = rows_of(work, part)
        if not rows:
            continue
        heads = list(dict.fromkeys(key for row in rows for key in row))
        print(f"\n{part}\n\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
        for row in rows:
            print("|", " | ".join(str(row.get(key, "")) for key in heads), "|")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cargo = "cargo bench --quiet -p seedbed-benches --bench"
    parser.add_argument("--data", type=lambda p: Path(p).resolve(), required=True)
    parser.add_argument("--other", type=lambda p: Path(p).resolve())
    parser.add_argument("--work", type=lambda p: Path(p).resolve(), default=ROOT / "target/bench-generative")
    parser.add_argument("--seedbed", default="cargo", help="the command; built where it is not given")
    parser.add_argument("--judge", type=str.split, default=f"{cargo} quality --".split())
    parser.add_argument("--classify", type=str.split, default=f"{cargo} classify --".split())
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", help="one preset of the parts quality and transfer")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--curves", type=Path)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    if args.table:
        return table(args.work)
    if args.curves:
        args.curves.write_text(draw(rows_of(args.work, "quality"), rows_of(args.work, "peers"), FLOOR))
        return None
    if args.seedbed == "cargo":
        subprocess.run(["cargo", "build", "--quiet", "--release", "-p", "seedbed-cli"], check=True, cwd=ROOT)
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        args.seedbed = target / "release" / "seedbed"
    for part in args.parts or PARTS:
        if part not in PARTS:
            sys.exit(f"there is no part {part}, but: {', '.join(PARTS)}")
        if part == "transfer" and not args.other:
            print("skip: transfer needs --other FOLDER")
            continue
        globals()[part](Bench(args, part))


if __name__ == "__main__":
    main()
