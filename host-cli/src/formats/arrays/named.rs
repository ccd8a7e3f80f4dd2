//! Arrays by their names: which hold samples, which tell something of them, and what belongs together.

use super::{Part, Role};
use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::formats::array::Array;
use crate::formats::{ReadOptions, Remarks, some_of};
use std::path::{Path, PathBuf};

/// One array: a file of its own, or one of several in a file.
pub struct Named {
    pub path: PathBuf,
    /// The name of the file, relative to the source.
    pub file: String,
    /// The name of the array in a file of several.
    pub member: Option<String>,
    pub array: Array<'static>,
    /// What is left of the name without the words for the role and the format.
    pub key: String,
    pub split: Option<Split>,
    /// Why it ends early, where it does.
    pub cut: Option<String>,
}

impl Named {
    /// The array with what its name says.
    pub fn new(
        path: PathBuf,
        file: String,
        member: Option<String>,
        array: Array<'static>,
        cut: Option<String>,
    ) -> Self {
        let (mut key, mut split) = key_of(member.as_deref().unwrap_or(&file));
        if member.is_some() {
            // What the file is called holds for all arrays in it.
            let (of_file, split_of_file) = key_of(&file);
            key = format!("{of_file}/{key}");
            split = split.or(split_of_file);
        }
        Self { path, file, member, array, key, split, cut }
    }

    /// Its own name.
    pub fn name(&self) -> &str {
        self.member.as_deref().unwrap_or(&self.file)
    }

