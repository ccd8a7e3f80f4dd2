"""Models of ours in the forms of others: ONNX graphs run by ONNX Runtime, and PyTorch's files beside them."""

import ast
import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import safetensors
from safetensors.numpy import load_file, save_file

from common import CACHE, CLASSES, Case, as_datasets, read, samples, seedbed

# What other orders of sums come to, for values of about 1.
TOLERANCE = 1e-5

VAE = ["encoder", "decoder", "prior"]
GAN = ["generator", "discriminator"]
# Each preset with the pieces that it must have; pictures of which the sides are halved to odd ones.
PRESETS = {
    "vae-mlp": VAE,
    "vae-conv": VAE,
    "cvae": VAE,
    "vqvae": VAE,
    "gan-mlp": GAN,
    "dcgan": GAN,
    "cdcgan": GAN,
    "wgan": GAN,
}
ACTIVATIONS = [
    {"LeakyRelu": {"slope": 0.2}},
    "Sigmoid",
    "Tanh",
    {"Elu": {"alpha": 0.7}},
    "Silu",
    "Gelu",
    "Softplus",
]


def setUpModule():
    """Pictures of our own, with a scale, and a table."""
    as_datasets(samples(24, (14, 10, 3))).to_parquet(CACHE / "pictures.parquet")
    seedbed("collect", CACHE / "pictures.parquet", "--out", CACHE / "collected")
    seedbed("preprocess", CACHE / "collected", "--normalize", "train", "--out", CACHE / "scaled")
    draw = np.random.default_rng(5)
    values = enumerate(draw.normal(size=(40, 2)))
    rows = [f"{x},{50_000 + 1000 * y},{'uvw'[i % 3]},{'ab'[i % 2]}" for i, (x, y) in values]
    (CACHE / "table.csv").write_text("\n".join(["width,price,wood,kind", *rows]) + "\n")
    seedbed("collect", CACHE / "table.csv", "--label", "kind", "--out", CACHE / "table")


