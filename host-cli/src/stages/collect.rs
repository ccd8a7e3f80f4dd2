//! `collect`: raw samples in any format that is read, to a dataset.
//!
//! What cannot be used is listed in `set_aside.jsonl`, one object per line with `file`, `row`,
//! `samples` and `reason`; the work goes on without it.

mod divide;

use self::divide::{Division, GroupBy};
use super::{Ctx, Outcome, Stage};
use crate::codec;
use crate::dataset::{DEFAULT_SHARD_ROWS, DatasetWriter, Fractions, Meta, Sample, Split, Storage};
use crate::dataset::{SPLIT_PURPOSE, feature};
use crate::defaults;
use crate::error::{Context, Error, Result};
use crate::formats::{self, Entry, Format, Header, Missing, ReadOptions, SetAside, Source};
use crate::pool::Held;
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
    /// Label column of a table (name, or number from 1), file of labels of arrays, or `none`;
    /// guessed when not given
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
    /// Take rows of values as pictures: height x width [x channels], such as 8x8 or 32x32x3
    #[arg(long, value_name = "HxW[xC]")]
    pub image_shape: Option<String>,
    /// The value that is white, where pictures come as numbers; guessed (1 or 255) when not given
    #[arg(long, value_name = "VALUE")]
    pub value_max: Option<f64>,
    /// What to do with rows that lack a value
    #[arg(long, value_enum, default_value_t = Missing::SetAside)]
    pub missing: Missing,
    /// Take at most this many samples, drawn by the seed
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
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
        let options = ReadOptions {
            format: self.format,
            label: self.label.clone(),
            image_shape: self.image_shape.as_deref().map(str::parse).transpose()?,
            value_max: self.value_max,
            header: self.header,
            missing: self.missing,
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
        if let Some(file) = self.label_file(input) {
            return Ok(vec![role("label", file)]);
        }
        if self.label.is_some() || !input.is_file() {
            return Ok(Vec::new());
        }
        Ok(formats::beside(input, self.format)?.into_iter().map(|file| role("beside", file)).collect())
    }

    /// Here `input` is the raw source: a file or a folder.
    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        let (options, fractions) = self.check()?;
        let mut source = formats::open(input, &options)?;
        ctx.progress.note(format!("{}: read as {}", input.display(), source.format));
        source.remarks.notes.iter().for_each(|note| ctx.progress.note(format!("  {note}")));
        source.remarks.warnings.iter().for_each(|warning| ctx.progress.warn(warning));
        let refused: u64 = source.set_aside.iter().map(|s| s.samples).sum();
        let found = source.entries.len() as u64 + refused;
        let mut entries = unique(&mut source);
        let distinct = entries.len();
        self.limit(ctx.seed, &mut entries);
        let left_out = distinct - entries.len();
        let division = self.division(ctx.seed, fractions, &source, &entries)?;
        if ctx.strict
            && let Some(first) = source.set_aside.first()
        {
            return Err(strict(first));
        }
        let name = self.name.clone().unwrap_or_else(|| name_of(input));
        let meta = Meta::of_kinds(name, &source.kinds, source.classes.clone(), source.columns.clone());
        let meta = Meta { storage: self.storage, normalize: source.normalize.clone(), ..meta };
        let writer = DatasetWriter::create(out, meta)?.pool(&ctx.pool).shard_rows(self.shard_rows);
        let mut set_aside = std::mem::take(&mut source.set_aside);
        let mut trained = vec![false; source.classes.len()];
        let meta = self.write(ctx, &source, &division, entries, writer, (&mut set_aside, &mut trained))?;
        set_aside.sort();
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
        let aside: u64 = set_aside.iter().map(|s| s.samples).sum();
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
    /// The file of labels that `label` names: only arrays have one, of a table it is a column.
    pub fn label_file(&self, input: &Path) -> Option<PathBuf> {
        let label = self.label.as_deref().filter(|label| *label != "none")?;
        let format = if self.format == Format::Auto { formats::detect(input).ok()? } else { self.format };
        matches!(format, Format::Idx | Format::Npy).then(|| label.into())
    }

    fn division(&self, seed: u64, wanted: Fractions, source: &Source, entries: &[Entry]) -> Result<Division> {
        if let (
            Some(by),
            Format::Idx | Format::Npy | Format::Npz | Format::Safetensors | Format::Cifar | Format::Csv,
        ) = (self.group_by, source.format)
        {
            return Err(Error::usage(format!("group_by {by} needs samples in files of their own, not rows")));
        }
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
        (set_aside, trained): (&mut Vec<SetAside>, &mut [bool]),
    ) -> Result<Meta> {
        let task = ctx.progress.start("collect", Some(entries.len() as u64));
        let load = |Planned { entry, .. }| {
            let aside = SetAside::one(source.loader.place(entry.at), "");
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
                Err(aside) if ctx.strict => Err(strict(&aside)),
                Err(aside) => {
                    set_aside.push(aside);
                    Ok(())
                }
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

/// The error of `--strict` for what would be set aside.
fn strict(aside: &SetAside) -> Error {
    Error::failed(aside.to_string()).hint("mend or remove it, or run without --strict to set it aside")
}

/// The samples in the order of their ids; of several with one id the first is kept.
fn unique(source: &mut Source) -> Vec<Entry> {
    let mut entries = std::mem::take(&mut source.entries);
    entries.sort_by(|a, b| (&a.id, a.at).cmp(&(&b.id, b.at)));
    let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        match kept.last().filter(|last| last.id == entry.id) {
            None => kept.push(entry),
            Some(first) => {
                let first = source.loader.place(first.at);
                let reason = format!("has the same id `{}` as {first}", entry.id);
                source.set_aside.push(SetAside::one(source.loader.place(entry.at), reason));
            }
        }
    }
    kept
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
mod tests {
    use super::*;
    use crate::codec::{Pixels, encode_png};
    use crate::dataset::Dataset;
    use crate::pool::Pool;
    use std::fs;

    fn picture(value: u8) -> Vec<u8> {
        encode_png(&Pixels::new(vec![value; 12], 2, 2, 3).unwrap()).unwrap()
    }

    /// 2 classes of 20 pictures, and three files that are of no use.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let raw = temp.path().join("raw");
        for class in ["cat", "dog"] {
            fs::create_dir_all(raw.join(class)).unwrap();
            for i in 0..20 {
                fs::write(raw.join(class).join(format!("{i}.png")), picture(i + 10)).unwrap();
            }
        }
        let whole = picture(1);
        fs::write(raw.join("cat/cut.png"), &whole[..whole.len() - 8]).unwrap();
        fs::write(raw.join("cat/3.jpg"), picture(9)).unwrap();
        fs::write(raw.join("dog/notes.txt"), "x").unwrap();
        (temp, raw)
    }

    fn read(out: &Path) -> Vec<Sample> {
        Dataset::open(out).unwrap().samples().collect::<Result<_>>().unwrap()
    }

    #[test]
    fn a_folder_becomes_a_dataset_and_what_is_damaged_a_list() {
        let (temp, raw) = folder();
        let out = temp.path().join("out");
        let outcome = CollectOptions::default().run(&Ctx::quiet(1), &raw, &out).unwrap();
        assert_eq!((outcome.samples, outcome.set_aside), (40, 3));
        assert_eq!(outcome.figures["splits"], serde_json::json!({"train": 35, "val": 0, "test": 5}));
        assert_eq!(outcome.figures["warnings"].as_array().unwrap().len(), 1, "none for validation");
        let splits: Vec<_> = read(&out).into_iter().map(|s| (s.id, s.split)).collect();
        let of = |id: &str| splits.iter().find(|(known, _)| known == id).unwrap().1;
        // The same picture in both classes.
        assert!((4..20).all(|i| of(&format!("cat/{i}")) == of(&format!("dog/{i}"))));
        let lines = fs::read_to_string(out.join(SET_ASIDE_FILE)).unwrap();
        let lines: Vec<SetAside> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        // The file that sorts first keeps the id.
        assert_eq!(lines[0].reason, "has the same id `cat/3` as cat/3.jpg");
        assert_eq!((lines[1].file.as_str(), lines[1].reason.as_str()), ("cat/cut.png", "PNG is cut off"));
        assert_eq!(lines[2].file, "dog/notes.txt");
        let samples = read(&out);
        assert_eq!(samples[0].id, "cat/0");
        let image = samples[0].content.image.as_ref().unwrap();
        assert_eq!(image.path.as_deref(), Some("cat/0.png"));
    }

    #[test]
    fn strict_stops_at_the_first_damage() {
        let (temp, raw) = folder();
        let ctx = Ctx { strict: true, ..Ctx::quiet(1) };
        let run = |name: &str| CollectOptions::default().run(&ctx, &raw, &temp.path().join(name));
        assert_eq!(
            run("a").unwrap_err().message,
            "neither PNG, JPEG, BMP, WebP, PNM nor TIFF: dog/notes.txt"
        );
        fs::remove_file(raw.join("dog/notes.txt")).unwrap();
        fs::remove_file(raw.join("cat/3.jpg")).unwrap();
        assert_eq!(run("b").unwrap_err().message, "PNG is cut off: cat/cut.png");
        fs::remove_file(raw.join("cat/cut.png")).unwrap();
        assert_eq!(run("c").unwrap().samples, 40);
    }

    #[test]
    fn threads_shards_and_reading_order_change_nothing() {
        let (temp, raw) = folder();
        let run = |name: &str, threads, shard_rows| {
            let ctx = Ctx { pool: Pool::new(threads).unwrap(), ..Ctx::quiet(7) };
            let options = CollectOptions { shard_rows, limit: Some(30), ..CollectOptions::default() };
            options.run(&ctx, &raw, &temp.path().join(name)).unwrap().figures["content_hash"].clone()
        };
        let first = run("a", 1, 1000);
        assert_eq!(first, run("b", 2, 7));
        // The same files, made in another order.
        let again = temp.path().join("again");
        for class in ["dog", "cat"] {
            fs::create_dir_all(again.join(class)).unwrap();
            let mut names: Vec<_> =
                fs::read_dir(raw.join(class)).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort_by(|a, b| b.cmp(a));
            names.iter().for_each(|n| {
                fs::copy(raw.join(class).join(n), again.join(class).join(n)).unwrap();
            });
        }
        let options = CollectOptions { limit: Some(30), ..CollectOptions::default() };
        let outcome = options.run(&Ctx::quiet(7), &again, &temp.path().join("c")).unwrap();
        assert_eq!(outcome.figures["content_hash"], first);
        assert_eq!(outcome.figures["left_out"], 11);
    }

    #[test]
    fn options_are_checked_before_any_work() {
        let run = |options: CollectOptions| {
            let e = options.run(&Ctx::quiet(0), Path::new("/none"), Path::new("/none/out")).unwrap_err();
            assert_eq!(e.exit_code(), 2, "{e}");
            e.message
        };
        let base = CollectOptions::default;
        assert!(run(CollectOptions { val_fraction: 1.0, ..base() }).contains("val_fraction"));
        assert!(run(CollectOptions { value_max: Some(-1.0), ..base() }).contains("value_max"));
        assert!(run(CollectOptions { limit: Some(0), ..base() }).contains("limit"));
        assert!(run(CollectOptions { max_pixels: 0, ..base() }).contains("max_pixels"));
        assert!(run(CollectOptions { shard_rows: 0, ..base() }).contains("shard_rows"));
        assert!(run(CollectOptions { image_shape: Some("8".into()), ..base() }).contains("image_shape"));
        let e = base().run(&Ctx::quiet(0), Path::new("/none"), Path::new("/none/out")).unwrap_err();
        assert_eq!((e.message.as_str(), e.exit_code()), ("no such file or folder: /none", 2));
    }

    #[test]
    fn nothing_of_use_and_nowhere_to_write_are_errors() {
        let temp = tempfile::tempdir().unwrap();
        let csv = temp.path().join("t.csv");
        fs::write(&csv, "x,z,y\n?,1,1\n1,?,2\n").unwrap();
        let options = CollectOptions { label: Some("y".into()), ..CollectOptions::default() };
        let e = options.run(&Ctx::quiet(0), &csv, &temp.path().join("a")).unwrap_err();
        assert!(e.message.starts_with("none of 2 samples can be used"), "{e}");
        fs::write(&csv, "x,z,k\n1,1,a\n2,1,a\n").unwrap();
        let e = CollectOptions::default().run(&Ctx::quiet(0), &csv, &csv.join("out")).unwrap_err();
        assert!(e.message.contains("t.csv"), "{e}");
        let keep = CollectOptions { missing: Missing::Keep, ..CollectOptions::default() };
        fs::write(&csv, "x,z,k\n1,?,a\n2,1,a\n3,1,b\n").unwrap();
        let outcome = keep.run(&Ctx::quiet(0), &csv, &temp.path().join("b")).unwrap();
        assert_eq!((outcome.samples, outcome.set_aside), (3, 0));
        assert!(read(&temp.path().join("b"))[0].row()[1].is_nan());
    }
}
