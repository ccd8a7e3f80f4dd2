"""What seedbed writes, opened by others."""

import csv
import json
import struct
import unittest

import datasets
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors
import webdataset

from common import CACHE, CLASSES, SHAPE, SPLITS, Case, Example, as_datasets, decode, record, samples, seedbed, sound

KNOWN = samples()
TEXT = datasets.Value("string")
NUMBER = datasets.Value("float32")


def setUpModule():
    """The known samples as datasets of ours, as PNG and raw, and in each format."""
    as_datasets(KNOWN, text=TEXT, size=NUMBER).to_parquet(CACHE / "known.parquet")
    seedbed("collect", CACHE / "known.parquet", "--out", CACHE / "png", "--name", "known", "--shard-rows", 10)
    as_datasets(KNOWN).to_parquet(CACHE / "pictures.parquet")
    seedbed("collect", CACHE / "pictures.parquet", "--out", CACHE / "raw", "--storage", "raw", "--shard-rows", 10)
    for form in ["folder", "webdataset", "npz", "idx", "csv", "jsonl", "parquet", "arrow", "tfrecord"]:
        seedbed("export", CACHE / "png", "--format", form, "--out", CACHE / form, "--shard-samples", 5)
    large = samples(12, (32, 32, 3))
    as_datasets(large).to_parquet(CACHE / "large.parquet")
    seedbed("collect", CACHE / "large.parquet", "--out", CACHE / "large")
    seedbed("export", CACHE / "large", "--format", "cifar", "--out", CACHE / "cifar")


def text(value):
    """A value of which texts may come as bytes."""
    return value.decode() if isinstance(value, bytes) else value


def load(folder, **options):
    """A folder as Hugging Face datasets takes it, whatever splits it sees, with the names of classes."""
    loaded = datasets.load_dataset(str(folder), **options)
    rows = {}
    for split, part in loaded.items():
        for row in part:
            names = part.features["label"]
            number = row["label"]
            row["label"] = names.int2str(number) if isinstance(names, datasets.ClassLabel) else number
            row["split"] = row.get("split") or {"validation": "val"}.get(split, split)
            if row.get("image") is not None:
                row["pixels"] = np.asarray(row["image"])
            rows[row["id"]] = row
    return loaded, rows


class DatasetFolder(Case):
    """The folder of a dataset as it is."""

    def files(self, rows):
        """Rows of which pictures are files, by their ids."""
        found = {}
        for row in rows:
            row = dict(row, label=CLASSES[row["label"]], pixels=decode(row["image"]["bytes"]))
            found[row["id"]] = row
        return found

    def test_datasets(self):
        loaded, rows = load(CACHE / "png")
        features = loaded["train"].features
        self.assertIsInstance(features["image"], datasets.Image)
        self.assertEqual(features["label"].names, CLASSES)
        self.same(rows, KNOWN, texts=True, sizes="size")

    def test_datasets_streaming(self):
        streamed = datasets.load_dataset(str(CACHE / "png"), streaming=True)["train"]
        self.assertEqual(streamed.features["label"].names, CLASSES)
        self.assertEqual({row["id"] for row in streamed}, set(KNOWN))

    def test_datasets_raw(self):
        loaded, _ = load(CACHE / "raw")
        self.assertEqual(loaded["train"].features["label"].names, CLASSES)
        rows = {row["id"]: dict(row, label=CLASSES[row["label"]]) for row in loaded["train"]}
        for row in rows.values():
            row["pixels"] = np.asarray(row["image"], np.uint8).reshape(SHAPE)
        self.same(rows, KNOWN)

    def test_pyarrow(self):
        table = pq.ParquetDataset(sorted((CACHE / "png").glob("*.parquet"))).read()
        self.same(self.files(table.to_pylist()), KNOWN, texts=True, sizes="size")

    def test_pyarrow_raw(self):
        rows = []
        for shard in sorted((CACHE / "raw").glob("*.arrow")):
            table = pa.ipc.open_file(shard).read_all()
            pictures = [chunk.to_numpy_ndarray() for chunk in table["image"].chunks]
            self.assertEqual(table.schema.field("image").type, pa.fixed_shape_tensor(pa.uint8(), SHAPE))
            columns = table.drop_columns(["image"]).to_pylist()
            rows += [dict(row, pixels=pixels) for row, pixels in zip(columns, np.concatenate(pictures), strict=True)]
        self.same({row["id"]: dict(row, label=CLASSES[row["label"]]) for row in rows}, KNOWN)

    def test_polars(self):
        table = pl.read_parquet(CACHE / "png" / "*.parquet")
        self.assertEqual(table.schema["image"], pl.Struct({"bytes": pl.Binary, "path": pl.String}))
        self.same(self.files(table.to_dicts()), KNOWN, texts=True, sizes="size")

    def test_polars_raw(self):
        table = pl.concat(pl.read_ipc(shard) for shard in sorted((CACHE / "raw").glob("*.arrow")))
        rows = {row["id"]: dict(row, label=CLASSES[row["label"]]) for row in table.to_dicts()}
        for row in rows.values():
            row["pixels"] = np.asarray(row["image"], np.uint8).reshape(SHAPE)
        self.same(rows, KNOWN)

    def test_duckdb(self):
        shards = duckdb.sql(f"SELECT * FROM '{CACHE / 'png'}/*.parquet'")
        rows = [dict(zip(shards.columns, row, strict=True)) for row in shards.fetchall()]
        self.same(self.files(rows), KNOWN, texts=True, sizes="size")
        counts = duckdb.sql(f"SELECT label, count(*) FROM '{CACHE / 'png'}/*.parquet' GROUP BY 1 ORDER BY 1").fetchall()
        self.assertEqual(counts, [(0, 8), (1, 8), (2, 8)])

    def test_croissant(self):
        import mlcroissant

        told = mlcroissant.Dataset(jsonld=CACHE / "png" / "croissant.json")
        self.assertEqual(list(told.metadata.issues.errors), [])
        # Of what is recommended nobody but the user knows the licence, the version, the date and how to cite.
        self.assertEqual(len(told.metadata.issues.warnings), 4)
        self.assertEqual(told.metadata.name, "known")
        found = {}
        for cells in told.records("samples"):
            row = {name.removeprefix("samples/"): text(value) for name, value in cells.items()}
            found[row["id"]] = dict(row, label=CLASSES[row["label"]], pixels=np.asarray(row["image"]))
        self.same(found, KNOWN, texts=True, sizes="size")
        names = [text(cells["classes/name"]) for cells in told.records("classes")]
        self.assertEqual(names, CLASSES)


