//! What lies outside an image.

/// Where pixels outside the image come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Border<T = u8> {
    /// This value in every channel.
    Constant(T),
    /// The nearest pixel: `aaa|abcd|ddd`.
    Edge,
    /// Mirrored without repeating the edge pixel: `dcb|abcd|cba`, the default.
    #[default]
    Reflect101,
    /// Mirrored with the edge pixel: `cba|abcd|dcb`.
    Reflect,
    /// The image again and again: `bcd|abcd|abc`.
    Wrap,
}

impl<T> Border<T> {
    /// The name of the kind: `constant`, `edge`, `reflect101`, `reflect` or `wrap`.
    pub const fn name(&self) -> &'static str {
        match self {
            Border::Constant(_) => "constant",
            Border::Edge => "edge",
            Border::Reflect101 => "reflect101",
            Border::Reflect => "reflect",
            Border::Wrap => "wrap",
        }
    }

    /// The border of this name; `None` for a constant, which takes a value, and for other text.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Border::Edge, Border::Reflect101, Border::Reflect, Border::Wrap];
        all.into_iter().find(|border| border.name() == name)
    }

    /// This border with another value for a constant.
    pub fn map<U>(self, value: impl FnOnce(T) -> U) -> Border<U> {
        match self {
            Border::Constant(v) => Border::Constant(value(v)),
            Border::Edge => Border::Edge,
            Border::Reflect101 => Border::Reflect101,
            Border::Reflect => Border::Reflect,
            Border::Wrap => Border::Wrap,
        }
    }

    /// The value of a constant.
    #[inline(always)]
    pub(crate) const fn constant(&self) -> Option<T>
    where
        T: Copy,
    {
        match self {
            Border::Constant(value) => Some(*value),
            _ => None,
        }
    }

    /// The index inside `0..len` that stands for `i`; `None` where a constant does, or `len` is 0.
    #[inline(always)]
    pub(crate) fn index(&self, i: i64, len: usize) -> Option<usize> {
        let last = (len as i64).wrapping_sub(1);
        if last < 0 {
            return None;
        }
        if i >= 0 && i <= last {
            return Some(i as usize);
        }
        // Where `i` is after one reflection or one period, which serves all but images smaller than their margin; the
        // period, and whether its mirror image begins with the edge pixel again.
        let (once, period, again) = match self {
            Border::Constant(_) => return None,
            Border::Edge => return Some(if i < 0 { 0 } else { last as usize }),
            Border::Reflect101 => {
                let period = last.wrapping_mul(2);
                (if i < 0 { i.wrapping_neg() } else { period.wrapping_sub(i) }, period, 0)
            }
            Border::Reflect => {
                let period = last.wrapping_mul(2).wrapping_add(2);
                (if i < 0 { !i } else { period.wrapping_sub(1).wrapping_sub(i) }, period, 1)
            }
            Border::Wrap => {
                let period = last.wrapping_add(1);
                (if i < 0 { i.wrapping_add(period) } else { i.wrapping_sub(period) }, period, 0)
            }
        };
        Some(if once >= 0 && once <= last { once as usize } else { fold(i, last, period, again) })
    }
}

/// What stands for `i` in `0..=last` in a pattern of this period, of which the image is the beginning and its mirror
/// image, if any, the rest.
#[cold]
fn fold(i: i64, last: i64, period: i64, again: i64) -> usize {
    // `checked_rem_euclid` is `None` for the period 0 of a single pixel, which every index means.
    let phase = i.checked_rem_euclid(period).unwrap_or(0);
    let folded = if phase > last { period.wrapping_sub(again).wrapping_sub(phase) } else { phase };
    folded as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_the_pictures_in_the_documentation() {
        let walk = |border: Border<u8>, len: usize| {
            (-4..8).map(|i| border.index(i, len)).collect::<std::vec::Vec<_>>()
        };
        let some = |v: [usize; 12]| v.map(Some).to_vec();
        assert_eq!(walk(Border::Reflect101, 4), some([2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]));
        assert_eq!(walk(Border::Edge, 4), some([0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3]));
        assert_eq!(walk(Border::Reflect, 4), some([3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0]));
        assert_eq!(walk(Border::Wrap, 4), some([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]));
        assert_eq!(walk(Border::Reflect, 2), some([0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0]));
        for border in [Border::Edge, Border::Reflect101, Border::Reflect, Border::Wrap] {
            assert_eq!(walk(border, 1), some([0; 12]));
            assert_eq!(Border::named(border.name()), Some(border));
        }
        assert_eq!(walk(Border::Reflect101, 2), some([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]));
        assert_eq!(Border::Constant(7).index(-1, 4), None);
        assert_eq!(Border::Constant(7).index(3, 4), Some(3));
        assert_eq!(Border::<u8>::Edge.index(0, 0), None);
        assert_eq!(Border::<u8>::Wrap.index(i64::MAX, 2), Some(1));
        assert_eq!(Border::<u8>::Reflect101.index(i64::MIN, 5), Border::<u8>::Reflect101.index(0, 5));
    }
}
