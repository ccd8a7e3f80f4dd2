//! The way back is the adjoint of the way there: ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩.

use super::*;

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Whether the two products are equal, given what zeros become, what x becomes, and what y becomes on the way back.
fn check(what: &str, [x, y]: [&[f32]; 2], [of_zero, of_x, back]: [Vec<f32>; 3]) {
    let linear: Vec<f32> = of_x.iter().zip(&of_zero).map(|(v, zero)| v - zero).collect();
    let (there, back) = (dot(&linear, y), dot(x, &back));
    let size = (dot(&linear, &linear) * dot(y, y)).sqrt();
    assert!((there - back).abs() <= 1e-5 * size + 1e-12, "{what}: {there} {back} of {size}");
}

#[test]
fn of_each_transform_and_of_all() {
    for (name, ada) in each_alone() {
        for (i, of) in pictures().enumerate() {
            let len = of.len().unwrap();
            let (x, y, zeros) = (values(len, 1), values(len, 2), vec![0.0; len]);
            for copy in 0..6 {
                let mut stream = Stream::new(3, Key::new(1).sample(i as u64 / 2).epoch(copy));
                let drawn = ada.draw(of, 1.0, &mut stream).unwrap();
                let level = Level::detect();
                let made = [
                    applied(level, of, drawn, &zeros),
                    applied(level, of, drawn, &x),
                    run(level, of, drawn, &y, true),
                ];
                check(&std::format!("{name} {of:?} {drawn:?}"), [&x, &y], made);
            }
        }
    }
}

#[test]
fn of_the_simple_set() {
    for augment in simple_alone() {
        for (i, of) in pictures().enumerate() {
            let len = of.len().unwrap();
            let (x, y, zeros) = (values(len, 1), values(len, 2), vec![0.0; len]);
            for copy in 0..8 {
                let mut stream = Stream::new(3, Key::new(2).sample(i as u64 / 2).epoch(copy));
                let drawn = augment.draw(of, &mut stream).unwrap();
                let level = Level::detect();
                let made = [
                    simply(level, of, drawn, &zeros),
                    simply(level, of, drawn, &x),
                    run_simply(level, of, drawn, &y, true),
                ];
                check(&std::format!("{of:?} {drawn:?}"), [&x, &y], made);
            }
        }
    }
}

/// Maps that lead far away and pictures far larger or smaller than they were.
#[test]
fn of_wild_maps() {
    let of = Pictures::interleaved(9, 12, 3);
    let len = of.len().unwrap();
    let (x, y, zeros) = (values(len, 1), values(len, 2), vec![0.0; len]);
    let maps = [
        [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0]],
        [[0.1, 0.0, 0.3], [0.0, 0.1, 0.2]],
        [[0.0, 0.0, 0.25], [0.0, 0.0, 0.0]],
        [[1.0, 0.5, 1e9], [0.0, 1.0, -3e38]],
        [[1.0, 0.0, 11.0], [0.0, 1.0, -8.5]],
        [[1.0, 0.0, 30.0], [0.0, -1.0, 5.0]],
        [[3e38, 0.0, 0.0], [3e38, 3e38, 0.0]],
    ];
    for map in maps {
        let drawn = AdaChange { map, ..AdaChange::default() };
        let level = Level::detect();
        let made = [
            applied(level, of, drawn, &zeros),
            applied(level, of, drawn, &x),
            run(level, of, drawn, &y, true),
        ];
        check(&std::format!("{map:?}"), [&x, &y], made);
    }
}

#[test]
fn nothing_drawn_changes_no_bit() {
    for of in pictures() {
        let x = values(3 * of.len().unwrap(), 4);
        let keys: Vec<Key> = (0..3).map(|i| Key::new(1).sample(i)).collect();
        let mut drawn = [AdaChange::default(); 3];
        Ada::ALL.draw_all(of, 0.0, Draws { seed: 1, keys: &keys }, &mut drawn).unwrap();
        for drawn in drawn {
            assert_eq!(AdaChange { seed: 0, ..drawn }, AdaChange::default());
            assert!([false, true].iter().all(|&back| run(Level::detect(), of, drawn, &x, back) == x));
        }
        let none = simple_alone()[0];
        let drawn = none.draw(of, &mut Stream::new(1, keys[0])).unwrap();
        let empty = |hole: crate::image::Rect| hole.height == 0 && hole.width == 0;
        assert!(drawn == DiffChange { hole: drawn.hole, ..DiffChange::default() } && empty(drawn.hole));
        assert!([false, true].iter().all(|&back| run_simply(Level::detect(), of, drawn, &x, back) == x));
    }
}

/// Pixels that are only moved keep their bits, and what goes through the filters for nothing comes back but for rounding.
#[test]
fn whole_pixels_move_as_they_are() {
    let of = Pictures::interleaved(6, 6, 1);
    let x = values(36, 5);
    let moved = |map| applied(Level::BASE, of, AdaChange { map, ..AdaChange::default() }, &x);
    let flipped = moved([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    let turned = moved([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]);
    let shifted = moved([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]]);
    for (y, x_) in (0..36).map(|i| (i / 6, i % 6)) {
        assert_eq!(flipped[y * 6 + x_], x[y * 6 + 5 - x_]);
        assert_eq!(turned[y * 6 + x_], x[x_ * 6 + 5 - y]);
        // Mirrored at the right and at the top.
        let column = if x_ < 4 { x_ + 2 } else { 8 - x_ };
        assert_eq!(shifted[y * 6 + x_], x[y.abs_diff(1) * 6 + column]);
    }
    let nearly = moved([[1.0, 0.0, 1e-6], [0.0, 1.0, 0.0]]);
    assert!(nearly.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-5) && nearly != x);
}
