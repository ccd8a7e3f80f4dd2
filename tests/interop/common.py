"""What the tests share: samples that are known, the command, and what a dataset of ours holds."""

import io
import json
import logging
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
import wave
from dataclasses import dataclass
from pathlib import Path

import crc32c
import datasets
import numpy as np
import pyarrow.parquet as pq
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image

SEEDBED = os.environ["SEEDBED"]
CACHE = Path(os.environ["INTEROP_CACHE"])
datasets.disable_progress_bars()
logging.getLogger("absl").setLevel(logging.ERROR)

# In no order, so that a reader that sorts them is found out.
CLASSES = ["zebra", "ant", "Kätzchen"]
SPLITS = ["train", "val", "test"]
SHAPE = (5, 7, 3)


@dataclass
class Sample:
    """A sample that is known."""

    id: str
    pixels: np.ndarray
    label: str
    split: str
    text: str
    size: float

    @property
    def number(self):
        return CLASSES.index(self.label)

    @property
    def png(self):
        return encode(self.pixels)


def encode(pixels, form="PNG", **options):
    """The file of a picture."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def decode(file):
    """The pixels of a picture: grey ones have two sides, others three."""
    return np.asarray(Image.open(io.BytesIO(file)))


def sound(level):
    """A WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes([level]) * 200)
    return file.getvalue()


def samples(n=24, shape=SHAPE):
    """The same `n` samples in each call, by their ids."""
    draw = np.random.default_rng(7)
    made = [
        Sample(
            id=f"s{i:03}",
            pixels=draw.integers(0, 256, shape, dtype=np.uint8),
            label=CLASSES[i % 3],
            split=SPLITS[i // 3 % 4 % 3],
            text=f"line {i}, “quoted”\nand 🌱" if i % 2 else f"plain {i}",
            size=i / 4 - 1,
        )
        for i in range(n)
    ]
    return {sample.id: sample for sample in made}


def features(**more):
    """The columns of the samples as Hugging Face datasets has them."""
    columns = {"id": datasets.Value("string"), "image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)}
    return datasets.Features({**columns, "split": datasets.Value("string"), **more})


def rows(known, **more):
    """The same samples as columns of values; pictures are files."""
    columns = {
        "id": [s.id for s in known.values()],
        "image": [{"bytes": s.png, "path": f"{s.id}.png"} for s in known.values()],
        "label": [s.number for s in known.values()],
        "split": [s.split for s in known.values()],
    }
    return columns | {name: [getattr(s, name) for s in known.values()] for name in more}


def as_datasets(known, **more):
    """The same samples as a dataset of Hugging Face."""
    return datasets.Dataset.from_dict(rows(known, **more), features=features(**more))


def example_type():
    """The class of tf.train.Example, whose definition is repeated here for want of TensorFlow."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="tensorflow", syntax="proto3")

    def message(name, *fields):
        made = file.message_type.add(name=name)
        for number, (field, kind, repeated) in enumerate(fields, 1):
            label = 3 if repeated else 1
            named = {"type_name": kind} if isinstance(kind, str) else {"type": kind}
            made.field.add(name=field, number=number, label=label, **named)
        return made

    kinds = descriptor_pb2.FieldDescriptorProto
    message("BytesList", ("value", kinds.TYPE_BYTES, True))
    message("FloatList", ("value", kinds.TYPE_FLOAT, True))
    message("Int64List", ("value", kinds.TYPE_INT64, True))
    lists = [(f"{name.lower()}_list", f".tensorflow.{name}List", False) for name in ["Bytes", "Float", "Int64"]]
    feature = message("Feature", *lists)
    feature.oneof_decl.add(name="kind")
    for field in feature.field:
        field.oneof_index = 0
    features = message("Features", ("feature", ".tensorflow.Features.FeatureEntry", True))
    entry = features.nested_type.add(name="FeatureEntry")
    entry.field.add(name="key", number=1, label=1, type=kinds.TYPE_STRING)
    entry.field.add(name="value", number=2, label=1, type_name=".tensorflow.Feature")
    entry.options.map_entry = True
    message("Example", ("features", ".tensorflow.Features", False))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


Example = example_type()


def masked(data):
    """The checksum of TFRecord."""
    crc = crc32c.crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(message):
    """A message as a record of TFRecord."""
    length = struct.pack("<Q", len(message))
    return length + masked(length) + message + masked(message)


def seedbed(*arguments, code=0):
    """Runs the command and gives the object that it prints."""
    done = subprocess.run([SEEDBED, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise AssertionError(f"seedbed {arguments}: {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout) if done.stdout else {}


def read(folder):
    """The samples of a dataset of ours: each row a dict, `label` by its name, `pixels` where it has a picture."""
    told = json.loads((folder / "dataset.json").read_text())
    shards = sorted(folder.glob("data-*.parquet"))
    all_rows = [row for shard in shards for row in pq.ParquetFile(shard).read().to_pylist()]
    for row in all_rows:
        row["label"] = None if row["label"] is None else told["classes"][row["label"]]
        if row.get("image"):
            row["pixels"] = decode(row["image"]["bytes"])
    return {row["id"]: row for row in all_rows}


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(dir=CACHE))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def collect(self, source, *options, code=0):
        """What seedbed makes of a source."""
        out = Path(tempfile.mkdtemp(dir=CACHE)) / "collected"
        self.addCleanup(shutil.rmtree, out.parent)
        seedbed("collect", source, "--out", out, *options, code=code)
        return read(out)

    def same(self, found, known, ids=lambda sample: sample.id, splits=True, texts=False, sizes=None, labels=True):
        """Whether rows are the known samples: pictures by their pixels, labels by their names, splits and ids."""
        self.assertEqual(set(found), {ids(sample) for sample in known.values()})
        for sample in known.values():
            row = found[ids(sample)]
            np.testing.assert_array_equal(row["pixels"], sample.pixels)
            if labels:
                self.assertEqual(row["label"], sample.label)
            if splits:
                self.assertEqual(row["split"], sample.split)
            if texts:
                self.assertEqual(row["text"], sample.text)
            if sizes:
                self.assertEqual(row[sizes], sample.size)