class Exports(Case):
    """Each format of `export`."""

    def test_datasets_parquet_and_arrow(self):
        for form in ["parquet", "arrow"]:
            with self.subTest(form):
                loaded, rows = load(CACHE / form)
                self.assertIsInstance(loaded["train"].features["image"], datasets.Image)
                self.assertEqual(loaded["train"].features["label"].names, CLASSES)
                self.same(rows, KNOWN, texts=True, sizes="size")

    def test_datasets_folder(self):
        loaded, rows = load(CACHE / "folder")
        self.assertEqual(
            {split: len(part) for split, part in loaded.items()}, {"train": 12, "validation": 6, "test": 6}
        )
        self.assertIsInstance(loaded["train"].features["image"], datasets.Image)
        self.same(rows, KNOWN, texts=True, sizes="size")

    def test_datasets_webdataset(self):
        loaded = datasets.load_dataset(str(CACHE / "webdataset"))
        self.assertEqual(
            {split: len(part) for split, part in loaded.items()}, {"train": 12, "validation": 6, "test": 6}
        )
        rows = {}
        for part in loaded.values():
            for row in part:
                pixels = np.asarray(row["png"])
                self.assertEqual(CLASSES[row["cls"]], row["json"]["label"])
                rows[row["__key__"]] = dict(row["json"], pixels=pixels, text=row["txt"])
        self.same(rows, KNOWN, texts=True, sizes="size")

    def test_datasets_json_and_csv(self):
        for form in ["jsonl", "csv"]:
            with self.subTest(form):
                rows = {row["id"]: dict(row) for row in datasets.load_dataset(str(CACHE / form))["train"]}
                for row in rows.values():
                    row["pixels"] = decode((CACHE / form / row["file_name"]).read_bytes())
                self.same(rows, KNOWN, texts=True, sizes="size")

    def test_polars_and_duckdb(self):
        """Tables as they are, and lines of text."""
        for name in ["parquet/dataset.parquet", "arrow/dataset.arrow", "csv/dataset.csv", "jsonl/dataset.jsonl"]:
            with self.subTest(name):
                path = CACHE / name
                read = {"parquet": pl.read_parquet, "arrow": pl.read_ipc, "csv": pl.read_csv, "jsonl": pl.read_ndjson}
                table = read[path.suffix[1:]](path)
                self.assertEqual(table["id"].to_list(), sorted(KNOWN))
                self.assertEqual(table["size"].to_list(), [s.size for s in KNOWN.values()])
                self.assertEqual(table["text"].to_list(), [s.text for s in KNOWN.values()])
        for name in ["parquet/dataset.parquet", "csv/dataset.csv", "jsonl/dataset.jsonl"]:
            with self.subTest(name):
                found = duckdb.sql(f"SELECT id, size, text, split FROM '{CACHE / name}'").fetchall()
                self.assertEqual(sorted(found), [(s.id, s.size, s.text, s.split) for s in KNOWN.values()])

    def test_csv(self):
        with (CACHE / "csv" / "dataset.csv").open(newline="", encoding="utf-8") as lines:
            found = {row["id"]: row for row in csv.DictReader(lines)}
        for row in found.values():
            row.update(size=float(row["size"]), pixels=decode((CACHE / "csv" / row["file_name"]).read_bytes()))
        self.same(found, KNOWN, texts=True, sizes="size")

    def test_webdataset(self):
        rows, shards = {}, sorted((CACHE / "webdataset").glob("*/*.tar"))
        self.assertEqual(len(shards), 3 + 2 + 2)
        pipeline = webdataset.WebDataset([str(s) for s in shards], shardshuffle=False).decode("rgb8")
        for sample in pipeline:
            self.assertEqual(CLASSES[sample["cls"]], sample["json"]["label"])
            self.assertIn(f"/{sample['json']['split']}/", sample["__url__"])
            rows[sample["__key__"]] = dict(sample["json"], pixels=sample["png"], text=sample["txt"])
        self.same(rows, KNOWN, texts=True, sizes="size")

    def test_numpy(self):
        arrays = np.load(CACHE / "npz" / "dataset.npz")
        self.assertEqual(arrays["classes"].tolist(), CLASSES)
        columns = zip(*(arrays[n] for n in ["ids", "images", "labels", "splits", "texts", "features"]), strict=True)
        rows = {}
        for name, pixels, label, split, text, features in columns:
            row = {"pixels": pixels, "label": CLASSES[label], "split": split, "text": text, "size": features[0]}
            rows[str(name)] = row
        self.same(rows, KNOWN, texts=True, sizes="size")

    def idx(self, path):
        """An IDX file as its definition says."""
        data = path.read_bytes()
        self.assertEqual(data[:3], b"\0\0\x08")
        sides = struct.unpack_from(f">{data[3]}I", data, 4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sides)

    def test_idx(self):
        rows = {}
        for split in SPLITS:
            pictures, labels = (sorted((CACHE / "idx").glob(f"{split}*-{what}-*"))[0] for what in ["images", "labels"])
            pictures, labels = self.idx(pictures), self.idx(labels)
            beside = self.beside("idx", split)
            for pixels, label, line in zip(pictures, labels, beside, strict=True):
                self.assertEqual(line["label"], CLASSES[label])
                rows[line["id"]] = dict(line, pixels=pixels)
        self.same(rows, KNOWN)

    def beside(self, form, split):
        """The list of what the arrays of a split have no place for."""
        text = sorted((CACHE / form).glob(f"{split}*.jsonl"))[0].read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def test_cifar(self):
        """As its page says: a byte for the label, then a plane for each colour."""
        known, rows = samples(12, (32, 32, 3)), {}
        for path in sorted((CACHE / "cifar").glob("*.bin")):
            data = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 1 + 3072)
            split = "train" if path.name.startswith("data_batch") else path.name.split("_")[0]
            for cells, line in zip(data, self.beside("cifar", split), strict=True):
                pixels = cells[1:].reshape(3, 32, 32).transpose(1, 2, 0)
                rows[line["id"]] = {"pixels": pixels, "label": CLASSES[cells[0]], "split": split}
        self.same(rows, known)

    def test_tfrecord(self):
        rows = {}
        for path in sorted((CACHE / "tfrecord").glob("*.tfrecord")):
            for example in examples(path.read_bytes()):
                self.assertEqual(example["image/format"], [b"png"])
                self.assertEqual([example[f"image/{side}"][0] for side in ["height", "width", "channels"]], list(SHAPE))
                self.assertEqual(CLASSES[example["label"][0]], example["class"][0].decode())
                row = {name: example[name][0].decode() for name in ["id", "split", "text"]}
                row.update(pixels=decode(example["image/encoded"][0]), label=CLASSES[example["label"][0]])
                rows[row["id"]] = row | {"size": example["features"][0]}
        self.same(rows, KNOWN, texts=True, sizes="size")


