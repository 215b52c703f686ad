//! The recorded plan computes what the model computes on Burn: logits, losses, experts, texts, under every routing.
//!
//! Runs on whatever adapter there is; software Vulkan (Debian `mesa-vulkan-drivers`) is enough, and none is a failure.
//! Rows that two experts share almost evenly may go either way, because sums round differently; they are counted.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use moescope_model::{
    Contrast, Engine, ExpertQuestion, GenerateOptions, Gpu, ModelFiles, PreparedPlan, Step,
    WeightFormat,
};
use moescope_routing::presets::PRESETS;
use moescope_routing::stage::select::Select;
use moescope_routing::{ModelRouting, RouterInput, RouterSpec, route};
use moescope_tests::traces::{LOGITS, compare};
use moescope_tests::{ARCHITECTURES, Checkpoint, Model, max_difference};
use pollster::block_on;

const PROMPT: [u32; 5] = [10, 16, 18, 234, 130];

fn recorded(files: ModelFiles) -> Engine {
    recorded_as(WeightFormat::F32, files)
}

fn recorded_as(format: WeightFormat, files: ModelFiles) -> Engine {
    let gpu = block_on(Gpu::new()).unwrap();
    let plan = block_on(PreparedPlan::new(files.config, format, &gpu, |_, _| {})).unwrap();
    Engine::load_recorded(files, plan).unwrap()
}

/// The same checkpoint on Burn and recorded.
fn both(architecture: &str) -> [Engine; 2] {
    let checkpoint = Checkpoint::read(architecture);
    [checkpoint.engine(), recorded(checkpoint.model.files())]
}

fn first() -> [Engine; 2] {
    let model = Model::first();
    [model.engine(), recorded(model.files())]
}

fn options(max_tokens: usize, temperature: f32) -> GenerateOptions {
    GenerateOptions {
        max_tokens,
        temperature,
        seed: 5,
        ..GenerateOptions::default()
    }
}

fn steps(engine: &mut Engine, options: GenerateOptions) -> Vec<Step> {
    block_on(engine.begin_ids(&PROMPT, options)).unwrap();
    std::iter::from_fn(|| block_on(engine.next()).unwrap()).collect()
}

fn ids(steps: &[Step]) -> Vec<u32> {
    steps.iter().map(|step| step.token.id).collect()
}

#[test]
fn logits_losses_and_routing_are_those_of_burn_for_every_layout() {
    for architecture in ARCHITECTURES {
        let [burn, recorded] = both(architecture);
        for (i, prompt) in Checkpoint::read(architecture)
            .golden
            .prompts
            .iter()
            .enumerate()
        {
            let what = format!("{architecture}, prompt {i}");
            let (expected, expected_trace) = block_on(burn.forward_ids(&prompt.ids)).unwrap();
            let (found, found_trace) = block_on(recorded.forward_ids(&prompt.ids)).unwrap();
            let near_ties = compare(&what, &expected_trace.layers, &found_trace.layers);
            assert_eq!(near_ties, 0, "{what}: a choice differs");
            let difference = max_difference(&expected, &found);
            assert!(difference < LOGITS, "{what}: logits differ by {difference}");
            let expected = block_on(burn.analyse_ids(&prompt.ids, None))
                .unwrap()
                .losses;
            let found = block_on(recorded.analyse_ids(&prompt.ids, None))
                .unwrap()
                .losses;
            let difference = max_difference(&expected[1..], &found[1..]);
            assert!(difference < LOGITS, "{what}: losses differ by {difference}");
        }
    }
}

#[test]
fn greedy_tokens_are_the_golden_ones_for_every_layout() {
    for architecture in ARCHITECTURES {
        let checkpoint = Checkpoint::read(architecture);
        let golden = &checkpoint.golden.greedy;
        let prompt = &checkpoint.golden.prompts[golden.prompt].ids;
        let mut engine = recorded(checkpoint.model.files());
        let found = block_on(engine.greedy_ids(prompt, golden.ids.len())).unwrap();
        assert_eq!(found, golden.ids, "{architecture}");
    }
}

