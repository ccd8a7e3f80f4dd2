//! What the user sees while work goes on: bars on a terminal, plain lines elsewhere, or nothing.
//!
//! All of it goes to stderr; stdout is for results. Programs and the log are told of [`Event`]s.

mod event;

pub use event::{Event, Output, Sink};

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

/// Time between two events of one task.
const EVENT_EVERY: Duration = Duration::from_millis(250);

/// How progress is shown on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Bars with rate and time left.
    Bars,
    /// A line now and then.
    Lines,
    /// Warnings only.
    Quiet,
    /// Nothing at all: stderr is somebody else's.
    Nothing,
}

/// How progress is shown, and who else is told of it; cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Progress {
    show: Show,
    sinks: Vec<Arc<Sink>>,
}

impl From<Show> for Progress {
    fn from(show: Show) -> Self {
        Self { show, sinks: Vec::new() }
    }
}

impl Progress {
    /// Bars where stderr is a terminal, lines elsewhere, warnings only when `quiet`.
    pub fn detect(quiet: bool) -> Self {
        let show = match (quiet, stderr().is_terminal()) {
            (true, _) => Show::Quiet,
            (false, true) => Show::Bars,
            (false, false) => Show::Lines,
        };
        show.into()
    }

    /// The same, told to `sink`, too.
    #[must_use]
    pub fn and(&self, sink: Sink) -> Self {
        let mut sinks = self.sinks.clone();
        sinks.push(Arc::new(sink));
        Self { show: self.show, sinks }
    }

    /// Tells programs and the log of something; the terminal shows nothing of it.
    pub fn tell(&self, event: Event<'_>) {
        self.sinks.iter().for_each(|sink| sink.take(&event));
    }

    /// Starts a task of `total` steps, or of an unknown number; it ends when the value is dropped.
    pub fn start(&self, name: &str, total: Option<u64>) -> Task {
        self.tell(Event::TaskStart { task: name, total });
        Task(Arc::new(Inner {
            name: name.to_owned(),
            total,
            bar: (self.show == Show::Bars).then(|| bar(name, total)),
            progress: self.clone(),
            done: AtomicU64::new(0),
            started: Instant::now(),
            last: Mutex::new(Instant::now()),
            told: Mutex::new(Instant::now()),
        }))
    }

    /// One line for the user, unless quiet.
    pub fn note(&self, line: impl AsRef<str>) {
        self.tell(Event::Note { text: line.as_ref() });
        if matches!(self.show, Show::Bars | Show::Lines) {
            write_line(line.as_ref());
        }
    }

    /// One warning for the user, also when quiet.
    pub fn warn(&self, line: impl AsRef<str>) {
        self.tell(Event::Warning { text: line.as_ref() });
        if self.show != Show::Nothing {
            write_line(&format!("warning: {}", line.as_ref()));
        }
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
    progress: Progress,
    done: AtomicU64,
    started: Instant,
    /// When the last line was written.
    last: Mutex<Instant>,
    /// When the last event was.
    told: Mutex<Instant>,
}

impl Task {
    /// `n` more steps are done.
    pub fn inc(&self, n: u64) {
        let done = self.0.done.fetch_add(n, Ordering::Relaxed) + n;
        if !self.0.progress.sinks.is_empty() && is_due(&self.0.told, EVENT_EVERY) {
            self.0.tell();
        }
        if let Some(bar) = &self.0.bar {
            bar.inc(n);
        } else if self.0.shows_lines() && is_due(&self.0.last, LINE_EVERY) {
            write_line(&self.0.line(done, self.0.started.elapsed()));
        }
    }

    /// A remark beside the bar, such as the loss of the last epoch.
    pub fn say(&self, remark: impl AsRef<str>) {
        self.0.progress.tell(Event::Remark { task: &self.0.name, text: remark.as_ref() });
        if let Some(bar) = &self.0.bar {
            bar.set_message(format!("{} {}", self.0.name, remark.as_ref()));
        } else if self.0.shows_lines() && is_due(&self.0.last, LINE_EVERY) {
            write_line(&format!("{}: {}", self.0.name, remark.as_ref()));
        }
    }
}

/// Whether `every` has passed since `last`, which is now then.
fn is_due(last: &Mutex<Instant>, every: Duration) -> bool {
    // A thread that finds the lock taken leaves it to the other one.
    last.try_lock().is_ok_and(|mut last| {
        let due = last.elapsed() >= every;
        if due {
            *last = Instant::now();
        }
        due
    })
}

impl Inner {
    fn shows_lines(&self) -> bool {
        self.progress.show == Show::Lines
    }

    /// Tells programs how far it is.
    fn tell(&self) {
        let (done, seconds) = (self.done.load(Ordering::Relaxed), self.started.elapsed().as_secs_f64());
        self.progress.tell(Event::Progress { task: &self.name, done, total: self.total, seconds });
    }

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
        self.tell();
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
        for show in [Show::Nothing, Show::Quiet, Show::Lines, Show::Bars] {
            let task = Progress::from(show).start("count", Some(40));
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
        let task = Progress::from(Show::Lines).start("x", Some(10));
        let after = Duration::from_millis(500);
        assert_eq!(task.0.line(4, after), "x: 4/10, 8/s, 1 s left");
        assert_eq!(task.0.line(10, after), "x: 10/10, 20/s, 0 s left");
        assert_eq!(Progress::from(Show::Lines).start("y", None).0.line(3, after), "y: 3, 6/s");
        assert_eq!(task.0.line(2, 16 * after), "x: 2/10, 0.25/s, 32 s left");
    }

    #[test]
    fn quiet_wins_over_the_terminal() {
        assert_eq!(Progress::detect(true).show, Show::Quiet);
        assert_ne!(Progress::detect(false).show, Show::Quiet);
    }
}
