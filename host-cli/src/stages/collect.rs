//! `collect`: raw samples in any format that is read, to a dataset.
//!
//! What cannot be used is listed in `set_aside.jsonl`, one object per line with `file`, `row`,
//! `samples` and `reason`; the work goes on without it.

mod aside;
mod divide;

use self::aside::{Aside, AtMost};
use self::divide::{Division, GroupBy};
use super::{Ctx, Outcome, Stage};
use crate::codec;
use crate::dataset::{DEFAULT_SHARD_ROWS, DatasetWriter, Fractions, Meta, Sample, Split, Storage};
use crate::dataset::{SPLIT_PURPOSE, feature};
use crate::defaults;
use crate::error::{Context, Error, Result};
use crate::formats::{self, Decimal, Entry, Format, Header, Load, Missing, ReadOptions, SetAside, Source};
use crate::pool::Held;
use crate::report::number;
use seedbed::rng::{Key, Stream, id_hash};
use serde::{Deserialize, Serialize};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The list of what could not be used, in the folder of the dataset.
pub const SET_ASIDE_FILE: &str = "set_aside.jsonl";

/// Samples in memory at a time.
const BATCH: usize = 1024;

/// How raw samples are read and divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct CollectOptions {
    /// Format of the input; auto looks at the content
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    pub format: Format,
    /// Label column of a table (name, or number from 1), file of labels of arrays (of NPZ and safetensors the name of
    /// the array; of CIFAR-100 fine or coarse), or `none`; guessed when not given
    #[arg(long, value_name = "COLUMN|FILE")]
    pub label: Option<String>,
    /// Whether the first line of a table names its columns
    #[arg(long, value_enum, default_value_t = Header::Auto)]
    pub header: Header,
    /// Share of the samples for validation, 0 to below 1, each drawn by itself; a source that has its own keeps it
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    pub val_fraction: f64,
    /// Share of the samples for test, 0 to below 1, each drawn by itself; a source that has its own keeps it
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    pub test_fraction: f64,
    /// What makes pictures a group, which is never divided between the splits: their folder, or the file name up to
    /// the first `_`, `-` or `.`
    #[arg(long, value_enum, value_name = "PART")]
    pub group_by: Option<GroupBy>,
    /// The column (name, or number from 1) whose equal values make rows a group, which is never divided between the
    /// splits; it is no feature
    #[arg(long, value_name = "COLUMN", conflicts_with = "group_by")]
    pub group: Option<String>,
    /// Take rows of values as pictures: height x width [x channels], such as 8x8 or 32x32x3
    #[arg(long, value_name = "HxW[xC]")]
    pub image_shape: Option<String>,
    /// The value that is white, where pictures come as numbers; guessed (1 or 255) when not given
    #[arg(long, value_name = "VALUE")]
    pub value_max: Option<f64>,
    /// What to do with rows that lack a value
    #[arg(long, value_enum, default_value_t = Missing::SetAside)]
    pub missing: Missing,
    /// What stands before the decimals in a text table; auto takes a comma where it can be nothing else
    #[arg(long, value_enum, default_value_t = Decimal::Auto)]
    pub decimal: Decimal,
    /// Stop where more samples than this cannot be used: a number, or a share such as 5%; no limit when not given
    #[arg(long, value_name = "N|SHARE")]
    pub max_set_aside: Option<AtMost>,
    /// Take at most this many samples, drawn by the seed
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Take files that links lead to out of the source
    #[arg(long)]
    pub follow_links: bool,
    /// The most pixels that a picture may have; larger ones are set aside
    #[arg(long, default_value_t = codec::MAX_PIXELS, value_name = "N")]
    pub max_pixels: u64,
    /// The most bytes that a compressed file may unpack to
    #[arg(long, default_value_t = formats::MAX_UNPACKED, value_name = "BYTES")]
    pub max_unpacked: u64,
    /// Name of the dataset; that of the input when not given
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Samples in a shard, at least 1
    #[arg(long, default_value_t = DEFAULT_SHARD_ROWS, value_name = "N")]
    pub shard_rows: usize,
    /// How the shards hold the samples: Parquet with pictures as PNG, or Arrow with pictures, which then have one size,
    /// as raw pixels
    #[arg(long, value_enum, default_value_t = Storage::Png)]
    pub storage: Storage,
    /// The inputs after the first, where there are several.
    #[arg(skip)]
    #[serde(skip)]
    pub more: Vec<PathBuf>,
}

