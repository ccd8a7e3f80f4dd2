"""One peer on one input: prints the seconds and the processor time of the work, imports left out, and the samples.

    peers.py copied FOLDER PROCESSES       Hugging Face datasets: class folders to Arrow, files copied as they are
    peers.py decoded FOLDER PROCESSES      the same, then every picture decoded once
    peers.py webdataset FOLDER PROCESSES   webdataset: every member of every sample decoded
"""

import os
import sys
import tempfile
import time
from multiprocessing import Pool
from pathlib import Path


class Clock:
    """Wall time and processor time, children that have ended included."""

    def __init__(self):
        self.start = time.perf_counter(), self.cpu()

    @staticmethod
    def cpu():
        return sum(os.times()[:4])

    def stop(self):
        return time.perf_counter() - self.start[0], self.cpu() - self.start[1]


def imagefolder(folder, processes, decode):
    import datasets
    import numpy  # noqa: F401  (before the clock starts)

    datasets.disable_progress_bars()
    many = processes if processes > 1 else None
    with tempfile.TemporaryDirectory(dir=folder.parent) as cache:
        clock = Clock()
        found = datasets.load_dataset("imagefolder", data_dir=str(folder), split="train", cache_dir=cache)
        found.save_to_disk(cache + "/arrow", num_proc=many)
        if decode:
            each(arrays, [found.shard(processes, i) for i in range(processes)])
        return *clock.stop(), len(found)


def each(work, parts):
    """The sum over the parts, each in a process of its own where there are several."""
    if len(parts) == 1:
        return work(parts[0])
    pool = Pool(len(parts))
    results = pool.map(work, parts)
    pool.close()
    pool.join()
    return sum(results)


def arrays(found):
    import numpy

    return sum(numpy.asarray(row["image"]).size for row in found)


def shards(names):
    import webdataset

    stream = webdataset.WebDataset([str(name) for name in names], shardshuffle=False)
    return sum(1 for _ in stream.decode("rgb8", handler=webdataset.reraise_exception))


def archives(folder, processes):
    import webdataset  # noqa: F401  (before the clock starts)

    names = sorted(folder.glob("*.tar"))
    clock = Clock()
    samples = each(shards, [names[i::processes] for i in range(processes)])
    return *clock.stop(), samples


def main():
    peer, folder, processes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if peer == "webdataset":
        wall, cpu, samples = archives(folder, processes)
    else:
        wall, cpu, samples = imagefolder(folder, processes, peer == "decoded")
    print(f"{wall:.4f} {cpu:.4f} {samples}")


if __name__ == "__main__":
    main()
