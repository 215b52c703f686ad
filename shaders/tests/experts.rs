//! Experts of a token and tokens of an expert: both ways against their twins and each other, and what a block costs.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

mod common;

use common::{Rng, assert_close, formats, plan, read, run, top_k, write};
use moescope_routing::RouterSpec;
use moescope_shaders::{
    Attention, Experts, Format, Invocations, LayerRecord, Linear, Mode, Norm, PassBuilder, QkNorm,
    Recording, Rotary, Route, Rows, Sees, Sizes, Step, cpu,
};

const EPSILON: f32 = 1e-6;

struct Shape {
    n_experts: usize,
    n_shared: usize,
    d_model: usize,
    d_ff: usize,
    n_tokens: usize,
    invocations: Invocations,
}

impl Shape {
    fn sizes(&self) -> Sizes {
        let n_slots = self.n_experts + self.n_shared;
        Sizes {
            max_tokens: self.n_tokens,
            capacity: self.n_tokens,
            n_experts: self.n_experts,
            n_shared: self.n_shared,
            n_moe_layers: 1,
            expert_rows: self.n_tokens * n_slots,
            spec_words: 256,
        }
    }
}

/// The slots of each token, as the records and the gate of the shared expert say.
fn slots_of(layer: &LayerRecord, shape: &Shape, logits: &[f32]) -> Vec<Vec<(usize, f32)>> {
    let stride = logits.len() / shape.n_tokens;
    let slots = (0..shape.n_tokens).map(|token| {
        let range = layer.offsets[token] as usize..layer.offsets[token + 1] as usize;
        let routed = range.map(|i| (usize::from(layer.experts[i]), layer.weights[i]));
        let gate = logits[(token + 1) * stride - 1];
        let shared =
            (0..shape.n_shared).map(|i| (shape.n_experts + i, 1.0 / (1.0 + (-gate).exp())));
        routed.chain(shared).collect()
    });
    slots.collect()
}

/// What the twins of the kernels of `mode` add to `output`.
fn twin(
    mode: Mode,
    shape: &Shape,
    [gate_up, down]: [&[f32]; 2],
    [input, gain]: [&[f32]; 2],
    slots: &[Vec<(usize, f32)>],
    output: &mut [f32],
) {
    let (d_model, d_ff) = (shape.d_model, shape.d_ff);
    let norm = Some((gain, EPSILON));
    if mode == Mode::Tile {
        let tokens: Vec<&[(usize, f32)]> = slots.iter().map(Vec::as_slice).collect();
        let n_slots = shape.n_experts + shape.n_shared;
        let groups = cpu::gather(&tokens, n_slots);
        let hidden = cpu::grouped_up(gate_up, d_ff, d_model, input, norm, &groups);
        let y = cpu::grouped_down(down, d_model, d_ff, &hidden, &groups);
        cpu::combine(&y, d_model, &tokens, n_slots, &groups, output);
        return;
    }
    for (token, slots) in slots.iter().enumerate() {
        let own = token * d_model..(token + 1) * d_model;
        let hidden = cpu::expert_up(gate_up, d_ff, &input[own.clone()], norm, slots);
        cpu::expert_down(down, d_ff, &hidden, slots, &mut output[own]);
    }
}

fn compare(mode: Mode, shape: &Shape, format: Format, spec: &RouterSpec, rng: &mut Rng) {
    let (d_model, d_ff, n_tokens) = (shape.d_model, shape.d_ff, shape.n_tokens);
    let n_slots = shape.n_experts + shape.n_shared;
    let stride = shape.n_experts + usize::from(shape.n_shared > 0);
    let recording = Recording::new(shape.sizes()).unwrap();
    let mut recording = recording.suited_to(shape.invocations);
    let gate_up = recording
        .matrix("gate_up", n_slots * 2 * d_ff, d_model, format)
        .unwrap();
    let down = recording
        .matrix("down", n_slots * d_model, d_ff, format)
        .unwrap();
    let input = recording.activations("input", d_model);
    let output = recording.activations("output", d_model);
    let gain = recording.vector("gain", d_model);
    let logits = recording.activations("logits", stride);
    let norm = Some(Norm {
        gain,
        epsilon: EPSILON,
    });
    let pass = common::one_pass(&mut recording, mode, |p| {
        p.route(Route {
            logits,
            layer: 0,
            moe_layer: 0,
        });
        p.experts(Experts {
            gate_up,
            down,
            input,
            norm,
            output,
            moe_layer: Some(0),
        });
    });
    let mut plan = plan(recording);
    plan.set_routing(&[spec], &[0]).unwrap();
    let weights = [
        write(&plan, &gate_up, &rng.reals(n_slots * 2 * d_ff * d_model)),
        write(&plan, &down, &rng.reals(n_slots * d_model * d_ff)),
    ];
    let [x, gains, before] =
        [n_tokens * d_model, d_model, n_tokens * d_model].map(|n| rng.reals(n));
    let z = rng.reals(n_tokens * stride);
    for (buffer, values) in [(input, &x), (gain, &gains), (output, &before), (logits, &z)] {
        plan.write_reals(buffer, 0, values).unwrap();
    }
    let tokens = vec![0; n_tokens];
    let reading = run(
        &mut plan,
        pass,
        &Step {
            tokens: &tokens,
            trace: true,
            ..Step::default()
        },
    );
    let slots = slots_of(&reading.layers[0], shape, &z);
    let mut expected = before;
    twin(
        mode,
        shape,
        [&weights[0], &weights[1]],
        [&x, &gains],
        &slots,
        &mut expected,
    );
    let what = format!(
        "{mode:?} {:?} {format:?} {} experts of {d_ff}, {n_tokens} tokens",
        shape.invocations, shape.n_experts
    );
    assert_close(
        &what,
        &read(&plan, output, n_tokens * d_model),
        &expected,
        2e-5,
    );
}

