//! What `nn/run.py` measures of frameworks in Rust: a step of training of the MLP VAE and a call of its decoder, by `burn`
//! (its own CPU device) and `candle`, on as many threads as RAYON_NUM_THREADS says. Answers lines such as `burn mlp-vae`.
//!
//! The models are those of `seedbed_golden::Training` at full size: 784-400-20-400-784, ReLU, Bernoulli, Adam, batches of 128.

use seedbed_benches::{floats, serve_by};

const BATCH: usize = 128;
const SIDES: [(usize, usize); 4] = [(784, 400), (400, 40), (20, 400), (400, 784)];

fn pictures() -> Vec<f32> {
    floats(BATCH * 784, -1.0, 1.0).into_iter().map(|v| v.max(0.0)).collect()
}

mod with_burn {
    use super::{BATCH, SIDES, pictures};
    use burn::module::Module;
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::{AdamConfig, GradientsParams};
    use burn::tensor::{Device, Distribution, Tensor, TensorData, activation};

    #[derive(Module, Debug)]
    struct Vae {
        layers: [Linear; 4],
    }

    fn noise(rows: usize, device: &Device) -> Tensor<2> {
        Tensor::random([rows, 20], Distribution::Normal(0.0, 1.0), device)
    }

    impl Vae {
        fn new(device: &Device) -> Self {
            Self { layers: SIDES.map(|(from, to)| LinearConfig::new(from, to).init(device)) }
        }

        fn decode(&self, z: Tensor<2>) -> Tensor<2> {
            let [_, _, first, last] = &self.layers;
            last.forward(activation::relu(first.forward(z)))
        }

        fn loss(&self, x: Tensor<2>) -> Tensor<1> {
            let [first, last, ..] = &self.layers;
            let codes = last.forward(activation::relu(first.forward(x.clone())));
            let (mean, log_var) = (codes.clone().slice([0..BATCH, 0..20]), codes.slice([0..BATCH, 20..40]));
            let z = mean.clone() + (log_var.clone() * 0.5).exp() * noise(BATCH, &x.device());
            let logits = self.decode(z);
            let softplus = activation::relu(logits.clone()) + logits.clone().abs().neg().exp().log1p();
            let divergence = (mean.clone() * mean + log_var.clone().exp() - log_var - 1.0).sum() * 0.5;
            ((softplus - logits * x).sum() + divergence) / BATCH as f32
        }
    }

    pub fn step() -> Box<dyn FnMut()> {
        let device = Device::flex().autodiff();
        let x = Tensor::<2>::from_data(TensorData::new(pictures(), [BATCH, 784]), &device);
        let mut vae = Some(Vae::new(&device));
        let mut adam = AdamConfig::new().with_epsilon(1e-8).init();
        Box::new(move || {
            let before = vae.take().expect("put back by every call");
            let grads = GradientsParams::from_grads(before.loss(x.clone()).backward(), &before);
            vae = Some(adam.step(1e-3, before, grads));
        })
    }

    pub fn decoder() -> Box<dyn FnMut()> {
        let device = Device::flex();
        let (vae, z) = (Vae::new(&device), noise(1, &device));
        Box::new(move || {
            std::hint::black_box(activation::sigmoid(vae.decode(z.clone())).into_data());
        })
    }
}

mod with_candle {
    use super::{BATCH, SIDES, pictures};
    use candle_core::{DType, Device, Result, Tensor};
    use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, linear, ops};

    struct Vae {
        layers: Vec<Linear>,
        all: VarMap,
    }

    impl Vae {
        fn new() -> Result<Self> {
            let all = VarMap::new();
            let named = VarBuilder::from_varmap(&all, DType::F32, &Device::Cpu);
            let layer = |(i, &(from, to)): (usize, &(usize, usize))| linear(from, to, named.pp(i));
            Ok(Self { layers: SIDES.iter().enumerate().map(layer).collect::<Result<_>>()?, all })
        }

        fn decode(&self, z: &Tensor) -> Result<Tensor> {
            self.layers[3].forward(&self.layers[2].forward(z)?.relu()?)
        }

        fn loss(&self, x: &Tensor) -> Result<Tensor> {
            let codes = self.layers[1].forward(&self.layers[0].forward(x)?.relu()?)?;
            let (mean, log_var) = (codes.narrow(1, 0, 20)?, codes.narrow(1, 20, 20)?);
            let noise = Tensor::randn(0f32, 1.0, (BATCH, 20), &Device::Cpu)?;
            let logits = self.decode(&(&mean + (&log_var * 0.5)?.exp()? * noise)?)?;
            let softplus = (logits.relu()? + (logits.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
            let divergence = ((mean.sqr()? + log_var.exp()?)? - (log_var + 1.0)?)?.sum_all()?;
            ((softplus - logits * x)?.sum_all()? + (divergence * 0.5)?)? / BATCH as f64
        }
    }

    pub fn step() -> Result<Box<dyn FnMut()>> {
        let x = Tensor::from_vec(pictures(), (BATCH, 784), &Device::Cpu)?;
        let vae = Vae::new()?;
        let adam = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..ParamsAdamW::default() };
        let mut adam = AdamW::new(vae.all.all_vars(), adam)?;
        Ok(Box::new(move || adam.backward_step(&vae.loss(&x).expect("shapes fit")).expect("a step")))
    }

    pub fn decoder() -> Result<Box<dyn FnMut()>> {
        let (vae, z) = (Vae::new()?, Tensor::randn(0f32, 1.0, (1, 20), &Device::Cpu)?);
        Ok(Box::new(move || {
            std::hint::black_box(vae.decode(&z).and_then(|y| ops::sigmoid(&y)).expect("shapes fit"));
        }))
    }
}

fn main() {
    serve_by(|name| match name {
        "burn mlp-vae" => Some(with_burn::step()),
        "burn decoder" => Some(with_burn::decoder()),
        "candle mlp-vae" => with_candle::step().ok(),
        "candle decoder" => with_candle::decoder().ok(),
        _ => None,
    });
}
