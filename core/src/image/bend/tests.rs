use super::super::Index;
use super::super::testing::{BORDERS, Owned, assert_exact, images};
use super::*;
use crate::rng::mix;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn kinds(seed: u32) -> [Bend; 8] {
    [
        Bend::Elastic { deviation: 1.5, sigma: 4.0, seed },
        Bend::Elastic { deviation: 6.0, sigma: 17.3, seed },
        Bend::Grid { cells: 5, shift: 0.6, seed },
        Bend::Optical { k: 0.4 },
        Bend::Optical { k: -0.3 },
        Bend::Fisheye { degrees: 70.0 },
        Bend::ThinPlate { points: 4, shift: 0.08, seed },
        Bend::PiecewiseAffine { cells: 4, shift: 0.4, seed },
    ]
}

fn bent<T: Sample>(
    level: Level,
    how: &Bend,
    interpolation: Interpolation,
    border: Border<T>,
    src: &Owned<T>,
) -> Owned<T> {
    let size = (src.shape.0, src.shape.1);
    src.through(src.shape.2, |src, dst| {
        let mut memory = vec![0xa5u8; how.scratch_len(size)];
        bend(level, how, interpolation, border, src, dst, &mut Scratch::new(&mut memory)).unwrap();
    })
}

/// A number between −1 and 1 of SplitMix64, as the field has them.
fn uniform(seed: u32, at: u64, axis: usize) -> f64 {
    let bits = mix(mix(seed.into()).wrapping_add((at.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let half = if axis == 0 { bits >> 32 } else { bits } as u32;
    f64::from(half as i32 >> 8) / 8_388_608.0
}

/// The displacement at (x, y), axis by axis, on real numbers and by no lattice but where that is the definition.
fn displacement(how: &Bend, (h, w): (usize, usize), [x, y]: [f64; 2]) -> [f64; 2] {
    let sides = [w as f64, h as f64];
    let middle = sides.map(|side| (side - 1.0) / 2.0);
    let corner = (sides[0] * sides[0] + sides[1] * sides[1]).sqrt() / 2.0;
    let away = [x - middle[0], y - middle[1]];
    let r = (away[0] * away[0] + away[1] * away[1]).sqrt() / corner;
    match *how {
        Bend::Elastic { deviation, sigma, seed } => {
            let spacing = f64::from(sigma) * 3f64.sqrt();
            let spline = |t: f64| match t.abs() {
                t if t < 1.0 => 2.0 / 3.0 - t * t + t * t * t / 2.0,
                t if t < 2.0 => (2.0 - t).powi(3) / 6.0,
                _ => 0.0,
            };
            let start = [0, 1].map(|axis| -(1.5 + 0.5 * uniform(seed, u64::MAX, axis)) * spacing);
            [0, 1].map(|axis| {
                let mut sum = 0.0;
                for j in 0..200u64 {
                    let down = spline((y - start[1]) / spacing - j as f64);
                    for i in 0..200u64 {
                        let weight = down * spline((x - start[0]) / spacing - i as f64);
                        if weight > 0.0 {
                            sum += weight * uniform(seed, j << 32 | i, axis);
                        }
                    }
                }
                sum * f64::from(deviation) * 3f64.sqrt() / (151.0 / 315.0)
            })
        }
        Bend::Grid { cells, shift, seed } => [0, 1].map(|axis| {
            let parts: Vec<f64> =
                (0..cells.into()).map(|i| 1.0 + f64::from(shift) * uniform(seed, i, axis)).collect();
            let total: f64 = parts.iter().sum();
            let at = ([x, y][axis] + 0.5) / sides[axis] * f64::from(cells);
            let cell = (at as usize).min(parts.len() - 1);
            let before: f64 = parts[..cell].iter().sum();
            (before + parts[cell] * (at - cell as f64)) / total * sides[axis] - ([x, y][axis] + 0.5)
        }),
        Bend::Optical { k } => away.map(|v| v * f64::from(k) * r * r),
        Bend::Fisheye { degrees } => {
            let angle = f64::from(degrees).to_radians();
            let growth = if r > 0.0 { (r * angle).tan() / angle.tan() / r } else { angle / angle.tan() };
            away.map(|v| v * (growth - 1.0))
        }
        Bend::ThinPlate { points, shift, seed } => {
            let n = points as usize;
            let place = |i: usize| [(i % n) as f64 / (n as f64 - 1.0), (i / n) as f64 / (n as f64 - 1.0)];
            let bulge = |[ax, ay]: [f64; 2], [bx, by]: [f64; 2]| {
                let square = (ax - bx).powi(2) + (ay - by).powi(2);
                if square > 0.0 { square * square.ln() } else { 0.0 }
            };
            let here = [x / (sides[0] - 1.0), y / (sides[1] - 1.0)];
            [0, 1].map(|axis| {
                let weights = plate(n, &place, &bulge, |i| f64::from(shift) * uniform(seed, i as u64, axis));
                let (bulges, plane) = weights.split_at(n * n);
                let sum: f64 = bulges.iter().enumerate().map(|(i, w)| w * bulge(here, place(i))).sum();
                (sum + plane[0] + plane[1] * here[0] + plane[2] * here[1]) * (sides[axis] - 1.0)
            })
        }
        Bend::PiecewiseAffine { cells, shift, seed } => {
            let n = cells as usize;
            let at = [0, 1].map(|axis| ([x, y][axis] + 0.5) / sides[axis] * n as f64);
            let cell = at.map(|v| (v as usize).min(n - 1));
            let [u, v] = [at[0] - cell[0] as f64, at[1] - cell[1] as f64];
            [0, 1].map(|axis| {
                let node = |i: usize, j: usize| {
                    let (i, j) = (cell[0] + i, cell[1] + j);
                    let free = [i, j][axis] > 0 && [i, j][axis] < n;
                    let moved = uniform(seed, (j as u64) << 32 | i as u64, axis) * f64::from(shift);
                    if free { moved * sides[axis] / n as f64 } else { 0.0 }
                };
                let (a, b, c, d) = (node(0, 0), node(1, 0), node(0, 1), node(1, 1));
                if u >= v { a + (b - a) * u + (d - b) * v } else { a + (c - a) * v + (d - c) * u }
            })
        }
    }
}

/// The weights of a thin plate by least squares of nothing but the equations: Gauss-Jordan over a dynamic matrix.
fn plate(
    n: usize,
    place: &impl Fn(usize) -> [f64; 2],
    bulge: &impl Fn([f64; 2], [f64; 2]) -> f64,
    moves: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let count = n * n;
    let plane = |i: usize| [1.0, place(i)[0], place(i)[1]];
    let mut rows: Vec<Vec<f64>> = (0..count + 3)
        .map(|i| {
            let mut row: Vec<f64> = (0..count)
                .map(|k| if i < count { bulge(place(i), place(k)) } else { plane(k)[i - count] })
                .collect();
            row.extend(if i < count { plane(i) } else { [0.0; 3] });
            row.push(if i < count { moves(i) } else { 0.0 });
            row
        })
        .collect();
    for k in 0..count + 3 {
        let best = (k..count + 3).max_by(|&a, &b| rows[a][k].abs().total_cmp(&rows[b][k].abs())).unwrap();
        rows.swap(k, best);
        let pivot = rows[k].clone();
        for (i, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let factor = row[k] / pivot[k];
            assert!(i < count + 3);
            row.iter_mut().zip(&pivot).for_each(|(to, from)| *to -= factor * from);
        }
    }
    (0..count + 3).map(|i| rows[i][count + 3] / rows[i][i]).collect()
}

#[test]
fn places_are_those_of_the_definitions() {
    for size in [(61, 97), (200, 160), (512, 384)] {
        for how in kinds(5) {
            let bent = Bent::new(&how, size).unwrap();
            let (mut worst, mut largest) = (0f64, 0f64);
            // The first one is a corner.
            for i in 0..600 {
                let at = [(i * 37 % size.1) as f64, (i * 53 % size.0) as f64];
                let want = displacement(&how, size, at);
                let Index(got) = bent.source(Index(at));
                for axis in 0..2 {
                    worst = worst.max((got[axis] - at[axis] - want[axis]).abs());
                    largest = largest.max(want[axis].abs());
                }
            }
            let near = if matches!(how, Bend::ThinPlate { .. }) { 0.1 } else { 0.04 };
            assert!(worst < near && largest > 0.3, "{how:?} {size:?}: {worst} of {largest}");
        }
    }
}

#[test]
fn elastic_displacements_have_the_deviation_and_go_together_as_far_as_asked_for() {
    let (mut squares, mut products, mut mean, mut n) = (0f64, 0f64, 0f64, 0f64);
    for seed in 0..300 {
        let bent = Bent::new(&Bend::Elastic { deviation: 3.0, sigma: 10.0, seed }, (200, 200)).unwrap();
        let at = |x: f64| {
            let Index([sx, sy]) = bent.source(Index([x, 77.0]));
            [sx - x, sy - 77.0]
        };
        // A Gaussian field of σ is correlated with itself at a distance of 2 σ as e⁻¹.
        let (here, there) = (at(60.0), at(80.0));
        for axis in 0..2 {
            squares += here[axis] * here[axis];
            products += here[axis] * there[axis];
            mean += here[axis];
            n += 1.0;
        }
    }
    let (std, share) = ((squares / n).sqrt(), products / squares);
    assert!((std - 3.0).abs() < 0.35 && (mean / n).abs() < 0.5, "{std} {mean}");
    assert!((share - (-1f64).exp()).abs() < 0.15, "{share}");
}

/// Bilinear at real places.
fn sampled(src: &Owned<f32>, [x, y]: [f64; 2], c: usize) -> f64 {
    let (h, w, channels) = src.shape;
    let at = |x: i64, y: i64| {
        let (x, y) =
            (Border::<f32>::Reflect101.index(x, w).unwrap(), Border::<f32>::Reflect101.index(y, h).unwrap());
        f64::from(src.data[(y * w + x) * channels + c])
    };
    let (ix, iy) = (x.floor(), y.floor());
    let (fx, fy) = (x - ix, y - iy);
    let row = |y: i64| at(ix as i64, y) * (1.0 - fx) + at(ix as i64 + 1, y) * fx;
    row(iy as i64) * (1.0 - fy) + row(iy as i64 + 1) * fy
}

#[test]
fn pictures_show_what_lies_at_the_places() {
    let many = [
        Bend::Grid { cells: 32, shift: 0.9, seed: 3 },
        Bend::PiecewiseAffine { cells: 32, shift: 0.4, seed: 3 },
        Bend::Elastic { deviation: 0.5, sigma: 1.0, seed: 3 },
    ];
    for (c, kinds) in [(1, &kinds(9)[..]), (3, &kinds(9)), (1, &many)] {
        let src = Owned::<f32>::shares((67, 131, c), 3);
        for &how in kinds {
            let bent_by = Bent::new(&how, (67, 131)).unwrap();
            let want: Vec<f64> = (0..src.data.len())
                .map(|i| {
                    let Index(at) = bent_by.source(Index([(i / c % 131) as f64, (i / c / 131) as f64]));
                    sampled(&src, at, i % c)
                })
                .collect();
            for level in Level::available() {
                let got = bent(level, &how, Interpolation::Bilinear, Border::Reflect101, &src);
                // A place is known to 2⁻¹⁷ pixels.
                let worst = got.numbers().iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
                assert!(worst < 5e-5, "{how:?}: {worst}");
            }
            let levels = |v: f64| (v * 255.0).round() as u8;
            let bytes = Owned { data: src.numbers().into_iter().map(levels).collect(), shape: src.shape };
            let smooth = Owned { data: bytes.data.iter().map(|&v| f32::from(v)).collect(), shape: src.shape };
            let want =
                bent(Level::BASE, &how, Interpolation::Bilinear, Border::Reflect101, &smooth).numbers();
            for level in Level::available() {
                let got = bent(level, &how, Interpolation::Bilinear, Border::Reflect101, &bytes);
                assert_exact(&got.data, &want, 0.75);
            }
        }
    }
}

#[test]
fn points_go_where_they_are_shown() {
    for how in kinds(3) {
        let bent = Bent::new(&how, (120, 90)).unwrap();
        for i in 0..50 {
            let at = Index([(i * 7 % 90) as f64, (i * 13 % 120) as f64]);
            let Index([x, y]) = bent.source(bent.shown(at));
            assert!((x - at.0[0]).abs() < 1e-3 && (y - at.0[1]).abs() < 1e-3, "{how:?} {at:?} {x} {y}");
        }
    }
}

#[test]
fn what_is_out_of_range_is_refused_and_leaves_the_result_alone() {
    let (src, mut dst) = (Owned::noise((9, 7, 1), 1), Owned::new((9, 7, 1)));
    let before = dst.clone();
    let wrong = [
        Bend::Elastic { deviation: -1.0, sigma: 4.0, seed: 1 },
        Bend::Elastic { deviation: 1.0, sigma: 0.5, seed: 1 },
        Bend::Elastic { deviation: f32::NAN, sigma: 4.0, seed: 1 },
        Bend::Grid { cells: 0, shift: 0.1, seed: 1 },
        Bend::Grid { cells: 33, shift: 0.1, seed: 1 },
        Bend::Grid { cells: 3, shift: 1.0, seed: 1 },
        Bend::Optical { k: -0.5 },
        Bend::Fisheye { degrees: 90.0 },
        Bend::ThinPlate { points: 6, shift: 0.1, seed: 1 },
        Bend::PiecewiseAffine { cells: 4, shift: 0.6, seed: 1 },
    ];
    let (linear, border) = (Interpolation::Bilinear, Border::Edge);
    for how in wrong {
        let got = bend(Level::BASE, &how, linear, border, src.view(), dst.view_mut(), &mut Scratch::empty());
        assert_eq!(got, Err(Error::InvalidArgument), "{how:?}");
        assert_eq!(how.scratch_len((9, 7)), 0);
    }
    let how = Bend::Optical { k: 0.1 };
    let got = bend(Level::BASE, &how, linear, border, src.view(), dst.view_mut(), &mut Scratch::empty());
    assert_eq!(got, Err(Error::ScratchTooSmall));
    let mut small = Owned::new((9, 6, 1));
    let got = bend(Level::BASE, &how, linear, border, src.view(), small.view_mut(), &mut Scratch::empty());
    assert_eq!(got, Err(Error::ShapeMismatch));
    assert_eq!(dst, before);
}

#[test]
fn small_pictures_have_no_more_cells_than_pixels() {
    for (h, w) in [(1, 1), (1, 9), (3, 5), (200, 2)] {
        let src = Owned::<f32>::shares((h, w, 1), 3);
        for how in [
            Bend::Grid { cells: 32, shift: 0.9, seed: 3 },
            Bend::PiecewiseAffine { cells: 32, shift: 0.4, seed: 3 },
            Bend::Elastic { deviation: 0.5, sigma: 1.0, seed: 3 },
            Bend::Fisheye { degrees: 70.0 },
            Bend::Optical { k: 1.0 },
        ] {
            let by = Bent::new(&how, (h, w)).unwrap();
            let got = bent(Level::detect(), &how, Interpolation::Bilinear, Border::Reflect101, &src);
            for (i, v) in got.numbers().into_iter().enumerate() {
                let Index(at) = by.source(Index([(i % w) as f64, (i / w) as f64]));
                assert!((v - sampled(&src, at, 0)).abs() < 5e-5, "{how:?} {h} x {w}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_image_has_the_same_bytes_at_every_level(src in images(), seed: u32, kind in 0usize..8, border in 0usize..5,
                                                   how in 0usize..4) {
        let (kind, border, how) = (&kinds(seed)[kind], BORDERS[border], Interpolation::ALL[how]);
        let want = bent(Level::BASE, kind, how, border, &src);
        for level in Level::available() {
            prop_assert_eq!(&bent(level, kind, how, border, &src), &want);
        }
        // A mask takes the nearest, as `nearest` does.
        let mut memory = vec![0u8; kind.scratch_len((src.shape.0, src.shape.1))];
        let mask = src.through(src.shape.2, |src, dst| {
            bend_nearest(Level::detect(), kind, border, src, dst, &mut Scratch::new(&mut memory.clone())).unwrap();
        });
        memory.fill(0);
        prop_assert_eq!(mask, bent(Level::BASE, kind, Interpolation::Nearest, border, &src));
    }
}
