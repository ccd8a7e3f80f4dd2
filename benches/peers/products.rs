//! What `nn/run.py` measures of Rust crates: products by `gemm`, `faer` and `matrixmultiply`, on one thread. Answers lines such as
//! `faer gemm 128x400x784 nt`.

use seedbed_benches::{Shape, floats, serve_by};

/// A product of `library`; the strides are those of the stored matrices, transposed or not.
fn product(library: &str, shape: Shape) -> Option<Box<dyn FnMut()>> {
    let Shape { m, n, k, .. } = shape;
    let (a, b) = (floats(m * k, -1.0, 1.0), floats(k * n, -1.0, 1.0));
    let mut out = vec![0f32; m * n];
    let (a_rows, a_columns) = if shape.a_turned { (1, m as isize) } else { (k as isize, 1) };
    let (b_rows, b_columns) = if shape.b_turned { (1, k as isize) } else { (n as isize, 1) };
    let rows = n as isize;
    Some(match library {
        "gemm" => Box::new(move || {
            let (c, a, b) = (out.as_mut_ptr(), a.as_ptr(), b.as_ptr());
            let one = gemm::Parallelism::None;
            // SAFETY: the strides are those of matrices of the lengths above.
            unsafe {
                gemm::gemm(
                    m, n, k, c, 1, rows, false, a, a_columns, a_rows, b, b_columns, b_rows, 0.0, 1.0, false,
                    false, false, one,
                );
            }
        }),
        "matrixmultiply" => Box::new(move || {
            let (c, a, b) = (out.as_mut_ptr(), a.as_ptr(), b.as_ptr());
            // SAFETY: as above.
            unsafe {
                matrixmultiply::sgemm(
                    m, k, n, 1.0, a, a_rows, a_columns, b, b_rows, b_columns, 0.0, c, rows, 1,
                )
            };
        }),
        "faer" => Box::new(move || {
            // SAFETY: as above.
            let a = unsafe { faer::MatRef::from_raw_parts(a.as_ptr(), m, k, a_rows, a_columns) };
            // SAFETY: as above.
            let b = unsafe { faer::MatRef::from_raw_parts(b.as_ptr(), k, n, b_rows, b_columns) };
            // SAFETY: as above.
            let c = unsafe { faer::MatMut::from_raw_parts_mut(out.as_mut_ptr(), m, n, rows, 1) };
            faer::linalg::matmul::matmul(c, faer::Accum::Replace, a, b, 1.0f32, faer::Par::Seq);
        }),
        _ => return None,
    })
}

fn main() {
    serve_by(|name| {
        let (library, shape) = name.split_once(" gemm ")?;
        product(library, Shape::named(shape)?)
    });
}
