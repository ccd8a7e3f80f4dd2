//! What a VAE makes of samples that it did not learn from.

use super::checkpoint::ModelFile;
use super::draw::{Drawer, PriorKind};
use super::runner::BATCH;
use super::some::values;
use crate::dataset::{Dataset, DatasetWriter, Meta, Sample, Split};
use crate::error::Result;
use crate::stages::Ctx;
use std::path::Path;

/// Writes the reconstructions (from the means of the codes) of the test split of `dataset` to a dataset
/// folder `out`, under the ids of the originals. Nothing is written for a GAN, or where there is no test
/// split; returns how many were.
///
/// # Errors
/// When a sample cannot be read, does not fit the model, or the folder cannot be written.
pub fn reconstruct(ctx: &Ctx, file: &ModelFile, dataset: &Dataset, out: &Path) -> Result<u64> {
    let drawer = Drawer::new(ctx, file, PriorKind::Standard, 1.0)?;
    if !drawer.runner().encodes() || dataset.meta().counts.test == 0 {
        return Ok(0);
    }
    let spec = &file.config.data;
    let conditional = drawer.classes() > 0;
    let name = format!("{} reconstructed", dataset.meta().name);
    let classes = if conditional { spec.classes.clone() } else { Vec::new() };
    let meta = Meta::new(name, spec.kind, classes, spec.columns.clone());
    let meta = Meta { features: spec.features.clone(), ..meta };
    let mut writer = DatasetWriter::create(out, meta)?.pool(&ctx.pool);
    let usable = |s: &Result<Sample>| match s {
        Ok(s) => s.split == Split::Test && (s.label.is_some() || !conditional),
        Err(_) => true,
    };
    let mut samples = dataset.samples().filter(usable);
    let mut written = 0;
    loop {
        let batch: Vec<Sample> = samples.by_ref().take(BATCH).collect::<Result<_>>()?;
        if batch.is_empty() {
            break;
        }
        let mut x = Vec::with_capacity(batch.len() * spec.width());
        for sample in &batch {
            values(spec, sample, &mut x)?;
        }
        let labels: Vec<u32> =
            if conditional { batch.iter().filter_map(|s| s.label).collect() } else { Vec::new() };
        let made = drawer.runner().reconstruct(&x, &labels)?;
        for (original, made) in batch.iter().zip(made.chunks_exact(spec.width())) {
            let label = original.label.filter(|_| conditional);
            writer.push(Sample::new(&*original.id, label, Split::Test, drawer.content(made)?))?;
            written += 1;
        }
    }
    writer.finish()?;
    Ok(written)
}