class Models(Case):
    """`model convert`."""

    def fresh(self):
        """A new folder in that of the test."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def train(self, data, preset, *options):
        """A model that has seen little."""
        out = self.fresh() / "model"
        epochs = 2 if preset == "vqvae" else 1
        seedbed("train", CACHE / data, "--model", preset, "--epochs", epochs, "--batch", 8, "--out", out, *options)
        return out

    def opened(self, model):
        """The tensors of a model, and what it says of itself."""
        path = model / "model.safetensors"
        with safetensors.safe_open(path, "np") as file:
            return load_file(path), json.loads(file.metadata()["seedbed"])

    def saved(self, tensors, about):
        """The file of a model."""
        path = self.fresh() / "model.safetensors"
        save_file(tensors, path, {"seedbed": json.dumps(about)})
        return path

    def drawn(self, model):
        """The model with weights that are drawn, so that everything depends on everything."""
        tensors, about = self.opened(model)
        draw = np.random.default_rng(11)
        for name, values in tensors.items():
            if name.endswith(".weight"):
                spread = 1 if name == "codebook.weight" else 2 / np.sqrt(values[0].size)
                tensors[name] = (spread * draw.normal(size=values.shape)).astype(np.float32)
        return self.saved(tensors, about)

    def convert(self, model):
        """The model as ONNX and for PyTorch, with the same samples to compare with."""
        folder = self.fresh()
        forms = {form: folder / form for form in ["onnx", "pytorch"]}
        for form in forms:
            seedbed("model", "convert", model, "--to", form, "--check", 16, "--out", forms[form])
        known = [load_file(folder / "check.safetensors") for folder in forms.values()]
        self.assertEqual(known[0].keys(), known[1].keys())
        for name, values in known[0].items():
            np.testing.assert_array_equal(values, known[1][name])
        return forms["onnx"], forms["pytorch"], known[0]

    def near(self, found, known):
        """Whether values are those that are known, for their size."""
        self.assertEqual(found.shape, known.shape)
        if known.dtype == np.int64:
            np.testing.assert_array_equal(found, known)
        else:
            size = np.maximum(1, np.abs(known).max(0))
            self.assertLessEqual((np.abs(found - known) / size).max(), TOLERANCE)

    def generate(self, model, n, temperature):
        """The pixels of the first samples of a model, none of which is rejected, class by class."""
        out = self.fresh() / "generated"
        options = ["--n", n, "--temperature", temperature, "--copy-ratio", 0, "--manifold-k", 0]
        seedbed("generate", CACHE / "collected", "--model", model, *options, "--out", out)
        number = {None: -1} | {name: i for i, name in enumerate(CLASSES)}
        rows = sorted(read(out).items(), key=lambda item: (number[item[1]["label"]], item[0]))
        return np.stack([row["pixels"] for _, row in rows])

    def pixels(self, made, drawn):
        """Whether pictures of a graph are these once they are rounded."""
        self.assertLessEqual(np.abs(made.transpose(0, 2, 3, 1) * 255 - drawn).max(), 0.501)

    def run_all(self, folder, known):
        """Every graph, on one sample and on all; gives the names of the graphs."""
        for path in folder.glob("*.onnx"):
            onnx.checker.check_model(path, full_check=True)
            session = onnxruntime.InferenceSession(path)
            inputs = {port.name: known[f"{path.stem}.{port.name}"] for port in session.get_inputs()}
            names = [port.name for port in session.get_outputs()]
            for n in [1, 16]:
                outputs = session.run(names, {name: values[:n] for name, values in inputs.items()})
                for name, found in zip(names, outputs, strict=True):
                    self.near(found, known[f"{path.stem}.{name}"][:n])
        return {path.stem for path in folder.glob("*.onnx")}

    def same_tensors(self, graphs, modules):
        """Whether the files of networks hold what the graphs hold, under the names of their layers."""
        ast.parse((modules / "modules.py").read_text())
        found = {}
        for path in graphs.glob("*.onnx"):
            for tensor in onnx.load(path).graph.initializer:
                found[tensor.name] = onnx.numpy_helper.to_array(tensor)
        compared = 0
        for path in modules.glob("*.safetensors"):
            for name, values in load_file(path).items():
                own = found.get(f"{path.stem}.{name}")
                if own is not None:
                    np.testing.assert_array_equal(own, values)
                    compared += 1
                elif name.endswith("num_batches_tracked"):
                    self.assertEqual(values, 0)
                else:
                    # The scale and the prior of a VAE have no layer.
                    self.assertIn(path.stem, ["scale", "prior", "check"])
        self.assertGreater(compared, 3)

    def test_presets(self):
        for preset, pieces in PRESETS.items():
            with self.subTest(preset):
                graphs, modules, known = self.convert(self.train("collected", preset))
                self.assertEqual(self.run_all(graphs, known), set(pieces))
                self.same_tensors(graphs, modules)

    def test_a_scale_is_inside(self):
        for preset in ["vae-mlp", "cdcgan", "vqvae"]:
            with self.subTest(preset):
                graphs, modules, known = self.convert(self.train("scaled", preset, "--likelihood", "gaussian"))
                self.run_all(graphs, known)
                self.same_tensors(graphs, modules)

    def test_tables(self):
        for preset in ["vae-mlp", "gan-mlp"]:
            with self.subTest(preset):
                graphs, modules, known = self.convert(self.train("table", preset))
                self.run_all(graphs, known)
                self.same_tensors(graphs, modules)
                told = onnxruntime.InferenceSession(next(graphs.glob("*.onnx"))).get_modelmeta().custom_metadata_map
                columns = ["width", "price", "wood=u", "wood=v", "wood=w"]
                self.assertEqual((told["samples"], json.loads(told["columns"])), ("rows", columns))

    def test_norms_of_discriminators(self):
        for norm in ["none", "batch"]:
            with self.subTest(norm):
                graphs, modules, known = self.convert(self.train("collected", "dcgan", "--norm", norm))
                self.run_all(graphs, known)
                self.same_tensors(graphs, modules)

    def test_activations(self):
        tensors, about = self.opened(self.train("collected", "vae-conv"))
        for activation in ACTIVATIONS:
            with self.subTest(activation):
                about["config"]["network"]["vae"]["arch"]["activation"] = activation
                graphs, _, known = self.convert(self.saved(tensors, about))
                self.run_all(graphs, known)

    def test_what_is_told(self):
        graphs, _, _ = self.convert(self.train("collected", "cvae"))
        session = onnxruntime.InferenceSession(graphs / "decoder.onnx")
        told = session.get_modelmeta().custom_metadata_map
        self.assertEqual((told["kind"], told["conditional"], json.loads(told["shape"])), ("vae", "true", [3, 14, 10]))
        self.assertEqual(json.loads(told["classes"]), CLASSES)
        latent, label = session.get_inputs()
        self.assertEqual((latent.shape, label.type), (["batch", 16], "tensor(int64)"))

    def test_generate(self):
        """The graphs make of standard normal values what `generate` draws first by the same seed, rounded to pixels."""
        for preset, names in [("dcgan", ["generator"]), ("vae-conv", ["prior", "decoder"])]:
            with self.subTest(preset):
                conditional = [] if preset == "dcgan" else ["--conditional", "false"]
                model = self.train("collected", preset, *conditional)
                graphs, _, known = self.convert(model)
                made = known[f"{names[0]}.{'noise' if names[1:] else 'latent'}"]
                for name in names:
                    session = onnxruntime.InferenceSession(graphs / f"{name}.onnx")
                    (made,) = session.run(None, {session.get_inputs()[0].name: made})
                self.pixels(made, self.generate(model, 16, temperature=1))

    def test_codes(self):
        """The likeliest codes, found as the metadata say, are what `generate` draws at a temperature of 0."""
        for conditional in ["true", "false"]:
            with self.subTest(conditional):
                # A grid of 7 × 5, so that places see others on all sides.
                options = ["--conditional", conditional, "--channels", 8, "--codes", 16]
                model = self.drawn(self.train("collected", "vqvae", *options))
                graphs, _, _ = self.convert(model)
                sessions = [onnxruntime.InferenceSession(graphs / f"{name}.onnx") for name in ["prior", "decoder"]]
                prior, decoder = sessions
                told = prior.get_modelmeta().custom_metadata_map
                (rows, columns), (above, beside) = (json.loads(told[name]) for name in ["grid", "window"])
                codes = int(told["codes"])
                label = np.arange(3 if conditional == "true" else 1)[:, None]
                grids = np.full((len(label), above + rows, columns + 2 * beside), codes)
                for row, column in np.ndindex(rows, columns):
                    over = grids[:, row : row + above, column : column + 2 * beside + 1].reshape(len(label), -1)
                    left = grids[:, above + row, column : column + beside]
                    place = [codes + 1 + row, codes + 1 + rows + column]
                    known = [over, left, np.tile(place, (len(label), 1))]
                    if conditional == "true":
                        known.append(codes + 1 + rows + columns + label)
                    (logits,) = prior.run(None, {"context": np.concatenate(known, 1)})
                    grids[:, above + row, beside + column] = logits.argmax(1)
                (made,) = decoder.run(None, {"codes": grids[:, above:, beside : beside + columns]})
                self.pixels(made, self.generate(model, len(label), temperature=0))
