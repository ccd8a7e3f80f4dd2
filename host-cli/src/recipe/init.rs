//! `seedbed init`: looks at raw samples and writes a recipe for them.

use super::text::Found;
use crate::dataset::Kind;
use crate::durable::write_whole;
use crate::error::{Context, Error, Result};
use crate::formats::{self, Format, ReadOptions, Source};
use crate::input::Input;
use crate::run::outside;
use crate::stages::Ctx;
use crate::stages::preprocess::{Mode, Size};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Pictures that are looked at for their sizes, at most.
const LOOKED_AT: usize = 64;
/// The size that a small model learns well.
const MODEL_SIZE: &str = "32";
/// The side up to which pictures of one size keep it.
const LARGE: usize = 64;

/// Options of `init`.
#[derive(Clone, Debug, clap::Args)]
pub struct InitOptions {
    /// The raw samples: files, folders, patterns such as 'shards/*.tar', or @FILE with a path on each line.
    #[arg(required = true, value_name = "PATH")]
    pub input: Vec<PathBuf>,
    /// Overwrite a recipe that is there.
    #[arg(long)]
    pub force: bool,
}

/// What `init` found and wrote.
#[derive(Clone, Debug)]
pub struct Written {
    /// The recipe file.
    pub out: PathBuf,
    /// What the samples come as.
    pub format: Format,
    /// What they are.
    pub kind: Kind,
    /// How many there are.
    pub samples: usize,
    /// How many cannot be used, as far as a look at the list of them shows.
    pub set_aside: u64,
    /// Their classes.
    pub classes: usize,
    /// What was guessed.
    pub notes: Vec<String>,
    /// What is likely not meant.
    pub warnings: Vec<String>,
    /// The command to go on with.
    pub next: String,
}

/// Looks at the input and writes a commented recipe for it to `out`, with the seed and the strictness of `ctx`.
///
/// # Errors
/// When the input is of no known format, or `out` is there and `force` is not given.
pub fn init(ctx: &Ctx, options: &InitOptions, out: &Path) -> Result<Written> {
    if out.is_dir() {
        return Err(Error::usage(format!("the recipe would be a folder: {}", out.display()))
            .hint("name a file with --out, such as seedbed.toml"));
    }
    if out.exists() && !options.force {
        return Err(Error::usage(format!("there is a recipe already: {}", out.display()))
            .hint("choose another file with --out, or overwrite it with --force"));
    }
    if ctx.seed > i64::MAX as u64 {
        return Err(Error::out_of_range("seed", ctx.seed, "at most 9223372036854775807 in a recipe"));
    }
    let files = options.input.iter().collect::<Input>().resolve_files()?;
    if files.paths.iter().any(|path| path.is_dir() && outside(path, out).is_err()) {
        return Err(Error::usage(format!("the recipe would lie among the samples: {}", out.display()))
            .hint("name a file elsewhere with --out, such as ../seedbed.toml"));
    }
    let mut source = formats::open_all(&files.paths, &ReadOptions::default())?;
    let whole = match files.paths.as_slice() {
        [only] => only.clone(),
        several => formats::common_folder(several)?,
    };
    let name = fs::canonicalize(&whole).at(&whole)?;
    let name = name.file_name().map_or_else(|| "dataset".into(), |n| n.to_string_lossy().into_owned());
    // `digits.csv.gz` is the dataset `digits`.
    let name = if whole.is_file() { name.split('.').next().unwrap_or(&name) } else { &name };
    let (size, mode) = form(&mut source);
    let found = Found {
        input: options.input.iter().map(|path| shown(path, out)).collect::<Result<_>>()?,
        name: name.to_owned(),
        seed: ctx.seed,
        strict: ctx.strict,
        kind: source.kind(),
        classes: !source.classes.is_empty(),
        size,
        mode,
    };
    if let Some(parent) = out.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(parent).at(parent)?;
    }
    write_whole(out, found.recipe())?;
    let folder = format!("{}-run", out.file_stem().unwrap_or_default().to_string_lossy());
    let mut next = format!("seedbed run {}", out.display());
    if files.paths.iter().any(|path| outside(path, Path::new(&folder)).is_err()) {
        // Without --out the run would be written where the command is called: among the samples.
        next += &format!(" --out {}", out.with_file_name(folder).display());
    }
    Ok(Written {
        next,
        out: out.to_owned(),
        format: source.format,
        kind: source.kind(),
        samples: source.entries.len(),
        set_aside: source.set_aside.iter().map(|s| s.samples).sum(),
        classes: source.classes.len(),
        notes: source.remarks.notes,
        warnings: source.remarks.warnings,
    })
}

/// The size and the channels to give pictures, as far as a look at some of them shows that they need it.
fn form(source: &mut Source) -> (Option<Size>, Mode) {
    if source.kind() != Kind::Images {
        return (None, Mode::Keep);
    }
    let step = source.entries.len().div_ceil(LOOKED_AT).max(1);
    let shapes = source.entries.iter().step_by(step).filter_map(|entry| match source.loader.load(entry.at) {
        Ok(content) => Some(content.image?.pixels().ok()?.shape()),
        _ => None,
    });
    let shapes: Vec<[usize; 3]> = shapes.collect();
    let sizes: BTreeSet<&[usize]> = shapes.iter().map(|shape| &shape[..2]).collect();
    let channels: BTreeSet<usize> = shapes.iter().map(|shape| shape[2]).collect();
    let (several, large) = (sizes.len() > 1, shapes.iter().any(|[h, w, _]| *h.max(w) > LARGE));
    let size = if several || large { MODEL_SIZE.parse().ok() } else { None };
    let mode = if channels.len() > 1 { Mode::Rgb } else { Mode::Keep };
    if size.is_some() {
        let what = if several { "are of several sizes" } else { "are large for a small model" };
        source.remarks.notes.push(format!("the pictures {what}: all become {MODEL_SIZE}x{MODEL_SIZE}"));
    }
    if mode == Mode::Rgb {
        source.remarks.notes.push("some pictures are grey and some in colour: all become RGB".to_owned());
    }
    (size, mode)
}

/// The input as the recipe names it: relative where it lies below the recipe's folder.
fn shown(input: &Path, out: &Path) -> Result<String> {
    let (mark, input) = match input.to_str().and_then(|name| name.strip_prefix('@')) {
        Some(list) if !input.exists() => ("@", Path::new(list)),
        _ => ("", input),
    };
    // A pattern is no path that could be looked at.
    let input =
        if input.exists() { fs::canonicalize(input) } else { std::path::absolute(input) }.at(input)?;
    let folder = std::path::absolute(out).at(out)?;
    let folder = folder.parent().and_then(|p| fs::canonicalize(p).ok());
    let path = folder.as_deref().and_then(|f| input.strip_prefix(f).ok()).unwrap_or(&input);
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    Ok(format!("{mark}{}", path.to_string_lossy()))
}