#[test]
fn the_shipped_model_reads_and_writes_as_on_burn() {
    let [mut burn, mut recorded] = first();
    let text = "Once upon a time there was a fox who lived in a wood. Il était une fois. def f(x): return x + 1";
    let analyses = [&burn, &recorded].map(|engine| block_on(engine.analyse(text, None)).unwrap());
    let [expected, found] = &analyses;
    let near_ties = compare("first", &expected.trace.layers, &found.trace.layers);
    assert!(near_ties <= 1, "{near_ties} tokens went the other way");
    let difference = (expected.loss - found.loss).abs();
    assert!(difference < LOGITS, "the loss differs by {difference}");
    let texts = [&mut burn, &mut recorded].map(|engine| {
        block_on(engine.begin("Once upon a time", options(40, 0.0))).unwrap();
        let steps = std::iter::from_fn(|| block_on(engine.next()).unwrap());
        steps.map(|step| step.token.id).collect::<Vec<u32>>()
    });
    assert_eq!(texts[0], texts[1]);
}

#[test]
fn packed_weights_lose_the_less_the_more_bits_they_have() {
    let text = "Once upon a time there was a fox who lived in a wood. Il était une fois. def f(x): return x + 1";
    let loss = |format| {
        let engine = recorded_as(format, Model::first().files());
        assert_eq!(engine.plan_info().unwrap().weights, format);
        block_on(engine.analyse(text, None)).unwrap().loss
    };
    let exact = loss(WeightFormat::F32);
    let [f16, q8, q4] =
        [WeightFormat::F16, WeightFormat::Q8, WeightFormat::Q4].map(|f| (loss(f) - exact).abs());
    assert!(f16 < 1e-3, "f16 changes the loss of {exact} by {f16}");
    assert!(
        q8 > 0.0 && q8 < 0.02,
        "q8 changes the loss of {exact} by {q8}"
    );
    assert!(
        q4 > q8 && q4 < 0.3,
        "q4 changes the loss of {exact} by {q4}"
    );
}

#[test]
fn a_plan_cannot_tell_what_happens_inside_an_expert_and_says_who_can() {
    let checkpoint = Checkpoint::read("qwen3_moe");
    let question = ExpertQuestion {
        layer: 0,
        expert: 0,
        position: 0,
    };
    let plan = recorded(checkpoint.model.files());
    let error = block_on(plan.ask_expert_ids(&PROMPT, question, None)).unwrap_err();
    assert_eq!(error.code(), "plan_cannot_tell");
    assert!(error.to_string().contains("backend cpu"), "{error}");
}

#[test]
fn a_plan_refuses_the_weights_of_another_model() {
    let gpu = block_on(Gpu::new()).unwrap();
    let [own, other] = ["qwen3_moe", "olmoe"].map(Checkpoint::read);
    let prepare = PreparedPlan::new(&own.model.config, WeightFormat::F32, &gpu, |_, _| {});
    let plan = block_on(prepare).unwrap();
    let error = Engine::load_recorded(other.model.files(), plan).unwrap_err();
    assert_eq!(error.code(), "config_invalid");
    assert!(error.to_string().contains("recorded for"), "{error}");
}

#[test]
fn kernels_are_timed_by_the_clock_of_the_device_and_write_the_same() {
    let [mut burn, mut recorded] = both("qwen3_moe");
    let plain = ids(&steps(&mut recorded, options(6, 0.0)));
    assert_eq!(recorded.take_times().unwrap(), []);
    recorded.measure_kernels(true).unwrap();
    assert_eq!(ids(&steps(&mut recorded, options(6, 0.0))), plain);
    let times = recorded.take_times().unwrap();
    let kernels = recorded.plan_info().unwrap().kernels;
    for time in &times {
        let of_a_run = kernels.iter().filter(|&&kernel| kernel == time.kernel);
        // The prompt, which is short, and each of six tokens.
        assert_eq!(time.dispatches, 7 * of_a_run.count(), "{time:?}");
        assert!(time.seconds > 0.0 && time.seconds < 60.0, "{time:?}");
    }
    let n_timed: usize = times.iter().map(|time| time.dispatches).sum();
    assert_eq!(n_timed, 7 * kernels.len());
    assert_eq!(recorded.take_times().unwrap(), []);
    recorded.measure_kernels(false).unwrap();
    assert_eq!(ids(&steps(&mut recorded, options(6, 0.0))), plain);
    assert_eq!(recorded.take_times().unwrap(), []);
    let error = burn.measure_kernels(true).unwrap_err().to_string();
    assert!(error.contains("runs on Burn"), "{error}");
    assert_eq!(ids(&steps(&mut burn, options(6, 0.0))), plain);
}

