//! A sample beside its picture and its sound: one JSON object, and the names of the files that hold those two.

use crate::dataset::{Content, Kind, Meta, Origin, Sample};
use crate::error::{Context, Error, Result};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::path::Path;

/// The column of the file of a sample: of its picture, or of its sound where the dataset has no pictures.
pub const FILE_NAME: &str = "file_name";
/// The column of the file of its sound where it is not the first.
pub const AUDIO_FILE: &str = "audio_file";

/// The files of a sample: where its picture and its sound go, relative to some folder.
#[derive(Debug, Default)]
pub struct Files {
    image: Option<String>,
    audio: Option<String>,
}

impl Files {
    /// `stem` with the extensions of what is there.
    pub fn of(content: &Content, stem: &str) -> Self {
        let image = content.image.as_ref().map(|_| format!("{stem}.png"));
        let audio = content.audio.as_ref().map(|sound| format!("{stem}.{}", sound.extension()));
        Self { image, audio }
    }

    /// Writes them below `folder`.
    pub fn save(&self, folder: &Path, content: &Content) -> Result<()> {
        if let (Some(name), Some(image)) = (&self.image, &content.image) {
            let path = folder.join(name);
            std::fs::write(&path, image.to_png().at(&path)?).at(&path)?;
        }
        if let (Some(name), Some(sound)) = (&self.audio, &content.audio) {
            let path = folder.join(name);
            std::fs::write(&path, &sound.bytes).at(&path)?;
        }
        Ok(())
    }

    /// The columns of files in a dataset, with the names in them.
    pub fn columns(&self, meta: &Meta) -> Vec<(&'static str, Option<&str>)> {
        let (image, audio) = (self.image.as_deref(), self.audio.as_deref());
        match (meta.has(Kind::Images), meta.has(Kind::Audio)) {
            (true, true) => vec![(FILE_NAME, image), (AUDIO_FILE, audio)],
            (true, false) => vec![(FILE_NAME, image)],
            (false, true) => vec![(FILE_NAME, audio)],
            (false, false) => Vec::new(),
        }
    }
}

/// A sample as one JSON object: `file_name` and `audio_file` (where files are told), `id`, `text`, one number per
/// feature, `label` (the name of the class), `split`, `weight` and `origin` (JSON text). Null stands for what is not
/// there.
pub struct Record<'a> {
    meta: &'a Meta,
    sample: &'a Sample,
    files: Option<&'a Files>,
    columns: &'a [String],
    origin: Option<String>,
}

impl<'a> Record<'a> {
    /// The record of a sample of the dataset `meta`.
    pub fn new(meta: &'a Meta, sample: &'a Sample, files: Option<&'a Files>) -> Result<Self> {
        let origin = sample.origin.as_ref().map(Origin::text).transpose()?;
        Ok(Self { meta, sample, files, columns: &meta.columns, origin })
    }

    /// The same without its features, which are somewhere else.
    pub fn without_features(self) -> Self {
        Self { columns: &[], ..self }
    }

    /// The name of the class.
    pub fn label(&self) -> Option<&'a str> {
        self.sample.label.map(|_| self.meta.class_name(self.sample.label))
    }

    /// The JSON text of the origin.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The object as one line, with its end.
    pub fn line(&self) -> Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)
            .map_err(|e| Error::failed(format!("cannot write JSON ({e}): sample `{}`", self.sample.id)))?;
        line.push(b'\n');
        Ok(line)
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { meta, sample, files, columns, origin } = self;
        let mut map = serializer.serialize_map(None)?;
        for (name, file) in files.map(|files| files.columns(meta)).unwrap_or_default() {
            map.serialize_entry(name, &file)?;
        }
        map.serialize_entry("id", &sample.id)?;
        if meta.has(Kind::Text) {
            map.serialize_entry("text", &sample.content.text)?;
        }
        for (name, value) in columns.iter().zip(sample.row()) {
            // NaN is null in JSON.
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("label", &self.label())?;
        map.serialize_entry("split", sample.split.name())?;
        map.serialize_entry("weight", &sample.weight)?;
        map.serialize_entry("origin", origin)?;
        map.end()
    }
}
