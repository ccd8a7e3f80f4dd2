"""Writes pytorch.in: what PyTorch gives for a pass of training through each layer, forward and backward.

    python3 core/src/nn/tests/pytorch.py > core/src/nn/tests/pytorch.in    # PyTorch 2.15, in double precision

Numbers that go in are small multiples of a quarter, by the same formula as in the tests. Pictures have their channels last.
"""

import torch
import torch.nn as nn
from torch.nn.utils.parametrizations import spectral_norm

torch.set_default_dtype(torch.float64)
BATCH = 2


def quarters(n, a, m, o):
    return (torch.arange(n) * a % m - o) / 4


def first(image, last):
    return last.permute(0, 3, 1, 2) if image else last


def last(image, first):
    return first.permute(0, 2, 3, 1) if image else first


def text(values):
    return "&[" + ", ".join(f"{v:.9g}" if "." in f"{v:.9g}" or "e" in f"{v:.9g}" else f"{v:.9g}.0" for v in values) + "]"


def case(name, layer, shape, whole=False):
    """One layer over samples of this shape: rows, columns, channels, or values."""
    image = len(shape) == 3
    count = BATCH * torch.tensor(shape).prod()
    x = (torch.arange(count) % 3) if whole else quarters(count, 7, 11, 5)
    x = x.reshape(BATCH, *shape)
    own = list(layer.parameters())
    # Weights before biases; a spectral norm has the weight behind the bias.
    own.sort(key=lambda p: -p.dim())
    start = quarters(sum(p.numel() for p in own), 5, 13, 6)
    for p in own:
        p.data, start = start[: p.numel()].reshape(p.shape), start[p.numel() :]
    state = [b for b in layer.buffers() if b.dim() > 0]
    if name.startswith("spectral"):
        for b, (a, m) in zip(state, [(3, 7), (4, 9)]):
            b.data = nn.functional.normalize(quarters(b.numel(), a, m, 3), dim=0)
    y = x if whole else first(image, x).clone().requires_grad_()
    out = layer(y)
    pictures = out.dim() == 4
    dy = quarters(out.numel(), 3, 17, 8)
    shown = last(pictures, out)
    (shown * dy.reshape(shown.shape)).sum().backward()
    dx = [] if whole else last(image, y.grad).flatten()
    grads = torch.cat([p.grad.flatten() for p in own]) if own else []
    after = torch.cat([b.flatten() for b in state]) if state else []
    print(f'    ("{name}", {text(shown.detach().flatten())}, {text(grads)}, {text(dx)}, {text(after)}),')


print("[")
case("dense", nn.Linear(3, 2), (3,))
case("conv", nn.Conv2d(4, 2, 3, 2, 1, groups=2), (3, 4, 4))
case("transposed", nn.ConvTranspose2d(4, 2, 3, 2, 1, 1, groups=2), (2, 2, 4))
case("batch norm", nn.BatchNorm2d(3), (2, 2, 3))
case("layer norm", nn.LayerNorm(5), (5,))
case("group norm", nn.GroupNorm(2, 4), (2, 2, 4))
case("up-sampling", nn.Upsample(scale_factor=2), (2, 1, 2))
case("average pool", nn.AvgPool2d(3, 2, 1), (4, 3, 2))
case("max pool", nn.MaxPool2d(3, 2, 1), (4, 3, 2))
case("embedding", nn.Embedding(3, 2), (2,), whole=True)
case("softmax", nn.Softmax(1), (5,))
case("spectral", spectral_norm(nn.Linear(3, 4)), (3,))
for name, function in [
    ("relu", nn.ReLU()),
    ("leaky relu", nn.LeakyReLU(0.2)),
    ("elu", nn.ELU(0.7)),
    ("silu", nn.SiLU()),
    ("gelu", nn.GELU()),
    ("softplus", nn.Softplus()),
    ("sigmoid", nn.Sigmoid()),
    ("tanh", nn.Tanh()),
]:
    case(name, function, (6,))
print("]")
