//! Kernels against their twins, on random shapes, on whatever adapter there is.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

mod common;

use common::{Rng, assert_close, formats, one_pass, plan, read, run, sizes, write};
use moescope_shaders::{
    Attention, Invocations, Linear, Mode, Norm, QkNorm, Recording, Rotary, Rows, Sample, Sampling,
    Sees, Step, cpu,
};

const EPSILON: f32 = 1e-6;

#[test]
fn embedding_reads_the_rows_of_the_tokens() {
    let mut rng = Rng::new(1);
    for columns in [4, 24, 64, 192, 1056] {
        for format in formats(&[columns]) {
            let mut recording = Recording::new(sizes(5)).unwrap();
            let table = recording.matrix("table", 37, columns, format).unwrap();
            let output = recording.activations("x", columns);
            let pass = one_pass(&mut recording, Mode::Vector, |p| p.embedding(table, output));
            let mut plan = plan(recording);
            let weights = write(&plan, &table, &rng.reals(37 * columns));
            let tokens = [36, 0, 5, 5, 17];
            run(
                &mut plan,
                pass,
                &Step {
                    tokens: &tokens,
                    ..Step::default()
                },
            );
            let expected = cpu::embedding(&weights, columns, &tokens);
            assert_close(
                &format!("{format:?} {columns}"),
                &read(&plan, output, 5 * columns),
                &expected,
                1e-6,
            );
        }
    }
}

/// Matrix products of every format, with and without norm, bias and addition.
fn products(mode: Mode, invocations: Invocations, n_tokens: &[usize]) {
    let mut rng = Rng::new(2);
    let shapes = [
        (1, 4),
        (7, 24),
        (64, 64),
        (100, 192),
        (65, 96),
        (33, 8),
        (12, 1056),
    ];
    for (rows, columns) in shapes {
        for format in formats(&[columns]) {
            let n_tokens = *rng.pick(n_tokens);
            let [has_norm, has_bias, add] = [0, 1, 2].map(|_| rng.next().is_multiple_of(2));
            let recording = Recording::new(sizes(n_tokens)).unwrap();
            let mut recording = recording.suited_to(invocations);
            let weights = recording.matrix("weights", rows, columns, format).unwrap();
            let input = recording.activations("input", columns);
            let gain = recording.vector("gain", columns);
            let bias = recording.vector("bias", rows);
            let output = recording.activations("output", rows);
            let pass = one_pass(&mut recording, mode, |p| {
                p.linear(Linear {
                    weights,
                    input,
                    norm: has_norm.then_some(Norm {
                        gain,
                        epsilon: EPSILON,
                    }),
                    bias: has_bias.then_some(bias),
                    output,
                    add,
                    rows: Rows::All,
                });
            });
            let mut plan = plan(recording);
            let values = write(&plan, &weights, &rng.reals(rows * columns));
            let x = rng.reals(n_tokens * columns);
            let gains = rng.reals(columns);
            let biases = rng.reals(rows);
            let before = rng.reals(n_tokens * rows);
            for (buffer, values) in [
                (input, &x),
                (gain, &gains),
                (bias, &biases),
                (output, &before),
            ] {
                plan.write_reals(buffer, 0, values).unwrap();
            }
            let tokens = vec![0; n_tokens];
            run(
                &mut plan,
                pass,
                &Step {
                    tokens: &tokens,
                    ..Step::default()
                },
            );
            let mut expected = if add {
                before
            } else {
                vec![0.0; n_tokens * rows]
            };
            let norm = has_norm.then_some((&gains[..], EPSILON));
            let biases = if has_bias { &biases[..] } else { &[] };
            let twin = match mode {
                Mode::Vector => cpu::matvec,
                Mode::Tile => cpu::matmul,
            };
            twin(&values, columns, &x, norm, biases, &mut expected);
            let what =
                format!("{mode:?} {invocations:?} {rows}x{columns} {format:?}, {n_tokens} tokens");
            assert_close(
                &what,
                &read(&plan, output, n_tokens * rows),
                &expected,
                1e-5,
            );
        }
    }
}

#[test]
fn matvec_agrees_with_its_twin() {
    for invocations in [Invocations::Together, Invocations::Alone] {
        products(Mode::Vector, invocations, &[1, 2, 3]);
    }
}

