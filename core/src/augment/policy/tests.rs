use super::*;
use crate::augment::{Drawn, Mixture, Pipeline, key};
use crate::image::testing::{Owned, assert_exact};
use crate::image::{self, Sample, warp};
use crate::rng::Key;
use crate::scratch::Scratch;
use crate::simd::Level;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

const LOOK: Look = (Interpolation::Bilinear, Border::Constant(128));
const RAND: Op = Op::RandAugment { count: 3, magnitude: 9, border: LOOK.1, interpolation: LOOK.0 };
const TRIVIAL: Op = Op::TrivialAugmentWide { border: LOOK.1, interpolation: LOOK.0 };
const AUGMIX: Op = Op::Augmix {
    severity: 3,
    width: 3,
    depth: 0,
    alpha: [1.0; 2],
    all: true,
    border: LOOK.1,
    interpolation: LOOK.0,
};

fn stream(seed: u64) -> Stream {
    Stream::new(seed, Key::new(1))
}

fn choice(what: Elementary, bin: i8) -> Choice {
    Choice { op: what as u8, bin }
}

/// The strengths that torchvision 0.29 has for an image of 331 x 662 pixels.
#[test]
fn strengths_are_those_of_torchvision() {
    let near = |a: f32, b: f32| (a - b).abs() < 1e-4;
    let of = |policy, what, bin| choice(what, bin).action(policy, LOOK, (331, 662));
    let map = |policy, what, bin| match of(policy, what, bin) {
        Some(Action::Warp { map: Map::Affine(map), .. }) => map,
        other => panic!("{other:?}"),
    };
    let (rand, wide, auto, mixed) = (Policy::Rand, Policy::Trivial, Policy::Auto, Policy::AugMix);
    for (policy, bin, shear, across, down, degrees) in [
        (rand, 9, 0.09, 90.0, 45.0, 9.0),
        (rand, -30, -0.3, -300.0, -150.0, -30.0),
        (wide, 15, 0.495, 16.0, 16.0, 67.5),
        (auto, 8, 0.266_667, 266.6667, 133.3333, 26.666_67),
        (mixed, 2, 0.066_667, 49.037, 24.5185, 6.666_667),
    ] {
        assert!(near(map(policy, ShearX, bin).xy, shear) && near(map(policy, ShearY, bin).yx, shear));
        assert!(near(map(policy, TranslateX, bin).x0, -across), "{policy:?}");
        assert!(near(map(policy, TranslateY, bin).y0, -down), "{policy:?}");
        let turn = Motion { degrees, ..Motion::default() }.inverse((331, 662)).unwrap();
        let got = map(policy, Rotate, bin);
        assert!(near(got.xy, turn.xy) && near(got.xx, turn.xx), "{policy:?}");
    }
    for (policy, bin, factor) in [(rand, 9, 1.27), (wide, -30, 0.01), (auto, -5, 0.5), (mixed, 2, 1.2)] {
        match of(policy, Brightness, bin) {
            Some(Action::Tone(Tone::Brightness(v))) => assert!(near(v, factor), "{policy:?} {v}"),
            other => panic!("{other:?}"),
        }
        let adjusted = [of(policy, Colour, bin), of(policy, Contrast, bin)];
        match adjusted {
            [Some(Action::Adjust(Adjust::Saturation(a))), Some(Action::Adjust(Adjust::Contrast(b)))] => {
                assert!(near(a, factor) && near(b, factor));
            }
            other => panic!("{other:?}"),
        }
    }
    let bits = |policy, bin| match of(policy, Posterise, bin) {
        Some(Action::Tone(Tone::Posterise(bits))) => bits,
        None => 8,
        other => panic!("{other:?}"),
    };
    assert_eq!([0, 3, 4, 9, 18, 19, 30].map(|bin| bits(rand, bin)), [8, 8, 7, 7, 6, 5, 4]);
    assert_eq!([0, 2, 3, 15, 30].map(|bin| bits(wide, bin)), [8, 8, 7, 5, 2]);
    assert_eq!([0, 4, 5, 6, 8, 9].map(|bin| bits(auto, bin)), [8, 6, 6, 5, 4, 4]);
    assert_eq!([0, 2, 9].map(|bin| bits(mixed, bin)), [4, 3, 1]);
    let threshold = |policy, bin| match of(policy, Solarise, bin) {
        Some(Action::Tone(Tone::Solarise(v))) => v * 255.0,
        other => panic!("{other:?}"),
    };
    assert!(
        near(threshold(rand, 9), 178.5)
            && near(threshold(wide, 30), 0.0)
            && near(threshold(auto, 5), 113.3333)
    );
    assert!(of(rand, Identity, 9).is_none() && of(auto, Colour, 0).is_none());
}

