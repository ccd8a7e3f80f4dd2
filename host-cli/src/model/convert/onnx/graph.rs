//! A graph of operators, put together node by node.

use super::proto::{
    AttributeProto, Dimension, FLOAT, GraphProto, INT64, ModelProto, NodeProto, OperatorSetIdProto, Size,
    StringStringEntryProto, TensorProto, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};
use crate::error::{Error, Result};
use crate::model::convert::pieces::Port;
use prost::Message;

/// The set of operators, and the version of the format that belongs to it.
pub const OPSET: i64 = 17;
const IR: i64 = 8;

/// Bytes of a file at most, which is what readers of the format take.
const MOST_BYTES: usize = i32::MAX as usize;

/// A graph in the making; values are known by the names that its methods give.
#[derive(Default)]
pub struct Graph {
    graph: GraphProto,
}

/// An attribute that is a whole number.
pub fn whole(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i, r#type: 2, ..AttributeProto::default() }
}

/// Whole numbers.
pub fn wholes(name: &str, of: &[usize]) -> AttributeProto {
    let ints = of.iter().map(|&n| n as i64).collect();
    AttributeProto { name: name.into(), ints, r#type: 7, ..AttributeProto::default() }
}

/// A float.
pub fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f, r#type: 1, ..AttributeProto::default() }
}

/// A word.
pub fn word(name: &str, of: &str) -> AttributeProto {
    AttributeProto { name: name.into(), s: of.into(), r#type: 3, ..AttributeProto::default() }
}

fn value(port: &Port) -> ValueInfoProto {
    let fixed = port.sizes.iter().map(|&n| Size::Value(n as i64));
    let sizes = std::iter::once(Size::Param("batch".into())).chain(fixed);
    let shape = TensorShapeProto { dim: sizes.map(|size| Dimension { value: Some(size) }).collect() };
    let elem_type = if port.whole { INT64 } else { FLOAT };
    let tensor_type = Some(TensorType { elem_type, shape: Some(shape) });
    ValueInfoProto {
        name: port.name.into(),
        r#type: Some(TypeProto { tensor_type }),
        doc_string: port.about.clone(),
    }
}

impl Graph {
    /// What goes in.
    pub fn input(&mut self, port: &Port) -> String {
        self.graph.input.push(value(port));
        port.name.into()
    }

    /// What comes out: a value under the name of the port.
    pub fn output(&mut self, port: &Port, of: &str) {
        self.named("Identity", &[of], port.name, Vec::new());
        self.graph.output.push(value(port));
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
    pub fn with(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = format!("v{}", self.graph.node.len());
        self.named(op, inputs, &output, attributes);
        output
    }

    /// An operator without attributes.
    pub fn op(&mut self, op: &str, inputs: &[&str]) -> String {
        self.with(op, inputs, Vec::new())
    }

    /// A constant of floats.
    pub fn floats(&mut self, sizes: &[usize], values: &[f32]) -> String {
        let name = format!("c{}", self.graph.initializer.len());
        self.named_floats(&name, sizes, values);
        name
    }

    /// The same under a name.
    pub fn named_floats(&mut self, name: &str, sizes: &[usize], values: &[f32]) {
        let sizes = sizes.iter().map(|&n| n as i64).collect();
        self.constant(name.into(), FLOAT, sizes, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    /// A constant of whole numbers in one row.
    pub fn wholes(&mut self, values: &[i64]) -> String {
        let name = format!("c{}", self.graph.initializer.len());
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name.clone(), INT64, vec![values.len() as i64], bytes);
        name
    }

    fn constant(&mut self, name: String, data_type: i32, dims: Vec<i64>, raw_data: Vec<u8>) {
        self.graph.initializer.push(TensorProto { dims, data_type, name, raw_data });
    }

    /// Each sample in these sizes.
    pub fn reshape(&mut self, of: &str, sizes: &[usize]) -> String {
        let sizes: Vec<i64> = std::iter::once(-1).chain(sizes.iter().map(|&n| n as i64)).collect();
        let sizes = self.wholes(&sizes);
        self.op("Reshape", &[of, &sizes])
    }

    /// The axes in another order.
    pub fn transpose(&mut self, of: &str, order: &[usize]) -> String {
        self.with("Transpose", &[of], vec![wholes("perm", order)])
    }

    /// The bytes of a model with this graph: its name, what it does, and what is said of it besides.
    ///
    /// # Errors
    /// When it is larger than files of ONNX may be.
    pub fn model(mut self, name: &str, about: &str, told: &[(&str, String)]) -> Result<Vec<u8>> {
        self.graph.name = name.into();
        let told = told.iter().map(|(key, value)| (key.to_string(), value.clone()));
        let model = ModelProto {
            ir_version: IR,
            producer_name: "seedbed".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            doc_string: about.into(),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            metadata_props: told.map(|(key, value)| StringStringEntryProto { key, value }).collect(),
        };
        if model.encoded_len() > MOST_BYTES {
            return Err(Error::failed(format!("{name}.onnx would be larger than the 2 GB that ONNX holds"))
                .hint("convert it by --to pytorch"));
        }
        Ok(model.encode_to_vec())
    }
}
