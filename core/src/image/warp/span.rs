//! Which pixels of a row lie inside the source, found once a row.

use super::bilinear::Line;
use core::ops::Range;

/// The pixels of the first `len` for which 0 ≤ x < `width` and 0 ≤ y < `height`, whole parts of coordinates: along a
/// line they are one run.
pub(super) fn inside(line: &Line, len: usize, width: usize, height: usize) -> Range<usize> {
    let [x, y] = line.at;
    let across = axis(x, line.step[0], width, len);
    let down = axis(y, line.step[1], height, len);
    let start = across.start.max(down.start);
    start..across.end.min(down.end).max(start)
}

/// The i of 0..len for which 0 ≤ `at` + i · `step` < `side`, all with 32 fractional bits; none where numbers of 64 bits
/// cannot tell, for sides of 2³⁰ and more.
fn axis(at: i64, step: i64, side: usize, len: usize) -> Range<usize> {
    let Some(end) =
        i64::try_from(side).ok().filter(|&side| side > 0 && side < 1 << 30).map(|side| side << 32)
    else {
        return 0..0;
    };
    // The first i at which the line is past `limit`, going up.
    let reaches = |limit: i64, at: i64, step: i64| -> usize {
        if at >= limit {
            return 0;
        }
        match limit.checked_sub(at).and_then(|way| (way - 1).checked_div(step)) {
            Some(whole) => usize::try_from(whole).map_or(len, |whole| whole.saturating_add(1)).min(len),
            None => len,
        }
    };
    let run = if step >= 0 {
        reaches(0, at, step)..reaches(end, at, step)
    } else {
        // The same line mirrored: from the other side, and with the limits' neighbours.
        let (at, step) = (at.saturating_neg(), step.saturating_neg());
        reaches(1 - end, at, step)..reaches(1, at, step)
    };
    run.start..run.end.max(run.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_run_is_what_a_walk_finds(at in -(40i64 << 32)..(40i64 << 32), shift in 0u32..40, sign: bool,
                                        side in 0usize..40, len in 0usize..60) {
            let step = (1i64 << 39 >> shift) * if sign { 1 } else { -1 };
            let run = axis(at, step, side, len);
            for i in 0..len {
                let x = (at + step * i as i64) >> 32;
                prop_assert_eq!(run.contains(&i), x >= 0 && x < side as i64, "{} {} {} {}", at, step, side, i);
            }
        }

        #[test]
        fn a_line_that_stands_is_inside_or_not(at in -(9i64 << 32)..(9i64 << 32), side in 0usize..9) {
            let x = at >> 32;
            let want = if x >= 0 && x < side as i64 { 0..7 } else { 0..0 };
            let run = axis(at, 0, side, 7);
            prop_assert!(run == want || run.is_empty() && want.is_empty(), "{:?}", run);
        }
    }

    #[test]
    fn limits_are_exact() {
        let one = 1i64 << 32;
        assert_eq!(axis(0, one, 5, 9), 0..5);
        assert_eq!(axis(-1, one, 5, 9), 1..6);
        assert_eq!(axis(5 * one - 1, -one, 5, 9), 0..5);
        assert_eq!(axis(5 * one, -one, 5, 9), 1..6);
        assert_eq!(axis(0, 1, 5, 9), 0..9);
        assert_eq!(axis(0, one, 1 << 30, 9), 0..0);
        assert_eq!(axis(i64::MIN, i64::MAX, 5, 9).len(), 0);
    }
}
