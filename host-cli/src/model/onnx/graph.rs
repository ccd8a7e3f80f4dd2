//! A graph of operators, put together node by node.

use super::proto::{
    AttributeProto, Dimension, FLOAT, GraphProto, INT64, ModelProto, NodeProto, OperatorSetIdProto, Size,
    TensorProto, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};
use crate::error::{Error, Result};
use prost::Message;
use seedbed::generate::Net;
use seedbed::nn::{Activation, Layer, Role};

/// The set of operators, and the version of the format that belongs to it.
const OPSET: i64 = 17;
const IR: i64 = 8;

/// A graph in the making; values are known by the names that its methods give.
#[derive(Default)]
pub struct Graph {
    graph: GraphProto,
}

/// The values of a network.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    /// Parameters.
    pub params: &'a [f32],
    /// What training passes followed.
    pub state: &'a [f32],
}

fn whole(name: &str, i: usize) -> AttributeProto {
    AttributeProto { name: name.into(), i: i as i64, r#type: 2, ..AttributeProto::default() }
}

fn wholes(name: &str, of: &[usize]) -> AttributeProto {
    let ints = of.iter().map(|&n| n as i64).collect();
    AttributeProto { name: name.into(), ints, r#type: 7, ..AttributeProto::default() }
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f, r#type: 1, ..AttributeProto::default() }
}

fn value(name: &str, elem_type: i32, sizes: &[usize]) -> ValueInfoProto {
    let fixed = sizes.iter().map(|&n| Size::Value(n as i64));
    let dim = std::iter::once(Size::Param("batch".into())).chain(fixed).map(|size| Dimension { value: Some(size) });
    let shape = Some(TensorShapeProto { dim: dim.collect() });
    let tensor_type = Some(TensorType { elem_type, shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

impl Graph {
    /// An input of floats, for each sample of a batch these sizes.
    pub fn input(&mut self, name: &str, sizes: &[usize]) -> String {
        self.graph.input.push(value(name, FLOAT, sizes));
        name.into()
    }

    /// An input of whole numbers.
    pub fn whole_input(&mut self, name: &str, sizes: &[usize]) -> String {
        self.graph.input.push(value(name, INT64, sizes));
        name.into()
    }

    /// Gives a value out under a name.
    pub fn output(&mut self, name: &str, of: &str, sizes: &[usize]) {
        self.named("Identity", &[of], name, Vec::new());
        self.graph.output.push(value(name, FLOAT, sizes));
    }

    /// The same of whole numbers.
    pub fn whole_output(&mut self, name: &str, of: &str, sizes: &[usize]) {
        self.named("Identity", &[of], name, Vec::new());
        self.graph.output.push(value(name, INT64, sizes));
    }

    fn named(&mut self, op: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&i| i.into()).collect(),
            output: vec![output.into()],
            name: format!("{op}_{}", self.graph.node.len()),
            op_type: op.into(),
            attribute,
        });
    }

    /// An operator; gives the name of what it makes.
    pub fn op(&mut self, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let output = format!("v{}", self.graph.node.len());
        self.named(op, inputs, &output, attribute);
        output
    }

    /// A constant of floats.
    pub fn floats(&mut self, sizes: &[usize], values: &[f32]) -> String {
        self.constant(FLOAT, sizes, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// A constant of whole numbers in one row.
    pub fn wholes(&mut self, values: &[i64]) -> String {
        self.constant(INT64, &[values.len()], values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    fn constant(&mut self, data_type: i32, sizes: &[usize], raw_data: Vec<u8>) -> String {
        let name = format!("c{}", self.graph.initializer.len());
        let dims = sizes.iter().map(|&n| n as i64).collect();
        self.graph.initializer.push(TensorProto { dims, data_type, name: name.clone(), raw_data });
        name
    }

    /// Each sample in these sizes.
    pub fn reshape(&mut self, of: &str, sizes: &[i64]) -> String {
        let sizes: Vec<i64> = std::iter::once(-1).chain(sizes.iter().copied()).collect();
        let sizes = self.wholes(&sizes);
        self.op("Reshape", &[of, &sizes], Vec::new())
    }

    /// Axes in another order.
    pub fn transpose(&mut self, of: &str, order: &[usize]) -> String {
        self.op("Transpose", &[of], vec![wholes("perm", order)])
    }

    /// The class of each sample as 0 and 1 behind its values.
    pub fn with_class(&mut self, of: &str, labels: &str, classes: usize) -> String {
        let depth = self.wholes(&[classes as i64]);
        let values = self.floats(&[2], &[0.0, 1.0]);
        let hot = self.op("OneHot", &[labels, &depth, &values], Vec::new());
        self.op("Concat", &[of, &hot], vec![whole("axis", 1)])
    }

    /// The layers of a network, pictures as channels × height × width.
    ///
    /// # Errors
    /// For a layer that opset 17 has no operator for.
    pub fn network(&mut self, net: &Net, values: Values<'_>, input: &str) -> Result<String> {
        let mut at = input.to_owned();
        for (i, (layer, output)) in net.layers().enumerate() {
            let held = |role: Role| {
                let of_params = net.tensors().map(|t| (t, values.params));
                let all = of_params.chain(net.state_tensors().map(|t| (t, values.state)));
                let (t, from) = all.into_iter().find(|(t, _)| t.layer == i && t.role == role)?.to_owned();
                Some((t.shape().to_vec(), from.get(t.offset..t.offset + t.len())?.to_vec()))
            };
            let mut take = |role: Role| held(role).map(|(sizes, values)| self.floats(&sizes, &values));
            let tensors = [take(Role::Weight), take(Role::Bias), take(Role::RunningMean), take(Role::RunningVar)];
            at = self.layer(&layer, (&at, tensors.each_ref().map(Option::as_deref)), [output.channels, output.height, output.width])?;
        }
        Ok(at)
    }

    fn layer(
        &mut self,
        layer: &Layer,
        (at, [weight, bias, mean, variance]): (&str, [Option<&str>; 4]),
        output: [usize; 3],
    ) -> Result<String> {
        let inputs: Vec<&str> = [Some(at), weight, bias, mean, variance].into_iter().flatten().collect();
        let window = |kernel, stride, padding| {
            vec![
                wholes("kernel_shape", &[kernel; 2]),
                wholes("strides", &[stride; 2]),
                wholes("pads", &[padding; 4]),
            ]
        };
        Ok(match *layer {
            Layer::Dense(_) => self.op("Gemm", &inputs, vec![whole("transB", 1)]),
            Layer::Conv2d(c) => {
                let mut attributes = window(c.kernel, c.stride, c.padding);
                attributes.push(whole("group", c.groups));
                self.op("Conv", &inputs, attributes)
            }
            Layer::ConvTranspose2d(c) => {
                let mut attributes = window(c.kernel, c.stride, c.padding);
                attributes.push(whole("group", c.groups));
                attributes.push(wholes("output_padding", &[c.output_padding; 2]));
                self.op("ConvTranspose", &inputs, attributes)
            }
            Layer::BatchNorm { epsilon, .. } => {
                self.op("BatchNormalization", &inputs, vec![float("epsilon", epsilon)])
            }
            Layer::LayerNorm { epsilon } if output[1] * output[2] == 1 => {
                let attributes = vec![float("epsilon", epsilon)];
                self.op("LayerNormalization", &inputs, attributes)
            }
            Layer::AvgPool2d(p) => {
                let mut attributes = window(p.kernel, p.stride, p.padding);
                attributes.push(whole("count_include_pad", 1));
                self.op("AveragePool", &[at], attributes)
            }
            Layer::MaxPool2d(p) => self.op("MaxPool", &[at], window(p.kernel, p.stride, p.padding)),
            Layer::Dropout { .. } => at.to_owned(),
            Layer::Flatten => self.op("Flatten", &[at], vec![whole("axis", 1)]),
            Layer::Unflatten(_) => self.reshape(at, &output.map(|n| n as i64)),
            Layer::Softmax => self.op("Softmax", &[at], vec![whole("axis", 1)]),
            Layer::Activation(activation) => match activation {
                Activation::Relu => self.op("Relu", &[at], Vec::new()),
                Activation::LeakyRelu { slope } => self.op("LeakyRelu", &[at], vec![float("alpha", slope)]),
                Activation::Sigmoid => self.op("Sigmoid", &[at], Vec::new()),
                Activation::Tanh => self.op("Tanh", &[at], Vec::new()),
                Activation::Elu { alpha } => self.op("Elu", &[at], vec![float("alpha", alpha)]),
                Activation::Softplus => self.op("Softplus", &[at], Vec::new()),
                Activation::Silu => {
                    let sigmoid = self.op("Sigmoid", &[at], Vec::new());
                    self.op("Mul", &[at, &sigmoid], Vec::new())
                }
                Activation::Gelu => return Err(unknown("GELU")),
            },
            Layer::LayerNorm { .. } => return Err(unknown("layer normalisation of pictures")),
            Layer::GroupNorm { .. } => return Err(unknown("group normalisation")),
            Layer::Upsample { .. } => return Err(unknown("up-sampling")),
            Layer::Embedding { .. } => return Err(unknown("an embedding")),
        })
    }

    /// The bytes of a model with this graph.
    pub fn model(mut self, name: &str) -> Vec<u8> {
        self.graph.name = name.into();
        let set = OperatorSetIdProto { domain: String::new(), version: OPSET };
        ModelProto {
            ir_version: IR,
            producer_name: "seedbed".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(self.graph),
            opset_import: vec![set],
        }
        .encode_to_vec()
    }
}

fn unknown(layer: &str) -> Error {
    Error::failed(format!("{layer} is not written as ONNX yet")).hint("train a model without it")
}
