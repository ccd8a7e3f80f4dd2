//! What the user sees while work goes on: bars on a terminal, plain lines elsewhere, or nothing.
//!
//! All of it goes to stderr; stdout is for results.

use crate::report::number;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// Time between two plain lines of one task.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The bars on the terminal, of which a process has one.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));

/// How progress is shown; cloning it is cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bars with rate and time left.
    Bars,
    /// A line now and then.
    Lines,
    /// Nothing.
    Quiet,
}

impl Progress {
    /// Bars where stderr is a terminal, lines elsewhere, nothing when `quiet`.
    pub fn detect(quiet: bool) -> Self {
        match (quiet, stderr().is_terminal()) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Bars,
            (false, false) => Self::Lines,
        }
    }

    /// Starts a task of `total` steps, or of an unknown number; it ends when the value is dropped.
    pub fn start(self, name: &str, total: Option<u64>) -> Task {
        let bar = (self == Self::Bars).then(|| bar(name, total));
        Task(Arc::new(Inner {
            name: name.to_owned(),
            total,
            bar,
            lines: self == Self::Lines,
            done: AtomicU64::new(0),
            started: Instant::now(),
            last: Mutex::new(Instant::now()),
        }))
    }

    /// One line for the user, unless quiet.
    pub fn note(self, line: impl AsRef<str>) {
        if self != Self::Quiet {
            write_line(line.as_ref());
        }
    }

    /// One warning for the user, also when quiet.
    pub fn warn(self, line: impl AsRef<str>) {
        write_line(&format!("warning: {}", line.as_ref()));
    }
}

/// Writes to stderr, above the bars; a closed stderr is no reason to stop.
fn write_line(line: &str) {
    let _ = BARS.suspend(|| writeln!(stderr(), "{line}"));
}

fn bar(name: &str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(n) => (
            ProgressBar::new(n),
            "{msg:>14} {bar:28.green/dim} {human_pos}/{human_len} {per_sec}, {eta} left",
        ),
        None => (ProgressBar::new_spinner(), "{msg:>14} {spinner} {human_pos} {per_sec}"),
    };
    let bar = BARS.add(bar);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(name.to_owned());
    bar
}

/// One piece of work in progress; may be shared by threads.
#[derive(Clone, Debug)]
pub struct Task(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    lines: bool,
    done: AtomicU64,
    started: Instant,
    last: Mutex<Instant>,
}

impl Task {
    /// `n` more steps are done.
    pub fn inc(&self, n: u64) {
        let done = self.0.done.fetch_add(n, Ordering::Relaxed) + n;
        if let Some(bar) = &self.0.bar {
            bar.inc(n);
        } else if self.0.lines && self.line_is_due() {
            write_line(&self.0.line(done, self.0.started.elapsed()));
        }
    }

    /// A remark beside the bar, such as the loss of the last epoch.
    pub fn say(&self, remark: impl AsRef<str>) {
        if let Some(bar) = &self.0.bar {
            bar.set_message(format!("{} {}", self.0.name, remark.as_ref()));
        } else if self.0.lines && self.line_is_due() {
            write_line(&format!("{}: {}", self.0.name, remark.as_ref()));
        }
    }

    fn line_is_due(&self) -> bool {
        // A thread that finds the lock taken leaves the line to the other one.
        self.0.last.try_lock().is_ok_and(|mut last| {
            let due = last.elapsed() >= LINE_EVERY;
            if due {
                *last = Instant::now();
            }
            due
        })
    }
}

impl Inner {
    fn line(&self, done: u64, after: Duration) -> String {
        let rate = done as f64 / after.as_secs_f64().max(1e-3);
        let shown = number::value(rate);
        match self.total {
            Some(total) => {
                let left = total.saturating_sub(done) as f64 / rate.max(1e-9);
                format!("{}: {done}/{total}, {shown}/s, {left:.0} s left", self.name)
            }
            None => format!("{}: {done}, {shown}/s", self.name),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            BARS.remove(bar);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_count_across_threads() {
        for progress in [Progress::Quiet, Progress::Lines, Progress::Bars] {
            let task = progress.start("count", Some(40));
            std::thread::scope(|s| {
                for _ in 0..4 {
                    s.spawn(|| (0..10).for_each(|_| task.inc(1)));
                }
            });
            task.say("all done");
            assert_eq!(task.0.done.load(Ordering::Relaxed), 40);
        }
    }

    #[test]
    fn lines_tell_rate_and_time_left() {
        let task = Progress::Lines.start("x", Some(10));
        let after = Duration::from_millis(500);
        assert_eq!(task.0.line(4, after), "x: 4/10, 8/s, 1 s left");
        assert_eq!(task.0.line(10, after), "x: 10/10, 20/s, 0 s left");
        assert_eq!(Progress::Lines.start("y", None).0.line(3, after), "y: 3, 6/s");
        assert_eq!(task.0.line(2, 16 * after), "x: 2/10, 0.25/s, 32 s left");
    }

    #[test]
    fn quiet_wins_over_the_terminal() {
        assert_eq!(Progress::detect(true), Progress::Quiet);
        assert_ne!(Progress::detect(false), Progress::Quiet);
    }
}