#[test]
fn every_operation_is_as_likely_as_the_others() {
    let (mut seen, mut bins) = (BTreeMap::new(), BTreeMap::new());
    for seed in 0..4340 {
        let choices = Choices::draw(&RAND, &mut stream(seed));
        assert!(choices.len() == 3 && choices.fit(&RAND));
        choices.iter().for_each(|choice| *seen.entry((choice.op, choice.bin)).or_insert(0i32) += 1);
        let one = Choices::draw(&TRIVIAL, &mut stream(seed)).iter().next().unwrap();
        *bins.entry(one.bin.unsigned_abs()).or_insert(0i32) += 1;
    }
    // Nine operations go both ways, five do not: 930 of each, within five standard errors.
    assert_eq!(seen.len(), 9 * 2 + 5);
    for what in 0..CHOSEN as u8 {
        let count: i32 = seen.iter().filter(|((op, _), _)| *op == what).map(|(_, n)| n).sum();
        assert!((count - 930).abs() < 147, "{what} {count}");
    }
    assert!(seen.keys().all(|(op, bin)| *bin == 9 || *bin == -9 && (1..=9).contains(op)));
    assert!(bins.len() == 31 && bins.values().all(|n| (n - 140).abs() < 59), "{bins:?}");
}

#[test]
fn rows_of_tables_are_drawn_with_their_probabilities() {
    for op in [
        Op::AutoAugmentImagenet { border: LOOK.1, interpolation: LOOK.0 },
        Op::AutoAugmentCifar10 { border: LOOK.1, interpolation: LOOK.0 },
        Op::AutoAugmentSvhn { border: LOOK.1, interpolation: LOOK.0 },
    ] {
        let table = tables::of(&op).unwrap();
        let mut counts = [0f64; ALL.len()];
        let draws = 20_000;
        for seed in 0..draws {
            let choices = Choices::draw(&op, &mut stream(seed));
            assert!(choices.fit(&op));
            choices.iter().for_each(|choice| counts[usize::from(choice.op)] += 1.0);
        }
        for (what, count) in ALL.iter().zip(counts) {
            let of_what = table.iter().flatten().filter(|(other, ..)| other == what);
            let want = of_what.map(|(_, p, _)| f64::from(*p)).sum::<f64>() / 25.0;
            let (share, error) = (count / draws as f64, (want.max(1e-3) / draws as f64).sqrt());
            assert!((share - want).abs() < 5.0 * error, "{op:?} {what:?} {share} {want}");
        }
    }
}

/// The image after the passes of a pipeline of one step, for what it has drawn.
fn done<T: Sample>(op: Op, drawn: Drawn, src: &Owned<T>) -> Owned<T> {
    let mut pipeline = Pipeline::<1>::new();
    pipeline.push(op, 1.0).unwrap();
    let plan = pipeline.plan(src.shape).unwrap();
    let prepared = plan.prepare(&[drawn]).unwrap();
    src.through(src.shape.2, |src, dst| {
        let mut memory = vec![0xa5; plan.scratch_len::<T>()];
        prepared.run(Level::detect(), src, dst, &mut Scratch::new(&mut memory)).unwrap();
    })
}

fn listed(list: &[Choice]) -> Choices {
    let mut choices = Choices::default();
    list.iter().for_each(|choice| choices.push(*choice));
    choices
}

#[test]
fn chosen_operations_are_done_one_after_the_other() {
    let src = Owned::noise((40, 50, 3), 3);
    let list = [choice(Rotate, 9), choice(Equalise, 9), choice(TranslateX, -9)];
    let got = done(RAND, Drawn::Choices(listed(&list)), &src);
    let mut memory = vec![0; image::equalise_scratch_len::<u8>()];
    let warped = |map: Affine, src: &Owned| {
        src.through(3, |src, dst| warp(Level::BASE, map, LOOK.0, LOOK.1, src, dst).unwrap())
    };
    let mut want = warped(Motion { degrees: 9.0, ..Motion::default() }.inverse((40, 50)).unwrap(), &src);
    image::equalise(Level::BASE, want.view_mut(), &mut Scratch::new(&mut memory)).unwrap();
    let by = 0.3 * 50.0 * 150.0 / 331.0;
    assert_eq!(got, warped(Affine { x0: by, ..Affine::IDENTITY }, &want));
    // A record of another strength, or of other numbers of operations, is of another pipeline.
    for wrong in [
        &[choice(Rotate, 8); 3][..],
        &[choice(Rotate, 9); 2],
        &[choice(Invert, 9); 3],
        &[choice(Equalise, -9); 3],
    ] {
        assert!(!listed(wrong).fit(&RAND));
    }
}