fn all_shapes(mode: Mode, invocations: Invocations, n_tokens: &[usize]) {
    let mut rng = Rng::new(21);
    for (n_experts, n_shared, d_model, d_ff) in [
        (8, 0, 64, 24),
        (4, 2, 24, 8),
        (16, 0, 192, 192),
        (128, 1, 32, 32),
        (1, 0, 96, 64),
    ] {
        for format in formats(&[d_model, d_ff]) {
            let shape = Shape {
                n_experts,
                n_shared,
                d_model,
                d_ff,
                n_tokens: *rng.pick(n_tokens),
                invocations,
            };
            let top = top_k(rng.between(1, n_experts.min(5)));
            compare(mode, &shape, format, &top, &mut rng);
        }
    }
}

#[test]
fn experts_of_a_token_agree_with_their_twins() {
    for invocations in [Invocations::Together, Invocations::Alone] {
        all_shapes(Mode::Vector, invocations, &[1, 3]);
    }
}

#[test]
fn tokens_of_an_expert_agree_with_their_twins() {
    all_shapes(Mode::Tile, Invocations::Together, &[2, 4, 17, 50]);
}

#[test]
fn tokens_may_use_different_numbers_of_experts() {
    let mut rng = Rng::new(22);
    let spec = RouterSpec::from_link("top_p=0.3").unwrap();
    for mode in [Mode::Vector, Mode::Tile] {
        let shape = Shape {
            n_experts: 8,
            n_shared: 0,
            d_model: 32,
            d_ff: 16,
            n_tokens: 21,
            invocations: Invocations::Together,
        };
        compare(mode, &shape, Format::F32, &spec, &mut rng);
    }
}

#[test]
fn a_dense_network_is_one_expert_that_always_acts() {
    let mut rng = Rng::new(23);
    for mode in [Mode::Vector, Mode::Tile] {
        let (d_model, d_ff, n_tokens) = (64, 96, 19);
        let mut recording = Recording::new(common::sizes(n_tokens)).unwrap();
        let gate_up = recording
            .matrix("gate_up", 2 * d_ff, d_model, Format::F32)
            .unwrap();
        let down = recording
            .matrix("down", d_model, d_ff, Format::F32)
            .unwrap();
        let x = recording.activations("x", d_model);
        let pass = common::one_pass(&mut recording, mode, |p| {
            p.experts(Experts {
                gate_up,
                down,
                input: x,
                norm: None,
                output: x,
                moe_layer: None,
            });
        });
        let mut plan = plan(recording);
        let up_values = write(&plan, &gate_up, &rng.reals(2 * d_ff * d_model));
        let down_values = write(&plan, &down, &rng.reals(d_model * d_ff));
        let values = rng.reals(n_tokens * d_model);
        plan.write_reals(x, 0, &values).unwrap();
        run(
            &mut plan,
            pass,
            &Step {
                tokens: &[0; 19],
                ..Step::default()
            },
        );
        let mut expected = values.clone();
        for (token, x) in values.chunks_exact(d_model).enumerate() {
            let hidden = cpu::expert_up(&up_values, d_ff, x, None, &[(0, 1.0)]);
            let own = &mut expected[token * d_model..(token + 1) * d_model];
            cpu::expert_down(&down_values, d_ff, &hidden, &[(0, 1.0)], own);
        }
        assert_close(
            "dense",
            &read(&plan, x, n_tokens * d_model),
            &expected,
            2e-5,
        );
    }
}

