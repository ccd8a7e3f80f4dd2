//! Mean and spread of columns, one row at a time.

/// What the values of one column come to, missing ones left out (Welford 1962): no sum of squares, in which a
/// small spread around a large mean would be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    n: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    spread: f64,
    least: f64,
    greatest: f64,
}

impl Moments {
    /// Takes a row in, one value for each column.
    pub fn add_row(columns: &mut [Self], row: &[f32]) {
        columns.iter_mut().zip(row).for_each(|(column, v)| column.add(*v));
    }

    /// Takes a value in, unless it is missing.
    pub fn add(&mut self, v: f32) {
        if v.is_nan() {
            return;
        }
        let v = f64::from(v);
        self.n += 1;
        let from_old = v - self.mean;
        self.mean += from_old / self.n as f64;
        self.spread += from_old * (v - self.mean);
        self.least = if self.n == 1 { v } else { self.least.min(v) };
        self.greatest = if self.n == 1 { v } else { self.greatest.max(v) };
    }

    /// The mean; 0 for a column without values.
    pub const fn mean(&self) -> f32 {
        self.mean as f32
    }

    /// The standard deviation, by n and not n − 1; 0 for a column of one value.
    pub fn std(&self) -> f32 {
        if self.least == self.greatest {
            // Rounding of the mean is no deviation.
            return 0.0;
        }
        (self.spread / self.n.max(1) as f64).sqrt() as f32
    }

    /// The least value.
    pub const fn least(&self) -> f32 {
        self.least as f32
    }

    /// The greatest value.
    pub const fn greatest(&self) -> f32 {
        self.greatest as f32
    }

    /// From the least value to the greatest.
    pub const fn range(&self) -> f32 {
        (self.greatest - self.least) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = f32>) -> Moments {
        let mut column = Moments::default();
        values.into_iter().for_each(|v| column.add(v));
        column
    }

    #[test]
    fn a_small_spread_around_a_large_mean_is_seen() {
        let column = of((0..1000).map(|i| if i % 2 == 0 { 1999.999 } else { 2000.001 }));
        assert!((column.mean() - 2000.0).abs() < 1e-3 && (column.std() - 1e-3).abs() < 1e-4, "{column:?}");
    }

    #[test]
    fn missing_values_do_not_count_and_a_constant_has_no_spread() {
        let column = of([1.0, f32::NAN, 3.0]);
        assert_eq!((column.mean(), column.std(), column.least(), column.range()), (2.0, 1.0, 1.0, 2.0));
        assert_eq!(of([0.1; 7]).std(), 0.0);
        assert_eq!((of([]).mean(), of([f32::NAN]).std()), (0.0, 0.0));
    }
}