class OtherKinds(Case):
    """Datasets without pictures."""

    def make(self, name, **columns):
        path = self.folder / f"{name}.parquet"
        pq.write_table(pa.table({"id": ["a/1", "b 2", "ü.3"], "label": ["x", None, "y"], **columns}), path)
        seedbed("collect", path, "--out", self.folder / name)
        for form in ["parquet", "arrow", "webdataset", "jsonl", "csv"]:
            seedbed("export", self.folder / name, "--format", form, "--out", self.folder / f"{name}-{form}")
        ids = [row["id"] for row in pq.read_table(self.folder / name / "data-00000.parquet").to_pylist()]
        return dict(zip(ids, range(3), strict=True))

    def test_sounds_and_texts(self):
        sounds, texts = [sound(n) for n in range(3)], ["one", "two\nlines", "three 🌳"]
        ids = self.make("sounds", audio=[{"bytes": s, "path": None} for s in sounds], text=texts)
        for form in ["sounds", "sounds-parquet", "sounds-arrow"]:
            with self.subTest(form):
                loaded = datasets.load_dataset(str(self.folder / form))["train"]
                self.assertIsInstance(loaded.features["audio"], datasets.Audio)
                self.assertEqual(loaded.features["label"].names, ["x", "y"])
                for row in loaded.cast_column("audio", datasets.Audio(decode=False)):
                    number = ids[row["id"]]
                    self.assertEqual((row["audio"]["bytes"], row["text"]), (sounds[number], texts[number]))
                    self.assertEqual(row["label"], [0, None, 1][number])
        shards = [str(path) for path in (self.folder / "sounds-webdataset").glob("*/*.tar")]
        for row in webdataset.WebDataset(shards, shardshuffle=False, empty_check=False).decode():
            number = ids[row["json"]["id"]]
            self.assertEqual(
                (row["wav"], row["txt"], row.get("cls")), (sounds[number], texts[number], [0, None, 1][number])
            )

    def test_tables(self):
        ids = self.make("rows", width=[0.1, 1e-30, 3.0], count=[1, 2, 2**24])
        want = {"width": np.float32([0.1, 1e-30, 3.0]), "count": np.float32([1, 2, 2**24])}
        read = {"parquet": pl.read_parquet, "arrow": pl.read_ipc, "csv": pl.read_csv, "jsonl": pl.read_ndjson}
        for form in ["rows", "rows-parquet", "rows-arrow", "rows-csv", "rows-jsonl"]:
            with self.subTest(form):
                loaded = datasets.load_dataset(str(self.folder / form))["train"]
                suffix = form.removeprefix("rows").removeprefix("-") or "parquet"
                path = next(path for path in sorted((self.folder / form).glob(f"da*.{suffix}")))
                for row in [*loaded, *read[suffix](path).to_dicts()]:
                    for name, values in want.items():
                        self.assertEqual(np.float32(row[name]), values[ids[row["id"]]])