#[test]
fn matmul_agrees_with_its_twin() {
    products(
        Mode::Tile,
        Invocations::Together,
        &[1, 3, 4, 5, 17, 32, 33, 64],
    );
}

#[test]
fn the_last_row_alone_is_that_of_the_last_token() {
    let mut rng = Rng::new(3);
    for mode in [Mode::Vector, Mode::Tile] {
        let mut recording = Recording::new(sizes(20)).unwrap();
        let weights = recording
            .matrix("weights", 50, 32, moescope_shaders::Format::F32)
            .unwrap();
        let input = recording.activations("input", 32);
        let output = recording.activations("output", 50);
        let pass = one_pass(&mut recording, mode, |p| {
            p.linear(Linear {
                weights,
                input,
                norm: None,
                bias: None,
                output,
                add: false,
                rows: Rows::Last,
            });
        });
        let mut plan = plan(recording);
        let values = write(&plan, &weights, &rng.reals(50 * 32));
        let x = rng.reals(17 * 32);
        plan.write_reals(input, 0, &x).unwrap();
        run(
            &mut plan,
            pass,
            &Step {
                tokens: &[0; 17],
                ..Step::default()
            },
        );
        let mut expected = vec![0.0; 50];
        cpu::matvec(&values, 32, &x[16 * 32..], None, &[], &mut expected);
        assert_close("last row", &read(&plan, output, 50), &expected, 1e-5);
    }
}

#[test]
fn rotary_agrees_with_its_twin() {
    let mut rng = Rng::new(4);
    for (norm, clip) in [
        (QkNorm::None, None),
        (QkNorm::PerHead, None),
        (QkNorm::Whole, Some(0.7)),
        (QkNorm::None, Some(0.3)),
    ] {
        for (n_heads, n_kv_heads, head_dim) in [(4, 2, 16), (6, 2, 32), (3, 1, 80), (2, 2, 4)] {
            let n_tokens = rng.between(1, 6);
            let position = rng.between(0, 100);
            let mut recording = Recording::new(sizes(n_tokens)).unwrap();
            let width = (n_heads + 2 * n_kv_heads) * head_dim;
            let n_gains = match norm {
                QkNorm::None => 4,
                QkNorm::PerHead => 2 * head_dim,
                QkNorm::Whole => (n_heads + n_kv_heads) * head_dim,
            };
            let qkv = recording.activations("qkv", width);
            let q = recording.activations("q", n_heads * head_dim);
            let cache = recording.cache("cache", n_kv_heads, head_dim);
            let table = recording.rotary_table(head_dim, 10_000.0);
            let gains = recording.vector("gains", n_gains);
            let pass = one_pass(&mut recording, Mode::Vector, |p| {
                p.rotary(Rotary {
                    qkv,
                    q,
                    cache,
                    table,
                    n_heads,
                    n_kv_heads,
                    head_dim,
                    norm,
                    gains: (norm != QkNorm::None).then_some(gains),
                    epsilon: EPSILON,
                    clip,
                });
            });
            let capacity = recording.sizes().capacity;
            let mut plan = plan(recording);
            let x = rng.reals(n_tokens * width);
            let gain_values = rng.reals(n_gains);
            plan.write_reals(qkv, 0, &x).unwrap();
            plan.write_reals(gains, 0, &gain_values).unwrap();
            let tokens = vec![0; n_tokens];
            run(
                &mut plan,
                pass,
                &Step {
                    tokens: &tokens,
                    position,
                    ..Step::default()
                },
            );
            let angles = read(&plan, table, capacity * head_dim);
            let mut expected_cache = vec![0.0; 2 * n_kv_heads * capacity * head_dim];
            let args = cpu::RotaryArgs {
                n_heads,
                n_kv_heads,
                head_dim,
                capacity,
                norm,
                epsilon: EPSILON,
                clip: clip.unwrap_or(0.0),
                position,
            };
            let expected = cpu::rotary(&args, &x, &gain_values, &angles, &mut expected_cache);
            let what = format!("{norm:?} {n_heads} heads of {head_dim}");
            assert_close(&what, &read(&plan, q, expected.len()), &expected, 1e-5);
            let found = read(&plan, cache, expected_cache.len());
            assert_close(&format!("{what}, cache"), &found, &expected_cache, 1e-5);
        }
    }
}

