//! Matrices in 8 bits on the CPU: the same model a little less exact, in every question that can be put to it.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use moescope_model::host_router::ExpertPath;
use moescope_model::vision::{CHANNELS, RgbImage, VisionEngine};
use moescope_model::{
    Device, Engine, ExpertQuestion, GenerateOptions, Gpu, ModelFiles, PreparedPlan, RerouteOptions,
    WeightFormat,
};
use moescope_tests::traces::LOGITS;
use moescope_tests::{ARCHITECTURES, Checkpoint, Model, max_difference, repository};
use pollster::block_on;

const TEXT: &str = "Once upon a time there was a fox who lived in a wood. Il était une fois. def f(x): return x + 1";

/// The smallest shipped model, exact and packed.
fn first() -> [Engine; 2] {
    let model = Model::first();
    [model.engine(), Engine::load_packed(model.files()).unwrap()]
}

fn in_a_plan(files: ModelFiles) -> Engine {
    let gpu = block_on(Gpu::new()).unwrap();
    let prepare = PreparedPlan::new(files.config, WeightFormat::Q8, &gpu, |_, _| {});
    Engine::load_recorded(files, block_on(prepare).unwrap()).unwrap()
}

fn loss(engine: &Engine) -> f32 {
    block_on(engine.analyse(TEXT, None)).unwrap().loss
}

#[test]
fn eight_bits_cost_little_and_the_same_as_in_a_plan() {
    let [exact, packed] = first().map(|engine| loss(&engine));
    let in_a_plan = loss(&in_a_plan(Model::first().files()));
    let cost = (packed - exact).abs();
    assert!(cost > 0.0 && cost < 0.02, "{exact} became {packed}");
    let difference = (packed - in_a_plan).abs();
    assert!(difference < LOGITS, "{packed}, in a plan {in_a_plan}");
}

#[test]
fn every_layout_runs_packed() {
    for architecture in ARCHITECTURES {
        let checkpoint = Checkpoint::read(architecture);
        let exact = checkpoint.engine();
        let packed = Engine::load_packed(checkpoint.model.files()).unwrap();
        for prompt in &checkpoint.golden.prompts {
            let [exact, packed] = [&exact, &packed]
                .map(|engine| block_on(engine.forward_ids(&prompt.ids)).unwrap().0);
            // Weights are random, so now and then another expert is chosen, and a few logits move far.
            let size: f32 = exact.iter().map(|x| x.abs()).sum();
            let differences = exact.iter().zip(&packed).map(|(a, b)| (a - b).abs());
            let share = differences.sum::<f32>() / size;
            assert!(share > 0.0, "{architecture}: nothing was packed");
            assert!(share < 0.1, "{architecture}: logits move by {share}");
        }
    }
}

#[test]
fn a_picture_is_seen_alike() {
    let folder = repository("models/trio-small");
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
    let files = ModelFiles {
        name: "trio-small",
        config: &config,
        tokenizer: None,
        weights: &weights,
    };
    let exact = VisionEngine::load(files, &Device::flex()).unwrap();
    let packed = VisionEngine::load_packed(files).unwrap();
    let side = exact.info().image_size;
    let bytes = (0..side * side * CHANNELS).map(|i| (i * 37 % 251) as u8);
    let image = RgbImage::new(side, side, bytes.collect()).unwrap();
    let [exact, packed] =
        [exact, packed].map(|engine| block_on(engine.classify(&image, None, None)).unwrap());
    let difference = max_difference(&exact.probabilities, &packed.probabilities);
    assert!(difference > 0.0, "nothing was packed");
    assert!(difference < 0.05, "probabilities differ by {difference}");
}

#[test]
fn all_experts_masked_are_those_selected() {
    let [_, mut packed] = first();
    let selected = loss(&packed);
    packed.set_expert_path(ExpertPath::AllMasked);
    let difference = (loss(&packed) - selected).abs();
    assert!(difference < LOGITS, "the loss differs by {difference}");
}

#[test]
fn a_text_is_written_as_it_is_read() {
    let [_, mut packed] = first();
    let options = GenerateOptions {
        max_tokens: 12,
        temperature: 0.0,
        ..GenerateOptions::default()
    };
    block_on(packed.begin(TEXT, options)).unwrap();
    let steps: Vec<_> = std::iter::from_fn(|| block_on(packed.next()).unwrap()).collect();
    let tokens = packed.tokenize(TEXT).unwrap();
    let mut ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    let read = ids.len();
    ids.extend(steps.iter().map(|step| step.token.id));
    let losses = block_on(packed.analyse_ids(&ids, None)).unwrap().losses;
    for (step, loss) in steps.iter().zip(&losses[read..]) {
        let difference = (step.log_prob + loss).abs();
        assert!(difference < LOGITS, "{step:?} has the loss {loss}");
    }
}

#[test]
fn experts_answer_and_gradients_lead_downhill() {
    let [exact, packed] = first();
    let question = ExpertQuestion {
        layer: 1,
        expert: 0,
        position: 5,
    };
    let [expected, found] =
        [&exact, &packed].map(|engine| block_on(engine.ask_expert(TEXT, question, None)).unwrap());
    assert_eq!(found.n_units, expected.n_units);
    let difference = (found.relative_norm / expected.relative_norm - 1.0).abs();
    assert!(difference < 0.05, "{found:?}, exact {expected:?}");
    let options = RerouteOptions {
        steps: 4,
        ..RerouteOptions::default()
    };
    let tokens = packed.tokenize(TEXT).unwrap();
    let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    let rerouted = block_on(packed.reroute_ids(&ids, None, &options)).unwrap();
    assert!(rerouted.kept > 0, "no step helped: {:?}", rerouted.losses);
}