defaults!(CollectOptions);

impl CollectOptions {
    /// Checks the options and turns them into those of the readers.
    fn check(&self) -> Result<(ReadOptions, Fractions)> {
        let fractions = Fractions::new(self.val_fraction, self.test_fraction)?;
        if let Some(max) = self.value_max.filter(|max| !(max.is_finite() && *max > 0.0)) {
            return Err(Error::out_of_range("value_max", max, "a number above 0"));
        }
        for (key, value) in [
            ("limit", self.limit),
            ("max_pixels", Some(self.max_pixels)),
            ("max_unpacked", Some(self.max_unpacked)),
        ] {
            if value == Some(0) {
                return Err(Error::out_of_range(key, 0, "at least 1"));
            }
        }
        if self.shard_rows == 0 {
            return Err(Error::out_of_range("shard_rows", 0, "at least 1"));
        }
        if self.group.is_some() && self.group_by.is_some() {
            return Err(Error::usage("group and group_by cannot both say what a group is"));
        }
        let options = ReadOptions {
            format: self.format,
            label: self.label.clone(),
            group: self.group.clone(),
            decimal: self.decimal,
            image_shape: self.image_shape.as_deref().map(str::parse).transpose()?,
            value_max: self.value_max,
            header: self.header,
            missing: self.missing,
            follow_links: self.follow_links,
            max_pixels: self.max_pixels,
            max_unpacked: self.max_unpacked,
        };
        Ok((options, fractions))
    }
}

impl Stage for CollectOptions {
    fn check(&self) -> Result<()> {
        self.check().map(drop)
    }

    fn reads_raw(&self) -> bool {
        true
    }

    fn also(&self, input: &Path) -> Result<Vec<(String, PathBuf)>> {
        let role = |role: &str, file| (role.to_owned(), file);
        if !self.more.is_empty() {
            return self.inputs(input);
        }
        if let Some(file) = self.label_file(input) {
            return Ok(vec![role("label", file)]);
        }
        if self.label.is_some() || !input.is_file() {
            return Ok(Vec::new());
        }
        Ok(formats::beside(input, self.format)?.into_iter().map(|file| role("beside", file)).collect())
    }

