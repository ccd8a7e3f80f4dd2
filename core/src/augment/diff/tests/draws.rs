//! What is drawn, and how often.

use super::*;

const N: usize = 20_000;
const OF: Pictures = Pictures::interleaved(32, 24, 3);

fn drawn(ada: Ada, p: f32) -> Vec<AdaChange> {
    (0..N as u64).map(|i| ada.draw(OF, p, &mut Stream::new(9, Key::new(4).sample(i))).unwrap()).collect()
}

/// Whether a share of `n` draws is `want` within five standard errors.
fn happened(what: &str, n: usize, count: usize, want: f64) {
    let (share, error) = (count as f64 / n as f64, (want * (1.0 - want) / n as f64).sqrt());
    assert!((share - want).abs() <= 5.0 * error + 1e-9, "{what}: {share} for {want}");
}

/// Whether numbers have this mean and deviation within five standard errors, those of normal numbers.
fn spread(what: &str, v: &[f64], mean: f64, std: f64) {
    let n = v.len() as f64;
    let got = v.iter().sum::<f64>() / n;
    let var = v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    assert!((got - mean).abs() < 5.0 * std / n.sqrt(), "{what}: mean {got} for {mean}");
    assert!((var / (std * std) - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{what}: variance {var} for {std}");
}

#[test]
fn how_often_each_transform_happens() {
    let p = 0.3f32;
    for (name, ada) in each_alone() {
        let changed = drawn(ada, p);
        let none = AdaChange::default();
        let count = changed.iter().filter(|drawn| AdaChange { seed: 0, ..**drawn } != none).count();
        let p = f64::from(p);
        let want = match name {
            // None is drawn as often.
            "flip" | "luma flip" => p / 2.0,
            "turn" => p * 3.0 / 4.0,
            // Moves by up to 3 and 4 pixels are nowhere at all in so many cases.
            "shift" => p * (1.0 - 1.0 / 48.0),
            "filter" => 1.0 - (1.0 - p).powi(4),
            "bgc" | "all" => continue,
            // Parts that only touch the picture with less than half a pixel are none: not at half its sides.
            _ => p,
        };
        happened(name, N, count, want);
    }
}

#[test]
fn how_far_each_transform_goes() {
    let logs = |ada: Ada, of: fn(&AdaChange) -> f32| -> Vec<f64> {
        drawn(ada, 1.0).iter().map(|drawn| f64::from(of(drawn)).log2()).collect()
    };
    let alone = |name: &str| each_alone().into_iter().find(|(n, _)| *n == name).unwrap().1;
    spread("scale", &logs(alone("scale"), |d| d.map[0][0]), 0.0, 0.2);
    spread("stretch", &logs(alone("stretch"), |d| d.map[1][1]), 0.0, 0.2);
    spread("contrast", &logs(alone("contrast"), |d| d.colours[0][0]), 0.0, 0.5);
    // Along the axis from red to green.
    spread("saturation", &logs(alone("saturation"), |d| d.colours[0][0] - d.colours[0][1]), 0.0, 1.0);
    let numbers = |name: &str, of: fn(&AdaChange) -> f32| -> Vec<f64> {
        drawn(alone(name), 1.0).iter().map(|drawn| f64::from(of(drawn))).collect()
    };
    spread("across", &numbers("fractional shift", |d| d.map[0][2]), 0.0, 24.0 * 0.125);
    spread("down", &numbers("fractional shift", |d| d.map[1][2]), 0.0, 32.0 * 0.125);
    spread("brightness", &numbers("brightness", |d| d.colours[2][3]), 0.0, 0.2);
    // The magnitude of a normal number has the same squares.
    let squares: f64 = numbers("noise", |d| d.noise).iter().map(|v| v * v).sum::<f64>() / N as f64;
    assert!((squares / 0.01 - 1.0).abs() < 5.0 * (2.0 / N as f64).sqrt(), "{squares}");
    // Angles of which each direction is as likely.
    for name in ["rotate", "hue"] {
        let of: fn(&AdaChange) -> f32 = if name == "hue" { |d| d.colours[0][0] } else { |d| d.map[0][0] };
        let mean = numbers(name, of).iter().sum::<f64>() / N as f64;
        let want = if name == "hue" { 1.0 / 3.0 } else { 0.0 };
        assert!((mean - want).abs() < 5.0 * (0.5 / N as f64).sqrt(), "{name} {mean}");
    }
    for (column, most) in [(0, 3), (1, 4)] {
        let moves: Vec<i32> = drawn(alone("shift"), 1.0).iter().map(|d| d.map[column][2] as i32).collect();
        assert_eq!((moves.iter().min(), moves.iter().max()), (Some(&-most), Some(&most)));
    }
    let flips = drawn(alone("turn"), 1.0).iter().filter(|d| d.map[0][1] == 1.0).count();
    happened("a quarter turn", N, flips, 0.25);
}

#[test]
fn power_of_a_photograph_stays() {
    for drawn in drawn(Ada { filter: Filtering::ON, ..Ada::NONE }, 1.0).iter().take(100) {
        assert!(drawn.gains.iter().all(|g| *g > 0.0));
    }
    let one = Filtering { bands: [0.0, 1.0, 0.0, 0.0], std: 1.0 };
    for drawn in drawn(Ada { filter: one, ..Ada::NONE }, 1.0).iter().take(100) {
        let [a, b, c, d] = drawn.gains.map(|gain| gain * gain / 13.0);
        assert!((10.0 * a + b + c + d - 1.0).abs() < 1e-5);
    }
}

#[test]
fn holes_are_half_the_sides_and_clipped() {
    let ada = Ada { cutout: Cutout::ON, ..Ada::NONE };
    let holes = drawn(ada, 1.0);
    assert!(holes.iter().all(|d| d.hole.height <= 16 && d.hole.height >= 8 && d.hole.width <= 12));
    // Half a side at the ends of a middle that lies anywhere leaves three quarters on average.
    let mean = holes.iter().map(|d| f64::from(d.hole.height)).sum::<f64>() / N as f64;
    assert!((mean - 14.0).abs() < 0.1, "{mean}");
    let simple: Vec<DiffChange> = (0..N as u64)
        .map(|i| DiffAugment::default().draw(OF, &mut Stream::new(9, Key::new(4).sample(i))).unwrap())
        .collect();
    assert!(simple.iter().all(|d| (8..=16).contains(&d.hole.height) && (6..=12).contains(&d.hole.width)));
    assert!(simple.iter().all(|d| d.shift[0].abs() <= 4 && d.shift[1].abs() <= 3));
    for shift in -4..=4 {
        let count = simple.iter().filter(|d| d.shift[0] == shift).count();
        happened("shift", N, count, 1.0 / 9.0);
    }
    // As many places as there are rows, and one more for an even side.
    let at_top = simple.iter().filter(|d| d.hole.top == 0 && d.hole.height == 8).count();
    happened("half outside", N, at_top, 1.0 / 33.0);
    let uniform = |what: &str, of: fn(&DiffChange) -> f32, mean: f64, half: f64| {
        let all: Vec<f64> = simple.iter().map(|d| f64::from(of(d))).collect();
        assert!(all.iter().all(|v| (v - mean).abs() <= half));
        spread(what, &all, mean, half / 3f64.sqrt());
    };
    uniform("brightness", |d| d.brightness, 0.0, 0.5);
    uniform("saturation", |d| d.saturation, 1.0, 1.0);
    uniform("contrast", |d| d.contrast, 1.0, 0.5);
}

/// A larger p adds changes and keeps those that there were.
#[test]
fn a_picture_keeps_its_changes_as_p_rises() {
    let ada = Ada { colours: Colours { brightness: 1.0, ..Colours::OFF }, ..Ada::NONE };
    for (few, many) in drawn(ada, 0.2).iter().zip(drawn(ada, 0.6)) {
        assert!(few.colours == AdaChange::default().colours || few.colours == many.colours);
    }
}

#[test]
fn rotation_before_or_after() {
    let ada = Ada { geometry: Geometry { rotate: 0.5, ..Geometry::OFF }, ..Ada::NONE };
    let count = drawn(ada, 0.8).iter().filter(|d| d.map != AdaChange::default().map).count();
    happened("either", N, count, 0.4);
}
