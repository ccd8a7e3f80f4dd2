"""What others write, opened by seedbed."""

import gzip
import io
import json
import struct
import tarfile
import unittest
from pathlib import Path

import datasets
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy
import webdataset
import zstandard
from PIL import Image

from common import CLASSES, SHAPE, SPLITS, Case, Example, as_datasets, encode, record, rows, samples, seedbed, sound

KNOWN = samples()
TEXT = datasets.Value("string")
NUMBER = datasets.Value("float32")


def table(**more):
    """The samples as Arrow has them, labels as texts."""
    columns = rows(KNOWN, **more) | {"label": [s.label for s in KNOWN.values()]}
    return pa.table(columns)


class HuggingFace(Case):
    """What Hugging Face datasets writes."""

    def test_parquet(self):
        as_datasets(KNOWN, text=TEXT, size=NUMBER).to_parquet(self.folder / "x.parquet")
        self.same(self.collect(self.folder / "x.parquet"), KNOWN, texts=True, sizes="size")

    def test_names_of_classes_keep_their_order(self):
        as_datasets(KNOWN).to_parquet(self.folder / "x.parquet")
        seedbed("collect", self.folder / "x.parquet", "--out", self.folder / "out")
        self.assertEqual(json.loads((self.folder / "out/dataset.json").read_text())["classes"], CLASSES)

    def test_save_to_disk(self):
        parts = {}
        for split in SPLITS:
            known = {name: s for name, s in KNOWN.items() if s.split == split}
            parts[split] = as_datasets(known, text=TEXT).remove_columns("split")
        saved = datasets.DatasetDict(parts)
        saved.save_to_disk(self.folder / "saved", num_shards={"train": 3, "val": 1, "test": 2})
        self.same(self.collect(self.folder / "saved"), KNOWN, texts=True)

    def test_save_to_disk_of_one_split(self):
        as_datasets(KNOWN, text=TEXT).save_to_disk(self.folder / "saved")
        self.same(self.collect(self.folder / "saved"), KNOWN, texts=True)

    def test_json_and_csv(self):
        """Pictures are files beside them, which a column names."""
        told = as_datasets(KNOWN, text=TEXT, size=NUMBER).remove_columns("image")
        told = told.add_column("file_name", [f"pictures/{name}.png" for name in KNOWN])
        (self.folder / "pictures").mkdir()
        for sample in KNOWN.values():
            (self.folder / "pictures" / f"{sample.id}.png").write_bytes(sample.png)
        told.to_json(self.folder / "x.jsonl")
        told.to_csv(self.folder / "x.csv")
        for name in ["x.jsonl", "x.csv"]:
            with self.subTest(name):
                found = self.collect(self.folder / name)
                for row in found.values():
                    # Neither has a place for the names of classes.
                    row["label"] = CLASSES[int(row["label"])]
                self.same(found, KNOWN, texts=True, sizes="size")

    def test_arrays_and_sequences(self):
        more = {"sides": datasets.List(NUMBER, length=3), "pixels": datasets.Array2D((2, 2), "uint8")}
        values = {"id": ["a", "b"], "label": [1, 0], "sides": [[1, 2, 3], [4, 5, 6]], "pixels": [[[1, 2], [3, 4]]] * 2}
        told = datasets.Features({"id": TEXT, "label": datasets.ClassLabel(names=CLASSES), **more})
        datasets.Dataset.from_dict(values, features=told).to_parquet(self.folder / "x.parquet")
        found = self.collect(self.folder / "x.parquet")
        self.assertEqual([found["b"][f"sides[{i}]"] for i in range(3)], [4, 5, 6])
        self.assertEqual((found["a"]["label"], found["b"]["label"]), ("ant", "zebra"))


