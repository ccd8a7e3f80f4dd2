use super::proto::{FLOAT, GraphProto, INT64, ModelProto, Size, ValueInfoProto};
use super::*;
use crate::model::Model;
use crate::model::convert::layers::Network;
use crate::model::convert::pieces::{Port, pieces};
use crate::model::convert::tests::{all_layers, filled, options, pictures};
use crate::stages::train::{ModelKind, NormKind, TrainOptions};
use prost::Message;
use seedbed::generate::Net;
use seedbed::nn::{Conv2d, Dense};
use std::collections::BTreeSet;

/// Name, whether whole, and sizes with 0 for any.
fn told(value: &ValueInfoProto) -> (&str, bool, Vec<i64>) {
    let tensor = value.r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    assert!([FLOAT, INT64].contains(&tensor.elem_type));
    let sizes = tensor.shape.as_ref().unwrap().dim.iter().map(|dim| match dim.value.as_ref().unwrap() {
        Size::Value(n) => *n,
        Size::Param(name) => {
            assert_eq!(name, "batch");
            0
        }
    });
    (&value.name, tensor.elem_type == INT64, sizes.collect())
}

/// The graph of a file, of which every value is made before it is read, and by one node.
fn graph(bytes: &[u8]) -> GraphProto {
    let model = ModelProto::decode(bytes).unwrap();
    assert_eq!((model.ir_version, &*model.producer_name), (8, "seedbed"));
    let sets: Vec<_> = model.opset_import.iter().map(|set| (&*set.domain, set.version)).collect();
    assert_eq!(sets, [("", 17)]);
    let graph = model.graph.unwrap();
    let mut known = BTreeSet::from([""]);
    for constant in &graph.initializer {
        let values: i64 = constant.dims.iter().product();
        let bytes = if constant.data_type == INT64 { 8 } else { 4 };
        assert_eq!(constant.raw_data.len() as i64, values * bytes, "{}", constant.name);
        assert!(known.insert(&constant.name));
    }
    graph.input.iter().for_each(|input| assert!(known.insert(&input.name)));
    for node in &graph.node {
        assert!(node.input.iter().all(|name| known.contains(&**name)), "{}", node.name);
        node.output.iter().for_each(|name| assert!(known.insert(name), "{name} is made twice"));
    }
    graph.output.iter().for_each(|output| assert!(known.contains(&*output.name)));
    graph
}

fn operators(graph: &GraphProto) -> Vec<&str> {
    graph.node.iter().map(|node| &*node.op_type).collect()
}

