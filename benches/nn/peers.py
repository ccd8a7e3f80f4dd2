"""What run.py measures of other libraries in Python: PyTorch, JAX (CPU, one compiled step), NumPy or onnxruntime, on so many
threads.

Reads names of operations, one a line, and answers each with the least time of a call in nanoseconds, or with `none`. The
models are those of `seedbed_golden::Training` at full size.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from turns import least

LIBRARY, THREADS = sys.argv[1], int(sys.argv[2])
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(THREADS)
os.environ["JAX_PLATFORMS"] = "cpu"
if LIBRARY == "jax" and THREADS == 1:
    os.sched_setaffinity(0, {0})

import numpy as np

random = np.random.default_rng(1)


def product(name):
    """The factors of a product as they are stored, and which of them are transposed."""
    sides, kinds = name.split()[1:]
    m, n, k = (int(side) for side in sides.split("x"))
    a = random.random((k, m) if kinds[0] == "t" else (m, k), np.float32)
    b = random.random((n, k) if kinds[1] == "t" else (k, n), np.float32)
    return (a.T if kinds[0] == "t" else a), (b.T if kinds[1] == "t" else b), (m, n)


def pictures(batch):
    return np.maximum(random.uniform(-1, 1, (batch, 784)), 0).astype(np.float32)


def bytes_of_pictures():
    """60,000 pictures of which half is black, as bytes."""
    print("imported", flush=True)
    made = np.maximum(random.integers(0, 256, (60_000, 784), np.uint8), 128) - 128
    print("pictures", flush=True)
    return made


def torch_start():
    """An epoch of the MLP VAE; see `start.py`."""
    import torch

    torch.set_num_threads(THREADS)
    made = torch.from_numpy(bytes_of_pictures())
    step = torch_ops()[0]["mlp-vae"](lambda at: made[at : at + 128].float() / 255)
    yield from (step(at) for at in range(0, 60_000, 128))


def jax_start():
    import jax.numpy as jnp

    made = bytes_of_pictures()
    step = jax_ops()[0]["mlp-vae"](lambda at: jnp.asarray(made[at : at + 128]) / np.float32(255))
    # The last batch is smaller, for which it would compile once more.
    yield from (step(at) for at in range(0, 60_000 - 128, 128))


def start(steps):
    for i, _ in enumerate(steps):
        if i == 0:
            print("step", flush=True)
    most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(most.split(":")[1].strip())


def torch_ops():
    import torch
    import torch.nn as nn
    import torch.nn.functional as F

    torch.set_num_threads(THREADS)
    down = lambda a, b, **k: nn.Conv2d(a, b, 4, 2, 1, **k)
    up = lambda a, b, **k: nn.ConvTranspose2d(a, b, 4, 2, 1, **k)

    def vae(encoder, decoder, latent, batch):
        adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3)

        def step(at=0):
            x = batch(at)
            mean, log_var = encoder(x).chunk(2, 1)
            z = mean + torch.exp(0.5 * log_var) * torch.randn(len(x), latent)
            loss = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
            loss = (loss + 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum()) / len(x)
            adam.zero_grad()
            loss.backward()
            adam.step()

        return step

    def mlp(batch=None):
        dense = lambda a, b, c: nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c))
        x = torch.tensor(pictures(128))
        return vae(dense(784, 400, 40), dense(20, 400, 784), 20, batch or (lambda _: x))

    def conv():
        encoder = nn.Sequential(down(1, 32), nn.ReLU(), down(32, 64), nn.ReLU(), nn.Flatten(), nn.Linear(3136, 32))
        decoder = nn.Sequential(
            nn.Linear(16, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)), up(64, 32), nn.ReLU(), up(32, 1)
        )
        x = torch.tensor(pictures(128)).view(-1, 1, 28, 28)
        return vae(encoder, decoder, 16, lambda _: x)

    def gan():
        generator = nn.Sequential(
            nn.Linear(64, 6272, bias=False), nn.Unflatten(1, (128, 7, 7)), nn.BatchNorm2d(128), nn.ReLU(),
            up(128, 64, bias=False), nn.BatchNorm2d(64), nn.ReLU(), up(64, 1), nn.Tanh(),
        )  # fmt: skip
        critic = nn.Sequential(
            down(1, 64), nn.LeakyReLU(0.2), down(64, 128, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(6272, 1),
        )  # fmt: skip
        adam = lambda model: torch.optim.Adam(model.parameters(), 2e-4, (0.5, 0.999))
        g_adam, d_adam = adam(generator), adam(critic)
        real, one, zero = torch.tensor(pictures(64)).view(-1, 1, 28, 28), torch.ones(64, 1), torch.zeros(64, 1)
        loss = F.binary_cross_entropy_with_logits

        def step():
            fake = generator(torch.randn(64, 64))
            d_adam.zero_grad()
            (loss(critic(real), one) + loss(critic(fake.detach()), zero)).backward()
            d_adam.step()
            g_adam.zero_grad()
            loss(critic(fake), one).backward()
            g_adam.step()

        return step

    def decoder():
        model = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())
        z = torch.randn(1, 20)

        def call():
            with torch.inference_mode():
                model(z)

        return call

    def gemm(name):
        a, b, shape = product(name)
        a, b, out = torch.tensor(a), torch.tensor(b), torch.empty(shape)
        return lambda: torch.mm(a, b, out=out)

    return {"mlp-vae": mlp, "conv-vae": conv, "dcgan": gan, "decoder": decoder}, gemm


def numpy_ops():
    def decoder():
        w = [random.random((400, 20), np.float32), random.random((784, 400), np.float32)]
        b, z = [np.zeros(400, np.float32), np.zeros(784, np.float32)], random.random(20, np.float32)

        def call():
            hidden = w[0] @ z + b[0]
            np.maximum(hidden, 0, out=hidden)
            return 1 / (1 + np.exp(-(w[1] @ hidden + b[1])))

        return call

    def gemm(name):
        a, b, shape = product(name)
        out = np.empty(shape, np.float32)
        return lambda: np.matmul(a, b, out=out)

    return {"decoder": decoder}, gemm


def jax_ops():
    import jax
    import jax.numpy as jnp

    def mlp(batch=None):
        key, fixed = jax.random.PRNGKey(0), jnp.asarray(pictures(128))
        batch = batch or (lambda _: fixed)
        sizes = [(784, 400), (400, 40), (20, 400), (400, 784)]
        weight = lambda a, b: jnp.asarray(random.uniform(-1, 1, (a, b)).astype(np.float32) / a**0.5)
        params = [(weight(a, b), jnp.zeros(b)) for a, b in sizes]
        zeros = jax.tree.map(jnp.zeros_like, params)
        dense = lambda layer, v: v @ layer[0] + layer[1]

        def loss(params, noise, x):
            e1, e2, d1, d2 = params
            mean, log_var = jnp.split(dense(e2, jax.nn.relu(dense(e1, x))), 2, 1)
            logits = dense(d2, jax.nn.relu(dense(d1, mean + jnp.exp(0.5 * log_var) * noise)))
            bernoulli = jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits)))
            return (bernoulli.sum() + 0.5 * (mean**2 + jnp.exp(log_var) - 1 - log_var).sum()) / len(x)

        @jax.jit
        def update(params, m, v, t, key, x):
            key, own = jax.random.split(key)
            grads = jax.grad(loss)(params, jax.random.normal(own, (128, 20)), x)
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
            rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), params, m, v)
            return params, m, v, t + 1, key

        state = [params, zeros, zeros, 1.0, key]

        def step(at=0):
            state[:] = update(*state, batch(at))
            jax.block_until_ready(state[0])

        return step

    def decoder():
        w = [jnp.asarray(random.random((20, 400), np.float32)), jnp.asarray(random.random((400, 784), np.float32))]
        call = jax.jit(lambda z: jax.nn.sigmoid(jax.nn.relu(z @ w[0]) @ w[1]))
        z = jnp.asarray(random.random((1, 20), np.float32))
        return lambda: call(z).block_until_ready()

    return {"mlp-vae": mlp, "decoder": decoder}, None


def onnx_ops():
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    def decoder():
        sides = {"w1": (400, 20), "b1": (400,), "w2": (784, 400), "b2": (784,)}
        weights = [numpy_helper.from_array(random.uniform(-0.1, 0.1, s).astype(np.float32), n) for n, s in sides.items()]
        nodes = [
            helper.make_node("Gemm", ["z", "w1", "b1"], ["h"], transB=1), helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "w2", "b2"], ["l"], transB=1), helper.make_node("Sigmoid", ["l"], ["y"]),
        ]  # fmt: skip
        value = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width])
        graph = helper.make_graph(nodes, "decoder", [value("z", 20)], [value("y", 784)], weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        z = random.random((1, 20), np.float32)
        return lambda: session.run(None, {"z": z})

    return {"decoder": decoder}, None


def main():
    if sys.argv[3:] == ["--start"]:
        return start({"torch": torch_start, "jax": jax_start}[LIBRARY]())
    makers, gemm = {"torch": torch_ops, "numpy": numpy_ops, "jax": jax_ops, "onnxruntime": onnx_ops}[LIBRARY]()
    ops = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in ops:
            make = makers.get(name)
            if name.startswith("gemm ") and gemm is not None:
                ops[name] = gemm(name)
            else:
                ops[name] = make() if make else None
        print(least(ops[name]) if ops[name] else "none", flush=True)


main()