#[test]
fn a_block_is_at_most_ten_dispatches_and_a_live_change_of_routing_makes_one_pipeline_at_most() {
    for architecture in ARCHITECTURES {
        let [_, mut recorded] = both(architecture);
        let info = recorded.plan_info().unwrap();
        // Embedding, head and the draw are the three that belong to no block.
        let n_blocks = recorded.info().n_layers;
        let of_blocks = info.kernels.len() - 3;
        assert_eq!(info.kernels.last(), Some(&"sample"), "{architecture}");
        assert!(
            of_blocks <= 10 * n_blocks,
            "{architecture}: {:?}",
            info.kernels
        );
        if recorded.info().moe_layers.is_empty() {
            continue;
        }
        block_on(recorded.begin_ids(&PROMPT, options(20, 0.0))).unwrap();
        for top_k in 1..=4 {
            let spec = RouterSpec::top_k(top_k);
            recorded.set_routing(spec.into()).unwrap();
            let step = block_on(recorded.next()).unwrap().unwrap();
            let experts = step.trace.layers.iter().map(|layer| layer.experts.len());
            assert!(
                experts.clone().all(|n| n == top_k),
                "{architecture}, top {top_k}"
            );
        }
        assert_eq!(recorded.plan_info().unwrap().n_pipelines, info.n_pipelines);
        // The first strategy that needs it makes the router for all of them.
        for link in ["top_p=0.5", "method=hash", "min_p=0.2", "top_k=2"] {
            let spec = RouterSpec::from_link(link).unwrap();
            recorded.set_routing(spec.into()).unwrap();
            block_on(recorded.next()).unwrap().unwrap();
            let made = recorded.plan_info().unwrap().n_pipelines - info.n_pipelines;
            assert_eq!(made, 1, "{architecture}, {link}");
        }
    }
}

#[test]
fn every_preset_decides_token_by_token_as_on_burn_whoever_decides() {
    let mut engines = both("qwen3_moe");
    let n_experts = engines[0].info().n_experts;
    let (mut near_ties, mut compared) = (0, 0);
    for preset in PRESETS {
        let mut spec = preset.spec().unwrap();
        if let Select::TopK { top_k } = &mut spec.select {
            *top_k = (*top_k).min(n_experts);
        }
        if engines[0].set_routing(spec.clone().into()).is_err() {
            continue;
        }
        engines[1].set_routing(spec.into()).unwrap();
        let [expected, found] = engines.each_mut().map(|engine| {
            let begun = block_on(engine.begin_ids(&PROMPT, options(6, 0.0))).unwrap();
            let steps: Vec<Step> =
                std::iter::from_fn(|| block_on(engine.next()).unwrap()).collect();
            (begun, steps)
        });
        let what = preset.name;
        near_ties += compare(what, &expected.0.layers, &found.0.layers);
        assert_eq!(ids(&expected.1), ids(&found.1), "{what}");
        for (expected, found) in expected.1.iter().zip(&found.1) {
            near_ties += compare(what, &expected.trace.layers, &found.trace.layers);
            compared += 1;
        }
    }
    assert!(
        compared > 100 && near_ties < 5,
        "{near_ties} of {compared} tokens"
    );
}

#[test]
fn a_router_from_outside_decides_for_the_plan_too() {
    let mut engines = both("qwen2_moe");
    let trained = engines[0].info().trained_routing.default;
    let expected = ids(&steps(&mut engines[0], options(8, 0.0)));
    let spec = trained.clone();
    engines[1].set_external_router(Some(Box::new(move |input: &RouterInput| {
        let routing = route(&spec, input).map_err(|e| e.to_string())?;
        Ok(routing.plan)
    })));
    let external = RouterSpec::from_link("method=external").unwrap();
    engines[1].set_routing(external.into()).unwrap();
    assert_eq!(ids(&steps(&mut engines[1], options(8, 0.0))), expected);
}

#[test]
fn sampled_and_contrasted_texts_are_those_of_burn() {
    let mut engines = both("olmoe");
    let contrasts = [
        None,
        Some(Contrast::default()),
        Some(Contrast {
            weak: Some(RouterSpec::from_link("method=sticky").unwrap().into()),
            ..Contrast::default()
        }),
    ];
    for contrast in contrasts {
        let options = GenerateOptions {
            contrast,
            ..options(16, 1.0)
        };
        let [expected, found] = engines.each_mut().map(|e| ids(&steps(e, options.clone())));
        assert_eq!(expected, found, "{:?}", options.contrast);
    }
}

