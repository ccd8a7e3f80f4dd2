//! File names from ids and class names: such that no name leads out of its folder, is refused by a file
//! system, or is given twice.

use seedbed::rng::id_hash;
use std::collections::HashSet;

/// The longest name in bytes, before what makes it unique; file systems allow 255.
const MAX_LEN: usize = 180;

/// Names that Windows keeps for devices.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// A name for `text` that any file system takes: path separators become `__`, other characters with a
/// meaning `_`; it is neither empty nor hidden, nor longer than 180 bytes.
pub fn safe(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '/' | '\\' => name.push_str("__"),
            '<' | '>' | ':' | '"' | '|' | '?' | '*' => name.push('_'),
            c if c.is_control() => name.push('_'),
            c => name.push(c),
        }
    }
    while name.len() > MAX_LEN {
        name.pop();
    }
    while name.ends_with(['.', ' ']) {
        name.pop();
    }
    let stem = name.split('.').next().unwrap_or("").trim_end_matches(|c: char| c.is_ascii_digit());
    if name.is_empty() || name.starts_with(['.', ' ']) || DEVICES.iter().any(|d| stem.eq_ignore_ascii_case(d))
    {
        name.insert(0, '_');
    }
    name
}

/// Names that were given in one folder, by their hashes: two names of one hash count as the same.
#[derive(Debug, Default)]
pub struct Names(HashSet<u64>);

impl Names {
    /// Whether none was given yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// [`safe`] of `text`, followed by `~` and a hash where another text has that name already, or one
    /// that differs only in upper and lower case.
    pub fn give(&mut self, text: &str) -> String {
        let mut name = safe(text);
        let mut hash = id_hash(text.as_bytes());
        while !self.0.insert(id_hash(name.to_lowercase().as_bytes())) {
            name = format!("{}~{hash:016x}", safe(text));
            hash = hash.wrapping_add(1);
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_is_one_plain_component(texts in prop::collection::vec("(\\.|/|[a-c]|\\PC){0,12}", 1..20)) {
            let mut names = Names::default();
            let mut seen = HashSet::new();
            for text in texts {
                let name = names.give(&text);
                let path = std::path::Path::new(&name);
                prop_assert_eq!(path.components().count(), 1);
                let plain = matches!(path.components().next(), Some(std::path::Component::Normal(_)));
                prop_assert!(plain && !name.contains(['/', '\\', '\0']) && !name.starts_with('.'), "{}", name);
                prop_assert!(name.len() < 255 && seen.insert(name.to_lowercase()));
            }
        }
    }

    #[test]
    fn plain_names_stay_and_dangerous_ones_do_not() {
        for (text, want) in [
            ("0001", "0001"),
            ("train/cat/7", "train__cat__7"),
            ("..", "_"),
            ("../../etc/passwd", "_..__..__etc__passwd"),
            ("", "_"),
            ("C:\\x", "C___x"),
            ("nul.txt", "_nul.txt"),
            ("COM1", "_COM1"),
            ("console", "console"),
            ("a. ", "a"),
        ] {
            assert_eq!(safe(text), want, "{text}");
        }
        let mut names = Names::default();
        assert_eq!(names.give("a/b"), "a__b");
        assert!(names.give("A__B").starts_with("A__B~"));
        assert!(safe(&"é".repeat(300)).len() <= MAX_LEN);
    }
}
