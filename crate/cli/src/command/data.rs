//! `moescope data`: takes or downloads the files of a manifest, verifies them, and cuts text into tokens.
//!
//! Downloads go through the system's `curl`: it knows the proxies and certificates of its machine, and a handful of
//! files is no reason to build a TLS library into this program.

use std::path::{Path, PathBuf};
use std::process::Command;

use moescope_train::AnyRecipe;
use moescope_train::data::{DATA_VARIABLE, DataFolder, Split};
use moescope_train::manifest::{Entry, Manifest, Set, State};
use moescope_train::progress::Progress;
use moescope_train::recipe::Recipe;
use moescope_train::shards::ShardCache;

use super::train::load_or_train_tokenizer;
use crate::Outcome;
use crate::progress::ProgressLine;

/// Arguments of `moescope data`.
#[derive(clap::Args)]
pub struct Args {
    /// The manifest.
    #[arg(default_value = "models/data.toml")]
    manifest: PathBuf,
    /// Folder to take the files from and to download missing ones to; else the environment variable MOESCOPE_DATA.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Cut the text of this recipe into tokens too; may be given several times.
    #[arg(long = "for", value_name = "RECIPE")]
    recipes: Vec<PathBuf>,
    /// Only check what is there.
    #[arg(long)]
    offline: bool,
}

pub fn run(args: &Args) -> Outcome {
    let manifest = Manifest::load(&args.manifest)?;
    let root = match (&args.data, std::env::var_os(DATA_VARIABLE)) {
        (Some(folder), _) => folder.clone(),
        (None, Some(folder)) if !folder.is_empty() => folder.into(),
        _ => {
            return Err(
                format!("no data folder: give it with --data DIR or in {DATA_VARIABLE}").into(),
            );
        }
    };
    let mut n_wrong = 0;
    for set in &manifest.sets {
        for entry in &set.files {
            n_wrong += usize::from(!take(args, &root, set, entry)?);
        }
    }
    if n_wrong > 0 {
        return Err(format!("{n_wrong} files are missing or different").into());
    }
    for path in &args.recipes {
        match AnyRecipe::load(path)? {
            AnyRecipe::Text(recipe) => tokenise(&recipe, path, &root)?,
            AnyRecipe::Vision(_) => eprintln!("{}: images need no tokens", path.display()),
        }
    }
    Ok(())
}

/// Whether a file is there and right, after a download if it can be had.
fn take(
    args: &Args,
    root: &Path,
    set: &Set,
    entry: &Entry,
) -> Result<bool, Box<dyn std::error::Error>> {
    let path = root.join(&set.folder).join(&entry.name);
    let mut state = entry.check(&path)?;
    if let (State::Missing, Some(url), false) = (&state, &entry.url, args.offline) {
        download(url, &path)?;
        state = entry.check(&path)?;
    }
    let place = set.folder.join(&entry.name);
    let place = place.display();
    match &state {
        State::Same => println!("{place}: as expected"),
        State::SameContents => println!("{place}: packed otherwise, contents as expected"),
        State::Different(how) => println!(
            "{place}: DIFFERENT: {how}; expected {}. Made by: {}",
            entry.contents_sha256, set.made_by
        ),
        State::Missing => println!(
            "{place}: MISSING. Sources: {}. Made by: {}",
            set.sources.join(", "),
            set.made_by
        ),
    }
    Ok(matches!(state, State::Same | State::SameContents))
}

/// Downloads beside the place first, so that a cut connection leaves no half file there.
fn download(url: &str, path: &Path) -> Outcome {
    let beside = path.with_extension("part");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    }
    eprintln!("downloading {url}");
    let status = Command::new("curl")
        .args(["--fail", "--location", "--progress-bar", "--output"])
        .arg(&beside)
        .arg(url)
        .status()
        .map_err(|e| format!("cannot run curl, which downloads files: {e}"))?;
    if !status.success() {
        return Err(format!("curl could not download {url}: {status}").into());
    }
    std::fs::rename(&beside, path).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    Ok(())
}

/// Puts the token streams of a recipe into the cache, where `train` and `eval` look for them.
fn tokenise(recipe: &Recipe, path: &Path, root: &Path) -> Outcome {
    let (data, cache) = (DataFolder::at(root.to_path_buf())?, ShardCache::of_user()?);
    let folder = path.parent().unwrap_or(Path::new("."));
    let tokenizer = load_or_train_tokenizer(recipe, folder, &data)?;
    let mut line = ProgressLine::new();
    let mut on_progress = |p: &Progress<'_>| {
        let text = format!("{}: {} of {} {}", p.what, p.done, p.total, p.unit);
        line.show(&text, p.done == p.total);
    };
    for split in [Split::Train, Split::Valid, Split::Test] {
        let domains = recipe.domain_names();
        for shard in cache.load_domains(&data, &tokenizer, &domains, split, &mut on_progress)? {
            println!(
                "{} {split}: {} documents, {} tokens, {:.2} bytes per token",
                shard.domain,
                shard.documents,
                shard.tokens.len(),
                shard.bytes_per_token()
            );
        }
    }
    Ok(())
}