    /// Here `input` is the raw source: a file or a folder, beside [`more`](Self::more) of them.
    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        let (options, fractions) = self.check()?;
        let inputs: Vec<PathBuf> = std::iter::once(input)
            .chain(self.more.iter().map(PathBuf::as_path))
            .map(Path::to_owned)
            .collect();
        let mut source = formats::open_all(&inputs, &options)?;
        let others = if inputs.len() > 1 { format!(" and {} more", inputs.len() - 1) } else { String::new() };
        ctx.progress.note(format!("{}{others}: read as {}", input.display(), source.format));
        source.remarks.notes.iter().for_each(|note| ctx.progress.note(format!("  {note}")));
        source.remarks.warnings.iter().for_each(|warning| ctx.progress.warn(warning));
        let refused: u64 = source.set_aside.iter().map(|s| s.samples).sum();
        let found = source.entries.len() as u64 + refused;
        let mut entries = unique(&mut source);
        let distinct = entries.len();
        self.limit(ctx.seed, &mut entries);
        let left_out = distinct - entries.len();
        let division = self.division(ctx.seed, fractions, &source, &entries)?;
        for note in division.notes(fractions) {
            ctx.progress.note(format!("  {note}"));
            source.remarks.notes.push(note);
        }
        ctx.progress.note(records(&entries, &*source.loader));
        let set_aside = std::mem::take(&mut source.set_aside);
        let mut set_aside = Aside::new(set_aside, found, self.max_set_aside, ctx.strict)?;
        let whole = if inputs.len() > 1 { formats::common_folder(&inputs)? } else { input.to_owned() };
        let name = self.name.clone().unwrap_or_else(|| name_of(&whole));
        let meta = Meta::of_kinds(name, &source.kinds, source.classes.clone(), source.columns.clone());
        let meta = Meta { storage: self.storage, normalize: source.normalize.clone(), ..meta };
        let writer = DatasetWriter::create(out, meta)?.pool(&ctx.pool).shard_rows(self.shard_rows);
        let mut trained = vec![false; source.classes.len()];
        let meta = self.write(ctx, &source, &division, entries, writer, (&mut set_aside, &mut trained))?;
        let (set_aside, aside) = set_aside.finish();
        write_lines(&out.join(SET_ASIDE_FILE), &set_aside)?;
        if meta.counts.samples == 0 {
            let first = set_aside.first().map_or(String::new(), |s| format!(" (the first: {s})"));
            return Err(Error::failed(format!(
                "none of {found} samples can be used{first}: {}",
                input.display()
            )));
        }
        let warnings = division.warnings(&meta, &trained);
        warnings.iter().for_each(|warning| ctx.progress.warn(warning));
        source.remarks.warnings.extend(warnings);
        Ok(Outcome::new(meta.counts.samples)
            .set_aside(aside)
            .figure("format", source.format)
            .figure("kind", meta.kind)
            .figure("guesses", &source.remarks.notes)
            .figure("warnings", &source.remarks.warnings)
            .figure("left_out", left_out)
            .figure("image", meta.image)
            .figure("columns", meta.columns.len())
            .figure("splits", splits(&meta))
            .figure("classes", &meta.classes)
            .figure("per_class", &meta.counts.per_class)
            .figure("content_hash", &meta.content_hash))
    }
}

impl CollectOptions {
    /// The inputs after the first, each in a role that tells where they lie to each other: ids come from that.
    fn inputs(&self, first: &Path) -> Result<Vec<(String, PathBuf)>> {
        let mut all = vec![first.to_owned()];
        all.extend(self.more.iter().cloned());
        let root = formats::common_folder(&all)?;
        let name = |path: &Path| {
            let path = std::path::absolute(path).at(path)?;
            Ok::<_, Error>(path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned())
        };
        let first = name(first)?;
        self.more.iter().map(|path| Ok((format!("input {first} {}", name(path)?), path.clone()))).collect()
    }

    /// The file of labels that `label` names: only arrays have one, of a table it is a column.
    pub fn label_file(&self, input: &Path) -> Option<PathBuf> {
        let label = self.label.as_deref().filter(|label| *label != "none")?;
        let format = if self.format == Format::Auto { formats::detect(input).ok()? } else { self.format };
        matches!(format, Format::Idx | Format::Npy).then(|| label.into())
    }

    fn division(&self, seed: u64, wanted: Fractions, source: &Source, entries: &[Entry]) -> Result<Division> {
        if let Some(by) = self.group_by
            && (source.format.is_of_arrays() || source.format == Format::Csv)
        {
            return Err(Error::usage(format!("group_by {by} needs samples in files of their own, not rows")));
        }
        let wanted = if source.divided { Fractions { val: 0.0, test: 0.0 } } else { wanted };
        Ok(Division::new(seed, wanted, self.group_by, entries))
    }

