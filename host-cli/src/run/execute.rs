//! One stage, run at most once for the same options, seed and input.

use super::files::Files;
use super::folder::{Draft, apart, make_output, may_write, sweep};
use super::key::{self, KeyParts};
use super::options::split_paths;
use super::record::{STAGE_FILE, StageRecord, VERSION, load, save};
use crate::error::{Error, Result};
use crate::progress::Event;
use crate::stages::{Ctx, Stage, kept_beside};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// One stage with all that it needs.
pub struct Call<'a> {
    /// The stage's name.
    pub name: &'a str,
    /// The stage.
    pub stage: &'a dyn Stage,
    /// Its options as they go into the key.
    pub options: Value,
    /// What it reads.
    pub input: &'a Path,
    /// What else it reads: a role and a path each.
    pub also: Vec<(String, PathBuf)>,
    /// The folder that it writes.
    pub out: &'a Path,
}

impl<'a> Call<'a> {
    /// The stage with these options. Options that are paths count by what is there, not by where it is.
    ///
    /// # Errors
    /// When a path is not UTF-8, or the input cannot be looked at.
    pub fn new<O: Stage + clap::Args + Serialize>(
        name: &'a str,
        stage: &'a O,
        input: &'a Path,
        out: &'a Path,
    ) -> Result<Self> {
        let (mut options, mut also) = split_paths(stage)?;
        for (role, path) in stage.also(input)? {
            if let Value::Object(map) = &mut options {
                map.remove(&role);
            }
            also.push((role, path));
        }
        Ok(Self { name, stage, options, input, also, out })
    }

    /// The hash of all that the result depends on.
    ///
    /// # Errors
    /// When something that it reads is missing or damaged.
    pub fn key(&self, ctx: &Ctx) -> Result<String> {
        let mut inputs = vec![("input", key::content(self.input, self.stage.reads_raw(), &ctx.pool)?)];
        for (role, path) in &self.also {
            inputs.push((role, key::content(path, false, &ctx.pool)?));
        }
        Ok(KeyParts { stage: self.name, options: &self.options, seed: ctx.seed, inputs: &inputs }.hash())
    }
}

/// Runs the stage unless its folder holds the result already, and writes `stage.json` beside it.
///
/// # Errors
/// When the output folder belongs to something else or holds something else, the input is missing, or the
/// stage fails; the output folder is then as it was.
pub fn execute(ctx: &Ctx, call: &Call<'_>) -> Result<StageRecord> {
    call.stage.check()?;
    may_write(call.out, STAGE_FILE)?;
    let earlier: Option<StageRecord> = load(call.out, STAGE_FILE)?;
    if let Some(other) = earlier.as_ref().filter(|e| e.stage != call.name) {
        return Err(Error::usage(format!(
            "the output folder holds the result of `seedbed {}`: {}",
            other.stage,
            call.out.display()
        ))
        .hint("choose another folder with --out"));
    }
    for path in std::iter::once(call.input).chain(call.also.iter().map(|(_, path)| path.as_path())) {
        apart(path, call.out)?;
    }
    let key = call.key(ctx)?;
    let out = call.out.display().to_string();
    ctx.progress.tell(Event::StageStart { stage: call.name, out: &out, key: &key, options: &call.options });
    let done = keep_or_work(ctx, call, earlier, key)?;
    let StageRecord { samples, set_aside, seconds, cached, .. } = done;
    ctx.progress.tell(Event::StageEnd { stage: call.name, samples, set_aside, seconds, cached });
    Ok(done)
}

fn keep_or_work(
    ctx: &Ctx,
    call: &Call<'_>,
    earlier: Option<StageRecord>,
    key: String,
) -> Result<StageRecord> {
    if let Some(earlier) = earlier {
        // With --strict a result that had to set something aside is none.
        let same = earlier.key == key && !(ctx.strict && earlier.set_aside > 0);
        if let Some(kept) = keep(ctx, call, earlier, same)? {
            return Ok(kept);
        }
    }
    work(ctx, call, key)
}

/// The record of the `earlier` result, if it is the `same` and still whole.
fn keep(ctx: &Ctx, call: &Call<'_>, earlier: StageRecord, same: bool) -> Result<Option<StageRecord>> {
    let Some(written) = &earlier.files else { return Ok(None) };
    let there = Files::list(call.out)?;
    if same && written.missing(&there).is_none() {
        ctx.progress.note(format!("{}: nothing changed, kept as it is", call.name));
        sweep(call.out);
        return Ok(Some(StageRecord { cached: true, ..earlier }));
    }
    if let Some(name) = written.foreign(&there) {
        return Err(Error::usage(format!(
            "a file that seedbed did not write would be deleted: {}",
            call.out.join(name).display()
        ))
        .hint("move it elsewhere, or choose another folder with --out"));
    }
    if same {
        ctx.progress
            .warn(format!("{}: files of the result are gone or changed: it is made again", call.name));
    }
    Ok(None)
}