class Columns(Case):
    """Parquet and Arrow of others."""

    def test_parquet_codecs(self):
        for codec in ["NONE", "SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4"]:
            for version in ["1.0", "2.0"]:
                with self.subTest(codec, version=version):
                    path = self.folder / f"{codec}-{version}.parquet"
                    options = {"compression": codec, "data_page_version": version, "row_group_size": 7}
                    pq.write_table(table(text=TEXT, size=NUMBER), path, **options)
                    self.same(self.collect(path), KNOWN, texts=True, sizes="size")

    def test_parquet_encodings(self):
        options = [
            {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY", "size": "BYTE_STREAM_SPLIT"}},
            {"use_dictionary": False, "column_encoding": {"text": "DELTA_LENGTH_BYTE_ARRAY", "split": "PLAIN"}},
            {"use_dictionary": ["text", "label"], "store_schema": False},
            {"version": "1.0", "write_page_checksum": True, "write_page_index": True, "data_page_size": 64},
        ]
        for option in options:
            with self.subTest(option):
                pq.write_table(table(text=TEXT, size=NUMBER), self.folder / "x.parquet", **option)
                self.same(self.collect(self.folder / "x.parquet"), KNOWN, texts=True, sizes="size")

    def test_arrow_codecs(self):
        for codec in [None, "lz4", "zstd"]:
            for make in [pa.ipc.new_file, pa.ipc.new_stream]:
                with self.subTest(codec, form=make.__name__):
                    path = self.folder / "x.arrow"
                    told = table(text=TEXT, size=NUMBER)
                    with make(path, told.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as file:
                        file.write_table(told, max_chunksize=7)
                    self.same(self.collect(path), KNOWN, texts=True, sizes="size")

    def test_types(self):
        """Columns of other types that mean the same."""
        plain = table(text=TEXT)
        files = [row["bytes"] for row in plain["image"].to_pylist()]
        kinds = {
            "dictionary": {
                "label": pa.dictionary(pa.int8(), pa.string()),
                "split": pa.dictionary(pa.int32(), pa.string()),
            },
            "large": {
                "label": pa.large_string(),
                "text": pa.large_string(),
                "id": pa.large_string(),
                "image": pa.large_binary(),
            },
            "view": {
                "label": pa.string_view(),
                "text": pa.string_view(),
                "id": pa.string_view(),
                "image": pa.binary_view(),
            },
            "bytes": {"image": pa.binary()},
        }
        for name, types in kinds.items():
            told = plain
            for column, kind in types.items():
                values = pa.array(files, pa.binary()) if column == "image" else told[column]
                told = told.set_column(told.schema.get_field_index(column), column, values.cast(kind))
            for form in ["parquet", "arrow"]:
                with self.subTest(name, form=form):
                    path = self.folder / f"{name}.{form}"
                    if form == "parquet":
                        pq.write_table(told, path)
                    else:
                        with pa.ipc.new_file(path, told.schema) as file:
                            file.write_table(told)
                    self.same(self.collect(path), KNOWN, texts=True)

    def test_tensors(self):
        pixels = np.stack([s.pixels for s in KNOWN.values()])
        told = table().set_column(1, "image", pa.FixedShapeTensorArray.from_numpy_ndarray(pixels))
        pq.write_table(told, self.folder / "x.parquet")
        with pa.ipc.new_stream(self.folder / "x.arrow", told.schema) as file:
            file.write_table(told)
        for form in ["parquet", "arrow"]:
            with self.subTest(form):
                self.same(self.collect(self.folder / f"x.{form}"), KNOWN)

    def test_lists_and_nulls(self):
        """Lists in lists and rows of different lengths are told and left out; what is null is missing."""
        told = table(size=NUMBER)
        sizes = [None if i == 3 else s.size for i, s in enumerate(KNOWN.values())]
        labels = [None if i == 5 else s.label for i, s in enumerate(KNOWN.values())]
        told = told.set_column(told.schema.get_field_index("size"), "size", pa.array(sizes, pa.float32()))
        told = told.set_column(told.schema.get_field_index("label"), "label", pa.array(labels))
        told = told.append_column("lists", pa.array([[[i], [i, i]] for i in range(len(KNOWN))]))
        told = told.append_column("ragged", pa.array([list(range(i)) for i in range(len(KNOWN))]))
        told = told.append_column("nothing", pa.nulls(len(KNOWN)))
        pq.write_table(told, self.folder / "x.parquet")
        found = self.collect(self.folder / "x.parquet", "--missing", "keep")
        self.assertIsNone(found["s003"]["size"])
        self.assertIsNone(found["s005"]["label"])
        whole = {name: s for name, s in KNOWN.items() if name not in ["s003", "s005"]}
        self.same({name: found[name] for name in whole}, whole, sizes="size")
        found = self.collect(self.folder / "x.parquet", code=3)
        self.assertEqual(set(KNOWN) - set(found), {"s003"})

    def test_polars(self):
        told = pl.from_arrow(table(text=TEXT, size=NUMBER))
        told.write_parquet(self.folder / "x.parquet", row_group_size=5)
        told.with_columns(pl.col("label").cast(pl.Categorical)).write_parquet(self.folder / "categories.parquet")
        told.write_ipc(self.folder / "x.arrow", compression="zstd")
        told.write_ipc(self.folder / "plain.arrow", compression="uncompressed")
        told.write_ipc_stream(self.folder / "stream.arrow", compression="lz4")
        for path in sorted(self.folder.glob("*.*")):
            with self.subTest(path.name):
                self.same(self.collect(path), KNOWN, texts=True, sizes="size")
        without = told.drop("image")
        without.write_ndjson(self.folder / "rows.jsonl")
        without.write_csv(self.folder / "rows.csv")
        for name in ["rows.jsonl", "rows.csv"]:
            found = self.collect(self.folder / name)
            self.assertEqual({n: r["size"] for n, r in found.items()}, {s.id: s.size for s in KNOWN.values()})
            self.assertEqual({n: r["text"] for n, r in found.items()}, {s.id: s.text for s in KNOWN.values()})

    def test_duckdb(self):
        known = table(text=TEXT, size=NUMBER)  # noqa: F841 (DuckDB sees it by its name)
        for name, option in [
            ("a.parquet", "FORMAT parquet, CODEC 'zstd'"),
            ("b.parquet", "FORMAT parquet, ROW_GROUP_SIZE 5"),
        ]:
            duckdb.sql(f"COPY (SELECT * FROM known) TO '{self.folder / name}' ({option})")
            with self.subTest(name):
                self.same(self.collect(self.folder / name), KNOWN, texts=True, sizes="size")
        for name, option in [
            ("c.csv", "FORMAT csv, HEADER"),
            ("d.jsonl", "FORMAT json"),
            ("e.csv.gz", "FORMAT csv, COMPRESSION gzip"),
        ]:
            duckdb.sql(f"COPY (SELECT id, text, size, label, split FROM known) TO '{self.folder / name}' ({option})")
            with self.subTest(name):
                found = self.collect(self.folder / name)
                want = {s.id: (s.text, s.size, s.label, s.split) for s in KNOWN.values()}
                self.assertEqual({n: (r["text"], r["size"], r["label"], r["split"]) for n, r in found.items()}, want)

    def test_shards_by_split(self):
        """One file for each split, as the hub has them."""
        for split in SPLITS:
            part = {name: s for name, s in KNOWN.items() if s.split == split}
            name = {"val": "validation"}.get(split, split)
            as_datasets(part).remove_columns("split").to_parquet(self.folder / f"{name}-00000-of-00001.parquet")
        self.same(self.collect(self.folder), KNOWN)


class Archives(Case):
    """Tar files of samples."""

    def members(self, sample, extension="png"):
        return {"__key__": sample.id, extension: sample.pixels, "cls": sample.number, "txt": sample.text}

    def numbered(self, found):
        for row in found.values():
            row["label"] = CLASSES[int(row["label"])]
        return found

    def test_webdataset(self):
        for name in ["x.tar", "x.tar.gz"]:
            with webdataset.TarWriter(str(self.folder / name)) as sink:
                for sample in KNOWN.values():
                    sink.write(self.members(sample) | {"json": {"split": sample.split, "size": sample.size}})
            with self.subTest(name):
                found = self.numbered(self.collect(self.folder / name))
                self.same(found, KNOWN, texts=True, sizes="size")

    def test_webdataset_shards(self):
        for split in SPLITS:
            (self.folder / "shards" / split).mkdir(parents=True)
            with webdataset.ShardWriter(f"{self.folder}/shards/{split}/%06d.tar", maxcount=5, verbose=0) as sink:
                for sample in KNOWN.values():
                    if sample.split == split:
                        sink.write(self.members(sample))
        self.same(self.numbered(self.collect(self.folder / "shards")), KNOWN, texts=True)

    def test_jpeg_and_sound(self):
        smooth = np.add.outer(np.arange(16) * 8, np.arange(16) * 4).astype(np.uint8)
        with webdataset.TarWriter(str(self.folder / "x.tar")) as sink:
            for i in range(4):
                sink.write({"__key__": f"a/{i}", "jpg": encode(smooth, "JPEG", quality=95), "wav": sound(i)})
        for name, row in self.collect(self.folder / "x.tar").items():
            self.assertEqual(row["audio"]["bytes"], sound(int(name[2:])))
            self.assertEqual(row["label"], "a")
            self.assertLessEqual(np.abs(row["pixels"].astype(int) - smooth).max(), 4)

    def test_forms_of_tar(self):
        """Names of all lengths and languages, in each form that Python writes."""
        long = "/".join(["folder"] * 15) + "/" + "n" * 90
        names = ["short", "Straße/日本", "a" * 99, "d/" + "b" * 120, long, "ü" * 70 + "/" + "é" * 80]
        known = dict(zip(names, KNOWN.values(), strict=False))
        for form in [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]:
            file = io.BytesIO()
            # The oldest form has no place for the longest names.
            there = {n: s for n, s in known.items() if form != tarfile.USTAR_FORMAT or len(n.encode()) < 95}
            with tarfile.open(fileobj=file, mode="w", format=form) as archive:
                for name, sample in there.items():
                    for extension, data in [("png", sample.png), ("txt", sample.text.encode())]:
                        info = tarfile.TarInfo(f"{name}.{extension}")
                        info.size, info.mtime, info.uid = len(data), 1e9 + 0.5, 3_000_000 if form else 1
                        archive.addfile(info, io.BytesIO(data))
            packed = {"tar": file.getvalue(), "tar.gz": gzip.compress(file.getvalue())}
            packed["tar.zst"] = zstandard.compress(file.getvalue())
            for end, data in packed.items():
                with self.subTest(form=form, end=end):
                    (self.folder / f"x.{end}").write_bytes(data)
                    found = self.collect(self.folder / f"x.{end}")
                    self.assertEqual(set(found), set(there))
                    for name, sample in there.items():
                        np.testing.assert_array_equal(found[name]["pixels"], sample.pixels)
                        self.assertEqual(found[name]["text"], sample.text)

    def test_from_a_folder(self):
        """As `tar` packs a folder of classes: with entries for folders, links and all."""
        for sample in KNOWN.values():
            path = self.folder / "set" / sample.split / sample.label / f"{sample.id}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(sample.png)
        (self.folder / "set" / "link.png").symlink_to("train")
        with tarfile.open(self.folder / "x.tar", "w") as archive:
            archive.add(self.folder / "set", arcname=".")
        found = self.collect(self.folder / "x.tar", code=3)
        self.same(found, KNOWN, ids=lambda s: f"{s.split}/{s.label}/{s.id}")


class Plain(Case):
    """Folders, arrays and lines."""

    def test_pillow(self):
        """Pictures of each lossless form, in folders of splits and classes."""
        forms = ["png", "bmp", "tiff", "webp", "ppm"]
        for i, sample in enumerate(KNOWN.values()):
            path = self.folder / "set" / sample.split / sample.label / f"{sample.id}.{forms[i % 5]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(sample.pixels).save(path, **({"lossless": True} if path.suffix == ".webp" else {}))
        found = {Path(name).stem: row for name, row in self.collect(self.folder / "set").items()}
        self.same(found, KNOWN)

    def test_metadata_of_pictures(self):
        """Labels and texts beside pictures, as ImageFolder has them: what it reads, and the same here."""
        for form in ["csv", "jsonl"]:
            folder = self.folder / form
            for split in SPLITS:
                name = {"val": "validation"}.get(split, split)
                (folder / name).mkdir(parents=True)
                known = [s for s in KNOWN.values() if s.split == split]
                for s in known:
                    (folder / name / f"{s.id}.png").write_bytes(s.png)
                told = pl.DataFrame(
                    {
                        "file_name": [f"{s.id}.png" for s in known],
                        **{n: [getattr(s, n) for s in known] for n in ["label", "text", "size"]},
                    }
                )
                told.write_csv(folder / name / "metadata.csv") if form == "csv" else told.write_ndjson(
                    folder / name / "metadata.jsonl"
                )
            with self.subTest(form):
                read = datasets.load_dataset("imagefolder", data_dir=str(folder))
                theirs = {
                    np.asarray(row["image"]).tobytes(): (
                        row["label"],
                        row["text"],
                        row["size"],
                        {"validation": "val"}.get(split, split),
                    )
                    for split, part in read.items()
                    for row in part
                }
                ours = {
                    row["pixels"].tobytes(): (row["label"], row["text"], row["size"], row["split"])
                    for row in self.collect(folder).values()
                }
                self.assertEqual(ours, theirs)
                self.assertEqual(len(ours), len(KNOWN))

    def test_modes_of_pillow(self):
        """Grey, palette, bits, alpha, 16 bits, CMYK: as Pillow converts them."""
        base = Image.fromarray(next(iter(KNOWN.values())).pixels)
        pictures = {"L": base.convert("L"), "P": base.quantize(16), "1": base.convert("1"), "LA": base.convert("LA")}
        (self.folder / "set").mkdir()
        for name, picture in pictures.items():
            picture.save(self.folder / "set" / f"{name}.png")
        found = self.collect(self.folder / "set")
        for name, picture in pictures.items():
            want = np.asarray(picture.convert("RGB"))
            got = next(row["pixels"] for id, row in found.items() if id.startswith(f"{name}.") or id == name)
            got = got if got.ndim == 3 else np.repeat(got[..., None], 3, 2)
            with self.subTest(name):
                np.testing.assert_array_equal(got, want)

    def arrays(self):
        """The samples as arrays, by their names."""
        lists = {"ids": "id", "splits": "split", "texts": "text", "features": "size", "labels": "number"}
        arrays = {name: np.array([getattr(s, field) for s in KNOWN.values()]) for name, field in lists.items()}
        arrays["features"] = arrays["features"].astype(np.float32)[:, None]
        images = np.stack([s.pixels for s in KNOWN.values()])
        return {"images": images, "classes": np.array(CLASSES), "columns": np.array(["size"]), **arrays}

    def numbered(self, found, **options):
        """Whether rows are the samples in their order."""
        for row in found.values():
            row["label"] = row["label"] if row["label"] in CLASSES else CLASSES[int(row["label"])]
        order = list(KNOWN)
        self.same(found, KNOWN, ids=lambda s: f"{order.index(s.id):08}", splits=False, **options)

    def test_npy(self):
        arrays = self.arrays()
        forms = {
            "plain": lambda a: a,
            "fortran": np.asfortranarray,
            "big": lambda a: a.astype(">i2"),
            "floats": np.float64,
        }
        for name, form in forms.items():
            with self.subTest(name):
                (self.folder / name).mkdir()
                np.save(self.folder / name / "images.npy", form(arrays["images"]))
                np.save(self.folder / name / "labels.npy", arrays["labels"])
                self.numbered(self.collect(self.folder / name))

    def test_npz(self):
        arrays = self.arrays()
        for save in [np.savez, np.savez_compressed]:
            with self.subTest(save.__name__):
                save(self.folder / "x.npz", **arrays)
                self.same(self.collect(self.folder / "x.npz"), KNOWN, texts=True, sizes="size")
        np.savez(self.folder / "few.npz", x=arrays["images"], y=arrays["labels"])
        self.numbered(self.collect(self.folder / "few.npz"))

    def test_npz_by_split(self):
        """As Keras keeps MNIST."""
        arrays, parts = self.arrays(), {}
        for split in ["train", "test"]:
            parts[f"x_{split}"] = arrays["images"][arrays["splits"] == split]
            parts[f"y_{split}"] = arrays["labels"][arrays["splits"] == split]
        np.savez(self.folder / "x.npz", **parts)
        found = self.collect(self.folder / "x.npz", "--val-fraction", 0)
        pixels = {row["pixels"].tobytes(): (CLASSES[int(row["label"])], row["split"]) for row in found.values()}
        want = {s.pixels.tobytes(): (s.label, s.split) for s in KNOWN.values() if s.split != "val"}
        self.assertEqual(pixels, want)

    def test_safetensors(self):
        arrays = self.arrays()
        safetensors.numpy.save_file({n: arrays[n] for n in ["images", "labels"]}, self.folder / "x.safetensors")
        self.numbered(self.collect(self.folder / "x.safetensors"))

    def test_idx(self):
        arrays = self.arrays()
        (self.folder / "set").mkdir()
        for name, array in [("images-idx4-ubyte.gz", arrays["images"]), ("labels-idx1-ubyte.gz", arrays["labels"])]:
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (self.folder / "set" / name).write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))
        self.numbered(self.collect(self.folder / "set"))

    def test_tfrecord(self):
        """Examples as Protocol Buffers writes them, whose maps are in any order."""
        messages = []
        for s in KNOWN.values():
            example = Example()
            feature = example.features.feature
            feature["image/encoded"].bytes_list.value.append(s.png)
            feature["image/format"].bytes_list.value.append(b"png")
            feature["image/height"].int64_list.value.append(SHAPE[0])
            feature["label"].int64_list.value.append(s.number)
            feature["text"].bytes_list.value.append(s.text.encode())
            feature["size"].float_list.value.append(s.size)
            messages.append(record(example.SerializeToString()))
        for name, data in [("x.tfrecord", b"".join(messages)), ("x.tfrecord.gz", gzip.compress(b"".join(messages)))]:
            with self.subTest(name):
                (self.folder / name).write_bytes(data)
                self.numbered(self.collect(self.folder / name), texts=True, sizes="size")

    def test_packed_lines(self):
        lines = "".join(json.dumps({"id": s.id, "text": s.text, "label": s.label}) + "\n" for s in KNOWN.values())
        for name, data in [
            ("x.jsonl.gz", gzip.compress(lines.encode())),
            ("x.jsonl.zst", zstandard.compress(lines.encode())),
        ]:
            with self.subTest(name):
                (self.folder / name).write_bytes(data)
                found = self.collect(self.folder / name)
                want = {s.id: (s.text, s.label) for s in KNOWN.values()}
                self.assertEqual({n: (r["text"], r["label"]) for n, r in found.items()}, want)


if __name__ == "__main__":
    unittest.main()
