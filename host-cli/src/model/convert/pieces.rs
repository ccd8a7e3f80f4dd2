//! What a model is made of for its users: pieces, each a network or two with what goes around them.

use super::layers::{Form, Network, sizes};
use crate::dataset::{Kind, Normalize};
use crate::error::Result;
use crate::model::{DataSpec, Model, ModelFile, Weights};
use seedbed::generate::{CodePrior, Gan, Likelihood, Vae, VqVae};
use seedbed::nn::Shape;

/// A tensor that goes into a piece, or comes out of it; the batch is its first axis, before these.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: &'static str,
    /// Whether its values are whole numbers.
    pub whole: bool,
    /// The sizes of one sample.
    pub sizes: Vec<usize>,
    /// What it is.
    pub about: String,
}

/// What is done to a value, one after the other.
#[derive(Clone, Debug)]
pub enum Op<'a> {
    /// (x − mean) / std of each channel or column.
    Standardise(&'a Normalize),
    /// x · std + mean.
    Restore(&'a Normalize),
    /// x · factor + offset.
    Scale(f32, f32),
    /// A picture becomes a row: height × width × channels.
    Row,
    /// A row of that order becomes a picture of this shape.
    Picture(Shape),
    /// The class, 0 and 1, behind a row; so many classes.
    Class(usize),
    /// A network.
    Net(Network<'a>),
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// Both halves of a row.
    Halves,
    /// Of a row the first value, and that of the class added: so many classes.
    Verdict(usize),
    /// The nearest code of each place.
    Nearest(Book<'a>),
    /// The vectors of codes, side by side in each place, as pictures or rows of this shape.
    LookUp(Book<'a>, (Shape, Form)),
    /// Normal values become those of a mean and a factor for each class.
    Normal(Normals<'a>),
}

/// A codebook.
#[derive(Clone, Copy, Debug)]
pub struct Book<'a> {
    /// A vector for each code.
    pub table: &'a [f32],
    /// Values of a vector.
    pub dim: usize,
    /// Rows and columns of the codes of a sample.
    pub grid: [usize; 2],
}

/// A normal distribution for each class, as `ClassGaussians` has them.
#[derive(Clone, Copy, Debug)]
pub struct Normals<'a> {
    /// For each class its mean and the factor of its covariance.
    pub values: &'a [f32],
    /// Values of a latent vector.
    pub latent: usize,
    /// Whether there is a class to choose by.
    pub by_class: bool,
}

impl Normals<'_> {
    /// The means of all classes, and the factors of all.
    pub fn parts(&self) -> [Vec<f32>; 2] {
        let classes = self.values.chunks_exact(self.latent + self.latent * self.latent);
        let [mut means, mut factors] = [Vec::new(), Vec::new()];
        for class in classes {
            let (mean, factor) = class.split_at(self.latent);
            means.extend_from_slice(mean);
            factors.extend_from_slice(factor);
        }
        [means, factors]
    }
}

/// A part of a model that is used by itself.
#[derive(Clone, Debug)]
pub struct Piece<'a> {
    /// Its name, which its files have.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// What it reads: a value, and perhaps the class.
    pub inputs: Vec<Port>,
    /// What is done to the value.
    pub ops: Vec<Op<'a>>,
    /// What it gives.
    pub outputs: Vec<Port>,
}

/// The networks of a model with their numbers, which lie in the order of the networks.
fn networks<'a>(model: &'a Model, weights: &'a Weights) -> Vec<Network<'a>> {
    let (mut params, mut state) = (&*weights.params, &*weights.state);
    let mut all = Vec::new();
    for (name, net) in model.networks() {
        // A running mean is of the first network alone; of a codebook no network has a part.
        let Some((own, rest)) = params.split_at_checked(net.param_len()) else { break };
        let Some((of_state, rest_of_state)) = state.split_at_checked(net.state_len()) else { break };
        all.push(Network { name, net, params: own, state: of_state });
        (params, state) = (rest, rest_of_state);
    }
    all
}

/// The pieces of a model.
///
/// # Errors
/// When its networks cannot be told apart from rows; see [`Network::layers`].
pub fn pieces<'a>(file: &'a ModelFile, model: &'a Model) -> Result<Vec<Piece<'a>>> {
    let maker = Maker { data: &file.config.data, classes: model.classes() };
    let mut networks = networks(model, &file.weights);
    match model {
        Model::Vae(vae) => maker.vae(vae, &networks, &file.prior),
        Model::Gan(gan) => {
            if let (Some(generator), Some(average)) =
                (networks.first_mut(), self::networks(model, &file.average).first())
            {
                *generator = *average;
            }
            maker.gan(gan, &networks)
        }
        Model::Codes(codes) => {
            let table = codes.vq.codebook().table(&file.weights.state)?;
            let book = Book { table, dim: codes.vq.spec().dim, grid: codes.vq.grid() };
            maker.codes((&codes.vq, &codes.prior), &networks, book)
        }
    }
}

/// What makes the pieces of a model.
struct Maker<'a> {
    data: &'a DataSpec,
    /// Classes that the model is conditioned on.
    classes: usize,
}

