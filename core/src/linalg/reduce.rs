//! Sums over vectors: sixteen lanes, tails into the same lanes, then the fixed tree.

use crate::simd::{LANES, tree_sum};

/// Σ f(x, y) over the common prefix.
#[inline(always)]
fn lanes2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let n = if a.len() < b.len() { a.len() } else { b.len() };
    let (a, b) = (a.get(..n).unwrap_or(a), b.get(..n).unwrap_or(b));
    let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut acc = [0f32; LANES];
    for (x, y) in a.iter().zip(b) {
        for ((s, &x), &y) in acc.iter_mut().zip(x).zip(y) {
            *s += f(x, y);
        }
    }
    for ((s, &x), &y) in acc.iter_mut().zip(a_tail).zip(b_tail) {
        *s += f(x, y);
    }
    tree_sum(acc)
}

/// Σ f(x).
#[inline(always)]
fn lanes1(a: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (blocks, tail) = a.as_chunks::<LANES>();
    let mut acc = [0f32; LANES];
    for x in blocks {
        for (s, &x) in acc.iter_mut().zip(x) {
            *s += f(x);
        }
    }
    for (s, &x) in acc.iter_mut().zip(tail) {
        *s += f(x);
    }
    tree_sum(acc)
}

kernel! {
    /// Σ aᵢ·bᵢ over the common prefix.
    pub fn dot(a: &[f32], b: &[f32]) -> f32 = dot_body;
}
#[inline(always)]
fn dot_body(a: &[f32], b: &[f32]) -> f32 {
    lanes2(a, b, |x, y| x * y)
}

kernel! {
    /// Σ (aᵢ − bᵢ)² over the common prefix.
    pub fn squared_distance(a: &[f32], b: &[f32]) -> f32 = squared_distance_body;
}
#[inline(always)]
fn squared_distance_body(a: &[f32], b: &[f32]) -> f32 {
    lanes2(a, b, |x, y| (x - y) * (x - y))
}

kernel! {
    /// Σ aᵢ.
    pub fn sum(a: &[f32]) -> f32 = sum_body;
}
#[inline(always)]
fn sum_body(a: &[f32]) -> f32 {
    lanes1(a, |x| x)
}

kernel! {
    /// Σ aᵢ².
    pub fn sum_of_squares(a: &[f32]) -> f32 = sum_of_squares_body;
}
#[inline(always)]
fn sum_of_squares_body(a: &[f32]) -> f32 {
    lanes1(a, |x| x * x)
}

kernel! {
    /// y ← y + α·x over the common prefix; the product is rounded before the sum.
    pub fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) = axpy_body;
}
#[inline(always)]
fn axpy_body(alpha: f32, x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}

kernel! {
    /// x ← α·x.
    pub fn scale(alpha: f32, x: &mut [f32]) = scale_body;
}
#[inline(always)]
fn scale_body(alpha: f32, x: &mut [f32]) {
    for x in x {
        *x *= alpha;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Level;
    use crate::testing::same_bits_at_every_level;

    #[test]
    fn same_bits_at_every_level_and_right() {
        let input: std::vec::Vec<f32> = (0..70).map(|i| (i as f32 * 0.7).fract() - 0.4).collect();
        same_bits_at_every_level(&input, |level, v, out| {
            let other: std::vec::Vec<f32> = v.iter().rev().copied().collect();
            out.extend([dot(level, v, &other), squared_distance(level, v, &other), sum(level, v)]);
            out.push(sum_of_squares(level, v));
            let mut y = other.clone();
            axpy(level, 1.3, v, &mut y);
            scale(level, 0.7, &mut y);
            out.extend(y);
            let exact: f64 = v.iter().zip(&other).map(|(&a, &b)| a as f64 * b as f64).sum();
            assert!((out[0] as f64 - exact).abs() < 1e-5);
        });
    }

    #[test]
    fn the_common_prefix_counts() {
        let level = Level::detect();
        assert_eq!(dot(level, &[1.0, 2.0, 3.0], &[4.0, 5.0]), 14.0);
        assert_eq!(squared_distance(level, &[1.0], &[4.0, 5.0]), 9.0);
        assert_eq!((sum(level, &[]), sum_of_squares(level, &[3.0, 4.0])), (0.0, 25.0));
    }
}
