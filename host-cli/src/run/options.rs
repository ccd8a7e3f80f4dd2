//! What the runner knows about any stage's options: which of them are paths.

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
/// the content of a path that matters, not its name.
pub fn split_paths<O: clap::Args + Serialize>(options: &O) -> (Value, Vec<(String, PathBuf)>) {
    let mut value = serde_json::to_value(options).unwrap_or(Value::Null);
    let mut paths = Vec::new();
    if let Value::Object(map) = &mut value {
        for key in path_keys::<O>() {
            let found = map.remove(&key).unwrap_or(Value::Null);
            let list = if let Value::Array(list) = found { list } else { vec![found] };
            paths.extend(list.iter().filter_map(Value::as_str).map(|p| (key.clone(), PathBuf::from(p))));
        }
    }
    (value, paths)
}

/// The same options with relative paths taken from `base`.
pub fn relocate<O: clap::Args + Serialize + DeserializeOwned>(options: O, base: &Path) -> O {
    let Ok(Value::Object(mut map)) = serde_json::to_value(&options) else { return options };
    let keys = path_keys::<O>();
    if keys.is_empty() {
        return options;
    }
    for key in keys {
        match map.get_mut(&key) {
            Some(Value::String(path)) => *path = moved(path, base),
            Some(Value::Array(list)) => {
                for path in list {
                    if let Value::String(path) = path {
                        *path = moved(path, base);
                    }
                }
            }
            _ => {}
        }
    }
    serde_json::from_value(Value::Object(map)).unwrap_or(options)
}

fn moved(path: &str, base: &Path) -> String {
    base.join(path).to_string_lossy().into_owned()
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
        let (value, paths) = split_paths(&options);
        assert_eq!(value, json!({"n": 3, "name": "x"}));
        assert_eq!(
            paths,
            [("more".to_owned(), PathBuf::from("a")), ("more".to_owned(), PathBuf::from("/b"))]
        );
        let moved = relocate(ThingOptions { model: Some("m/w".into()), ..options }, Path::new("/base"));
        assert_eq!(moved.model, Some("/base/m/w".into()));
        assert_eq!(moved.more, [PathBuf::from("/base/a"), PathBuf::from("/b")]);
        assert_eq!(moved.name, "x");
    }
}
