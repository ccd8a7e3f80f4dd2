//! Where each tensor of a network lies in the flat parameter slice.

/// What a tensor is in its layer; the word is PyTorch's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The weights.
    Weight,
    /// The biases.
    Bias,
}

impl Role {
    /// `weight` or `bias`.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Weight => "weight",
            Role::Bias => "bias",
        }
    }
}

/// One tensor of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The layer, counted from 0 with those that have no parameters, as in PyTorch's `Sequential`.
    pub layer: usize,
    /// What it is there.
    pub role: Role,
    /// Where it starts in the parameter slice.
    pub offset: usize,
    /// The sizes, outermost first; only the first [`Tensor::rank`] count.
    pub sizes: [usize; 4],
    /// How many sizes there are: 1, 2 or 4.
    pub rank: usize,
    /// Inputs that one output of the layer sums over, as PyTorch counts them for its initialiser.
    pub fan_in: usize,
}

impl Tensor {
    /// The sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        self.sizes.get(..self.rank).unwrap_or(&[])
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
