//! Pictures inside the page: thumbnails as data URIs.

use super::model::Picture;
use crate::codec::{Pixels, decode, encode_png};
use crate::dataset::Sample;
use std::path::Path;

/// The longer side of a thumbnail, pixels, at most. Smaller pictures stay as they are.
const MAX_SIDE: usize = 96;

/// The sample as a thumbnail; without a picture where it has none that decodes.
pub fn thumbnail(sample: &Sample) -> Picture {
    let nothing = Picture { id: sample.id.clone(), ..Picture::default() };
    let Ok(small) = sample.pixels().map(|p| shrink(&p)) else { return nothing };
    match encode_png(&small) {
        Ok(png) => of_png(nothing.id, &png, &small),
        Err(_) => nothing,
    }
}

/// A sheet that a stage drew, as it is; `None` where there is none.
pub fn sheet(path: &Path) -> Option<Picture> {
    let png = std::fs::read(path).ok()?;
    let pixels = decode(&png).ok()?;
    Some(of_png(path.file_name()?.to_string_lossy().into_owned(), &png, &pixels))
}

fn of_png(id: String, png: &[u8], pixels: &Pixels) -> Picture {
    let uri = format!("data:image/png;base64,{}", base64(png));
    Picture { id, uri, width: pixels.width as u32, height: pixels.height as u32 }
}

/// The mean of blocks of pixels, such that the longer side is at most [`MAX_SIDE`].
fn shrink(p: &Pixels) -> Pixels {
    let block = p.height.max(p.width).div_ceil(MAX_SIDE).max(1);
    if block == 1 {
        return p.clone();
    }
    let (height, width) = ((p.height / block).max(1), (p.width / block).max(1));
    let mut data = Vec::with_capacity(height * width * p.channels);
    for y in 0..height {
        for x in 0..width {
            for c in 0..p.channels {
                let (mut sum, mut n) = (0u64, 0u64);
                for row in p.data.chunks_exact(p.width * p.channels).skip(y * block).take(block) {
                    for pixel in row.chunks_exact(p.channels).skip(x * block).take(block) {
                        sum += pixel.get(c).copied().map_or(0, u64::from);
                        n += 1;
                    }
                }
                data.push(((sum + n / 2) / n.max(1)) as u8);
            }
        }
    }
    Pixels { data, height, width, channels: p.channels }
}

/// Base64 of RFC 4648 with padding, as data URIs want it.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for triple in bytes.chunks(3) {
        let word = triple.iter().enumerate().fold(0u32, |w, (i, &b)| w | u32::from(b) << (16 - 8 * i));
        for i in 0..4 {
            if i <= triple.len() {
                out.push(char::from(ALPHABET[(word >> (18 - 6 * i) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn base64_follows_the_rfc() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn large_pictures_shrink_by_means_of_blocks() {
        let data = (0..200 * 100).map(|i| if i % 200 < 100 { 10 } else { 20 }).collect();
        let small = shrink(&Pixels { data, height: 100, width: 200, channels: 1 });
        assert_eq!(small.shape(), [33, 66, 1]);
        assert_eq!((small.data[0], small.data[65]), (10, 20));
        let thin = shrink(&Pixels { data: vec![7; 900], height: 1, width: 300, channels: 3 });
        assert_eq!(thin.shape(), [1, 75, 3]);
        let tiny = Pixels { data: vec![1; 4], height: 2, width: 2, channels: 1 };
        assert_eq!(shrink(&tiny), tiny);
    }
}
