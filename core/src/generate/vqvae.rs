//! The autoencoder with a codebook as a plan: its networks, its grid of codes, and where its parameters lie.

use super::arch::{Arch, Likelihood, NamedTensor, Net, Part};
use super::codebook::Codebook;
use crate::error::{Error, Result};
use crate::nn::loss::precision;
use crate::nn::{Conv2d, ConvTranspose2d, Layer, Shape};
use crate::scratch::ScratchLen;

/// What a [`VqVae`] is made of.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VqVaeSpec {
    /// The shape of a sample; [`Shape::flat`] for rows of a table.
    pub input: Shape,
    /// The hidden layers. Where there are channels, the hidden widths behind them are those of convolutions of 3 × 3 that
    /// keep the sides; else of dense layers.
    pub arch: Arch,
    /// Codes of each place that the encoder leaves, above 0: 1 is usual behind convolutions; without them there is a single
    /// place, and these are all codes of a sample.
    pub groups: usize,
    /// Codes to choose from, above 0.
    pub codes: usize,
    /// Values of the vector of a code, above 0.
    pub dim: usize,
    /// What the decoder predicts.
    pub likelihood: Likelihood,
}

/// A vector-quantised variational autoencoder (van den Oord et al. 2017): each place of what the encoder leaves is rounded
/// to the nearest vector of a [`Codebook`], and the decoder sees only that. A sample is so many small whole numbers, of
/// which a [`super::CodePrior`] learns how they go together.
///
/// The encoder is convolutions that halve the sides, convolutions of 3 × 3 behind them, and one of 1 × 1 to the values that
/// are rounded; or dense layers. The decoder is its mirror. The codebook is no parameter of the optimiser but a state, which
/// follows what is rounded to it; see [`super::Follow`].
///
/// ```
/// use seedbed::generate::{Arch, Likelihood, VqVae, VqVaeSpec, Widths};
/// use seedbed::nn::{Activation, Shape};
///
/// let widths = |values| Widths::from_slice(values).unwrap();
/// let arch = Arch { channels: widths(&[32, 64]), hidden: widths(&[64]), activation: Activation::Relu };
/// let (input, likelihood) = (Shape::image(28, 28, 1), Likelihood::Bernoulli);
/// let vq = VqVae::new(VqVaeSpec { input, arch, groups: 1, codes: 128, dim: 32, likelihood })?;
/// assert_eq!((vq.grid(), vq.places()), ([7, 7], 49));
/// assert_eq!(vq.state_len(), 128 * 32 + 128 + 128 * 32);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct VqVae {
    pub(super) spec: VqVaeSpec,
    pub(super) encoder: Part,
    pub(super) decoder: Part,
    pub(super) book: Codebook,
    pub(super) width: usize,
    grid: [usize; 2],
}

/// A convolution of 3 × 3 that keeps the sides.
const fn keeping(channels: usize) -> Conv2d {
    Conv2d::new(channels, 3).padding(1)
}

/// The encoder of pictures, from the convolutions of `stem`.
fn encoder(spec: &VqVaeSpec, stem: &Net, outputs: usize) -> Result<Net> {
    let mut net = Net::new(spec.input)?;
    // What is rounded has places.
    for (layer, _) in stem.layers().filter(|(layer, _)| *layer != Layer::Flatten) {
        net.push(layer)?;
    }
    for &channels in &spec.arch.hidden {
        net.push(keeping(channels))?;
        net.push(spec.arch.activation)?;
    }
    net.push(Conv2d::new(outputs, 1))?;
    Ok(net)
}

/// The decoder of pictures, to what the convolutions of `stem` read.
fn decoder(spec: &VqVaeSpec, stem: &Net, input: Shape) -> Result<Net> {
    let mut net = Net::new(input)?;
    for &channels in spec.arch.hidden.iter().rev() {
        net.push(keeping(channels))?;
        net.push(spec.arch.activation)?;
    }
    let outputs = stem.layers().map(|(_, output)| output);
    let before = core::iter::once(spec.input).chain(outputs);
    // The shapes that convolutions read, from the sample inwards.
    let mut shapes: heapless::Vec<Shape, { super::MAX_HIDDEN }> = heapless::Vec::new();
    for ((layer, _), shape) in stem.layers().zip(before) {
        if matches!(layer, Layer::Conv2d(_)) {
            shapes.push(shape).map_err(|_| Error::CapacityExceeded)?;
        }
    }
    for (i, outer) in shapes.iter().rev().enumerate() {
        if i > 0 {
            net.push(spec.arch.activation)?;
        }
        let up = ConvTranspose2d::new(outer.channels, 4).stride(2).padding(1);
        net.push(up.output_padding(outer.height % 2))?;
    }
    Ok(net)
}

impl VqVae {
    /// The plan of `spec`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an empty shape, no codes, groups or values of a code, or a sigma out of its range;
    /// [`Error::CapacityExceeded`] for too many layers; [`Error::Unsupported`] for convolutions over a picture of which one
    /// side is even and the other odd; [`Error::Overflow`].
    pub fn new(spec: VqVaeSpec) -> Result<Self> {
        if let Likelihood::Gaussian { sigma } = spec.likelihood {
            precision(sigma)?;
        }
        let book = Codebook::new(spec.codes, spec.dim)?;
        let width = spec.input.len()?;
        let outputs = spec.groups.checked_mul(spec.dim).ok_or(Error::Overflow)?;
        let (encoder, decoder) = match spec.arch.stem(spec.input)? {
            Some(stem) => {
                let encoder = encoder(&spec, &stem, outputs)?;
                let decoder = decoder(&spec, &stem, encoder.output())?;
                (encoder, decoder)
            }
            None => (spec.arch.encoder(width, outputs)?, spec.arch.decoder(outputs, Shape::flat(width))?),
        };
        let Shape { height, width: columns, .. } = encoder.output();
        let grid = [height, columns.checked_mul(spec.groups).ok_or(Error::Overflow)?];
        let (encoder, decoder) = (Part::new(&encoder, false)?, Part::new(&decoder, true)?);
        encoder
            .param_len()
            .checked_add(decoder.param_len())
            .and_then(|n| n.checked_mul(2))
            .ok_or(Error::Overflow)?;
        Ok(Self { spec, encoder, decoder, book, width, grid })
    }