#[test]
fn attention_agrees_with_its_twin() {
    let mut rng = Rng::new(5);
    for kind in [
        (Mode::Vector, Invocations::Together),
        (Mode::Tile, Invocations::Together),
        (Mode::Tile, Invocations::Alone),
    ] {
        for (n_heads, n_kv_heads, head_dim) in
            [(4, 2, 16), (6, 2, 32), (3, 1, 80), (2, 2, 256), (5, 5, 24)]
        {
            for (position, n_tokens) in [(0, 1), (0, 7), (63, 1), (64, 2), (100, 9), (150, 10)] {
                let args = cpu::AttentionArgs {
                    n_heads,
                    n_kv_heads,
                    head_dim,
                    capacity: sizes(n_tokens).capacity,
                    sees: *rng.pick(&[Sees::Past, Sees::All]),
                    position,
                };
                let has_bias = rng.next().is_multiple_of(2);
                attend(&mut rng, kind, &args, n_tokens, has_bias);
            }
        }
    }
}

#[test]
fn attention_goes_on_behind_the_keys_that_a_workgroup_looks_at_together() {
    let mut rng = Rng::new(8);
    for mode in [Mode::Vector, Mode::Tile] {
        for (position, n_tokens) in [(255, 1), (256, 1), (250, 9), (600, 5)] {
            let args = cpu::AttentionArgs {
                n_heads: 2,
                n_kv_heads: 1,
                head_dim: 32,
                capacity: 640,
                sees: Sees::Past,
                position,
            };
            attend(
                &mut rng,
                (mode, Invocations::Together),
                &args,
                n_tokens,
                true,
            );
        }
    }
}

fn attend(
    rng: &mut Rng,
    (mode, invocations): (Mode, Invocations),
    args: &cpu::AttentionArgs,
    n_tokens: usize,
    has_bias: bool,
) {
    let cpu::AttentionArgs {
        n_heads,
        n_kv_heads,
        head_dim,
        capacity,
        sees,
        position,
    } = *args;
    let sizes = moescope_shaders::Sizes {
        capacity,
        ..sizes(n_tokens)
    };
    let recording = Recording::new(sizes).unwrap();
    let mut recording = recording.suited_to(invocations);
    let q = recording.activations("q", n_heads * head_dim);
    let cache = recording.cache("cache", n_kv_heads, head_dim);
    let bias = recording.buffer("bias", n_heads * capacity * capacity);
    let output = recording.activations("output", n_heads * head_dim);
    let pass = one_pass(&mut recording, mode, |p| {
        p.attention(Attention {
            q,
            cache,
            output,
            n_heads,
            n_kv_heads,
            head_dim,
            sees,
            bias: has_bias.then_some(bias),
        })
        .unwrap();
    });
    let mut plan = plan(recording);
    let queries = rng.reals(n_tokens * n_heads * head_dim);
    let queries: Vec<f32> = queries.iter().map(|x| 3.0 * x).collect();
    let values = rng.reals(2 * n_kv_heads * capacity * head_dim);
    let biases = rng.reals(n_heads * capacity * capacity);
    plan.write_reals(q, 0, &queries).unwrap();
    plan.write_reals(cache, 0, &values).unwrap();
    plan.write_reals(bias, 0, &biases).unwrap();
    let tokens = vec![0; n_tokens];
    let step = Step {
        tokens: &tokens,
        position,
        ..Step::default()
    };
    run(&mut plan, pass, &step);
    let biases = if has_bias { &biases[..] } else { &[] };
    let expected = cpu::attention(args, &queries, &values, biases);
    let what = format!("{mode:?} {invocations:?} {args:?}, {n_tokens} tokens, bias {has_bias}");
    assert_close(&what, &read(&plan, output, expected.len()), &expected, 2e-5);
}

