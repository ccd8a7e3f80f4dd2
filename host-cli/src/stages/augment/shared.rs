//! Which pictures share what is drawn.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Which pictures share what is drawn: copies of the same number of them are all turned, cut and coloured alike, if they are of
/// one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Shared {
    /// None: each has its own draws
    #[default]
    None,
    /// Those of one file name, whatever its folder and ending: the two pictures of a stereo pair, before and after. An ending
    /// begins with a letter and has up to five letters and digits
    Name,
    /// Those of one folder: the frames of a film
    Folder,
}

impl Shared {
    /// The part of an id that pictures have in common where they share: the draws are made from it.
    pub fn part(self, id: &str) -> Cow<'_, str> {
        // What a stage has made of a picture shares with what it made of the others, not with the picture.
        let (source, made) = id.split_at(id.find('!').unwrap_or(id.len()));
        let (folder, name) = source.rsplit_once('/').unwrap_or(("", source));
        match self {
            Shared::None => id.into(),
            Shared::Name => (stem(name).to_owned() + made).into(),
            Shared::Folder => (folder.to_owned() + made).into(),
        }
    }
}

/// A file name without its ending. What follows a dot and is a number is no ending: that of a frame, or of a version.
fn stem(name: &str) -> &str {
    let ending = |end: &str| {
        end.len() <= 5
            && end.starts_with(|c: char| c.is_ascii_alphabetic())
            && end.chars().all(char::is_alphanumeric)
    };
    name.rsplit_once('.').filter(|(_, end)| ending(end)).map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_ids() {
        for (id, name, folder) in [
            ("left/7/0001.png", "0001", "left/7"),
            ("0001", "0001", ""),
            ("a/b.tar.gz", "b.tar", "a"),
            ("a/frame.0001.png", "frame.0001", "a"),
            ("a/v1.2_03", "v1.2_03", "a"),
            ("a/v1.0003", "v1.0003", "a"),
            ("a/b.png!over00002", "b!over00002", "a!over00002"),
        ] {
            assert_eq!(Shared::None.part(id), id);
            assert_eq!(Shared::Name.part(id), name);
            assert_eq!(Shared::Folder.part(id), folder);
        }
    }
}