#[test]
fn chains_are_mixed_by_their_shares() {
    fn mixed<T: Sample>(most: f64) {
        let src = Owned::<T>::shares((21, 34, 3), 5);
        let chains =
            [&[choice(Solarise, 2), choice(ShearX, 1)][..], &[choice(Rotate, -2)], &[choice(Identity, 0)]];
        // Not round, so that few sums are halfway between two levels.
        let shares = [0.3713f32, 0.2709, 0.2019, 0.1559];
        let mixture = Mixture::of(listed(&chains.concat()), [2, 1, 1], shares);
        let got = done(AUGMIX, Drawn::Mixture(mixture), &src);
        let numbers = |chain: &[Choice]| {
            let mut image = src.clone();
            for choice in chain.iter().filter(|choice| choice.op != 0) {
                image = match choice.action(Policy::AugMix, LOOK, (21, 34)).unwrap() {
                    Action::Tone(tone) => {
                        image::apply_tones(Level::BASE, [tone], image.view_mut()).unwrap();
                        image
                    }
                    Action::Warp { map, how, border, .. } => {
                        let border = border.unwrap().map(T::of_level);
                        image.through(3, |src, dst| warp(Level::BASE, map, how, border, src, dst).unwrap())
                    }
                    other => panic!("{other:?}"),
                };
            }
            image.numbers()
        };
        let parts: Vec<Vec<f64>> = [&[][..]].iter().chain(&chains).map(|chain| numbers(chain)).collect();
        let want: Vec<f64> = (0..src.data.len())
            .map(|i| parts.iter().zip(shares).map(|(part, share)| part[i] * f64::from(share)).sum())
            .collect();
        assert_exact(&got.data, &want, most);
    }
    mixed::<u8>(0.501);
    mixed::<u16>(0.51);
    mixed::<f32>(1e-6);
}

#[test]
fn shares_of_chains_have_the_moments_of_their_distributions() {
    let (mut own, mut first, mut square, mut lens) = (0.0, 0.0, 0.0, [0i32; 3]);
    for seed in 0..6000 {
        let mixture = Mixture::draw(&AUGMIX, &mut stream(seed)).unwrap();
        assert!(mixture.fits(&AUGMIX), "{mixture:?}");
        let ([len, ..], [a, b, ..]) = mixture.parts();
        own += f64::from(a) / 6000.0;
        first += f64::from(b) / 6000.0;
        square += f64::from(b) * f64::from(b) / 6000.0;
        lens[usize::from(len) - 1] += 1;
    }
    // The mean of a uniform number, a third of the other half, and E[m²] · E[w²] = 1/3 · 1/6.
    assert!(
        (own - 0.5).abs() < 0.02 && (first - 1.0 / 6.0).abs() < 0.012 && (square - 1.0 / 18.0).abs() < 0.006
    );
    assert!(lens.iter().all(|n| (n - 2000).abs() < 190), "{lens:?}");
}

#[test]
fn masks_and_points_go_with_the_chosen_operations() {
    let mut pipeline = Pipeline::<1>::new();
    pipeline
        .push(Op::RandAugment { count: 9, magnitude: 3, border: LOOK.1, interpolation: LOOK.0 }, 1.0)
        .unwrap();
    let plan = pipeline.plan((40, 60, 1)).unwrap();
    let mut moved = 0;
    for copy in 0..20 {
        let drawn = plan.draw(3, key(b"a", copy), &[]).unwrap();
        let Drawn::Choices(choices) = drawn[0] else { panic!() };
        let prepared = plan.prepare(&drawn).unwrap();
        let maps = choices.iter().filter_map(|choice| choice.action(Policy::Rand, LOOK, (40, 60))?.map());
        let all = maps.reduce(|all, map| all.then(&map));
        assert_eq!(prepared.map(), Some(all.unwrap_or(Map::Perspective(image::Perspective::IDENTITY))));
        moved += usize::from(all.is_some());
    }
    assert!(moved > 15);
}
