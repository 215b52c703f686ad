//! `moescope curves RUN`: draws the log of a training run, as `train` does at its end.

use std::path::{Path, PathBuf};

use moescope_train::chart::curves;
use moescope_train::trainer::LOG_FILE;

use super::read_text;
use crate::Outcome;

/// Arguments of `moescope curves`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the run, which `train` names when it begins.
    run: PathBuf,
    /// Folder to write curves.svg to, such as that of the model.
    #[arg(long, default_value = ".")]
    into: PathBuf,
}

pub fn run(args: &Args) -> Outcome {
    let name = args.run.file_name().unwrap_or_default().to_string_lossy();
    draw(&name, &args.run, &args.into)
}

/// Writes curves.svg of a run into a folder.
pub fn draw(name: &str, run: &Path, into: &Path) -> Outcome {
    let path = run.join(LOG_FILE);
    let picture =
        curves(name, &read_text(&path)?).map_err(|e| format!("{}: {e}", path.display()))?;
    let path = into.join("curves.svg");
    std::fs::write(&path, picture).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    Ok(())
}