/// One block of a Qwen3-like model.
fn block(p: &mut PassBuilder<'_>) {
    let (d_model, n_heads, n_kv_heads, head_dim) = (64, 4, 2, 16);
    let r = p.recording();
    let format = Format::F32;
    let qkv_rows = (n_heads + 2 * n_kv_heads) * head_dim;
    let qkv_weights = r.matrix("qkv", qkv_rows, d_model, format).unwrap();
    let out_weights = r
        .matrix("out", d_model, n_heads * head_dim, format)
        .unwrap();
    let gate = r.matrix("gate", 8, d_model, format).unwrap();
    let gate_up = r.matrix("gate_up", 8 * 2 * 32, d_model, format).unwrap();
    let down = r.matrix("down", 8 * d_model, 32, format).unwrap();
    let [x, qkv, q, mixed, logits] = [d_model, qkv_rows, n_heads * head_dim, n_heads * head_dim, 8]
        .map(|n| r.activations("a", n));
    let cache = r.cache("cache", n_kv_heads, head_dim);
    let table = r.rotary_table(head_dim, 1e4);
    let gain = r.vector("gain", d_model);
    let gains = Some(r.vector("gains", 2 * head_dim));
    let norm = Some(Norm {
        gain,
        epsilon: EPSILON,
    });
    let linear = |weights, input, norm, output, add| Linear {
        weights,
        input,
        norm,
        bias: None,
        output,
        add,
        rows: Rows::All,
    };
    p.linear(linear(qkv_weights, x, norm, qkv, false));
    p.rotary(Rotary {
        qkv,
        q,
        cache,
        table,
        n_heads,
        n_kv_heads,
        head_dim,
        norm: QkNorm::PerHead,
        gains,
        epsilon: EPSILON,
        clip: None,
    });
    p.attention(Attention {
        q,
        cache,
        output: mixed,
        n_heads,
        n_kv_heads,
        head_dim,
        sees: Sees::Past,
        bias: None,
    })
    .unwrap();
    p.linear(linear(out_weights, mixed, None, x, true));
    p.linear(linear(gate, x, norm, logits, false));
    p.route(Route {
        logits,
        layer: 0,
        moe_layer: 0,
    });
    p.experts(Experts {
        gate_up,
        down,
        input: x,
        norm,
        output: x,
        moe_layer: Some(0),
    });
}

#[test]
fn a_block_is_8_dispatches_decoding_and_10_for_prompts() {
    let shape = Shape {
        n_experts: 8,
        n_shared: 0,
        d_model: 64,
        d_ff: 32,
        n_tokens: 4,
        invocations: Invocations::Together,
    };
    for (mode, expected) in [(Mode::Vector, 8), (Mode::Tile, 10)] {
        let mut recording = Recording::new(shape.sizes()).unwrap();
        let pass = common::one_pass(&mut recording, mode, block);
        let names: Vec<&str> = recording
            .dispatches(pass)
            .iter()
            .map(|d| d.kernel.name)
            .collect();
        assert_eq!(names.len(), expected, "{names:?}");
    }
}

#[test]
fn a_run_that_does_not_fit_is_refused_with_numbers() {
    let shape = Shape {
        n_experts: 8,
        n_shared: 0,
        d_model: 64,
        d_ff: 32,
        n_tokens: 4,
        invocations: Invocations::Together,
    };
    let mut recording = Recording::new(shape.sizes()).unwrap();
    let pass = common::one_pass(&mut recording, Mode::Vector, block);
    let mut plan = plan(recording);
    let refused = |plan: &mut moescope_shaders::Plan, step: &Step<'_>| {
        pollster::block_on(plan.run(pass, step))
            .unwrap_err()
            .to_string()
    };
    let step = Step {
        tokens: &[1],
        ..Step::default()
    };
    assert!(refused(&mut plan, &step).contains("set before the first run"));
    plan.set_routing(&[&top_k(2)], &[0]).unwrap();
    assert!(
        refused(
            &mut plan,
            &Step {
                tokens: &[1; 5],
                ..step
            }
        )
        .contains("from 1 to 4")
    );
    assert!(
        refused(
            &mut plan,
            &Step {
                position: 4,
                ..step
            }
        )
        .contains("capacity of the cache, 4")
    );
    let spec = RouterSpec::from_link("top_k=2,capacity_factor=1").unwrap();
    let error = plan.set_routing(&[&spec], &[0]).unwrap_err().to_string();
    assert!(
        error.contains("layer 0") && error.contains("whole batch"),
        "{error}"
    );
    let error = plan
        .set_routing(&[&top_k(9)], &[0])
        .unwrap_err()
        .to_string();
    assert!(error.contains("layer 0"), "{error}");
}
