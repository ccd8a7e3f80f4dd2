//! Principal components of features, with memory of their own.

use super::Mat;
use crate::error::Result;
use crate::stages::Ctx;
use seedbed::linalg::Pca;
use seedbed::scratch::ScratchBuf;
use seedbed::{MatMut, MatRef};

/// Fitted principal components.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    mean: Vec<f64>,
    components: Vec<f32>,
    /// The variance of each component, largest first.
    pub variances: Vec<f32>,
}

impl Projection {
    /// The `dims` strongest components of the rows (at most as many as columns).
    ///
    /// # Errors
    /// For fewer than two rows, or values that are not finite.
    pub fn fit(ctx: &Ctx, rows: &Mat, dims: usize) -> Result<Self> {
        let x = rows.view();
        let dims = dims.clamp(1, x.cols().max(1));
        let mut fitted = Self {
            mean: vec![0.0; x.cols()],
            components: vec![0.0; dims * x.cols()],
            variances: vec![0.0; dims],
        };
        let mut scratch = ScratchBuf::new();
        let mut arena = scratch.arena(Pca::fit_scratch_len(x.rows(), x.cols(), dims));
        let Self { mean, components, variances } = &mut fitted;
        Pca::fit(ctx.level, &ctx.pool, x, mean, components, variances, &mut arena)?;
        Ok(fitted)
    }

    /// Number of components.
    pub fn dims(&self) -> usize {
        self.variances.len()
    }

    fn pca(&self) -> Result<Pca<'_>> {
        let components = MatRef::new(&self.components, self.dims(), self.mean.len())?;
        Ok(Pca::new(&self.mean, components)?)
    }

    /// The rows in the coordinates of the components.
    ///
    /// # Errors
    /// When the rows have other columns than those fitted.
    pub fn project(&self, ctx: &Ctx, rows: &Mat) -> Result<Mat> {
        let pca = self.pca()?;
        let mut out = Mat::zeros(rows.rows(), self.dims());
        let mut scratch = ScratchBuf::new();
        let mut arena = scratch.arena(pca.project_scratch_len(rows.rows()));
        let dst = MatMut::new(&mut out.data, rows.rows(), self.dims())?;
        pca.project(ctx.level, &ctx.pool, rows.view(), dst, &mut arena)?;
        Ok(out)
    }
}
