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
}

impl<T> Border<T> {
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
        match self {
            Border::Constant(_) => None,
            Border::Edge => Some(if i < 0 { 0 } else { last as usize }),
            Border::Reflect101 => {
                // One reflection serves all but images smaller than their margin.
                let once = if i < 0 { i.wrapping_neg() } else { last.wrapping_mul(2).wrapping_sub(i) };
                Some(if once >= 0 && once <= last { once as usize } else { fold(i, last) })
            }
        }
    }
}

/// The mirror image of `i` in `0..=last`; the pattern has the period 2 · last.
#[cold]
fn fold(i: i64, last: i64) -> usize {
    // `checked_rem_euclid` is `None` for images of one pixel only, where every index means that pixel.
    let phase = i.checked_rem_euclid(last.wrapping_mul(2)).unwrap_or(0);
    let folded = if phase > last { last.wrapping_mul(2).wrapping_sub(phase) } else { phase };
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
        assert_eq!(walk(Border::Reflect101, 1), some([0; 12]));
        assert_eq!(walk(Border::Reflect101, 2), some([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]));
        assert_eq!(Border::Constant(7).index(-1, 4), None);
        assert_eq!(Border::Constant(7).index(3, 4), Some(3));
        assert_eq!(Border::<u8>::Edge.index(0, 0), None);
        assert_eq!(Border::<u8>::Reflect101.index(i64::MIN, 5), Border::<u8>::Reflect101.index(0, 5));
    }
}
