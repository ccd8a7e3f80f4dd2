//! The same bits at every level.

use super::*;
use proptest::prelude::*;

fn bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|v| v.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn of_both_sets_both_ways(height in 1usize..40, width in 1usize..40, channels in 1usize..6, planes: bool, seed: u64) {
        let of = Pictures { height, width, channels, planes };
        let x = values(2 * of.len().unwrap(), seed as u32);
        let mut stream = Stream::new(seed, Key::new(1));
        let drawn = Ada::ALL.draw(of, 1.0, &mut stream).unwrap();
        let simple = DiffAugment::default().draw(of, &mut stream).unwrap();
        for back in [false, true] {
            let want = bits(&run(Level::BASE, of, drawn, &x, back));
            let simple_want = bits(&run_simply(Level::BASE, of, simple, &x, back));
            for level in Level::available() {
                prop_assert!(bits(&run(level, of, drawn, &x, back)) == want, "{:?}", level);
                prop_assert!(bits(&run_simply(level, of, simple, &x, back)) == simple_want, "{:?}", level);
            }
        }
    }

    /// How pictures lie makes no difference to the larger set, and pictures of a batch none to each other.
    #[test]
    fn of_planes_and_pixels(height in 1usize..20, width in 1usize..20, channels in 1usize..5, seed: u64) {
        let of = Pictures::planes(height, width, channels);
        let x = values(of.len().unwrap(), seed as u32);
        let drawn = Ada::ALL.draw(of, 0.9, &mut Stream::new(seed, Key::new(1))).unwrap();
        for back in [false, true] {
            let planes = run(Level::detect(), of, drawn, &x, back);
            let pixels = Pictures { planes: false, ..of };
            let pixels = run(Level::detect(), pixels, drawn, &to_pixels(of, &x), back);
            prop_assert!(bits(&to_pixels(of, &planes)) == bits(&pixels));
        }
    }
}
