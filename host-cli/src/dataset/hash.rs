//! One hash for the content of a dataset, however it is cut into shards and compressed.
//!
//! SHA-256 over the kind, the class and column names and the scaling, then over one digest per
//! sample in the order of the ids. A sample's digest covers id, label, split, weight, origin and the
//! decoded content: the digest of the pixels, or the bits of the numbers. The name of the dataset and
//! the names of source files do not count.

use super::meta::{FILE, ImageShape, Kind, Meta};
use super::{Content, Dataset, Origin, Sample};
use crate::codec::Pixels;
use crate::error::{Context, Error, Result};
use crate::pool::Pool;
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The digest of one sample.
pub(super) type SampleDigest = [u8; 32];

/// Samples that [`content_hash`] holds in memory at a time.
const BATCH: usize = 512;

/// Fields with their lengths, so that no two lists of fields give the same bytes.
struct Fields(Sha256);

impl Fields {
    fn new(domain: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.bytes(domain.as_bytes());
        fields
    }

    fn number(&mut self, n: u64) {
        self.0.update(n.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.bytes(text.as_bytes()));
    }

    /// The bits of the numbers; every NaN counts as the same, and −0 as itself.
    fn floats(&mut self, values: &[f32]) {
        let bits = |v: &f32| if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() };
        let bytes: Vec<u8> = values.iter().flat_map(|v| bits(v).to_le_bytes()).collect();
        self.bytes(&bytes);
    }

    fn finish(self) -> SampleDigest {
        self.0.finalize().into()
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file's bytes.
///
/// # Errors
/// When it cannot be read.
pub fn file_sha256(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut hasher = Sha256::new();
    loop {
        let n = match reader.fill_buf() {
            Ok([]) => return Ok(hasher.finalize().into()),
            Ok(part) => {
                hasher.update(part);
                part.len()
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => 0,
            Err(e) => return Err(e),
        };
        reader.consume(n);
    }
}

/// What hashing takes from a picture: its size, and one digest of its pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct PixelDigest {
    pub(super) shape: ImageShape,
    digest: [u8; 32],
}

impl PixelDigest {
    pub(super) fn of(pixels: &Pixels) -> Self {
        let [height, width, channels] = pixels.shape().map(|n| n as u32);
        let shape = ImageShape { height, width, channels };
        Self { shape, digest: Sha256::digest(&pixels.data).into() }
    }
}

/// The digest of a sample, given that of its picture and the text of its origin, empty where there is none.
pub(super) fn sample_digest(sample: &Sample, picture: Option<PixelDigest>, origin: &str) -> SampleDigest {
    let mut fields = Fields::new("sample");
    fields.bytes(sample.id.as_bytes());
    fields.number(sample.label.map_or(0, |label| u64::from(label) + 1));
    fields.bytes(sample.split.name().as_bytes());
    fields.floats(&[sample.weight]);
    fields.bytes(origin.as_bytes());
    // Pictures alone and rows alone come without a word for what they are, as the kind of the dataset says it.
    let Content { image: _, audio, text, row } = &sample.content;
    if let Some(PixelDigest { shape, digest }) = picture {
        [shape.height, shape.width, shape.channels].iter().for_each(|&n| fields.number(u64::from(n)));
        fields.bytes(&digest);
    }
    if let Some(sound) = audio {
        fields.bytes(b"audio");
        fields.bytes(&sound.bytes);
    }
    if let Some(text) = text {
        fields.bytes(b"text");
        fields.bytes(text.as_bytes());
    }
    if picture.is_none() || !row.is_empty() {
        fields.floats(row);
    }
    fields.finish()
}

/// The digest of a sample as it is, and the size of its picture.
pub(super) fn digest_of(sample: &Sample) -> Result<(SampleDigest, Option<ImageShape>)> {
    let pixels = sample.content.image.as_ref().map(|p| p.decoded()).transpose()?;
    let picture = pixels.map(|pixels| PixelDigest::of(&pixels));
    let origin = sample.origin.as_ref().map(Origin::text).transpose()?.unwrap_or_default();
    Ok((sample_digest(sample, picture, &origin), picture.map(|p| p.shape)))
}

/// The digest of a sample as it is; an error names the sample.
fn digest(sample: &Sample) -> Result<SampleDigest> {
    digest_of(sample).map(|(digest, _)| digest).map_err(|e| e.within(&sample.id))
}

/// Takes the samples of a dataset in the order of their ids and gives its content hash.
#[derive(Clone)]
pub struct ContentHasher(Sha256);

impl ContentHasher {
    /// The hash of a dataset without samples.
    pub fn new(meta: &Meta) -> Self {
        let mut fields = Fields::new("seedbed dataset 2");
        for kind in meta.kinds() {
            fields.bytes(match kind {
                Kind::Images => b"images",
                Kind::Audio => b"audio",
                Kind::Text => b"text",
                Kind::Table => b"table",
            });
        }
        fields.texts(&meta.classes);
        fields.texts(&meta.columns);
        let (mean, std) = meta.normalize.as_ref().map_or((&[][..], &[][..]), |n| (&n.mean[..], &n.std[..]));
        fields.floats(mean);
        fields.floats(std);
        Self(fields.0)
    }

    /// The next sample.
    ///
    /// # Errors
    /// When its picture cannot be decoded; the error names the sample.
    pub fn push(&mut self, sample: &Sample) -> Result<()> {
        self.push_digest(digest(sample)?);
        Ok(())
    }

    pub(super) fn push_digest(&mut self, digest: SampleDigest) {
        self.0.update(digest);
    }

    /// The hash: 64 hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The content hash of what is at `path`: a dataset folder, a model file (`.safetensors`: names, shapes,
/// values and metadata, whatever their order in the file), a folder of such things at any depth (a
/// run: their relative paths and hashes), or any other file (its bytes).
///
/// It is computed anew from the content; what `dataset.json` says is not believed.
///
/// # Errors
/// When something is missing or damaged, or the folder holds nothing of the kind.
pub fn content_hash(path: &Path, pool: &Pool) -> Result<String> {
    if path.join(FILE).is_file() {
        return dataset_hash(path, pool);
    }
    if std::fs::metadata(path).at(path)?.is_file() {
        return file_hash(path);
    }
    let mut parts = BTreeMap::new();
    collect_parts(path, path, &mut parts)?;
    if parts.is_empty() {
        return Err(Error::failed(format!("nothing to hash (no dataset, no model): {}", path.display()))
            .hint("name a dataset folder, a run folder or a model file"));
    }
    let mut fields = Fields::new("seedbed folder 1");
    for (name, part) in parts {
        fields.bytes(name.as_bytes());
        fields.bytes(content_hash(&part, pool)?.as_bytes());
    }
    Ok(hex(&fields.finish()))
}

/// The dataset folders and model files below `folder`, by their paths relative to `root`.
fn collect_parts(root: &Path, folder: &Path, parts: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let path = entry.path();
        // Links are not followed: they could lead round in a circle.
        let kind = entry.file_type().at(&path)?;
        let model = path.extension().is_some_and(|e| e == "safetensors");
        if (kind.is_dir() && path.join(FILE).is_file()) || (kind.is_file() && model) {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            parts.insert(name, path);
        } else if kind.is_dir() {
            collect_parts(root, &path, parts)?;
        }
    }
    Ok(())
}

fn dataset_hash(folder: &Path, pool: &Pool) -> Result<String> {
    let dataset = Dataset::open(folder)?;
    let mut hasher = ContentHasher::new(dataset.meta());
    pool.stream(
        dataset.samples(),
        BATCH,
        |sample| digest(&sample),
        |digest| {
            hasher.push_digest(digest);
            Ok(())
        },
    )?;
    Ok(hasher.finish())
}

fn file_hash(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).at(path)?;
    if path.extension().is_none_or(|e| e != "safetensors") {
        return Ok(hex(&Sha256::digest(&bytes)));
    }
    let damaged =
        |e: safetensors::SafeTensorError| Error::failed(format!("damaged model ({e}): {}", path.display()));
    let tensors = SafeTensors::deserialize(&bytes).map_err(damaged)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let mut fields = Fields::new("seedbed model 1");
    let texts: BTreeMap<&String, &String> = header.metadata().iter().flatten().collect();
    for (name, text) in texts {
        fields.bytes(name.as_bytes());
        fields.bytes(text.as_bytes());
    }
    let tensors: BTreeMap<String, _> = tensors.tensors().into_iter().collect();
    for (name, tensor) in tensors {
        fields.bytes(name.as_bytes());
        fields.bytes(format!("{:?}", tensor.dtype()).as_bytes());
        tensor.shape().iter().for_each(|&n| fields.number(n as u64));
        fields.bytes(tensor.data());
    }
    Ok(hex(&fields.finish()))
}
