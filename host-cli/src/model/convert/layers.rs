//! The layers of a network with their numbers, as other tools have them: each is told whether it reads pictures or rows.

use crate::error::{Error, Result};
use seedbed::generate::Net;
use seedbed::nn::{Layer, Role, Shape};

/// What lies between two layers: channels × height × width of a sample, or a row of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Four axes with the batch.
    Picture,
    /// Two axes with the batch.
    Row,
}

/// A tensor of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// What it is there.
    pub role: Role,
    /// Its sizes, outermost first.
    pub sizes: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

/// A layer with what it reads, what it makes, and its tensors. A spectral normalisation is in the weight already.
#[derive(Clone, Debug)]
pub struct Placed {
    /// What it is.
    pub layer: Layer,
    /// What comes in.
    pub input: (Shape, Form),
    /// What goes out.
    pub output: (Shape, Form),
    /// Its tensors, the weight first.
    pub tensors: Vec<Held>,
}

/// A network of a model with its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// Its name.
    pub name: &'static str,
    /// Its layers.
    pub net: &'a Net,
    /// Parameters.
    pub params: &'a [f32],
    /// What training passes followed.
    pub state: &'a [f32],
}

/// The form that a layer must have; `None` where either will do.
const fn wanted(layer: Layer) -> Option<Form> {
    match layer {
        Layer::Dense(_) | Layer::Embedding { .. } | Layer::Unflatten(_) => Some(Form::Row),
        Layer::Conv2d(_)
        | Layer::ConvTranspose2d(_)
        | Layer::Upsample { .. }
        | Layer::AvgPool2d(_)
        | Layer::MaxPool2d(_) => Some(Form::Picture),
        Layer::BatchNorm { .. }
        | Layer::LayerNorm { .. }
        | Layer::GroupNorm { .. }
        | Layer::Dropout { .. }
        | Layer::Flatten
        | Layer::Softmax
        | Layer::Activation(_) => None,
    }
}

impl Network<'_> {
    /// The form that it reads: the first layer that minds decides.
    pub fn reads(&self) -> Form {
        let minding = self.net.layers().find_map(|(layer, _)| wanted(layer));
        let Shape { height, width, .. } = self.net.input();
        minding.filter(|_| height * width == 1).unwrap_or(if height * width == 1 {
            Form::Row
        } else {
            Form::Picture
        })
    }

    /// Its layers.
    ///
    /// # Errors
    /// When a layer reads a picture where it must have a row, or the other way round: a network of this library may, since
    /// there a picture of one pixel is a row.
    pub fn layers(&self) -> Result<Vec<Placed>> {
        let mut at = (self.net.input(), self.reads());
        let mut layers = Vec::new();
        for (i, (layer, shape)) in self.net.layers().enumerate() {
            let (input, form) = at;
            if wanted(layer).is_some_and(|wanted| wanted != form) {
                return Err(Error::failed(format!(
                    "a picture of one pixel goes into layer {}.{i} as a row: other tools keep the two apart",
                    self.name
                )));
            }
            let form = match layer {
                Layer::Flatten => Form::Row,
                Layer::Unflatten(_) => Form::Picture,
                _ => form,
            };
            let output = (shape, form);
            layers.push(Placed { layer, input: (input, at.1), output, tensors: self.tensors(i) });
            at = output;
        }
        Ok(layers)
    }

    /// The form that it leaves.
    ///
    /// # Errors
    /// As [`Network::layers`].
    pub fn leaves(&self) -> Result<Form> {
        Ok(self.layers()?.last().map_or(self.reads(), |layer| layer.output.1))
    }

    /// The tensors of layer `i`.
    fn tensors(&self, i: usize) -> Vec<Held> {
        let of_params = self.net.tensors().map(|t| (t, self.params));
        let all = of_params.chain(self.net.state_tensors().map(|t| (t, self.state)));
        let own = all.filter(|(t, _)| t.layer == i && !matches!(t.role, Role::U | Role::V));
        let norm = self.net.spectral_norm(i, self.params, self.state);
        own.map(|(t, values)| {
            let mut values: Vec<f32> = values.iter().skip(t.offset).take(t.len()).copied().collect();
            if let (Role::Weight, Some(norm)) = (t.role, norm) {
                values.iter_mut().for_each(|v| *v /= norm);
            }
            Held { role: t.role, sizes: t.shape().to_vec(), values }
        })
        .collect()
    }
}

impl Placed {
    /// Values of one sample that comes out of it, by axis.
    pub fn sizes(&self) -> Vec<usize> {
        sizes(self.output)
    }
}

/// The axes of a sample of this shape and form.
pub fn sizes((shape, form): (Shape, Form)) -> Vec<usize> {
    match form {
        Form::Picture => vec![shape.channels, shape.height, shape.width],
        Form::Row => vec![shape.channels],
    }
}
