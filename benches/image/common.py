"""What the files of peers share: the pictures, and how albumentations is called."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import numpy as np

SIDE, PART, SMALL = 512, 224, 2000
random = np.random.default_rng(1)
A, B = (random.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in range(2))
A224 = np.ascontiguousarray(A[:PART, :PART])


def composed(one, **more):
    """Calls of transforms of albumentations, by their names; `more` is handed to each."""
    import albumentations as alb

    run = lambda op: (lambda whole: lambda: whole(image=A, **more))(alb.Compose([op], seed=1))
    return {name: run(op) for name, op in one.items()}