fn port(name: &'static str, sizes: &[usize], about: impl Into<String>) -> Port {
    Port { name, whole: false, sizes: sizes.to_vec(), about: about.into() }
}

impl<'a> Maker<'a> {
    /// A sample that goes in or comes out.
    fn sample(&self) -> Port {
        let [height, width, channels] = self.data.shape;
        match self.data.kind {
            Kind::Images => {
                port("picture", &[channels, height, width], "channels, height, width; pixels are 0 to 1")
            }
            _ => port(
                "row",
                &[channels],
                "the columns, on their own scale; the mean of a column for a missing value",
            ),
        }
    }

    /// `first`, and the class where the model is conditioned on it.
    fn with_label(&self, first: Port) -> Vec<Port> {
        let about = "the number of the class, from 0 on";
        let label = Port { whole: true, ..port("label", &[], about) };
        std::iter::once(first).chain((self.classes > 0).then_some(label)).collect()
    }

    /// From a sample to what a network reads.
    fn before(&self, network: &Network<'_>) -> Vec<Op<'a>> {
        let scaled = self.data.normalize.as_ref().map(Op::Standardise);
        let row = self.data.kind == Kind::Images && network.reads() == Form::Row;
        scaled.into_iter().chain(row.then_some(Op::Row)).collect()
    }

    /// From what a network leaves to a sample.
    fn behind(&self, network: &Network<'_>) -> Result<Vec<Op<'a>>> {
        let [height, width, channels] = self.data.shape;
        let picture = self.data.kind == Kind::Images && network.leaves()? == Form::Row;
        let picture = picture.then_some(Op::Picture(Shape::image(height, width, channels)));
        Ok(picture.into_iter().chain(self.data.normalize.as_ref().map(Op::Restore)).collect())
    }

    /// The class behind a row, where there is one.
    fn class(&self) -> Option<Op<'a>> {
        (self.classes > 0).then_some(Op::Class(self.classes))
    }

    /// The network of a decoder, and what makes a sample of it.
    fn decoded(&self, network: &Network<'a>, likelihood: Likelihood) -> Result<Vec<Op<'a>>> {
        let sigmoid = (likelihood == Likelihood::Bernoulli).then_some(Op::Sigmoid);
        Ok([Op::Net(*network)].into_iter().chain(sigmoid).chain(self.behind(network)?).collect())
    }

    fn vae(&self, vae: &Vae, networks: &[Network<'a>], prior: &'a [f32]) -> Result<Vec<Piece<'a>>> {
        let latent = vae.spec().latent;
        let [stem @ .., encoder, decoder] = networks else { return Ok(Vec::new()) };
        let mut ops = self.before(stem.first().unwrap_or(encoder));
        ops.extend(stem.iter().copied().map(Op::Net).chain(self.class()));
        ops.extend([Op::Net(*encoder), Op::Halves]);
        let codes = [
            port("mean", &[latent], "means of the code"),
            port("log_variance", &[latent], "the logarithms of its variances"),
        ];
        let encode = Piece {
            name: "encoder",
            about: "The normal distribution of the code of a sample",
            inputs: self.with_label(self.sample()),
            ops,
            outputs: codes.into(),
        };
        let z = || port("latent", &[latent], "a code");
        let decode = Piece {
            name: "decoder",
            about: "The expected sample of a code",
            inputs: self.with_label(z()),
            ops: self.class().into_iter().chain(self.decoded(decoder, vae.spec().likelihood)?).collect(),
            outputs: vec![self.sample()],
        };
        let normals = Normals { values: prior, latent, by_class: self.classes > 0 };
        let draw = Piece {
            name: "prior",
            about: "A code as `seedbed generate` draws it, of the normal distribution fitted to the codes of the training data",
            inputs: self.with_label(port("noise", &[latent], "standard normal values")),
            ops: vec![Op::Normal(normals)],
            outputs: vec![z()],
        };
        Ok([encode, decode].into_iter().chain((!prior.is_empty()).then_some(draw)).collect())
    }

    fn gan(&self, gan: &Gan, networks: &[Network<'a>]) -> Result<Vec<Piece<'a>>> {
        let [generator, discriminator] = networks else { return Ok(Vec::new()) };
        // Both see values of 0 to 1 as −1 to 1.
        let (down, up) = match gan.spec().unit {
            true => (Some(Op::Scale(0.5, 0.5)), Some(Op::Scale(2.0, -1.0))),
            false => (None, None),
        };
        let generate = Piece {
            name: "generator",
            about: "A sample made of noise, by the running mean of the generator",
            inputs: self.with_label(port("latent", &[gan.spec().latent], "standard normal values")),
            ops: self
                .class()
                .into_iter()
                .chain([Op::Net(*generator)])
                .chain(down)
                .chain(self.behind(generator)?)
                .collect(),
            outputs: vec![self.sample()],
        };
        let before = self.before(discriminator).into_iter();
        let judge = Piece {
            name: "discriminator",
            about: "How real a sample looks to the discriminator, the higher the more",
            inputs: self.with_label(self.sample()),
            ops: before.chain(up).chain([Op::Net(*discriminator), Op::Verdict(self.classes)]).collect(),
            outputs: vec![port("logit", &[], "what the losses of training are of")],
        };
        Ok(vec![generate, judge])
    }

    fn codes(
        &self,
        (vq, prior): (&VqVae, &CodePrior),
        networks: &[Network<'a>],
        book: Book<'a>,
    ) -> Result<Vec<Piece<'a>>> {
        let [encoder, decoder, of_codes] = networks else { return Ok(Vec::new()) };
        let grid = Port { whole: true, ..port("codes", &vq.grid(), "rows and columns of numbers of codes") };
        let encode = Piece {
            name: "encoder",
            about: "The codes of a sample",
            inputs: vec![self.sample()],
            ops: self.before(encoder).into_iter().chain([Op::Net(*encoder), Op::Nearest(book)]).collect(),
            outputs: vec![grid.clone()],
        };
        let look_up = Op::LookUp(book, (decoder.net.input(), decoder.reads()));
        let decode = Piece {
            name: "decoder",
            about: "The expected sample of codes",
            inputs: vec![grid],
            ops: std::iter::once(look_up).chain(self.decoded(decoder, vq.spec().likelihood)?).collect(),
            outputs: vec![self.sample()],
        };
        let tokens = port(
            "context",
            &[prior.tokens()],
            "what is known before a code is drawn, by the numbers of tokens",
        );
        let draw = Piece {
            name: "prior",
            about: "The logits of the next code of a grid, which is drawn row after row",
            inputs: vec![Port { whole: true, ..tokens }],
            ops: vec![Op::Net(*of_codes)],
            outputs: vec![port("logits", &sizes((of_codes.net.output(), Form::Row)), "of the codes")],
        };
        Ok(vec![encode, decode, draw])
    }
}