    /// Keeps the `limit` samples whose hash under the seed is least: the same ones whatever the order.
    fn limit(&self, seed: u64, entries: &mut Vec<Entry>) {
        let Some(limit) = self.limit.filter(|&limit| (limit as usize) < entries.len()) else { return };
        let draw = |id: &str| {
            Stream::new(seed, Key::new(SPLIT_PURPOSE).op(1).sample(id_hash(id.as_bytes()))).next_u64()
        };
        entries.sort_by_cached_key(|entry| (draw(&entry.id), entry.id.clone()));
        entries.truncate(limit as usize);
        entries.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// Loads the samples and writes them in the order of their ids.
    fn write(
        &self,
        ctx: &Ctx,
        source: &Source,
        division: &Division,
        entries: Vec<Entry>,
        mut writer: DatasetWriter,
        (set_aside, trained): (&mut Aside, &mut [bool]),
    ) -> Result<Meta> {
        let task = ctx.progress.start("collect", Some(entries.len() as u64));
        let load = |Planned { entry, .. }| {
            let aside = SetAside::one(source.loader.place(entry.at), "").of(&*entry.id);
            Ok(self.sample(source, division, entry).map_err(|e| SetAside { reason: e.message, ..aside }))
        };
        let mut groups = source.groups.clone();
        groups.resize(source.columns.len(), None);
        let mut features = feature::unseen(groups);
        let planned = entries.into_iter().map(|entry| Planned { size: source.loader.size(entry.at), entry });
        ctx.pool.stream(planned.map(Ok), BATCH, load, |loaded| {
            task.inc(1);
            match loaded {
                Ok(sample) => {
                    divide::see(trained, &sample);
                    feature::see(&mut features, sample.row(), sample.split == Split::Train);
                    writer.push(sample)
                }
                Err(aside) => set_aside.push(aside),
            }
        })?;
        writer.describe(features);
        writer.finish()
    }

    fn sample(&self, source: &Source, division: &Division, entry: Entry) -> Result<Sample> {
        let content = source.loader.load(entry.at)?;
        let missing = content.row.iter().position(|v| v.is_nan());
        if let Some(name) = missing.and_then(|at| source.columns.get(at))
            && self.missing == Missing::SetAside
        {
            return Err(Error::failed(format!("missing value in column `{name}`")));
        }
        let split = division.split_of(&entry, &content)?;
        let sample = Sample::new(entry.id, entry.label, split, content);
        Ok(match entry.more {
            Some(more) => Sample { weight: more.weight, origin: more.origin, ..sample },
            None => sample,
        })
    }
}

/// A sample to load, and about how many bytes it will take.
struct Planned {
    entry: Entry,
    size: usize,
}

impl Held for Planned {
    fn held(&self) -> usize {
        self.size
    }
}

/// What stays in memory of all samples together.
fn records(entries: &[Entry], loader: &dyn Load) -> String {
    let long = entries.iter().filter(|entry| entry.id.is_heap_allocated());
    let ids: usize = long.map(|entry| entry.id.capacity()).sum();
    let bytes = size_of_val(entries) + ids + loader.records();
    let megabytes = number::value(bytes as f64 / 1e6);
    format!("{} samples: {megabytes} MB of records stay in memory", number::count(entries.len() as u64))
}

/// The samples in the order of their ids; of several with one id the first is kept.
fn unique(source: &mut Source) -> Vec<Entry> {
    let mut entries = std::mem::take(&mut source.entries);
    // In place, as there may be millions; no two are equal, since each has a number of its own.
    entries.sort_unstable_by(|a, b| (&a.id, a.at).cmp(&(&b.id, b.at)));
    entries.dedup_by(|entry, first| {
        let twice = entry.id == first.id;
        if twice {
            let first = source.loader.place(first.at);
            let reason = format!("has the same id `{}` as {first}", entry.id);
            source.set_aside.push(SetAside::one(source.loader.place(entry.at), reason));
        }
        twice
    });
    entries.shrink_to_fit();
    entries
}

/// The name of the last part of a path, also of `.`.
fn name_of(input: &Path) -> String {
    let real = input.canonicalize().unwrap_or_else(|_| input.to_owned());
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("dataset").to_owned()
}

/// How many samples each split has, by name.
pub(super) fn splits(meta: &Meta) -> serde_json::Value {
    let counts = &meta.counts;
    serde_json::json!({"train": counts.train, "val": counts.val, "test": counts.test})
}

/// Writes one JSON object per line.
pub(super) fn write_lines(path: &Path, items: &[impl Serialize]) -> Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path).at(path)?);
    for item in items {
        serde_json::to_writer(&mut file, item).at(path)?;
        file.write_all(b"\n").at(path)?;
    }
    file.flush().at(path)
}

#[cfg(test)]
mod tests;
