//! What is told of a training whose numbers stopped being finite: the step, the layer, and what is left of it.

use super::Trainer;
use crate::error::{Error, Result};
use crate::model::any::Model;
use crate::model::check::{HUGE, largest, layers};
use crate::model::quantise::inputs;
use crate::model::runner::Runs;
use crate::model::some::Rows;
use crate::model::stored::Stored;
use seedbed::generate::NamedTensor;

/// Samples that go through the networks to find the layer.
const FEW: usize = 32;

impl Trainer<'_> {
    /// The error of a step that was not made, or of an epoch after which a parameter is not finite.
    #[cold]
    pub(super) fn diverged(&self, epoch: u32) -> Error {
        let layer = self.bad_output().unwrap_or_else(|| self.bad_weights());
        let kept = match &self.kept {
            Some((path, epoch)) => {
                format!("the last good state is that of epoch {epoch} in {}", path.display())
            }
            None => "no state was kept yet".into(),
        };
        let try_it = match self.model {
            Model::Vae(_) => {
                "a smaller --lr (for example a tenth), a longer --kl-warmup, or columns without huge values"
            }
            Model::Gan(_) => {
                "a smaller --lr and --lr-discriminator (for example a tenth), --norm spectral, or --r1 1"
            }
            Model::Codes(_) => "a smaller --lr (for example a tenth), or columns without huge values",
        };
        Error::failed(format!(
            "training diverged, a loss or a parameter is not finite: step {} (epoch {epoch}), lr = {}, {layer}; {kept}",
            self.at.progress.steps, self.at.config.training.lr
        ))
        .hint(try_it)
    }

    /// The first layer out of which something comes that is not finite, or leaves nothing to sums; `None` where none is found in
    /// use, as of a discriminator.
    fn bad_output(&self) -> Option<String> {
        let stored = Stored::Single(self.as_it_is(Vec::new()));
        let rows = self.outputs(&stored).ok()?;
        let outputs = rows.iter().filter_map(|(name, largest)| Some((name, (*largest)?)));
        let (name, most) = outputs.clone().find(|(_, most)| !most.is_finite() || *most > HUGE)?;
        Some(if most.is_finite() {
            format!("values of up to {most:.3e} come out of {name}")
        } else {
            format!("what comes out of {name} is not finite")
        })
    }

    /// The largest magnitude that comes out of each layer, for some samples.
    fn outputs(&self, stored: &Stored) -> Result<Vec<(String, Option<f32>)>> {
        let runner = stored.runner(self.ctx)?;
        let places = self.some(FEW);
        let mut rows = Rows::default();
        self.data.gather(&places, &mut rows.x);
        if self.model.classes() > 0 {
            rows.labels = places.iter().map(|&place| self.data.label(place)).collect();
        }
        rows.numbers = vec![0; places.len()];
        let found = layers(stored, &runner, &inputs(&runner, &rows, 0, FEW)?)?;
        Ok(found.into_iter().map(|row| (row.name, row.largest)).collect())
    }

    /// The layer with the largest weight.
    fn bad_weights(&self) -> String {
        let of = |t: &NamedTensor| {
            let own = self.at.weights.params.get(t.tensor.offset..t.tensor.offset + t.tensor.len());
            largest(own.unwrap_or_default())
        };
        let tensors = self.model.tensors();
        let worst = tensors.iter().max_by(|a, b| of(a).total_cmp(&of(b)));
        worst.map_or_else(String::new, |t| {
            format!("the largest weight is {:.3e} in {}.{}", of(t), t.network, t.tensor.layer)
        })
    }
}
