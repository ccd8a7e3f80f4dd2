use super::*;
use crate::model::convert::pieces::Port;
use crate::model::convert::tests::{all_layers, filled, options, pictures};
use crate::model::{Model, convert::pieces::pieces};
use crate::stages::train::ModelKind;

#[test]
fn tmp_write() {
    let Ok(out) = std::env::var("LAYERS_OUT") else { return };
    for (i, net) in all_layers().iter().enumerate() {
        let [params, state] = filled(net);
        let network = Network { name: "net", net, params: &params, state: &state };
        let port = |name, whole, sizes| Port { name, whole, sizes, about: String::new() };
        let sizes = crate::model::convert::layers::sizes((net.input(), network.reads()));
        let inputs = vec![port("x", i == 1, sizes)];
        let outputs = vec![port("y", false, vec![net.output().channels])];
        let piece = Piece { name: "whole", about: "", inputs, ops: vec![Op::Net(network)], outputs };
        let folder = std::path::Path::new(&out).join(i.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("whole.onnx"), crate::model::convert::onnx::file(&piece, &[]).unwrap()).unwrap();
        let pieces = [piece];
        for (name, tensors) in files(&pieces).unwrap() {
            std::fs::write(folder.join(format!("{name}.safetensors")), file(&tensors).unwrap()).unwrap();
        }
        std::fs::write(folder.join("modules.py"), modules(&pieces, &[]).unwrap()).unwrap();
        let n = 2;
        let x: Vec<f32> = (0..n * net.input().len().unwrap()).map(|j| if i == 1 { (j * 3 % 5) as f32 } else { (j * 7 % 11) as f32 / 8.0 - 0.5 }).collect();
        let on = seedbed::nn::Engine { level: seedbed::Level::detect(), exec: &seedbed::exec::Serial };
        let plan = net.plan(seedbed::nn::Mode::Inference).unwrap();
        let mut memory = vec![0u8; plan.workspace_len(n)];
        let mut scratch = seedbed::Scratch::new(&mut memory);
        let mut work = plan.workspace(n, &mut scratch).unwrap();
        plan.infer(on, seedbed::nn::Model { params: &params, state: &state }, &x, &mut work, &mut scratch).unwrap();
        let y = plan.result(&work);
        let text = format!("{{\"x\": {x:?}, \"shape\": {:?}, \"y\": {y:?}}}", [net.input().height, net.input().width, net.input().channels]);
        std::fs::write(folder.join("run.json"), text).unwrap();
    }
}
