//! `moescope eval MODEL` for a vision model: accuracies, expert maps, capacity curve.

use moescope_model::checkpoint::Storage;
use moescope_model::vision::{RgbImage, VisionEngine};
use moescope_model::{Device, ModelFiles};
use moescope_routing::ModelRouting;
use moescope_train::data::Split;
use moescope_train::progress::Progress;
use moescope_train::shards::ShardCache;
use moescope_train::vision::card::{ImageExcerpt, VisionCard};
use moescope_train::vision::recipe::VisionRecipe;
use moescope_train::vision::sets::{ImageFolder, ImageSet};
use moescope_train::vision::{VisionEvaluator, load_images};

use super::eval::{Args, Figures};
use super::{read_bytes, read_text};
use crate::progress::ProgressLine;

/// Test images of each set in eval.json.
const EXCERPTS_PER_SET: usize = 2;

pub fn run(
    args: &Args,
    recipe: &VisionRecipe,
) -> Result<Figures<VisionCard>, Box<dyn std::error::Error>> {
    let folder = &args.model;
    let config = read_text(&folder.join("config.json"))?;
    let weights = read_bytes(&folder.join("model.safetensors"))?;
    let mut evaluator = VisionEvaluator::load(&config, &weights, args.storage()?)?;
    let routing = args.routing()?;
    if let Some(routing) = &routing {
        evaluator = evaluator.with_routing(routing.clone())?;
    }
    let mut line = ProgressLine::new();
    let mut on_progress = |p: &Progress<'_>| {
        let text = format!("{}: {} of {} {}", p.what, p.done, p.total, p.unit);
        line.show(&text, p.done == p.total);
    };
    let sets = test_sets(args, recipe)?;
    let measured = evaluator.figures(&sets, args.threads(), &mut on_progress)?;
    let config = evaluator.config();
    let capacity = match config.router.limit.capacity_factor {
        Some(_) => evaluator.capacity_curve(&sets, args.threads(), &mut on_progress)?,
        None => Vec::new(),
    };
    let (n_parameters, n_active_parameters) = config.parameter_counts();
    let card = VisionCard {
        name: recipe.name.clone(),
        n_parameters,
        n_active_parameters,
        flops_per_image: config.flops_per_image(),
        weight_bytes: weights.len(),
        n_experts: config.n_experts,
        top_k: config.top_k(),
        measured,
        capacity,
        excerpts: excerpts(args, &weights, &sets, routing.as_ref())?,
    };
    Ok(Figures {
        markdown: card.figures(),
        map: card.expert_map(),
        card,
    })
}

fn test_sets(
    args: &Args,
    recipe: &VisionRecipe,
) -> Result<Vec<ImageSet>, Box<dyn std::error::Error>> {
    let in_data = args.data.as_ref().map(|data| data.join("images"));
    let images = ImageFolder::find(args.images.as_ref().or(in_data.as_ref()).map(AsRef::as_ref))?;
    let cache = ShardCache::of_user()?;
    let sets: Result<Vec<ImageSet>, _> = recipe
        .sets()?
        .into_iter()
        .map(|set| load_images(&cache, &images, set, Split::Test))
        .collect();
    Ok(sets?)
}

fn excerpts(
    args: &Args,
    weights: &[u8],
    sets: &[ImageSet],
    routing: Option<&ModelRouting>,
) -> Result<Vec<ImageExcerpt>, Box<dyn std::error::Error>> {
    let config = read_text(&args.model.join("config.json"))?;
    let files = ModelFiles {
        name: "",
        config: &config,
        tokenizer: None,
        weights,
    };
    let engine = match args.storage()? {
        Storage::Reals => VisionEngine::load(files, &Device::flex())?,
        Storage::Packed => VisionEngine::load_packed(files)?,
    };
    let side = engine.info().image_size;
    let mut excerpts = Vec::new();
    for (index, set) in sets.iter().enumerate() {
        for image in 0..EXCERPTS_PER_SET.min(set.len()) {
            let rgb = set.rgb(image, side);
            let pixels = rgb.iter().map(|byte| format!("{byte:02x}")).collect();
            let class = index * 10 + usize::from(set.labels[image]);
            let image = RgbImage::new(side, side, rgb)?;
            let seen = pollster::block_on(engine.classify(&image, Some(class), routing))?;
            excerpts.push(ImageExcerpt {
                set: set.name.clone(),
                class,
                pixels,
                loss_nats: seen.loss.unwrap_or(f32::NAN),
            });
        }
    }
    Ok(excerpts)
}