fn work(ctx: &Ctx, call: &Call<'_>, key: String) -> Result<StageRecord> {
    let draft = Draft::new(call.out, &key)?;
    let start = Instant::now();
    let outcome = ctx.pool.inside(|| call.stage.run(ctx, call.input, draft.path()))?;
    // Evaluation writes figures only, and so no folder of its own.
    make_output(draft.path())?;
    let mut files = Files::list(draft.path())?;
    files.hash(draft.path(), &ctx.pool)?;
    let record = StageRecord {
        version: VERSION,
        stage: call.name.to_owned(),
        key,
        options: call.options.clone(),
        seed: ctx.seed,
        samples: outcome.samples,
        set_aside: outcome.set_aside,
        seconds: start.elapsed().as_secs_f64(),
        cached: false,
        folder: String::new(),
        files: Some(files),
        figures: outcome.figures,
    };
    save(draft.path(), STAGE_FILE, &record)?;
    let kept = kept_beside(draft.path());
    draft.publish()?;
    // The result is in place; nobody goes on from what the stage kept on the way.
    let _ = std::fs::remove_file(kept);
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::Outcome;
    use serde_json::json;
    use std::fs;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Copies a file, counts how often, and fails when the file says so.
    #[derive(Default)]
    struct Copy(AtomicU32);

    impl Stage for Copy {
        fn run(&self, _: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
            self.0.fetch_add(1, Ordering::Relaxed);
            fs::create_dir(out).unwrap();
            fs::copy(input.join("x"), out.join("x")).unwrap();
            let text = fs::read_to_string(input.join("x")).unwrap();
            if text == "bad" {
                Err(Error::failed("bad: x"))
            } else {
                Ok(Outcome::new(text.len() as u64).set_aside(1))
            }
        }
    }

    #[test]
    fn a_stage_runs_again_only_when_something_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (input, out) = (dir.path().join("in"), dir.path().join("out"));
        fs::create_dir(&input).unwrap();
        let stage = Copy::default();
        let go = |text: &str, options: Value, ctx: &Ctx| {
            fs::write(input.join("x"), text).unwrap();
            let call = Call { name: "copy", stage: &stage, options, input: &input, also: vec![], out: &out };
            execute(ctx, &call).map(|r| (r.cached, r.samples, stage.0.load(Ordering::Relaxed)))
        };
        let ctx = Ctx::quiet(1);
        assert_eq!(go("one", json!({}), &ctx).unwrap(), (false, 3, 1));
        assert_eq!(go("one", json!({}), &ctx).unwrap(), (true, 3, 1));
        assert_eq!(go("three", json!({}), &ctx).unwrap(), (false, 5, 2));
        assert_eq!(go("three", json!({"a": 1}), &ctx).unwrap(), (false, 5, 3));
        assert_eq!(go("three", json!({"a": 1}), &Ctx::quiet(2)).unwrap(), (false, 5, 4));
        // A failure leaves what was there.
        assert!(go("bad", json!({}), &ctx).is_err());
        assert_eq!(fs::read_to_string(out.join("x")).unwrap(), "three");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        let strict = Ctx { strict: true, ..Ctx::quiet(2) };
        assert_eq!(go("three", json!({"a": 1}), &strict).unwrap(), (false, 5, 6));
        // A result that is not whole is made again.
        fs::write(out.join("x"), "thr").unwrap();
        assert_eq!(go("three", json!({"a": 1}), &Ctx::quiet(2)).unwrap(), (false, 5, 7));
        // What is not ours is not deleted.
        fs::write(out.join("notes.txt"), "mine").unwrap();
        assert_eq!(go("three", json!({"a": 1}), &Ctx::quiet(2)).unwrap(), (true, 5, 7));
        let e = go("four", json!({}), &ctx).unwrap_err();
        assert!(e.exit_code() == 2 && e.message.contains("notes.txt"), "{e}");
        assert!(out.join("notes.txt").is_file());
    }

    #[test]
    fn the_result_of_another_stage_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (input, out) = (dir.path().join("in"), dir.path().join("out"));
        fs::create_dir(&input).unwrap();
        fs::write(input.join("x"), "one").unwrap();
        let stage = Copy::default();
        let call =
            |name| Call { name, stage: &stage, options: json!({}), input: &input, also: vec![], out: &out };
        execute(&Ctx::quiet(1), &call("copy")).unwrap();
        let e = execute(&Ctx::quiet(1), &call("paste")).unwrap_err();
        assert!(e.exit_code() == 2 && e.message.contains("seedbed copy"), "{e}");
    }
}
