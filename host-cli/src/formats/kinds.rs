//! What files and members are by their first bytes and by their names.

use crate::codec;
use crate::dataset::{Kind, Sound};
use std::path::{Path, PathBuf};

/// What a file is by its first bytes: a picture or a sound.
pub(super) fn kind_of(head: &[u8]) -> Option<Kind> {
    match codec::sniff(head) {
        Some(_) => Some(Kind::Images),
        None => Sound::format_of(head).map(|_| Kind::Audio),
    }
}

/// The name of a file up to the first dot.
pub(super) fn stem(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(last)
}

/// Extensions of texts.
pub(super) const TEXTS: [&str; 4] = ["txt", "text", "caption", "transcript"];

/// Whether an extension, in lower case, is one of pictures or sounds.
pub(super) fn is_media(extension: &str) -> bool {
    const SOUNDS: [&str; 12] =
        ["wav", "flac", "mp3", "ogg", "opus", "aac", "m4a", "aif", "aiff", "au", "caf", "wv"];
    codec::EXTENSIONS.contains(&extension) || SOUNDS.contains(&extension)
}

/// Whether a file is called like a text.
pub(super) fn is_text_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| TEXTS.contains(&&*end.to_ascii_lowercase()))
}

/// The path without its extension, where that is one of pictures, sounds or texts.
pub(super) fn bare_name(path: &Path) -> PathBuf {
    let end = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let known = is_media(&end) || TEXTS.contains(&&*end);
    if known { path.with_extension("") } else { path.to_owned() }
}