#[test]
fn a_plan_draws_from_the_tokens_that_burn_draws_from_and_gives_them_their_probability() {
    let mut engines = both("qwen3_moe");
    let mut texts = Vec::new();
    for (sampler_top_k, sampler_top_p) in [(0, 1.0), (1, 1.0), (5, 1.0), (0, 0.3), (40, 0.8)] {
        let options = GenerateOptions {
            sampler_top_k,
            sampler_top_p,
            ..options(16, 2.0)
        };
        let [expected, found] = engines.each_mut().map(|e| steps(e, options.clone()));
        assert_eq!(ids(&expected), ids(&found), "{options:?}");
        for (expected, found) in expected.iter().zip(&found) {
            let [expected, found] = [expected.log_prob, found.log_prob];
            assert!((expected - found).abs() < 1e-3, "{expected} {found}");
        }
        texts.push(ids(&found));
    }
    texts.dedup();
    assert_eq!(texts.len(), 5, "every cut makes another text: {texts:?}");
}

#[test]
fn sticky_routing_remembers_its_own_sequence_while_others_run() {
    let mut engines = both("qwen3_moe");
    let sticky: ModelRouting = RouterSpec::from_link("method=sticky,margin=0.5")
        .unwrap()
        .into();
    let [expected, found] = engines.each_mut().map(|engine| {
        engine.set_routing(sticky.clone()).unwrap();
        block_on(engine.begin_ids(&PROMPT, options(8, 0.0))).unwrap();
        let mut steps = Vec::new();
        while let Some(step) = block_on(engine.next()).unwrap() {
            steps.push(step);
            block_on(engine.analyse_ids(&[7, 8, 9, 250], None)).unwrap();
        }
        steps
    });
    for (expected, found) in expected.iter().zip(&found) {
        compare("sticky", &expected.trace.layers, &found.trace.layers);
    }
    assert_eq!(ids(&expected), ids(&found));
}

#[test]
fn a_generation_survives_another_that_is_refused_and_a_greedy_one() {
    let [_, mut recorded] = both("qwen3_moe");
    let expected = ids(&steps(&mut recorded, options(8, 1.0)));
    block_on(recorded.begin_ids(&PROMPT, options(8, 1.0))).unwrap();
    let mut found = Vec::new();
    while let Some(step) = block_on(recorded.next()).unwrap() {
        found.push(step.token.id);
        block_on(recorded.greedy_ids(&[1, 2, 3], 3)).unwrap();
        assert!(block_on(recorded.begin_ids(&[], options(8, 1.0))).is_err());
    }
    assert_eq!(found, expected);
}

#[test]
fn a_text_longer_than_a_pass_is_read_in_chunks() {
    let mut checkpoint = Checkpoint::read("qwen3_moe");
    let positions = "\"max_position_embeddings\": 256";
    assert!(checkpoint.model.config.contains(positions));
    let more = "\"max_position_embeddings\": 1024";
    checkpoint.model.config = checkpoint.model.config.replace(positions, more);
    let text: Vec<u32> = (0..700).map(|i| (i * 37 + i / 9 + 11) % 320).collect();
    let mut engines = [checkpoint.engine(), recorded(checkpoint.model.files())];
    let [expected, found] = engines
        .each_ref()
        .map(|engine| block_on(engine.forward_ids(&text)).unwrap());
    compare("700 tokens", &expected.1.layers, &found.1.layers);
    let difference = max_difference(&expected.0, &found.0);
    assert!(difference < LOGITS, "logits differ by {difference}");
    // Whoever needs the whole batch at once says how long it may be.
    let whole: ModelRouting = RouterSpec::from_link("method=expert_choice")
        .unwrap()
        .into();
    engines[1].set_routing(whole).unwrap();
    let error = block_on(engines[1].forward_ids(&text)).unwrap_err();
    assert_eq!(error.code(), "prompt_too_long");
    assert!(error.to_string().contains("512"), "{error}");
    block_on(engines[1].forward_ids(&text[..512])).unwrap();
}
