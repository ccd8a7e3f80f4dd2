//! What the runner knows about any stage's options: which of them are paths.

use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::TypeId;
use std::path::{Path, PathBuf};

/// The names of the options of `O` that are paths.
fn path_keys<O: clap::Args>() -> Vec<String> {
    let command = O::augment_args(clap::Command::new("options"));
    command
        .get_arguments()
        .filter(|arg| arg.get_value_parser().type_id() == TypeId::of::<PathBuf>())
        .map(|arg| arg.get_id().to_string())
        .collect()
}

/// The options as they go into a key, without their paths; and the paths with the options' names: it is
/// the content of a path that matters, not where it is.
///
/// # Errors
/// When a path is no text that JSON can hold.
pub fn split_paths<O: clap::Args + Serialize>(options: &O) -> Result<(Value, Vec<(String, PathBuf)>)> {
    let mut value = serde_json::to_value(options).map_err(|_| not_text::<O>())?;
    let mut paths = Vec::new();
    if let Value::Object(map) = &mut value {
        for key in path_keys::<O>() {
            let found = map.remove(&key).unwrap_or(Value::Null);
            let list = if let Value::Array(list) = found { list } else { vec![found] };
            paths.extend(list.iter().filter_map(Value::as_str).map(|p| (key.clone(), PathBuf::from(p))));
        }
    }
    Ok((value, paths))
}

/// The error for options of which a path is not UTF-8: nothing else in options has no place in JSON.
fn not_text<O: clap::Args>() -> Error {
    let flags: Vec<String> =
        path_keys::<O>().iter().map(|key| format!("--{}", key.replace('_', "-"))).collect();
    Error::usage(format!("a path is not UTF-8 text: {}", flags.join(" or ")))
        .hint("rename the file or folder, or name it by a link")
}

/// The same options with relative paths taken from `base`.
///
/// # Errors
/// When `base` or a path is not UTF-8.
pub fn relocate<O: clap::Args + Serialize + DeserializeOwned>(options: O, base: &Path) -> Result<O> {
    let keys = path_keys::<O>();
    if keys.is_empty() {
        return Ok(options);
    }
    let Value::Object(mut map) = serde_json::to_value(&options).map_err(|_| not_text::<O>())? else {
        return Ok(options);
    };
    for key in keys {
        match map.get_mut(&key) {
            Some(Value::String(path)) => *path = moved(path, base)?,
            Some(Value::Array(list)) => {
                for path in list {
                    if let Value::String(path) = path {
                        *path = moved(path, base)?;
                    }
                }
            }
            _ => {}
        }
    }
    serde_json::from_value(Value::Object(map)).map_err(|e| Error::failed(format!("{e}: options")))
}

/// The path `path`, which is relative to `base`, as text.
///
/// # Errors
/// When `base` is not UTF-8.
pub fn moved(path: &str, base: &Path) -> Result<String> {
    base.join(path).into_os_string().into_string().map_err(|path| {
        Error::usage(format!("a path is not UTF-8 text: {}", path.display()))
            .hint("rename the folder, or name it by a link")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
    #[serde(default, deny_unknown_fields)]
    struct ThingOptions {
        /// A number.
        #[arg(long, default_value_t = 3)]
        n: u32,
        /// A file.
        #[arg(long)]
        model: Option<PathBuf>,
        /// Files.
        #[arg(long, value_delimiter = ',')]
        more: Vec<PathBuf>,
        /// A name.
        #[arg(long, default_value = "x")]
        name: String,
    }
    crate::defaults!(ThingOptions);

    #[test]
    fn paths_are_told_apart_and_moved() {
        let options = ThingOptions { more: vec!["a".into(), "/b".into()], ..ThingOptions::default() };
        let (value, paths) = split_paths(&options).unwrap();
        assert_eq!(value, json!({"n": 3, "name": "x"}));
        assert_eq!(
            paths,
            [("more".to_owned(), PathBuf::from("a")), ("more".to_owned(), PathBuf::from("/b"))]
        );
        let moved =
            relocate(ThingOptions { model: Some("m/w".into()), ..options }, Path::new("/base")).unwrap();
        assert_eq!(moved.model, Some("/base/m/w".into()));
        assert_eq!(moved.more, [PathBuf::from("/base/a"), PathBuf::from("/b")]);
        assert_eq!(moved.name, "x");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_named_rather_than_dropped() {
        use std::os::unix::ffi::OsStrExt;
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"o\xff"));
        let options = ThingOptions { n: 7, model: Some(odd.into()), ..ThingOptions::default() };
        let e = split_paths(&options).unwrap_err();
        assert!(e.exit_code() == 2 && e.message.contains("--model"), "{e}");
        assert_eq!(relocate(options, Path::new("")).unwrap_err().exit_code(), 2);
        let options = ThingOptions { model: Some("w".into()), ..ThingOptions::default() };
        assert_eq!(relocate(options, odd).unwrap_err().exit_code(), 2);
        assert!(relocate(ThingOptions::default(), odd).is_ok(), "it has no path");
    }
}
