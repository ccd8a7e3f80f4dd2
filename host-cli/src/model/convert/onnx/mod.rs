//! Pieces of a model as graphs of ONNX.

mod graph;
mod layers;
mod proto;

use super::layers::Form;
use super::pieces::{Book, Normals, Op, Piece};
use crate::dataset::Normalize;
use crate::error::Result;
use graph::{Graph, whole, wholes};
use seedbed::nn::Shape;

/// The file of a piece, with what is said of its model.
///
/// # Errors
/// As [`super::layers::Network::layers`], and when it is larger than files of ONNX may be.
pub fn file(piece: &Piece<'_>, told: &[(&str, String)]) -> Result<Vec<u8>> {
    let mut graph = Graph::default();
    let mut inputs = piece.inputs.iter().map(|port| graph.input(port));
    let (mut at, label) = (inputs.next().unwrap_or_default(), inputs.next().unwrap_or_default());
    drop(inputs);
    // The axes of channels: those behind them have 1 value in a scale.
    let mut axes = piece.inputs.first().map_or(0, |port| port.sizes.len());
    let mut second = None;
    for op in &piece.ops {
        at = match op {
            Op::Standardise(n) => graph.standardise(&at, n, axes),
            Op::Restore(n) => graph.restore(&at, n, axes),
            Op::Scale(factor, offset) => graph.scale(&at, *factor, *offset),
            Op::Row => {
                let last = graph.transpose(&at, &[0, 2, 3, 1]);
                graph.with("Flatten", &[&last], vec![whole("axis", 1)])
            }
            Op::Picture(shape) => {
                axes = 3;
                let last = graph.reshape(&at, &[shape.height, shape.width, shape.channels]);
                graph.transpose(&last, &[0, 3, 1, 2])
            }
            Op::Class(classes) => graph.with_class(&at, &label, *classes),
            Op::Net(network) => {
                axes = if network.leaves()? == Form::Picture { 3 } else { 1 };
                graph.network(network, &at)?
            }
            Op::Sigmoid => graph.op("Sigmoid", &[&at]),
            Op::Halves => {
                let [first, other] = graph.halves(&at, &piece.outputs[0].sizes);
                second = Some(other);
                first
            }
            Op::Verdict(classes) => graph.verdict(&at, &label, *classes),
            Op::Nearest(book) => graph.nearest(&at, book, axes == 3),
            Op::LookUp(book, (shape, form)) => graph.look_up(&at, book, *shape, *form),
            Op::Normal(normals) => graph.normal(&at, &label, normals),
        };
    }
    for (port, value) in piece.outputs.iter().zip(std::iter::once(at).chain(second)) {
        graph.output(port, &value);
    }
    graph.model(piece.name, piece.about, told)
}

impl Graph {
    /// Values of the channels, to be met by a sample of so many axes.
    fn of_channels(&mut self, values: &[f32], axes: usize) -> String {
        let mut sizes = vec![1; axes.max(1)];
        sizes[0] = values.len();
        self.floats(&sizes, values)
    }

    fn standardise(&mut self, at: &str, n: &Normalize, axes: usize) -> String {
        let (mean, std) = (self.of_channels(&n.mean, axes), self.of_channels(&n.std, axes));
        let moved = self.op("Sub", &[at, &mean]);
        self.op("Div", &[&moved, &std])
    }

    fn restore(&mut self, at: &str, n: &Normalize, axes: usize) -> String {
        let (mean, std) = (self.of_channels(&n.mean, axes), self.of_channels(&n.std, axes));
        let scaled = self.op("Mul", &[at, &std]);
        self.op("Add", &[&scaled, &mean])
    }

    fn scale(&mut self, at: &str, factor: f32, offset: f32) -> String {
        let [factor, offset] = [factor, offset].map(|value| self.floats(&[], &[value]));
        let scaled = self.op("Mul", &[at, &factor]);
        self.op("Add", &[&scaled, &offset])
    }

    /// The class of each sample as 0 and 1 behind its values.
    fn with_class(&mut self, at: &str, label: &str, classes: usize) -> String {
        let depth = self.wholes(&[classes as i64]);
        let values = self.floats(&[2], &[0.0, 1.0]);
        let hot = self.op("OneHot", &[label, &depth, &values]);
        self.with("Concat", &[at, &hot], vec![whole("axis", 1)])
    }

    /// Two rows of these sizes that lie side by side.
    fn halves(&mut self, at: &str, sizes: &[usize]) -> [String; 2] {
        let n = sizes.iter().product::<usize>() as i64;
        let axis = self.wholes(&[1]);
        [0, n].map(|start| {
            let (start, end) = (self.wholes(&[start]), self.wholes(&[start + n]));
            self.op("Slice", &[at, &start, &end, &axis])
        })
    }

    fn verdict(&mut self, at: &str, label: &str, classes: usize) -> String {
        let first = self.wholes(&[0]);
        let all = self.with("Gather", &[at, &first], vec![whole("axis", 1)]);
        let mut logit = all;
        if classes > 0 {
            let (one, axis) = (self.wholes(&[1]), self.wholes(&[1]));
            let place = self.op("Add", &[label, &one]);
            let place = self.op("Unsqueeze", &[&place, &axis]);
            let own = self.with("GatherElements", &[at, &place], vec![whole("axis", 1)]);
            logit = self.op("Add", &[&logit, &own]);
        }
        self.reshape(&logit, &[])
    }

    /// The number of the code whose difference has the least sum of squares, the lower one of equals.
    fn nearest(&mut self, at: &str, book: &Book<'_>, picture: bool) -> String {
        let places: usize = book.grid.iter().product();
        let last = if picture { self.transpose(at, &[0, 2, 3, 1]) } else { at.to_owned() };
        let rows = self.reshape(&last, &[places, 1, book.dim]);
        let table = self.table(book);
        let apart = self.op("Sub", &[&rows, &table]);
        let attributes = vec![wholes("axes", &[3]), whole("keepdims", 0)];
        let squared = self.with("ReduceSumSquare", &[&apart], attributes);
        let codes = self.with("ArgMin", &[&squared], vec![whole("axis", 2), whole("keepdims", 0)]);
        self.reshape(&codes, &book.grid)
    }

    fn look_up(&mut self, at: &str, book: &Book<'_>, shape: Shape, form: Form) -> String {
        let table = self.table(book);
        let vectors = self.op("Gather", &[&table, at]);
        match form {
            Form::Row => self.reshape(&vectors, &[shape.channels]),
            Form::Picture => {
                let last = self.reshape(&vectors, &[shape.height, shape.width, shape.channels]);
                self.transpose(&last, &[0, 3, 1, 2])
            }
        }
    }

    fn table(&mut self, book: &Book<'_>) -> String {
        let name = "codebook.weight";
        self.named_floats(name, &[book.table.len() / book.dim, book.dim], book.table);
        name.into()
    }

    /// mean + factor·noise, by the class.
    fn normal(&mut self, at: &str, label: &str, normals: &Normals<'_>) -> String {
        let n = normals.latent;
        let [means, factors] = normals.parts();
        let classes = means.len() / n;
        let (means, factors) = (self.floats(&[classes, n], &means), self.floats(&[classes, n, n], &factors));
        let [mean, factor] = match normals.by_class {
            true => [means, factors].map(|of| self.op("Gather", &[&of, label])),
            false => [means, factors],
        };
        let column = self.reshape(at, &[n, 1]);
        let moved = self.op("MatMul", &[&factor, &column]);
        let moved = self.reshape(&moved, &[n]);
        self.op("Add", &[&moved, &mean])
    }
}

#[cfg(test)]
mod tests;
