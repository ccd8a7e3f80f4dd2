//! What a sample holds, by modality: a picture, a sound, a text, numbers.

use super::hash::PixelDigest;
use crate::codec::{self, Pixels};
use crate::error::{Error, Result};
use crate::pool::Held;
use std::borrow::Cow;
use std::hash::Hasher;
use twox_hash::XxHash3_64;

/// What a sample holds: of each modality of its dataset one part, of others none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The picture.
    pub image: Option<Picture>,
    /// The sound.
    pub audio: Option<Sound>,
    /// The text.
    pub text: Option<String>,
    /// One value per column of [`Meta::columns`](super::Meta::columns); NaN where it is missing.
    pub row: Vec<f32>,
}

impl Content {
    /// A picture alone.
    pub fn from_pixels(pixels: Pixels) -> Self {
        Picture::of(pixels, None).into()
    }

    /// Numbers alone.
    pub fn from_row(row: Vec<f32>) -> Self {
        Self { row, ..Self::default() }
    }

    /// A text alone.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// A number that is the same for equal contents, in whatever form and from whatever file: XXH3 of the pixels, the
    /// bytes of the sound, the text and the numbers.
    ///
    /// # Errors
    /// As [`Picture::pixels`].
    pub fn key(&self) -> Result<u64> {
        let mut hash = XxHash3_64::new();
        // Each part with its length, so that no two contents give the same bytes.
        let mut part = |bytes: &[u8]| {
            hash.write(&(bytes.len() as u64).to_le_bytes());
            hash.write(bytes);
        };
        if let Some(picture) = &self.image {
            let pixels = picture.decoded()?;
            pixels.shape().iter().for_each(|side| part(&(*side as u64).to_le_bytes()));
            part(&pixels.data);
        }
        part(self.audio.as_ref().map_or(&[], |sound| &sound.bytes));
        part(self.text.as_ref().map_or(&[], |text| text.as_bytes()));
        // Every NaN is as good as another, and so are the two zeros.
        let bits = |v: &f32| if v.is_nan() { f32::NAN.to_bits() } else { (v + 0.0).to_bits() };
        part(&self.row.iter().flat_map(|v| bits(v).to_le_bytes()).collect::<Vec<u8>>());
        Ok(hash.finish())
    }

    /// The same beside another picture, which has no source file.
    #[must_use]
    pub fn around(&self, pixels: Pixels) -> Self {
        let Self { image: _, audio, text, row } = self;
        let image = Some(Picture::of(pixels, None));
        Self { image, audio: audio.clone(), text: text.clone(), row: row.clone() }
    }
}

impl From<Picture> for Content {
    fn from(picture: Picture) -> Self {
        Self { image: Some(picture), ..Self::default() }
    }
}

impl From<Sound> for Content {
    fn from(sound: Sound) -> Self {
        Self { audio: Some(sound), ..Self::default() }
    }
}

impl Held for Content {
    fn held(&self) -> usize {
        let image = self.image.as_ref().map_or(0, Picture::held);
        let audio = self.audio.as_ref().map_or(0, |sound| sound.bytes.len());
        image + audio + self.text.as_ref().map_or(0, String::len) + size_of_val(self.row.as_slice())
    }
}

/// A picture: its pixels, or a PNG of them.
#[derive(Clone, Debug)]
pub struct Picture {
    form: Form,
    /// The name of the source file, where there was one.
    pub path: Option<String>,
}

#[derive(Clone, Debug)]
enum Form {
    Png(Vec<u8>),
    Raw(Pixels),
}

/// Pictures are equal by their pixels and names, in whatever form they are; damaged ones by their bytes.
impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.form, &other.form) {
            (Form::Png(a), Form::Png(b)) if a == b => true,
            (Form::Raw(a), Form::Raw(b)) => a == b,
            _ => matches!((self.pixels(), other.pixels()), (Ok(a), Ok(b)) if a == b),
        };
        same && self.path == other.path
    }
}

impl Picture {
    /// A PNG that nobody has looked into yet.
    pub const fn png(bytes: Vec<u8>, path: Option<String>) -> Self {
        Self { form: Form::Png(bytes), path }
    }

    /// These pixels.
    pub const fn of(pixels: Pixels, path: Option<String>) -> Self {
        Self { form: Form::Raw(pixels), path }
    }

    /// The PNG: as it is, or made now.
    ///
    /// # Errors
    /// As [`codec::encode_png`].
    pub fn to_png(&self) -> Result<Cow<'_, [u8]>> {
        match &self.form {
            Form::Png(bytes) => Ok(Cow::Borrowed(bytes)),
            Form::Raw(pixels) => codec::encode_png(pixels).map(Cow::Owned),
        }
    }

    /// The decoded picture, of any size: it was held against `max_pixels` when it was collected. All that
    /// is refused is a header that claims more than a PNG of this length can hold.
    ///
    /// # Errors
    /// As [`codec::decode_limited`].
    pub fn pixels(&self) -> Result<Pixels> {
        self.decoded().map(Cow::into_owned)
    }

    pub(super) fn decoded(&self) -> Result<Cow<'_, Pixels>> {
        let bytes = match &self.form {
            Form::Png(bytes) => bytes,
            Form::Raw(pixels) => return Ok(Cow::Borrowed(pixels)),
        };
        let most = (bytes.len() as u64).saturating_mul(codec::PNG_RATIO).max(codec::MAX_PIXELS);
        codec::decode_limited(bytes, most).map(Cow::Owned).map_err(|e| Error { hint: None, ..e })
    }

    /// The digest of the pixels, and the picture as it is stored: in PNG, or as pixels when `raw`.
    ///
    /// # Errors
    /// As [`Picture::pixels`] and [`codec::encode_png`].
    pub(super) fn stored(&self, raw: bool) -> Result<(PixelDigest, Cow<'_, [u8]>)> {
        let pixels = self.decoded()?;
        let digest = PixelDigest::of(&pixels);
        let stored = match pixels {
            _ if !raw => self.to_png()?,
            Cow::Borrowed(pixels) => Cow::Borrowed(&*pixels.data),
            Cow::Owned(pixels) => Cow::Owned(pixels.data),
        };
        Ok((digest, stored))
    }

    fn held(&self) -> usize {
        match &self.form {
            Form::Png(bytes) => bytes.len(),
            Form::Raw(pixels) => pixels.data.len(),
        }
    }
}

