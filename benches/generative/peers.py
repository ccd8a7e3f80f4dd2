"""Plain models of PyTorch beside the presets: trains one, and writes 10,000 samples as IDX after some epochs, each with the CPU
seconds of training until then.

    python benches/generative/peers.py MODEL FOLDER OUT EPOCHS...

MODEL is dcgan (Radford et al. 2016: batch normalisation, Adam 2e-4 with a beta1 of 0.5, batches of 128), vae-conv or vae-mlp (Kingma
and Welling 2014: Bernoulli, Adam 1e-3, batches of 128). One thread; drawing is not counted.
"""

import gzip
import json
import resource
import struct
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

BATCH, SAMPLES = 128, 10_000


class DCGAN:
    def __init__(self):
        self.g = nn.Sequential(
            nn.Linear(64, 7 * 7 * 128, bias=False), nn.Unflatten(1, (128, 7, 7)), nn.BatchNorm2d(128), nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
            nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh(),
        )  # fmt: skip
        self.d = nn.Sequential(
            nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(7 * 7 * 128, 1),
        )  # fmt: skip
        for m in [*self.g.modules(), *self.d.modules()]:
            if isinstance(m, nn.BatchNorm2d):
                nn.init.normal_(m.weight, 1, 0.02)
            elif hasattr(m, "weight"):
                nn.init.normal_(m.weight, 0, 0.02)
        self.adams = [torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (self.g, self.d)]

    def step(self, x):
        x, z = 2 * x - 1, torch.randn(len(x), 64)
        made = self.g(z)
        one, none = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        loss = F.binary_cross_entropy_with_logits
        self.adams[1].zero_grad()
        (loss(self.d(x), one) + loss(self.d(made.detach()), none)).backward()
        self.adams[1].step()
        self.adams[0].zero_grad()
        loss(self.d(made), one).backward()
        self.adams[0].step()

    def draw(self, n):
        self.g.eval()
        made = (self.g(torch.randn(n, 64)) + 1) / 2
        self.g.train()
        return made


class VAE:
    def __init__(self, latent, encoder, decoder):
        self.latent, self.encoder, self.decoder = latent, encoder, decoder
        self.adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3)

    def step(self, x):
        mean, log_var = self.encoder(x).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (0.5 * log_var).exp()
        told = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        loss = told - 0.5 * (1 + log_var - mean**2 - log_var.exp()).sum()
        self.adam.zero_grad()
        (loss / len(x)).backward()
        self.adam.step()

    def draw(self, n):
        return self.decoder(torch.randn(n, self.latent)).sigmoid()


def model(name):
    if name == "dcgan":
        return DCGAN()
    if name == "vae-mlp":
        return VAE(
            20,
            nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40)),
            nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Unflatten(1, (1, 28, 28))),
        )
    return VAE(
        16,
        nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(3136, 32)
        ),
        nn.Sequential(
            nn.Linear(16, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1),
        ),
    )  # fmt: skip


def seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(name, folder, out, *points):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    data = gzip.open(Path(folder) / "train-images-idx3-ubyte.gz").read()[16:]
    data = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, 1, 28, 28)
    trained, total = model(name), 0.0
    for epoch in range(1, max(map(int, points)) + 1):
        begun = seconds()
        for batch in torch.randperm(len(data)).split(BATCH):
            trained.step(data[batch].float() / 255)
        total += seconds() - begun
        if str(epoch) in points:
            with torch.no_grad():
                made = torch.cat([trained.draw(500) for _ in range(SAMPLES // 500)])
            path = Path(out) / f"{name}-{epoch}-idx3-ubyte"
            pixels = (made * 255).round().to(torch.uint8).numpy().tobytes()
            path.write_bytes(struct.pack(">IIII", 0x803, SAMPLES, 28, 28) + pixels)
            print(json.dumps({"epochs": epoch, "cpu_seconds": round(total, 1), "file": str(path)}), flush=True)


main(*sys.argv[1:])
