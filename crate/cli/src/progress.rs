//! One line of progress, rewritten in place on a terminal and repeated now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a line is written where it cannot be rewritten.
const LOG_INTERVAL: Duration = Duration::from_secs(15);

/// A progress line on standard error.
pub struct ProgressLine {
    rewrites: bool,
    last: Option<Instant>,
}

impl ProgressLine {
    /// A line on standard error.
    pub fn new() -> Self {
        Self {
            rewrites: std::io::stderr().is_terminal(),
            last: None,
        }
    }

    /// Shows `text`, unless that would be too much.
    pub fn show(&mut self, text: &str, is_last: bool) {
        if self.rewrites {
            eprint!("\r\x1b[2K{text}");
            if is_last {
                eprintln!();
            }
            let _ = std::io::stderr().flush();
            return;
        }
        let due = self.last.is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if due || is_last {
            self.last = Some(Instant::now());
            eprintln!("{text}");
        }
    }
}

/// `3725.0` as `1:02:05`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