/// A sound in its file format, such as WAV or FLAC, as it was collected.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// The name of the source file, where there was one.
    pub path: Option<String>,
}

/// What files of sounds begin with, and have at another place, and their extension.
const SOUND_FORMATS: [(&[u8], usize, &[u8], &str); 13] = [
    (b"RIFF", 8, b"WAVE", "wav"),
    (b"fLaC", 0, b"", "flac"),
    (b"OggS", 28, b"OpusHead", "opus"),
    (b"OggS", 0, b"", "ogg"),
    (b"ID3", 0, b"", "mp3"),
    (b"\xff\xf1", 0, b"", "aac"),
    (b"\xff\xf9", 0, b"", "aac"),
    (b"", 4, b"ftypM4A", "m4a"),
    (b"FORM", 8, b"AIFF", "aiff"),
    (b"FORM", 8, b"AIFC", "aiff"),
    (b".snd", 0, b"", "au"),
    (b"caff", 0, b"", "caf"),
    (b"wvpk", 0, b"", "wv"),
];

impl Sound {
    /// The extension of a file of sounds that begins with these bytes, or `None` where it is no such file.
    pub fn format_of(head: &[u8]) -> Option<&'static str> {
        let has = |at: usize, magic: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(magic));
        let known = SOUND_FORMATS.iter().find(|(start, at, magic, _)| has(0, start) && has(*at, magic));
        known.map(|(_, _, _, extension)| *extension).or(match head {
            // The frame header of MPEG audio: eleven set bits, no reserved version, and layer II or III. The bits of
            // layer I, which nobody has, are those that a text of UTF-16 begins with.
            [0xff, second, ..]
                if second & 0xe0 == 0xe0 && second & 0x18 != 0x08 && matches!(second & 0x06, 0x02 | 0x04) =>
            {
                Some("mp3")
            }
            _ => None,
        })
    }

    /// What the name of a file with these bytes ends with: told by the bytes, else by the name of the source file.
    pub fn extension(&self) -> &str {
        if let Some(extension) = Self::format_of(&self.bytes) {
            return extension;
        }
        let named =
            self.path.as_deref().and_then(|path| path.rsplit_once('.')).map(|(_, extension)| extension);
        let usable = |e: &&str| (1..=5).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric());
        named.filter(usable).unwrap_or("bin")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_are_told_by_their_bytes_and_then_by_their_names() {
        let of = |bytes: &[u8], path: Option<&str>| {
            let sound = Sound { bytes: bytes.to_vec(), path: path.map(str::to_owned) };
            sound.extension().to_owned()
        };
        assert_eq!(of(b"RIFF\0\0\0\0WAVEfmt ", Some("x.mp3")), "wav");
        assert_eq!(of(b"fLaC\0", None), "flac");
        assert_eq!(of(b"ID3\x04", None), "mp3");
        assert_eq!(of(b"\xff\xfb\x90", None), "mp3");
        assert_eq!(Sound::format_of(b"\xff\xfeT\0"), None);
        assert_eq!(of(b"\xff\xf1\x50", None), "aac");
        assert_eq!(of(b"what", Some("a/b.Amr")), "Amr");
        // A picture of the same container is no sound, nor is a frame of a reserved layer or version.
        for head in [&b"\0\0\0\x18ftypheic"[..], b"\xff\xe8", b"\xff\xe0", b"1234abcdWAVE"] {
            assert_eq!(Sound::format_of(head), None);
        }
        assert_eq!(Sound::format_of(b"\0\0\0\x18ftypM4A "), Some("m4a"));
        for path in [None, Some("a.b/c"), Some("x."), Some("x.waveform")] {
            assert_eq!(of(b"", path), "bin");
        }
    }

    #[test]
    fn equal_contents_have_one_key_in_whatever_form() {
        let pixels = |value| Pixels::new(vec![value; 12], 2, 2, 3).unwrap();
        let raw = Content::from_pixels(pixels(7));
        let png = Picture::png(codec::encode_png(&pixels(7)).unwrap(), Some("a.png".into())).into();
        assert_eq!(raw.key().unwrap(), Content::key(&png).unwrap());
        let row = |row: &[f32]| Content::from_row(row.to_vec()).key().unwrap();
        assert_eq!(row(&[0.0, f32::NAN]), row(&[-0.0, -f32::NAN]));
        let wide = Pixels::new(vec![7; 12], 1, 4, 3).unwrap();
        let others = [
            Content::from_pixels(pixels(8)),
            Content::from_pixels(wide),
            Content::from_text("ab"),
            Content::from_row(vec![7.0]),
            Content { text: Some("a".into()), ..raw.clone() },
        ];
        let keys: std::collections::BTreeSet<u64> =
            others.iter().chain([&raw]).map(|c| c.key().unwrap()).collect();
        assert_eq!(keys.len(), others.len() + 1);
    }
}