#[test]
fn attention_over_a_long_cache_is_shared_even_in_software() {
    for (capacity, name) in [(4000, "attention_alone"), (4100, "attention")] {
        let sizes = moescope_shaders::Sizes {
            capacity,
            ..sizes(1)
        };
        let recording = Recording::new(sizes).unwrap();
        let mut recording = recording.suited_to(Invocations::Alone);
        let [q, output] = ["q", "output"].map(|label| recording.activations(label, 128));
        let cache = recording.cache("cache", 1, 128);
        let pass = one_pass(&mut recording, Mode::Vector, |p| {
            p.attention(Attention {
                q,
                cache,
                output,
                n_heads: 1,
                n_kv_heads: 1,
                head_dim: 128,
                sees: Sees::Past,
                bias: None,
            })
            .unwrap();
        });
        assert_eq!(recording.dispatches(pass)[0].kernel.name, name);
    }
}

#[test]
fn sampling_agrees_with_its_twin() {
    let mut rng = Rng::new(6);
    for vocab in [3, 255, 256, 301, 4096] {
        let mut recording = Recording::new(sizes(1)).unwrap();
        let logits = recording.activations("logits", vocab);
        let pass = one_pass(&mut recording, Mode::Vector, |p| {
            p.sample(Sample { logits, vocab })
        });
        let mut plan = plan(recording);
        for case in 0..24 {
            // In every third case in steps of a half, so that there are ties.
            let step = [0.5, 1e-6, 1e-6][case % 3];
            let spread = |x: f32| (4.0 * x / step).round() * step;
            let values: Vec<f32> = rng.reals(vocab).into_iter().map(spread).collect();
            plan.write_reals(logits, 0, &values).unwrap();
            let sampling = Sampling {
                temperature: *rng.pick(&[0.0, 0.7, 1.0, 2.0]),
                top_k: *rng.pick(&[0, 1, 2, 40]),
                top_p: *rng.pick(&[1.0, 0.9, 0.3]),
                draw: (rng.real() + 1.0) / 2.0,
            };
            let step = Step {
                tokens: &[0],
                sampling,
                ..Step::default()
            };
            let reading = run(&mut plan, pass, &step);
            let expected = cpu::sample(&values, &sampling);
            let token = reading.token as usize;
            // A draw within rounding of the border between two tokens may fall on either.
            let near = |step: f32| {
                cpu::sample(
                    &values,
                    &Sampling {
                        draw: sampling.draw + step,
                        ..sampling
                    },
                )
            };
            let allowed = [expected, near(1e-5), near(-1e-5)];
            assert!(
                allowed.contains(&token),
                "case {case}, {sampling:?}: {token}, expected {expected}"
            );
            let log_prob = cpu::log_prob(&values, token);
            assert!(
                (reading.log_prob - log_prob).abs() < 1e-4,
                "{} {log_prob}",
                reading.log_prob
            );
        }
    }
}

#[test]
fn greedy_takes_the_lower_id_on_a_tie() {
    let mut recording = Recording::new(sizes(1)).unwrap();
    let logits = recording.activations("logits", 600);
    let pass = one_pass(&mut recording, Mode::Vector, |p| {
        p.sample(Sample { logits, vocab: 600 })
    });
    let mut plan = plan(recording);
    let mut values = vec![0.0; 600];
    (values[77], values[78], values[599]) = (2.0, 2.0, 2.0);
    plan.write_reals(logits, 0, &values).unwrap();
    assert_eq!(
        run(
            &mut plan,
            pass,
            &Step {
                tokens: &[0],
                ..Step::default()
            }
        )
        .token,
        77
    );
}

#[test]
fn scoring_gives_the_log_probability_of_every_target() {
    let mut rng = Rng::new(7);
    let mut recording = Recording::new(sizes(9)).unwrap();
    let logits = recording.activations("logits", 301);
    let pass = one_pass(&mut recording, Mode::Tile, |p| {
        p.score(Sample { logits, vocab: 301 })
    });
    let mut plan = plan(recording);
    let values = rng.reals(9 * 301);
    plan.write_reals(logits, 0, &values).unwrap();
    let targets: Vec<u32> = (0..9).map(|_| rng.between(0, 300) as u32).collect();
    let reading = run(
        &mut plan,
        pass,
        &Step {
            tokens: &[0; 9],
            targets: &targets,
            ..Step::default()
        },
    );
    let rows = values.chunks_exact(301).zip(&targets);
    let expected: Vec<f32> = rows
        .map(|(row, id)| cpu::log_prob(row, *id as usize))
        .collect();
    assert_close("log-probabilities", &reading.log_probs, &expected, 1e-5);
}
