"""Inputs of the benchmarks of the dataset layer, made from small public sets; the standard library is enough."""

import gzip
import struct
import tarfile
import zlib
from pathlib import Path


def read_idx(path):
    """The elements of a gzipped IDX file of bytes."""
    data = gzip.decompress(Path(path).read_bytes())
    axes = data[3]
    shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes])
    return shape, data[4 + 4 * axes :]


def png(pixels, width, height):
    """A grey PNG."""
    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def made(path, make):
    """`path`, which `make` writes unless it is there; a half-written one never has the name."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name("." + path.name)
        make(partial)
        partial.rename(path)
    return path


def fashion(data, work):
    """A folder with the gzipped training files of Fashion-MNIST alone."""
    folder = work / "fashion"
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        made(folder / name, lambda out, name=name: out.write_bytes((data / "fashion-mnist" / name).read_bytes()))
    return folder


def idx(data, work, times):
    """The same as plain IDX, `times` over: row numbers are ids."""

    def write(out):
        out.mkdir()
        for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
            shape, body = read_idx(data / "fashion-mnist" / f"{name}.gz")
            shape = (shape[0] * times, *shape[1:])
            with open(out / name, "wb") as file:
                file.write(bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape))
                for _ in range(times):
                    file.write(body)

    return made(work / f"idx-{times}", write)


def tar(data, work, times):
    """The same as one tar archive of PNG and class, `times` over under other names."""

    def write(out):
        (n, height, width), pixels = read_idx(data / "fashion-mnist" / "train-images-idx3-ubyte.gz")
        _, labels = read_idx(data / "fashion-mnist" / "train-labels-idx1-ubyte.gz")
        size = height * width
        files = [png(pixels[i * size : (i + 1) * size], width, height) for i in range(n)]
        with open(out, "wb") as raw:
            for i in range(n * times):
                put(raw, f"{i:08}.cls", str(labels[i % n]).encode())
                put(raw, f"{i:08}.png", files[i % n])
            raw.write(bytes(1024))

    return made(work / f"fashion-{times}.tar", write)


def put(archive, name, body):
    """One member of a tar archive."""
    info = tarfile.TarInfo(name)
    info.size = len(body)
    archive.write(info.tobuf(tarfile.USTAR_FORMAT) + body + bytes(-len(body) % 512))


def jpeg(data, work, times):
    """Class folders of small JPEGs, `times` over under other names."""

    def write(out):
        with tarfile.open(data / "cifar10-jpeg" / "cifar10-2000.tar") as archive:
            for member in archive.getmembers():
                if not member.name.endswith(".jpg"):
                    continue
                body = archive.extractfile(member).read()
                name = Path(*Path(member.name).parts[1:])
                (out / name.parent).mkdir(parents=True, exist_ok=True)
                for i in range(times):
                    (out / name.parent / f"{i}-{name.name}").write_bytes(body)

    return made(work / f"jpeg-{times}", write)


def trio(data, work, times):
    """WebDataset shards of picture, sound and text, `times` over under other names."""

    def write(out):
        out.mkdir()
        for shard in sorted((data / "digits-trio-wds").glob("*.tar")):
            for i in range(times):
                with tarfile.open(shard) as source, open(out / f"{i:03}-{shard.name}", "wb") as raw:
                    for member in source.getmembers():
                        if member.isfile():
                            put(raw, f"{i:03}{member.name}", source.extractfile(member).read())
                    raw.write(bytes(1024))

    return made(work / f"trio-{times}", write)
