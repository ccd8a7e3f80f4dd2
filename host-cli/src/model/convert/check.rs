//! Samples put through the pieces of a model by this library, for whoever carries the model elsewhere to compare with.

use super::pieces::{Piece, Port};
use super::pytorch::Tensors;
use crate::dataset::Kind;
use crate::error::Result;
use crate::model::tensor::Tensor;
use crate::model::{CodeModel, DataSpec, Model, ModelFile, Weights};
use crate::purposes;
use crate::stages::Ctx;
use seedbed::Scratch;
use seedbed::generate::{ClassGaussians, Gan, Net, Vae, latent_noise};
use seedbed::nn::{Engine, Mode, Model as Params};
use seedbed::rng::{Key, Stream};

/// Values of a port.
enum Values {
    Floats(Vec<f32>),
    Wholes(Vec<u32>),
}

/// What goes in and what comes out of a piece, in the order of its ports but for the class.
type Run = (Values, Vec<Values>);

/// A model with what runs it.
struct Checker<'a> {
    ctx: &'a Ctx,
    file: &'a ModelFile,
    model: &'a Model,
    n: usize,
    labels: Vec<u32>,
}

/// The tensors that go in and come out, under `piece.port`, of `n` samples drawn by the seed: pictures of noise, rows spread as
/// the columns are, and standard normal latent vectors.
///
/// # Errors
/// None that a model file does not exclude.
pub fn tensors(
    ctx: &Ctx,
    file: &ModelFile,
    model: &Model,
    pieces: &[Piece<'_>],
    n: usize,
) -> Result<Tensors> {
    let classes = model.classes() as u32;
    let labels = (0..n as u32).filter_map(|i| i.checked_rem(classes)).collect();
    let of = Checker { ctx, file, model, n, labels };
    let mut all = Tensors::new();
    for piece in pieces {
        let (input, outputs) = of.run(piece.name)?;
        let [first, rest @ ..] = &*piece.inputs else { continue };
        let mut add = |port: &Port, values| {
            all.insert(format!("{}.{}", piece.name, port.name), tensor(port, n, values));
        };
        add(first, input);
        rest.iter().for_each(|port| add(port, Values::Wholes(of.labels.clone())));
        piece.outputs.iter().zip(outputs).for_each(|(port, values)| add(port, values));
    }
    Ok(all)
}

/// The tensor of a port; a picture has its channels first there.
fn tensor(port: &Port, n: usize, values: Values) -> Tensor {
    let sizes: Vec<usize> = std::iter::once(n).chain(port.sizes.iter().copied()).collect();
    match (values, &*port.sizes) {
        (Values::Wholes(values), _) => Tensor::wholes(&sizes, &values),
        (Values::Floats(values), &[channels, height, width]) => {
            let pictures = values.chunks_exact(channels * height * width);
            let first = |picture: &[f32]| -> Vec<f32> {
                (0..channels).flat_map(|c| picture.iter().skip(c).step_by(channels).copied()).collect()
            };
            Tensor::floats(&sizes, &pictures.flat_map(first).collect::<Vec<f32>>())
        }
        (Values::Floats(values), _) => Tensor::floats(&sizes, &values),
    }
}

impl Checker<'_> {
    fn run(&self, piece: &str) -> Result<Run> {
        match self.model {
            Model::Vae(vae) => self.vae(vae, piece),
            Model::Gan(gan) => self.gan(gan, piece),
            Model::Codes(codes) => self.codes(codes, piece),
        }
    }

    fn data(&self) -> &DataSpec {
        &self.file.config.data
    }

    fn engine(&self) -> Engine<'_, crate::pool::Pool> {
        Engine { level: self.ctx.level, exec: &self.ctx.pool }
    }

    fn memory(&self) -> Vec<u8> {
        vec![0u8; self.model.run_scratch_len(self.n)]
    }

    /// Samples as a user has them, and as the model sees them.
    fn samples(&self) -> [Vec<f32>; 2] {
        let data = self.data();
        let mut stream = Stream::new(self.ctx.seed, Key::new(purposes::CHECK));
        let len = self.n * data.width();
        if data.kind == Kind::Images {
            let pixels: Vec<u8> = (0..len).map(|_| stream.below(256) as u8).collect();
            let (mut given, mut seen) = (Vec::new(), Vec::new());
            data.scale_pixels(&pixels, &mut seen);
            given.extend(pixels.iter().map(|&p| f32::from(p) / 255.0));
            return [given, seen];
        }
        let mut given: Vec<f32> = (0..len).map(|_| stream.normal()).collect();
        data.restore(&mut given);
        let mut seen = given.clone();
        if let Some(n) = &data.normalize {
            seen.chunks_exact_mut(data.width()).for_each(|row| n.standardise(row));
        }
        [given, seen]
    }

    /// Latent vectors, those that the first samples of `seedbed generate` are made of.
    fn noise(&self, latent: usize) -> Result<Vec<f32>> {
        let mut noise = vec![0f32; self.n * latent];
        latent_noise(self.ctx.level, self.ctx.seed, 0, latent, &mut noise)?;
        Ok(noise)
    }

    /// Values as the model makes them, as a user has them.
    fn restored(&self, mut made: Vec<f32>) -> Vec<Values> {
        self.data().restore(&mut made);
        vec![Values::Floats(made)]
    }

    fn vae(&self, vae: &Vae, piece: &str) -> Result<Run> {
        let (mut memory, latent) = (self.memory(), vae.spec().latent);
        let (scratch, params) = (&mut Scratch::new(&mut memory), &*self.file.weights.params);
        if piece == "encoder" {
            let [given, seen] = self.samples();
            let mut codes = vec![0f32; self.n * 2 * latent];
            vae.encode(self.engine(), params, (&seen, &self.labels), &mut codes, scratch)?;
            let half = |from: usize| {
                let rows = codes.chunks_exact(2 * latent).flat_map(|row| &row[from..from + latent]);
                Values::Floats(rows.copied().collect())
            };
            return Ok((Values::Floats(given), vec![half(0), half(latent)]));
        }
        let noise = self.noise(latent)?;
        let made = if piece == "prior" {
            let mut z = vec![0f32; noise.len()];
            let prior = ClassGaussians::fitted(latent, 1.0, &self.file.prior)?;
            prior.shape(self.ctx.level, &noise, &self.labels, &mut z)?;
            vec![Values::Floats(z)]
        } else {
            let mut made = vec![0f32; self.n * self.data().width()];
            vae.decode(self.engine(), params, (&noise, &self.labels), &mut made, scratch)?;
            self.restored(made)
        };
        Ok((Values::Floats(noise), made))
    }

    fn gan(&self, gan: &Gan, piece: &str) -> Result<Run> {
        if piece == "generator" {
            let mut memory = self.memory();
            let mut made = vec![0f32; self.n * self.data().width()];
            let Weights { params, state } = &self.file.average;
            let which = (self.ctx.seed, 0, &*self.labels);
            let scratch = &mut Scratch::new(&mut memory);
            gan.sample(self.engine(), Params { params, state }, 1.0, which, &mut made, scratch)?;
            return Ok((Values::Floats(self.noise(gan.spec().latent)?), self.restored(made)));
        }
        let [given, mut seen] = self.samples();
        if gan.spec().unit {
            seen.iter_mut().for_each(|v| *v = 2.0 * *v - 1.0);
        }
        let Weights { params, state } = &self.file.weights;
        let model =
            Params { params: &params[gan.generator_len()..], state: &state[gan.generator_state_len()..] };
        let networks = gan.networks().filter(|(name, _)| *name == piece);
        let outputs = self.infer(networks.map(|(_, net)| net), model, &seen)?;
        let rows = outputs.chunks_exact(gan.spec().classes + 1).enumerate();
        let logit = |(i, row): (usize, &[f32])| {
            row[0] + self.labels.get(i).map_or(0.0, |&label| row[1 + label as usize])
        };
        Ok((Values::Floats(given), vec![Values::Floats(rows.map(logit).collect())]))
    }

    fn codes(&self, codes: &CodeModel, piece: &str) -> Result<Run> {
        let Weights { params, state } = &self.file.weights;
        let (own, of_prior) = params.split_at(codes.vq.param_len());
        let (mut memory, model) = (self.memory(), Params { params: own, state });
        let scratch = &mut Scratch::new(&mut memory);
        let mut stream = Stream::new(self.ctx.seed, Key::new(purposes::CHECK).op(1));
        let mut grids = vec![0u32; self.n * codes.vq.places()];
        if piece == "encoder" {
            let [given, seen] = self.samples();
            codes.vq.encode(self.engine(), model, &seen, &mut grids, scratch)?;
            return Ok((Values::Floats(given), vec![Values::Wholes(grids)]));
        }
        grids.fill_with(|| stream.below(codes.vq.spec().codes as u32));
        if piece == "decoder" {
            let mut made = vec![0f32; self.n * self.data().width()];
            codes.vq.decode(self.engine(), model, &grids, &mut made, scratch)?;
            return Ok((Values::Wholes(grids), self.restored(made)));
        }
        let tokens = codes.prior.tokens();
        let mut contexts = vec![0f32; self.n * tokens];
        let each = contexts.chunks_exact_mut(tokens).zip(grids.chunks_exact(codes.vq.places()));
        for (i, (context, grid)) in each.enumerate() {
            let place = stream.index(codes.vq.places());
            codes.prior.context(grid, place, self.labels.get(i).copied(), context)?;
        }
        let nets = codes.prior.networks().map(|(_, net)| net);
        let logits = self.infer(nets, Params { params: of_prior, state: &[] }, &contexts)?;
        let contexts = contexts.iter().map(|&v| v as u32).collect();
        Ok((Values::Wholes(contexts), vec![Values::Floats(logits)]))
    }

    /// What a network makes of rows.
    fn infer<'n>(
        &self,
        mut nets: impl Iterator<Item = &'n Net>,
        model: Params<'_>,
        x: &[f32],
    ) -> Result<Vec<f32>> {
        let Some(net) = nets.next() else { return Ok(Vec::new()) };
        let plan = net.plan(Mode::Inference)?;
        let mut memory = vec![0u8; plan.workspace_len(self.n)];
        let mut scratch = Scratch::new(&mut memory);
        let mut work = plan.workspace(self.n, &mut scratch)?;
        plan.infer(self.engine(), model, x, &mut work, &mut scratch)?;
        Ok(plan.result(&work).to_vec())
    }
}