    /// The same with work memory for so many threads, at least one: convolutions split a batch among no more.
    #[must_use]
    pub fn for_threads(self, threads: usize) -> Self {
        let Self { spec, encoder, decoder, book, width, grid } = self;
        let [encoder, decoder] = [encoder, decoder].map(|part| part.for_threads(threads));
        Self { spec, encoder, decoder, book, width, grid }
    }

    /// What it was made from.
    pub const fn spec(&self) -> &VqVaeSpec {
        &self.spec
    }

    /// Values of one sample.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Rows and columns of the codes of a sample, the codes of a place side by side.
    pub const fn grid(&self) -> [usize; 2] {
        self.grid
    }

    /// Codes of a sample.
    pub const fn places(&self) -> usize {
        let [rows, columns] = self.grid;
        rows * columns
    }

    /// Values of a sample that are rounded.
    pub(super) const fn rounded_len(&self) -> usize {
        self.places() * self.spec.dim
    }

    /// The codebook, whose state is the model's.
    pub const fn codebook(&self) -> &Codebook {
        &self.book
    }

    /// Parameters: the encoder's, then the decoder's.
    pub fn param_len(&self) -> usize {
        self.encoder.param_len() + self.decoder.param_len()
    }

    /// Values of the state, which is that of the codebook.
    pub const fn state_len(&self) -> usize {
        self.book.state_len()
    }

    /// Its networks by name, in the order of the parameters.
    pub fn networks(&self) -> impl Iterator<Item = (&'static str, &Net)> {
        [("encoder", self.encoder.net()), ("decoder", self.decoder.net())].into_iter()
    }

    /// Name, place and shape of each tensor, in the order of the parameters.
    pub fn tensors(&self) -> impl Iterator<Item = NamedTensor> + '_ {
        NamedTensor::all(self.networks())
    }

    /// PyTorch's initial values; see [`crate::nn::Network::init`]. The state is another matter: see [`VqVae::init_state`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `params` has not [`VqVae::param_len`] values.
    pub fn init(&self, seed: u64, params: &mut [f32]) -> Result<()> {
        let [encoder, decoder] = self.split_mut(params)?;
        self.encoder.net().init(seed, 0, encoder)?;
        self.decoder.net().init(seed, 100, decoder)
    }

    pub(super) fn split<'a>(&self, params: &'a [f32]) -> Result<[&'a [f32]; 2]> {
        if params.len() != self.param_len() {
            return Err(Error::ShapeMismatch);
        }
        let (encoder, decoder) = params.split_at_checked(self.encoder.param_len()).unwrap_or_default();
        Ok([encoder, decoder])
    }

    pub(super) fn split_mut<'a>(&self, params: &'a mut [f32]) -> Result<[&'a mut [f32]; 2]> {
        if params.len() != self.param_len() {
            return Err(Error::ShapeMismatch);
        }
        let (encoder, decoder) = params.split_at_mut_checked(self.encoder.param_len()).unwrap_or_default();
        Ok([encoder, decoder])
    }

    /// Bytes of scratch that a training step, [`VqVae::gradients`] or [`VqVae::evaluate`] takes for a batch; `usize::MAX`
    /// where that is too large for the address space.
    pub fn train_scratch_len(&self, batch: usize) -> usize {
        self.rounded(self.parts(true, batch), batch)
            // Scales and losses of the samples.
            .with::<f32>(batch.saturating_mul(2))
            .with::<f32>(self.spec.codes)
            .with_bytes(self.inside(true, batch))
            .bytes()
    }

    /// Bytes of scratch that [`VqVae::init_state`], [`VqVae::encode`], [`VqVae::decode`] and [`VqVae::reconstruct`] take for
    /// a batch; `usize::MAX` where that is too large for the address space.
    pub fn run_scratch_len(&self, batch: usize) -> usize {
        self.rounded(self.parts(false, batch), batch).with_bytes(self.inside(false, batch)).bytes()
    }

    /// What the passes of both networks leave.
    fn parts(&self, training: bool, batch: usize) -> ScratchLen {
        self.decoder.with_work(self.encoder.with_work(ScratchLen::new(), training, batch), training, batch)
    }

    /// `len` and what rounding leaves: codes, distances, vectors.
    fn rounded(&self, len: ScratchLen, batch: usize) -> ScratchLen {
        let places = batch.saturating_mul(self.places());
        len.with::<u32>(places).with::<f32>(places).with::<f32>(batch.saturating_mul(self.rounded_len()))
    }

    /// What a pass, or the codebook, takes besides what it leaves.
    fn inside(&self, training: bool, batch: usize) -> usize {
        let passes = [&self.encoder, &self.decoder].map(|part| part.plan(training).scratch_len(batch));
        let book = self.book.scratch_len(batch.saturating_mul(self.places()));
        passes.into_iter().max().unwrap_or(0).max(book)
    }
}
