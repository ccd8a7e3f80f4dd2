//! What an adversarial network is made of, and the rules that it is trained by.

use super::show::Show;
use crate::error::{Error, Result};
use crate::generate::arch::{Net, Widths, dense, halving, halvings};
use crate::nn::loss::{Adversarial, LeCam};
use crate::nn::{Activation, ConvTranspose2d, Dense, Layer, Shape};

/// The slope of the discriminator's LeakyReLU (Radford et al. 2016).
const SLOPE: f32 = 0.2;

/// What a [`super::Gan`] is made of.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GanSpec {
    /// The shape of a sample; [`Shape::flat`] for rows of a table and for dense layers on pixels.
    pub output: Shape,
    /// Values of the noise that a sample is made from, above 0.
    pub latent: usize,
    /// Classes that both are conditioned on; 0 for none.
    pub classes: usize,
    /// Whether values are in [0, 1], as pixels are: the networks see them in [−1, 1], and the generator ends in tanh.
    pub unit: bool,
    /// The layers of the generator.
    pub generator: GeneratorSpec,
    /// The layers of the discriminator.
    pub discriminator: DiscriminatorSpec,
    /// The rules of training.
    pub rules: GanRules,
}

/// The hidden layers of a generator, followed by ReLU. A class is a one-hot vector behind the noise, so that the first layer holds
/// an embedding of it.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GeneratorSpec {
    /// Widths of the dense layers, from the noise on.
    pub hidden: Widths,
    /// Channels before each transposed convolution (4 × 4, stride 2, padding 1: each doubles the sides), from the sample
    /// inwards; none for dense layers alone.
    pub channels: Widths,
    /// Whether hidden layers are normalised over the batch, which then has two samples at least.
    pub batch_norm: bool,
}

/// The hidden layers of a discriminator, followed by LeakyReLU of slope 0.2. With classes it ends in one value for all of them and
/// one for each: their sum for a sample's class is its logit, which is the projection of Miyato and Koyama (2018).
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DiscriminatorSpec {
    /// Channels of the convolutions (4 × 4, stride 2, padding 1: each halves the sides), from the sample on.
    pub channels: Widths,
    /// Widths of the dense layers behind them.
    pub hidden: Widths,
    /// What bounds its layers.
    pub norm: DiscriminatorNorm,
}

/// What bounds the layers of a discriminator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum DiscriminatorNorm {
    /// Nothing.
    #[default]
    None,
    /// Batch normalisation of the hidden layers but the first (Radford et al. 2016); real and generated samples are batches of
    /// their own.
    Batch,
    /// Spectral normalisation of all layers (Miyato et al. 2018).
    Spectral,
}

/// The rules that a generator and a discriminator are trained by.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GanRules {
    /// What each side pays.
    pub loss: Adversarial,
    /// The weight γ of R1, ½γ‖∇ₓD‖² on real samples as they are shown (Mescheder et al. 2018), at least 0; 0 for none. Not with
    /// batch normalisation in the discriminator.
    pub r1: f32,
    /// LeCam regularisation, if any.
    pub lecam: Option<LeCam>,
    /// What is done to pictures before they are shown to the discriminator.
    pub show: Show,
}

impl Default for GanRules {
    /// The non-saturating loss with one-sided smoothing of 0.9, and nothing else.
    fn default() -> Self {
        Self { loss: Adversarial::NonSaturating { real: 0.9 }, r1: 0.0, lecam: None, show: Show::Plain }
    }
}

impl GanRules {
    fn check(&self, spec: &GanSpec) -> Result<()> {
        if !(0.0..f32::INFINITY).contains(&self.r1) {
            return Err(Error::InvalidArgument);
        }
        if self.r1 > 0.0 && spec.discriminator.norm == DiscriminatorNorm::Batch {
            return Err(Error::Unsupported);
        }
        self.show.check(spec.output)
    }

    /// The logit in the middle between what real and generated samples are to have.
    pub(super) fn middle(&self) -> f32 {
        match self.loss {
            Adversarial::LeastSquares { real, fake, .. } => 0.5 * (real + fake),
            _ => 0.0,
        }
    }
}

impl GanSpec {
    pub(super) fn check(&self) -> Result<()> {
        if self.latent == 0 {
            return Err(Error::InvalidArgument);
        }
        self.output.len()?;
        self.rules.check(self)
    }

    /// Values that the generator reads.
    pub(super) fn inputs(&self) -> Result<usize> {
        self.latent.checked_add(self.classes).ok_or(Error::Overflow)
    }

    /// Values that the discriminator ends in.
    pub(super) fn outputs(&self) -> Result<usize> {
        self.classes.checked_add(1).ok_or(Error::Overflow)
    }

    /// From the noise, with the class, to a sample.
    pub(super) fn generator(&self) -> Result<Net> {
        let GeneratorSpec { hidden, channels, batch_norm } = &self.generator;
        let mut net = Net::new(Shape::flat(self.inputs()?))?;
        let follow = |net: &mut Net| {
            if *batch_norm {
                net.push(Layer::batch_norm())?;
            }
            net.push(Activation::Relu)
        };
        for &outputs in hidden {
            net.push(Dense { bias: !batch_norm, ..Dense::new(outputs) })?;
            follow(&mut net)?;
        }
        let shapes = halvings(channels, self.output)?;
        let inner = shapes.last().copied().unwrap_or(self.output);
        let last = channels.is_empty();
        net.push(Dense { bias: last || !batch_norm, ..Dense::new(inner.len()?) })?;
        if !last || inner != Shape::flat(inner.channels) {
            net.push(Layer::Unflatten(inner))?;
        }
        for (i, outer) in shapes.iter().enumerate().rev().skip(1) {
            follow(&mut net)?;
            let up = ConvTranspose2d::new(outer.channels, 4).stride(2).padding(1);
            let up = up.output_padding(outer.height % 2);
            net.push(ConvTranspose2d { bias: i == 0 || !batch_norm, ..up })?;
        }
        if self.unit {
            net.push(Activation::Tanh)?;
        }
        Ok(net)
    }

    /// From a sample to a logit for all classes and one for each.
    pub(super) fn discriminator(&self) -> Result<Net> {
        let DiscriminatorSpec { channels, hidden, norm } = &self.discriminator;
        let spectral = *norm == DiscriminatorNorm::Spectral;
        let leaky = Activation::LeakyRelu { slope: SLOPE };
        // What dense layers read is flat already where the sample is.
        let flat = channels.is_empty() && self.output == Shape::flat(self.output.channels);
        let mut net = Net::new(self.output)?;
        halvings(channels, self.output)?;
        for (i, &channels) in channels.iter().enumerate() {
            let normed = i > 0 && *norm == DiscriminatorNorm::Batch;
            let mut conv = halving(channels);
            (conv.spectral, conv.bias) = (spectral, !normed);
            net.push(conv)?;
            if normed {
                net.push(Layer::batch_norm())?;
            }
            net.push(leaky)?;
        }
        if !flat {
            net.push(Layer::Flatten)?;
        }
        if spectral {
            for &outputs in hidden {
                net.push(Dense::new(outputs).spectral_norm())?;
                net.push(leaky)?;
            }
        } else {
            dense(&mut net, hidden.iter(), leaky)?;
        }
        net.push(Dense { spectral, ..Dense::new(self.outputs()?) })?;
        Ok(net)
    }
}
