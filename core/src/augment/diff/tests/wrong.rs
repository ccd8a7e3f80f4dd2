//! What is refused.

use super::*;

#[test]
fn settings_out_of_range() {
    let (of, mut stream) = (Pictures::interleaved(8, 8, 3), Stream::new(1, Key::new(1)));
    let simple = DiffAugment::default();
    let bad = [
        DiffAugment { brightness: -0.1, ..simple },
        DiffAugment { saturation: 1.1, ..simple },
        DiffAugment { contrast: -0.1, ..simple },
        DiffAugment { translation: 1.5, ..simple },
        DiffAugment { cutout: 1.5, ..simple },
    ];
    for augment in bad {
        assert_eq!(augment.draw(of, &mut stream), Err(Error::InvalidArgument));
    }
    let nan = DiffAugment { brightness: f32::INFINITY, ..simple };
    assert_eq!(nan.draw(of, &mut stream), Err(Error::NotFinite));
    let ada = Ada::default();
    let bad = [
        Ada { blit: Blit { flip: 1.1, ..Blit::ON }, ..ada },
        Ada { geometry: Geometry { scale_std: -1.0, ..Geometry::ON }, ..ada },
        Ada { colours: Colours { saturation_std: 5.0, ..Colours::ON }, ..ada },
        Ada { filter: Filtering { bands: [1.0, 1.0, -1.0, 1.0], std: 1.0 }, ..ada },
        Ada { cutout: Cutout { share: 1.0, size: 2.0 }, ..ada },
    ];
    for ada in bad {
        assert_eq!(ada.draw(of, 0.5, &mut stream), Err(Error::InvalidArgument));
    }
    let nan = Ada { noise: Noise { std: f32::NAN, ..Noise::ON }, ..ada };
    assert_eq!(nan.draw(of, 0.5, &mut stream), Err(Error::NotFinite));
    for p in [-0.1, 1.1, f32::NAN] {
        assert_eq!(ada.draw(of, p, &mut stream), Err(Error::InvalidArgument));
    }
    let mut two = [AdaChange::default(); 2];
    let draws = Draws { seed: 1, keys: &[Key::new(1)] };
    assert_eq!(ada.draw_all(of, 0.5, draws, &mut two), Err(Error::ShapeMismatch));
}

#[test]
fn pictures_that_are_not_served() {
    let mut stream = Stream::new(1, Key::new(1));
    for (height, width, channels) in [(0, 8, 1), (8, 0, 1), (8, 8, 0), (MOST_SIDE + 1, 1, 1)] {
        let of = Pictures::planes(height, width, channels);
        assert_eq!(of.len(), Err(Error::InvalidArgument));
        assert_eq!(Ada::scratch_len(of), 0);
        assert_eq!(Ada::default().draw(of, 0.5, &mut stream), Err(Error::InvalidArgument));
        assert_eq!(DiffAugment::default().draw(of, &mut stream), Err(Error::InvalidArgument));
        let applied = DiffAugment::apply(Level::BASE, of, &[], &[], &mut []);
        assert_eq!(applied, Err(Error::InvalidArgument));
    }
    let huge = Pictures::planes(MOST_SIDE, MOST_SIDE, usize::MAX / MOST_SIDE / MOST_SIDE);
    assert_eq!(Ada::scratch_len(huge), usize::MAX);
    assert_eq!(Pictures { channels: usize::MAX, ..huge }.len(), Err(Error::Overflow));
    assert_eq!(Ada::scratch_len(Pictures::planes(1, 1, usize::MAX)), usize::MAX);
}

#[test]
fn lengths_memory_and_records() {
    let of = Pictures::interleaved(5, 4, 3);
    let (x, mut out) = (vec![0.5; 120], vec![7.0; 120]);
    let mut memory = vec![0; Ada::scratch_len(of)];
    let mut pass = |drawn: &[AdaChange], x: &[f32], memory: &mut [u8]| {
        let made = Ada::apply(Level::BASE, of, drawn, x, &mut out, &mut Scratch::new(memory));
        let back = Ada::backward(Level::BASE, of, drawn, x, &mut out, &mut Scratch::new(memory));
        assert!(made == back && out.iter().all(|v| *v == 7.0));
        made
    };
    let two = [AdaChange::default(); 2];
    assert_eq!(pass(&two[..1], &x, &mut memory), Err(Error::ShapeMismatch));
    assert_eq!(pass(&two, &x[1..], &mut memory), Err(Error::ShapeMismatch));
    let less = memory.len() - 64;
    assert_eq!(pass(&two, &x, &mut memory[..less]), Err(Error::ScratchTooSmall));
    let mut bad = two;
    bad[1].gains[2] = f32::INFINITY;
    assert_eq!(pass(&bad, &x, &mut memory), Err(Error::NotFinite));
    bad[1] = AdaChange { noise: -1.0, ..two[1] };
    assert_eq!(pass(&bad, &x, &mut memory), Err(Error::InvalidArgument));

    let mut pass = |drawn: &[DiffChange], x: &[f32]| {
        let made = DiffAugment::apply(Level::BASE, of, drawn, x, &mut out);
        let back = DiffAugment::backward(Level::BASE, of, drawn, x, &mut out);
        assert!(made == back && out.iter().all(|v| *v == 7.0));
        made
    };
    let two = [DiffChange::default(); 2];
    assert_eq!(pass(&two[..1], &x), Err(Error::ShapeMismatch));
    let bad = [two[0], DiffChange { contrast: f32::NAN, ..two[0] }];
    assert_eq!(pass(&bad, &x), Err(Error::NotFinite));
}

/// Records that were never drawn: whatever they say, nothing is read or written outside.
#[test]
fn records_from_elsewhere() {
    let of = Pictures::interleaved(5, 4, 3);
    let hole = crate::image::Rect { top: 3, left: u32::MAX, height: u32::MAX, width: u32::MAX };
    for shift in [[i32::MIN, i32::MAX], [5, 0], [-5, 3], [0, -4]] {
        let drawn = DiffChange { brightness: 1.0, shift, hole, ..DiffChange::default() };
        let made = simply(Level::BASE, of, drawn, &[1.0; 60]);
        assert!(made.iter().all(|v| *v == 0.0 || *v == 2.0));
        assert!(run_simply(Level::BASE, of, drawn, &[1.0; 60], true).iter().all(|v| *v == 0.0 || *v == 1.0));
    }
}