#[test]
fn graphs_have_the_inputs_and_outputs_of_their_pieces() {
    let batch = Some(NormKind::Batch);
    let sample = ("picture", false, vec![0, 2, 4, 6]);
    let label = ("label", true, vec![0]);
    let float = |name, n| (name, false, vec![0, n]);
    let whole = |name, sizes| (name, true, sizes);
    let codes = || whole("codes", vec![0, 2, 3]);
    let logit = ("logit", false, vec![0]);
    let all = [
        (
            options(ModelKind::VaeMlp),
            0,
            "encoder",
            vec![sample.clone()],
            vec![float("mean", 3), float("log_variance", 3)],
        ),
        (
            options(ModelKind::VaeMlp),
            3,
            "decoder",
            vec![float("latent", 3), label.clone()],
            vec![sample.clone()],
        ),
        (
            options(ModelKind::Cvae),
            3,
            "encoder",
            vec![sample.clone(), label.clone()],
            vec![float("mean", 3), float("log_variance", 3)],
        ),
        (
            options(ModelKind::Cvae),
            3,
            "prior",
            vec![float("noise", 3), label.clone()],
            vec![float("latent", 3)],
        ),
        (options(ModelKind::Vqvae), 3, "encoder", vec![sample.clone()], vec![codes()]),
        (options(ModelKind::Vqvae), 3, "decoder", vec![codes()], vec![sample.clone()]),
        (
            options(ModelKind::Vqvae),
            3,
            "prior",
            vec![whole("context", vec![0, 10])],
            vec![float("logits", 7)],
        ),
        (options(ModelKind::GanMlp), 0, "discriminator", vec![sample.clone()], vec![logit.clone()]),
        (
            options(ModelKind::Cdcgan),
            3,
            "generator",
            vec![float("latent", 3), label.clone()],
            vec![sample.clone()],
        ),
        (
            TrainOptions { norm: batch, ..options(ModelKind::Cdcgan) },
            3,
            "discriminator",
            vec![sample, label],
            vec![logit],
        ),
    ];
    for (options, classes, name, inputs, outputs) in all {
        let file = pictures(&options, classes);
        let model = Model::new(&file.config.network).unwrap();
        let pieces = pieces(&file, &model).unwrap();
        let piece = pieces.iter().find(|piece| piece.name == name).unwrap();
        let bytes = super::file(piece, &[("kind", "any".into())]).unwrap();
        let graph = graph(&bytes);
        assert_eq!(graph.input.iter().map(told).collect::<Vec<_>>(), inputs, "{name}");
        assert_eq!(graph.output.iter().map(told).collect::<Vec<_>>(), outputs, "{name}");
        let model = ModelProto::decode(&*bytes).unwrap();
        assert_eq!((&*model.metadata_props[0].key, &*model.metadata_props[0].value), ("kind", "any"));
        assert!(!model.doc_string.is_empty() && graph.name == name);
        // The class is read where there is one, and the scale is inside.
        let operators = operators(&graph);
        let hot = inputs.len() == 2 && !["prior", "discriminator"].contains(&name);
        assert_eq!(operators.contains(&"OneHot"), hot, "{name}");
        assert_eq!(operators.contains(&"Sub"), ["encoder", "discriminator"].contains(&name), "{name}");
    }
}

fn alone(net: &Net, values: &[Vec<f32>; 2]) -> Result<Vec<u8>> {
    let [params, state] = values;
    let network = Network { name: "net", net, params, state };
    let whole = matches!(net.layers().next(), Some((seedbed::nn::Layer::Embedding { .. }, _)));
    let port = |name, whole, sizes| Port { name, whole, sizes, about: String::new() };
    let sizes = crate::model::convert::layers::sizes((net.input(), network.reads()));
    let inputs = vec![port("x", whole, sizes)];
    let outputs = vec![port("y", false, vec![net.output().channels])];
    super::file(&Piece { name: "net", about: "", inputs, ops: vec![Op::Net(network)], outputs }, &[])
}

#[test]
fn every_layer_has_operators() {
    let [of_pictures, of_tokens] = all_layers();
    let bytes = alone(&of_pictures, &filled(&of_pictures)).unwrap();
    let want = "Conv BatchNormalization LeakyRelu ConvTranspose Reshape InstanceNormalization Reshape Reshape Mul Reshape Add \
                Mul Erf Mul Add Mul Resize MaxPool Transpose LayerNormalization Transpose AveragePool Softmax Flatten Gemm \
                Reshape Tanh Flatten Identity";
    assert_eq!(operators(&graph(&bytes)).join(" "), want);
    let bytes = alone(&of_tokens, &filled(&of_tokens)).unwrap();
    let want = "Gather Reshape Elu Gemm BatchNormalization Softplus LayerNormalization Sigmoid Mul Gemm Reshape \
                InstanceNormalization Reshape Reshape Mul Reshape Add Relu Gemm Sigmoid Identity";
    assert_eq!(operators(&graph(&bytes)).join(" "), want);
}

#[test]
fn a_picture_of_one_pixel_is_no_row() {
    let mut net = Net::new(Shape::image(2, 2, 1)).unwrap();
    net.push(Conv2d::new(3, 2)).unwrap();
    net.push(Dense::new(1)).unwrap();
    let e = alone(&net, &filled(&net)).unwrap_err();
    assert!(e.message.contains("layer net.1"), "{e}");
}