class Models(Case):
    """Files of weights."""

    def test_safetensors(self):
        model = self.folder / "model"
        options = ["--epochs", 1, "--hidden", 16, "--latent", 2, "--batch", 4]
        seedbed("train", CACHE / "raw", "--out", model, *options)
        for name in ["model.safetensors", "checkpoint.safetensors"]:
            with self.subTest(name), safetensors.safe_open(model / name, "np") as file:
                self.assertIn("seedbed", file.metadata())
                shapes = {key: file.get_tensor(key).shape for key in file.keys()}
                # As of PyTorch: what comes out, what goes in.
                self.assertEqual(shapes["decoder.2.weight"], (np.prod(SHAPE), 16))
                self.assertEqual(shapes["encoder.0.weight"], (16, np.prod(SHAPE) + len(CLASSES)))
                self.assertTrue(all(np.isfinite(file.get_tensor(key)).all() for key in file.keys() if "weight" in key))


def examples(data):
    """The examples of a TFRecord file, each as lists by their names; the checksums must be right."""
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        message = data[at + 12 : at + 12 + length]
        assert data[at : at + 16 + length] == record(message)
        features = Example.FromString(message).features.feature
        yield {name: list(getattr(f, f.WhichOneof("kind")).value) for name, f in features.items()}
        at += 16 + length


if __name__ == "__main__":
    unittest.main()
