//! What a pass asks of a layer before it runs.

use super::Activation;
use super::layer::Layer;
use super::network::Step;
use super::plan::{Back, Keeps, Mode};
use super::shape::Shape;
use super::spectral;

impl Step {
    /// Whether output and input are of the same shape and one may replace the other, forward and backward.
    pub const fn elementwise(&self) -> bool {
        match self.layer {
            Layer::BatchNorm { .. }
            | Layer::LayerNorm { .. }
            | Layer::GroupNorm { .. }
            | Layer::Dropout { .. }
            | Layer::Softmax
            | Layer::Activation(_) => true,
            _ => self.is_still(),
        }
    }

    /// Whether it is a reshape that moves nothing.
    pub const fn is_still(&self) -> bool {
        match self.layer {
            Layer::Flatten => moves_nothing(self.input),
            Layer::Unflatten(shape) => moves_nothing(shape),
            _ => false,
        }
    }

    /// Whether it is made of products, which can apply a function to what they leave.
    pub const fn multiplies(&self) -> bool {
        matches!(self.layer, Layer::Dense(_) | Layer::Conv2d(_) | Layer::ConvTranspose2d(_))
    }

    /// The function that it is.
    pub const fn activation(&self) -> Option<Activation> {
        if let Layer::Activation(activation) = self.layer { Some(activation) } else { None }
    }

    /// What the way back reads.
    pub const fn keeps(&self, back: Back) -> Keeps {
        let (input, output) = match self.layer {
            Layer::Dense(_) | Layer::Conv2d(_) | Layer::ConvTranspose2d(_) | Layer::Embedding { .. } => {
                (back.params, false)
            }
            Layer::BatchNorm { .. } | Layer::LayerNorm { .. } | Layer::GroupNorm { .. } => {
                (back.params || back.input, false)
            }
            Layer::MaxPool2d(_) => (back.input, false),
            Layer::Softmax => (false, back.input),
            Layer::Activation(activation) => {
                (back.input && !activation.by_output(), back.input && activation.by_output())
            }
            Layer::Upsample { .. }
            | Layer::AvgPool2d(_)
            | Layer::Dropout { .. }
            | Layer::Flatten
            | Layer::Unflatten(_) => (false, false),
        };
        Keeps { input, output }
    }

    /// Whether W is divided by its largest singular value.
    pub const fn is_spectral(&self) -> bool {
        match self.layer {
            Layer::Dense(dense) => dense.spectral,
            Layer::Conv2d(conv) => conv.spectral,
            Layer::ConvTranspose2d(conv) => conv.spectral,
            _ => false,
        }
    }

    /// Values that live through a pass and do not grow with the batch.
    pub fn fixed_len(&self, mode: Mode) -> usize {
        match self.layer {
            // The mean of each channel of the batch, and 1 / its standard deviation.
            Layer::BatchNorm { .. } if mode != Mode::Inference => 2 * self.output.channels,
            _ if self.is_spectral() => spectral::fixed_len(self),
            _ => 0,
        }
    }

    /// The weight and the bias within the parameters of this layer; the bias is empty where there is none.
    pub fn split<'a>(&self, own: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        own.split_at_checked(self.weight_len()).unwrap_or_default()
    }

    /// [`Step::split`], to write.
    pub fn split_mut<'a>(&self, own: &'a mut [f32]) -> (&'a mut [f32], &'a mut [f32]) {
        own.split_at_mut_checked(self.weight_len()).unwrap_or_default()
    }

    /// Values of the weight.
    pub fn weight_len(&self) -> usize {
        let bias = match self.layer {
            Layer::Dense(dense) => dense.bias,
            Layer::Conv2d(conv) => conv.bias,
            Layer::ConvTranspose2d(conv) => conv.bias,
            Layer::BatchNorm { .. } | Layer::LayerNorm { .. } | Layer::GroupNorm { .. } => true,
            _ => false,
        };
        self.params.len - if bias { self.output.channels } else { 0 }
    }
}

/// Whether channels, height, width are in the same order as height, width, channels.
const fn moves_nothing(shape: Shape) -> bool {
    shape.channels == 1 || shape.is_flat()
}
