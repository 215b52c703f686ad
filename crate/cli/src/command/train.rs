//! `moescope train RECIPE.toml`: data, tokenizer, training, export; resumes where a killed run stopped.

use std::path::{Path, PathBuf};

use moescope_model::checkpoint::{TensorList, write_safetensors};
use moescope_train::AnyRecipe;
use moescope_train::data::{DataFolder, Split};
use moescope_train::progress::Progress;
use moescope_train::recipe::Recipe;
use moescope_train::shards::ShardCache;
use moescope_train::task::Task;
use moescope_train::text_task::TextTask;
use moescope_train::tokenizer::TextTokenizer;
use moescope_train::trainer::{Report, RunOptions, Trained, lm_config, train};
use moescope_train::vision::recipe::VisionRecipe;
use moescope_train::vision::sets::ImageFolder;
use moescope_train::vision::{VisionTask, load_images};

use super::curves::draw;
use super::{ROUTING_FILE, write_json};
use crate::Outcome;
use crate::progress::{ProgressLine, clock};

/// Arguments of `moescope train`.
#[derive(clap::Args)]
pub struct Args {
    /// The recipe; the model is written into its folder.
    recipe: PathBuf,
    /// Folder of the training text; else the environment variable MOESCOPE_DATA.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Folder of checkpoints and log; else one in the user's cache, named after the recipe.
    #[arg(long)]
    run: Option<PathBuf>,
    /// Threads to share each batch among; part of what makes a run repeatable.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Stop after this many steps and write nothing but the checkpoint.
    #[arg(long)]
    steps: Option<usize>,
}

pub fn run(args: &Args) -> Outcome {
    let folder = args.recipe_folder();
    match AnyRecipe::load(&args.recipe)? {
        AnyRecipe::Text(recipe) => train_text(args, &recipe, folder),
        AnyRecipe::Vision(recipe) => train_vision(args, &recipe, folder),
    }
}

fn train_text(args: &Args, recipe: &Recipe, folder: &Path) -> Outcome {
    let data = DataFolder::find(args.data.as_deref())?;
    let cache = ShardCache::of_user()?;
    let tokenizer = load_or_train_tokenizer(recipe, folder, &data)?;
    let mut line = ProgressLine::new();
    let mut on_progress = |p: &Progress<'_>| {
        let text = format!("{}: {} of {} {}", p.what, p.done, p.total, p.unit);
        line.show(&text, p.done == p.total);
    };
    let domains = recipe.domain_names();
    let shards = cache.load_domains(&data, &tokenizer, &domains, Split::Train, &mut on_progress)?;
    let task = TextTask::new(recipe, &shards)?;
    let run_folder = args.run_folder(&cache, &recipe.name);
    let Some(trained) = learn(args, &task, &run_folder)? else {
        return Ok(());
    };
    let config = lm_config(recipe);
    write_model(folder, &config.to_json(), &config, &trained)?;
    draw(&recipe.name, &run_folder, folder)?;
    let tokenizer_config = tokenizer.hugging_face_config(recipe.model.max_positions)?;
    std::fs::write(folder.join("tokenizer_config.json"), tokenizer_config)?;
    Ok(())
}

fn train_vision(args: &Args, recipe: &VisionRecipe, folder: &Path) -> Outcome {
    let images = args.data.as_ref().map(|data| data.join("images"));
    let (images, cache) = (
        ImageFolder::find(images.as_deref())?,
        ShardCache::of_user()?,
    );
    let sets: Result<Vec<_>, _> = recipe
        .sets()?
        .into_iter()
        .map(|set| load_images(&cache, &images, set, Split::Train))
        .collect();
    let sets = sets?;
    let task = VisionTask::new(recipe, &sets)?;
    let run_folder = args.run_folder(&cache, &recipe.name);
    let Some(trained) = learn(args, &task, &run_folder)? else {
        return Ok(());
    };
    let config = recipe.config()?;
    write_model(folder, &config.to_json()?, &config, &trained)?;
    draw(&recipe.name, &run_folder, folder)
}

impl Args {
    fn recipe_folder(&self) -> &Path {
        self.recipe.parent().unwrap_or(Path::new("."))
    }

    fn run_folder(&self, cache: &ShardCache, name: &str) -> PathBuf {
        let given = self.run.clone();
        given.unwrap_or_else(|| cache.run_folder(name))
    }
}

/// Trains; none if it was to stop before the end.
fn learn<T: Task>(
    args: &Args,
    task: &T,
    run_folder: &Path,
) -> Result<Option<Trained>, Box<dyn std::error::Error>> {
    let options = RunOptions {
        folder: run_folder.to_path_buf(),
        recipe_folder: args.recipe_folder().to_path_buf(),
        threads: args.threads,
        stop_after: args.steps,
    };
    eprintln!("checkpoints and log: {}", options.folder.display());
    let mut line = ProgressLine::new();
    let mut on_step = |report: &Report<'_>| {
        line.show(&describe(report), report.step == report.steps);
    };
    let trained = train(task, &options, &mut on_step)?;
    if args.steps.is_some() {
        return Ok(None);
    }
    eprintln!("trained in {}", clock(trained.seconds));
    Ok(Some(trained))
}

fn write_model(
    folder: &Path,
    config_json: &str,
    config: &impl TensorList,
    trained: &Trained,
) -> Outcome {
    std::fs::write(folder.join("config.json"), config_json)?;
    if let Some(routing) = &trained.routing {
        write_json(routing, Some(&folder.join(ROUTING_FILE)))?;
    }
    let weights = write_safetensors(config, &trained.tensors)?;
    std::fs::write(folder.join("model.safetensors"), weights)?;
    eprintln!(
        "wrote config.json and model.safetensors to {}",
        folder.display()
    );
    Ok(())
}

/// The tokenizer beside the recipe, learnt first if there is none.
pub fn load_or_train_tokenizer(
    recipe: &Recipe,
    folder: &Path,
    data: &DataFolder,
) -> Result<TextTokenizer, Box<dyn std::error::Error>> {
    let path = folder.join("tokenizer.json");
    if path.is_file() {
        return Ok(TextTokenizer::load(&path)?);
    }
    eprintln!(
        "learning a vocabulary of {} tokens",
        recipe.model.vocab_size
    );
    let tokenizer = TextTokenizer::for_recipe(recipe, data)?;
    std::fs::write(&path, tokenizer.json())?;
    Ok(tokenizer)
}

fn describe(r: &Report<'_>) -> String {
    let layers = r.report.selections.iter();
    let shares = layers.flat_map(|layer| {
        let total: u64 = layer.iter().sum();
        layer.iter().map(move |&count| count as f64 / total as f64)
    });
    let ends = shares.fold(None, |ends: Option<(f64, f64)>, share| {
        let (low, high) = ends.unwrap_or((share, share));
        Some((low.min(share), high.max(share)))
    });
    let load = match ends {
        Some((low, high)) => format!("load {:.0}..{:.0} %  ", 100.0 * low, 100.0 * high),
        None => String::new(),
    };
    format!(
        "step {}/{}  loss {:.3}  {load}{:.0} tokens/s  {} gone, {} left",
        r.step,
        r.steps,
        r.report.loss,
        (r.step as u64 * r.tokens_per_step) as f64 / r.seconds,
        clock(r.seconds),
        clock(r.seconds_left)
    )
}
