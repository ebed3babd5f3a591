//! Progress of a long build: a bar on a terminal, lines in a pipe, events for programs; and its interruption.

use std::io::{Stderr, Write as _, stderr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Terminal;
use crate::build;

/// The form of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Style {
    /// A bar on a terminal, lines in a pipe, for long builds.
    Auto,
    /// A line every two seconds.
    Lines,
    /// One JSON object per line.
    Json,
    /// No progress.
    Off,
}

/// Shows the progress of a build.
pub(super) struct Progress {
    view: View,
    total: usize,
    done: AtomicUsize,
    begin: Instant,
    /// Milliseconds from the start to the next line.
    next: AtomicU64,
}

enum View {
    Nothing,
    Bar(ProgressBar),
    Lines,
    Json,
}

/// The user pressed Ctrl-C, or a program sent SIGTERM.
static OVER: AtomicBool = AtomicBool::new(false);

impl Progress {
    /// Smaller builds end before anyone could read a bar.
    const WORTH_IT: usize = 50;
    /// Time between two lines.
    const PAUSE: Duration = Duration::from_secs(2);

    /// Starts progress for a number of hosts. From here on, Ctrl-C ends the build and not the process, so that no files are left
    /// over.
    pub(super) fn new(total: usize, style: Style, terminal: &Terminal) -> Self {
        let view = match style {
            Style::Auto if total < Self::WORTH_IT || terminal.is_quiet() => View::Nothing,
            Style::Auto if terminal.is_interactive() => View::Bar(bar(total)),
            Style::Auto | Style::Lines => View::Lines,
            Style::Json => View::Json,
            Style::Off => View::Nothing,
        };
        if total >= Self::WORTH_IT {
            // A second handler is refused: the first does the same.
            let _ = ctrlc::set_handler(|| OVER.store(true, Ordering::Relaxed));
        }
        let next = AtomicU64::new(millis(Self::PAUSE));
        Self { view, total, done: AtomicUsize::new(0), begin: Instant::now(), next }
    }

    /// Reports the result.
    pub(super) fn finish(&self) {
        match &self.view {
            View::Bar(bar) => bar.finish_and_clear(),
            View::Json => self.event("finished", self.done.load(Ordering::Relaxed)),
            View::Lines | View::Nothing => {}
        }
    }

    /// Whether it is time for another line.
    fn is_due(&self) -> bool {
        let now = millis(self.begin.elapsed());
        let due = self.next.load(Ordering::Relaxed);
        let later = now + millis(Self::PAUSE);
        now >= due && self.next.compare_exchange(due, later, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    #[expect(clippy::cast_precision_loss, reason = "shown without digits")]
    fn rate(&self, done: usize) -> f64 {
        done as f64 / self.begin.elapsed().as_secs_f64().max(1e-3)
    }

    #[expect(clippy::cast_precision_loss, reason = "shown without digits")]
    fn left(&self, done: usize) -> f64 {
        (self.total - done.min(self.total)) as f64 / self.rate(done).max(1e-3)
    }

    fn line(&self, done: usize) {
        let (rate, left) = (self.rate(done), self.left(done));
        say(&format!("{done} of {} hosts, {rate:.0}/s, {left:.0} s left", self.total));
    }

    fn event(&self, name: &str, done: usize) {
        let seconds = self.begin.elapsed().as_secs_f64();
        say(&serde_json::json!({ "event": name, "done": done, "total": self.total, "seconds": seconds })
            .to_string());
    }
}

fn bar(total: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} hosts, {per_sec}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total as u64).with_style(style)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn say(line: &str) {
    let mut err: Stderr = stderr();
    let _ = writeln!(err, "{line}");
}

impl build::Progress for Progress {
    fn one_done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.view {
            View::Bar(bar) => bar.inc(1),
            View::Lines if self.is_due() => self.line(done),
            View::Json if self.is_due() => self.event("progress", done),
            View::Nothing | View::Lines | View::Json => {}
        }
    }

    fn is_over(&self) -> bool {
        OVER.load(Ordering::Relaxed)
    }
}
