//! Layers as operators of ONNX.

use super::graph::{Graph, float, whole, wholes, word};
use super::proto::AttributeProto;
use crate::error::Result;
use crate::model::convert::layers::{Form, Network, Placed};
use seedbed::nn::{Activation, Layer, Pool2d};

fn window(kernel: usize, stride: usize, padding: usize) -> Vec<AttributeProto> {
    vec![wholes("kernel_shape", &[kernel; 2]), wholes("strides", &[stride; 2]), wholes("pads", &[padding; 4])]
}

fn pooled(pool: Pool2d) -> Vec<AttributeProto> {
    window(pool.kernel, pool.stride, pool.padding)
}

impl Graph {
    /// The layers of a network.
    ///
    /// # Errors
    /// As [`Network::layers`].
    pub fn network(&mut self, network: &Network<'_>, input: &str) -> Result<String> {
        let mut at = input.to_owned();
        for (i, layer) in network.layers()?.iter().enumerate() {
            let mut names = Vec::new();
            for held in &layer.tensors {
                let name = format!("{}.{i}.{}", network.name, held.role.name());
                self.named_floats(&name, &held.sizes, &held.values);
                names.push(name);
            }
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            at = self.layer(layer, &at, &names);
        }
        Ok(at)
    }

    /// A layer of `at`, with the names of its tensors.
    fn layer(&mut self, placed: &Placed, at: &str, tensors: &[&str]) -> String {
        let inputs = [&[at], tensors].concat();
        match placed.layer {
            Layer::Dense(_) => self.with("Gemm", &inputs, vec![whole("transB", 1)]),
            Layer::Conv2d(c) => {
                let group = whole("group", c.groups as i64);
                let attributes = [window(c.kernel, c.stride, c.padding), vec![group]].concat();
                self.with("Conv", &inputs, attributes)
            }
            Layer::ConvTranspose2d(c) => {
                let more =
                    [whole("group", c.groups as i64), wholes("output_padding", &[c.output_padding; 2])];
                let attributes = [window(c.kernel, c.stride, c.padding), more.to_vec()].concat();
                self.with("ConvTranspose", &inputs, attributes)
            }
            Layer::BatchNorm { epsilon, .. } => {
                self.with("BatchNormalization", &inputs, vec![float("epsilon", epsilon)])
            }
            Layer::LayerNorm { epsilon } => self.layer_norm(placed.output.1, epsilon, &inputs),
            Layer::GroupNorm { groups, epsilon } => self.group_norm(placed, (groups, epsilon), &inputs),
            Layer::Upsample { factor } => self.repeat(at, factor),
            Layer::AvgPool2d(pool) => {
                let attributes = [pooled(pool), vec![whole("count_include_pad", 1)]].concat();
                self.with("AveragePool", &[at], attributes)
            }
            Layer::MaxPool2d(pool) => self.with("MaxPool", &[at], pooled(pool)),
            Layer::Embedding { .. } => {
                let rows = self.op("Gather", &[inputs[1], at]);
                self.reshape(&rows, &placed.sizes())
            }
            // Only training drops values.
            Layer::Dropout { .. } => at.to_owned(),
            Layer::Flatten => self.with("Flatten", &[at], vec![whole("axis", 1)]),
            Layer::Unflatten(_) => self.reshape(at, &placed.sizes()),
            Layer::Softmax => self.with("Softmax", &[at], vec![whole("axis", 1)]),
            Layer::Activation(activation) => self.activation(activation, at),
        }
    }

    /// The operator normalises the last axis, which is that of the channels here.
    fn layer_norm(&mut self, form: Form, epsilon: f32, inputs: &[&str]) -> String {
        let attributes = vec![float("epsilon", epsilon)];
        match (form, inputs) {
            (Form::Picture, [at, tensors @ ..]) => {
                let last = self.transpose(at, &[0, 2, 3, 1]);
                let normed = self.with("LayerNormalization", &[&[&*last], tensors].concat(), attributes);
                self.transpose(&normed, &[0, 3, 1, 2])
            }
            _ => self.with("LayerNormalization", inputs, attributes),
        }
    }

    /// Groups as the channels of an instance normalisation, then weight and bias of the channels.
    fn group_norm(&mut self, placed: &Placed, (groups, epsilon): (usize, f32), inputs: &[&str]) -> String {
        let sizes = placed.sizes();
        let channels = placed.output.0.channels;
        let apart = self.reshape(inputs[0], &[groups, sizes.iter().product::<usize>() / groups]);
        let (ones, zeros) =
            (self.floats(&[groups], &vec![1.0; groups]), self.floats(&[groups], &vec![0.0; groups]));
        let attributes = vec![float("epsilon", epsilon)];
        let normed = self.with("InstanceNormalization", &[&apart, &ones, &zeros], attributes);
        let mut at = self.reshape(&normed, &sizes);
        let places = vec![1; sizes.len() - 1];
        for (op, tensor) in ["Mul", "Add"].into_iter().zip(&inputs[1..]) {
            let sizes: Vec<i64> = std::iter::once(channels as i64).chain(places.iter().copied()).collect();
            let sizes = self.wholes(&sizes);
            let tensor = self.op("Reshape", &[tensor, &sizes]);
            at = self.op(op, &[&at, &tensor]);
        }
        at
    }

    /// Each pixel `factor` times along both sides.
    fn repeat(&mut self, at: &str, factor: usize) -> String {
        let scales = self.floats(&[4], &[1.0, 1.0, factor as f32, factor as f32]);
        let attributes = vec![
            word("mode", "nearest"),
            word("coordinate_transformation_mode", "asymmetric"),
            word("nearest_mode", "floor"),
        ];
        self.with("Resize", &[at, "", &scales], attributes)
    }

    fn activation(&mut self, activation: Activation, at: &str) -> String {
        match activation {
            Activation::Relu => self.op("Relu", &[at]),
            Activation::LeakyRelu { slope } => self.with("LeakyRelu", &[at], vec![float("alpha", slope)]),
            Activation::Sigmoid => self.op("Sigmoid", &[at]),
            Activation::Tanh => self.op("Tanh", &[at]),
            Activation::Elu { alpha } => self.with("Elu", &[at], vec![float("alpha", alpha)]),
            Activation::Softplus => self.op("Softplus", &[at]),
            Activation::Silu => {
                let sigmoid = self.op("Sigmoid", &[at]);
                self.op("Mul", &[at, &sigmoid])
            }
            // x·(½ + ½·erf(x / √2)).
            Activation::Gelu => {
                let [root, half] =
                    [std::f32::consts::FRAC_1_SQRT_2, 0.5].map(|value| self.floats(&[], &[value]));
                let scaled = self.op("Mul", &[at, &root]);
                let erf = self.op("Erf", &[&scaled]);
                let by_half = self.op("Mul", &[&erf, &half]);
                let normal = self.op("Add", &[&by_half, &half]);
                self.op("Mul", &[at, &normal])
            }
        }
    }
}