    /// What it is, for errors.
    pub fn words(&self) -> String {
        match &self.member {
            Some(member) => format!("array `{member}` of {}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }

    /// Whether it holds one value per sample rather than samples.
    pub fn is_one_each(&self) -> bool {
        self.array.sample_len() == 1 && self.array.header().shape.len() <= 2
    }

    /// The array as one of labels or groups, which it has to be.
    pub fn labels(self) -> Result<Self> {
        if self.is_one_each() {
            return Ok(self);
        }
        let shape = &self.array.header().shape;
        Err(Error::usage(format!("array of shape {shape:?} is not one label per sample: {}", self.words()))
            .hint("save the numbers of the classes, such as onehot.argmax(axis=1), or give --label none"))
    }

    /// Samples that its header promises.
    pub fn claimed(&self) -> usize {
        self.array.samples() + self.array.missing()
    }

    /// Whether its samples would pass for pictures: they have more than one axis.
    fn is_deep(&self) -> bool {
        self.array.header().shape.len() > 2
    }

    /// Whether it has one axis.
    fn is_flat(&self) -> bool {
        self.array.header().shape.len() < 2
    }

    fn is_text(&self) -> bool {
        self.array.header().element.is_text()
    }
}

/// The words of a name, in lower case.
fn words_of(name: &str) -> Vec<String> {
    let name = name.to_ascii_lowercase();
    name.split(['-', '_', '.', ' ', '/']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a name says that what has it are labels.
pub fn is_label_name(name: &str) -> bool {
    role_of(name) == Some(Role::Labels)
}

/// What an array is by its name.
pub fn role_of(name: &str) -> Option<Role> {
    const WHOLE: [(&str, Role); 8] = [
        ("class_names", Role::Classes),
        ("label_names", Role::Classes),
        ("target_names", Role::Classes),
        ("classes", Role::Classes),
        ("feature_names", Role::Columns),
        ("column_names", Role::Columns),
        ("columns", Role::Columns),
        ("sample_weight", Role::Weights),
    ];
    const WORDS: [(&[&str], Role); 8] = [
        (&["labels", "label", "y", "target", "targets"], Role::Labels),
        (&["ids", "id"], Role::Ids),
        (&["splits", "split"], Role::Splits),
        (&["weights", "weight"], Role::Weights),
        (&["origins", "origin"], Role::Origins),
        (&["texts", "text", "captions", "sentences"], Role::Texts),
        (&["features"], Role::Features),
        (&["images", "image", "imgs", "img", "x", "data", "samples", "pixels"], Role::Samples),
    ];
    let lower = name.to_ascii_lowercase();
    if let Some((_, role)) = WHOLE.iter().find(|(whole, _)| *whole == lower) {
        return Some(*role);
    }
    let words = words_of(name);
    let is = |known: &&[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    WORDS.iter().find(|(known, _)| is(known)).map(|(_, role)| *role)
}

/// What a name says: the words that samples and labels of one set share, and the split.
pub fn key_of(name: &str) -> (String, Option<Split>) {
    const ROLES: [&str; 49] = [
        "images",
        "image",
        "imgs",
        "img",
        "x",
        "data",
        "features",
        "samples",
        "pixels",
        "labels",
        "label",
        "y",
        "target",
        "targets",
        "class",
        "classes",
        "idx1",
        "idx2",
        "idx3",
        "idx4",
        "ubyte",
        "byte",
        "short",
        "int",
        "float",
        "double",
        "gz",
        "npy",
        "idx",
        "ids",
        "bin",
        "dat",
        "id",
        "splits",
        "split",
        "weights",
        "weight",
        "origins",
        "origin",
        "groups",
        "group",
        "texts",
        "text",
        "captions",
        "sentences",
        "npz",
        "safetensors",
        "zst",
        "sample",
    ];
    let words = words_of(name);
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| !ROLES.contains(w)).collect();
    // The test files of MNIST are called t10k.
    let is_count = |w: &str| {
        w.strip_prefix('t').and_then(|w| w.strip_suffix('k')).is_some_and(|n| n.parse::<u32>().is_ok())
    };
    let split = words.iter().find_map(|w| if is_count(w) { Some(Split::Test) } else { Split::from_name(w) });
    (words.join("-"), split)
}

/// The names of classes and columns that arrays beside the samples hold.
#[derive(Default)]
pub struct Names {
    pub classes: Vec<String>,
    pub columns: Vec<String>,
}

/// The arrays of files of several, as samples with what belongs to them.
///
/// # Errors
/// When there are no samples among them, or what belongs together is not of one length.
pub fn sort(
    mut arrays: Vec<Named>,
    path: &Path,
    options: &ReadOptions,
    remarks: &mut Remarks,
) -> Result<(Vec<Part>, Names)> {
    let mut names = Names::default();
    let given = options.label.as_deref().filter(|label| *label != "none");
    let chosen = given.map(|name| take_given(&mut arrays, name, "label")?.labels()).transpose()?;
    let groups = options.group.as_deref();
    let groups = groups.map(|name| take_given(&mut arrays, name, "group")?.labels()).transpose()?;
    // Where names tell the samples, what has another name is something else.
    let told = arrays
        .iter()
        .any(|a| matches!(role_of(a.name()), Some(Role::Samples | Role::Features | Role::Texts)));
    let told_labels = arrays.iter().any(|a| role_of(a.name()) == Some(Role::Labels));
    let (mut samples, mut labels, mut others, mut left) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for array in arrays {
        match role_of(array.name()) {
            Some(Role::Labels) if options.label.is_none() => labels.push(array.labels()?),
            Some(Role::Labels) => left.push(array.name().to_owned()),
            Some(Role::Classes) => names.classes = texts(&array)?,
            Some(Role::Columns) => names.columns = texts(&array)?,
            Some(Role::Texts | Role::Samples) if array.is_text() && array.is_one_each() => {
                samples.push(array)
            }
            // One feature is a table too.
            Some(Role::Samples | Role::Features) if !array.is_text() && !array.is_flat() => {
                samples.push(array)
            }
            Some(Role::Texts | Role::Samples | Role::Features) => left.push(array.name().to_owned()),
            Some(role) if array.is_one_each() => others.push((role, array)),
            None if !told && !array.is_one_each() && !array.is_text() => samples.push(array),
            None if !told_labels && options.label.is_none() && array.is_one_each() => labels.push(array),
            _ => left.push(array.name().to_owned()),
        }
    }
    labels.extend(chosen);
    others.extend(groups.map(|array| (Role::Groups, array)));
    if !left.is_empty() {
        remarks.warnings.push(format!("arrays that are not read: {}", some_of(&left)));
    }
    if samples.is_empty() {
        let only = if labels.is_empty() { "" } else { ", only labels" };
        return Err(Error::failed(format!("no samples{only}: {}", path.display())).hint(
            "samples are arrays of two axes or more, called like images or x_train where there are others",
        ));
    }
    Ok((parts(samples, labels, others, remarks)?, names))
}

/// Takes the array that an option names out of the others.
fn take_given(arrays: &mut Vec<Named>, name: &str, option: &str) -> Result<Named> {
    match arrays.iter().position(|a| a.name() == name) {
        Some(at) => Ok(arrays.swap_remove(at)),
        None => {
            let names: Vec<String> = arrays.iter().map(|a| a.name().to_owned()).collect();
            Err(Error::usage(format!("no array `{name}`: --{option} (recipe key `{option}`)"))
                .hint(format!("the arrays are {}", some_of(&names))))
        }
    }
}

/// The texts of an array of names.
fn texts(array: &Named) -> Result<Vec<String>> {
    let text = |i| array.array.label(i).map(Option::unwrap_or_default);
    (0..array.array.samples()).map(text).collect::<Result<_>>().map_err(|e| e.within(array.words()))
}

/// The samples, each with the labels and the others that belong to them.
pub fn parts(
    samples: Vec<Named>,
    labels: Vec<Named>,
    others: Vec<(Role, Named)>,
    remarks: &mut Remarks,
) -> Result<Vec<Part>> {
    let (first, beside) = divide(samples);
    let only = first.len() == 1;
    let mut parts: Vec<Part> = first.into_iter().map(Part::of).collect();
    let one = labels.len() == 1;
    for (role, array) in labels.into_iter().map(|l| (Role::Labels, l)).chain(beside).chain(others) {
        let alone = only && (one || role != Role::Labels);
        match parts.iter_mut().find(|p| (alone || p.key == array.key) && p.get(role).is_none()) {
            Some(part) => part.add(role, array)?,
            None => remarks.warnings.push(format!("{} belongs to no samples and is not read", array.words())),
        }
    }
    Ok(parts)
}

/// Arrays that are samples by themselves, and those that hold more of the same samples: rows and texts beside
/// pictures, texts beside rows.
fn divide(samples: Vec<Named>) -> (Vec<Named>, Vec<(Role, Named)>) {
    let deep: Vec<String> = samples.iter().filter(|m| m.is_deep()).map(|m| m.key.clone()).collect();
    let rows: Vec<String> =
        samples.iter().filter(|m| !m.is_deep() && !m.is_text()).map(|m| m.key.clone()).collect();
    let (mut first, mut beside) = (Vec::new(), Vec::new());
    for array in samples {
        let within = |keys: &[String]| keys.contains(&array.key);
        match (array.is_text(), array.is_deep()) {
            (true, _) if within(&deep) || within(&rows) => beside.push((Role::Texts, array)),
            (false, false) if within(&deep) => beside.push((Role::Features, array)),
            _ => first.push(array),
        }
    }
    (first, beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_arrays_are() {
        for (name, role, key, split) in [
            ("x_train", Some(Role::Samples), "train", Some(Split::Train)),
            ("y_test", Some(Role::Labels), "test", Some(Split::Test)),
            ("val_images", Some(Role::Samples), "val", Some(Split::Val)),
            ("train_labels", Some(Role::Labels), "train", Some(Split::Train)),
            ("target_names", Some(Role::Classes), "names", None),
            ("feature_names", Some(Role::Columns), "feature-names", None),
            ("images", Some(Role::Samples), "", None),
            ("splits", Some(Role::Splits), "", None),
            ("arr_0", None, "arr-0", None),
            ("masks", None, "masks", None),
        ] {
            assert_eq!((role_of(name), key_of(name)), (role, (key.to_owned(), split)), "{name}");
        }
        assert_eq!(key_of("t10k-images-idx3-ubyte.gz"), (String::from("t10k"), Some(Split::Test)));
    }
}
