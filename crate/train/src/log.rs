//! `log.csv` of a run: one line a step, for plots.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::TrainError;
use crate::run::io;
use crate::trainer::Report;

/// Its name in the folder of a run.
pub const LOG_FILE: &str = "log.csv";

/// An open log.
pub struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    const HEADER: &'static str = "step,seconds,loss,load_balancing_loss,grad_norm,learning_rate";

    /// Keeps the lines of the steps that a resumed run has behind it.
    pub fn open(folder: &Path, steps_done: usize) -> Result<Self, TrainError> {
        let path = folder.join(LOG_FILE);
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        let kept: Vec<&str> = old.lines().skip(1).take(steps_done).collect();
        let mut file = File::create(&path).map_err(io("write", &path))?;
        for line in std::iter::once(Self::HEADER).chain(kept) {
            writeln!(file, "{line}").map_err(io("write", &path))?;
        }
        Ok(Self { file, path })
    }

    /// Adds the line of a step.
    pub fn write(&mut self, r: &Report<'_>) -> Result<(), TrainError> {
        let line = format!(
            "{},{:.1},{:.5},{:.5},{:.4},{:.6}",
            r.step,
            r.seconds,
            r.report.loss,
            r.report.load_balancing_loss,
            r.report.grad_norm,
            r.learning_rate
        );
        writeln!(self.file, "{line}").map_err(io("write", &self.path))
    }
}
