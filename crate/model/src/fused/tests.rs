//! Values and gradients against the same thing composed of stock operations, on odd sizes.

use burn::tensor::activation::{log_softmax, silu, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_routing::RoutingPlan;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{
    Packed, attention, cross_entropy, experts, norm, packed_experts, product, rotate, row_product,
};
use crate::attention::causal_mask;
use crate::dispatch::Dispatch;

/// Output and gradients by name.
type Outcome = Vec<(&'static str, Vec<f32>)>;

/// Random numbers in [-1, 1).
fn random<const N: usize>(rng: &mut StdRng, shape: [usize; N]) -> TensorData {
    let value = || rng.random::<f32>() * 2.0 - 1.0;
    let values = std::iter::repeat_with(value).take(shape.iter().product());
    TensorData::new(values.collect::<Vec<f32>>(), shape)
}

fn leaf<const N: usize>(data: &TensorData) -> Tensor<N> {
    Tensor::from_data(data.clone(), &Device::flex().autodiff()).require_grad()
}

fn values<const N: usize>(tensor: Tensor<N>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn assert_same(ours: &Outcome, stock: &Outcome) {
    assert_close(ours, stock, 2e-5);
}

/// The same but for so much, and one in 10,000.
fn assert_close(ours: &Outcome, stock: &Outcome, absolute: f32) {
    for ((name, ours), (_, stock)) in ours.iter().zip(stock) {
        assert_eq!(ours.len(), stock.len(), "{name}");
        assert!(stock.iter().any(|&x| x != 0.0), "{name} is all zero");
        for (i, (a, b)) in ours.iter().zip(stock).enumerate() {
            let close = (a - b).abs() <= absolute + 1e-4 * b.abs();
            assert!(close, "{name}[{i}]: {a}, and {b} of stock operations");
        }
    }
}

/// Five tokens with two, one or no experts out of four; expert 2 is idle.
fn plan() -> RoutingPlan {
    RoutingPlan {
        offsets: vec![0, 2, 3, 3, 5, 7],
        expert_idx: vec![3, 1, 1, 0, 3, 3, 0],
        combine_weights: vec![0.7, 0.3, 1.0, 0.6, 0.4, 0.5, 0.5],
    }
}

#[test]
fn experts_agree_with_stock_operations() {
    let (n_experts, d, f) = (4, 5, 3);
    let plan = plan();
    let dispatch = Dispatch::new(&plan, n_experts);
    let t = plan.n_tokens();
    let rng = &mut StdRng::seed_from_u64(1);
    let x = random(rng, [t, d]);
    let gate_up = random(rng, [n_experts, d, 2 * f]);
    let down = random(rng, [n_experts, f, d]);
    let weights = TensorData::new(dispatch.weight_of_choice.clone(), [t, dispatch.width]);
    let factors = random(rng, [t, d]);
    let run = |is_fused: bool| -> Outcome {
        let (x, gate_up, down) = (leaf::<2>(&x), leaf::<3>(&gate_up), leaf::<3>(&down));
        let weights = leaf::<2>(&weights);
        let out = if is_fused {
            let (x, weights) = (x.clone(), weights.clone());
            experts(x, gate_up.clone(), down.clone(), weights, &dispatch).unwrap()
        } else {
            // Every expert for every token; each choice picks its row.
            let h = x.clone().reshape([1, t, d]).matmul(gate_up.clone());
            let act = silu(h.clone().narrow(2, 0, f)) * h.narrow(2, f, f);
            let y_etd = act.matmul(down.clone());
            let choices = (0..t * dispatch.width).map(|choice| {
                let (token, k) = (choice / dispatch.width, choice % dispatch.width);
                let expert = dispatch.expert_of_choice[choice] as usize;
                let y = y_etd
                    .clone()
                    .slice([expert..expert + 1, token..token + 1, 0..d]);
                let weight = weights.clone().slice([token..token + 1, k..k + 1]);
                // An empty choice counts for nothing, and its weight has no gradient.
                let counts = plan.experts(token).get(k).is_some();
                y.reshape([1, d]) * weight * f64::from(u8::from(counts))
            });
            let y = Tensor::cat(choices.collect(), 0);
            y.reshape([t, dispatch.width, d]).sum_dim(1).reshape([t, d])
        };
        let factors = Tensor::from_data(factors.clone(), &out.device());
        let grads = (out.clone() * factors).sum().backward();
        vec![
            ("output", values(out)),
            ("x", values(x.grad(&grads).unwrap())),
            ("gate_up", values(gate_up.grad(&grads).unwrap())),
            ("down", values(down.grad(&grads).unwrap())),
            ("weights", values(weights.grad(&grads).unwrap())),
        ]
    };
    assert_same(&run(true), &run(false));
}

#[test]
fn attention_agrees_with_stock_operations() {
    // Short, one tile exactly, and several tiles with a rest; alone, and after others.
    for (len, past) in [(1, 0), (3, 0), (64, 0), (150, 0), (1, 33), (70, 5)] {
        let (b, n_heads, n_kv_heads, d) = (2, 4, 2, 6);
        let n = past + len;
        let rng = &mut StdRng::seed_from_u64(len as u64);
        let q = random(rng, [b, n_heads, len, d]);
        let k = random(rng, [b, n_kv_heads, n, d]);
        let v = random(rng, [b, n_kv_heads, n, d]);
        let factors = random(rng, [b, n_heads, len, d]);
        let run = |is_fused: bool| -> Outcome {
            let (q, k, v) = (leaf::<4>(&q), leaf::<4>(&k), leaf::<4>(&v));
            let out = if is_fused {
                attention(q.clone() * 3.0, k.clone(), v.clone()).unwrap()
            } else {
                let group = n_heads / n_kv_heads;
                let repeat = |x: Tensor<4>| {
                    let x = x.reshape([b, n_kv_heads, 1, n * d]);
                    let x = x.expand([b, n_kv_heads, group, n * d]);
                    x.reshape([b, n_heads, n, d])
                };
                let keys = repeat(k.clone()).swap_dims(2, 3);
                let scores = (q.clone() * 3.0).matmul(keys) * (d as f64).powf(-0.5);
                let mask = causal_mask(len, n, &q.device());
                softmax(scores + mask, 3).matmul(repeat(v.clone()))
            };
            let factors = Tensor::from_data(factors.clone(), &out.device());
            let grads = (out.clone() * factors).sum().backward();
            let mut outcome = vec![
                ("output", values(out)),
                ("v", values(v.grad(&grads).unwrap())),
            ];
            // One key has a share of one whatever its score.
            if n > 1 {
                outcome.push(("q", values(q.grad(&grads).unwrap())));
                outcome.push(("k", values(k.grad(&grads).unwrap())));
            }
            outcome
        };
        assert_same(&run(true), &run(false));
    }
}

#[test]
fn norms_agree_with_stock_operations() {
    // A width that is no multiple of the lanes, and rows of two dimensions.
    let (t, h, d) = (5, 3, 13);
    let rng = &mut StdRng::seed_from_u64(7);
    let (x, gamma) = (random(rng, [t, h, d]), random(rng, [d]));
    let factors = random(rng, [t, h, d]);
    let epsilon = 0.1;
    let run = |is_fused: bool| -> Outcome {
        let (x, gamma) = (leaf::<3>(&x), leaf::<1>(&gamma));
        let out = if is_fused {
            norm(x.clone(), gamma.clone(), epsilon).unwrap()
        } else {
            let root = (x.clone().square().mean_dim(2) + epsilon).sqrt();
            x.clone() / root * gamma.clone().unsqueeze()
        };
        let factors = Tensor::from_data(factors.clone(), &out.device());
        let grads = (out.clone() * factors).sum().backward();
        vec![
            ("output", values(out)),
            ("x", values(x.grad(&grads).unwrap())),
            ("gamma", values(gamma.grad(&grads).unwrap())),
        ]
    };
    assert_same(&run(true), &run(false));
}

#[test]
fn rotations_agree_with_stock_operations() {
    let (b, h, s, half) = (2, 3, 4, 5);
    let rng = &mut StdRng::seed_from_u64(8);
    let x = random(rng, [b, s, h, 2 * half]);
    let angles = Tensor::<4>::from_data(random(rng, [1, 1, s, half]), &Device::flex().autodiff());
    let factors = random(rng, [b, h, s, 2 * half]);
    let run = |is_fused: bool| -> Outcome {
        let x = leaf::<4>(&x);
        // Heads and positions exchanged, as attention has them.
        let heads = x.clone().swap_dims(1, 2);
        let (cos, sin) = (angles.clone().cos(), angles.clone().sin());
        let out = if is_fused {
            rotate(heads, cos, sin).unwrap()
        } else {
            let (first, second) = (
                heads.clone().narrow(3, 0, half),
                heads.narrow(3, half, half),
            );
            let one = first.clone() * cos.clone() - second.clone() * sin.clone();
            Tensor::cat(vec![one, second * cos + first * sin], 3)
        };
        let factors = Tensor::from_data(factors.clone(), &out.device());
        let grads = (out.clone() * factors).sum().backward();
        vec![
            ("output", values(out)),
            ("x", values(x.grad(&grads).unwrap())),
        ]
    };
    assert_same(&run(true), &run(false));
}

#[test]
fn losses_agree_with_stock_operations() {
    // More rows than one chunk.
    let (t, d, v) = (300, 7, 21);
    let rng = &mut StdRng::seed_from_u64(5);
    let (hidden, table) = (random(rng, [t, d]), random(rng, [v, d]));
    let targets: Vec<i32> = (0..t as i32).map(|i| i * 5 % v as i32).collect();
    let factors = random(rng, [t]);
    let run = |is_fused: bool| -> Outcome {
        let (hidden, table) = (leaf::<2>(&hidden), leaf::<2>(&table));
        let losses: Tensor<1> = if is_fused {
            cross_entropy(hidden.clone() * 4.0, table.clone(), &targets).unwrap()
        } else {
            let logits = (hidden.clone() * 4.0).matmul(table.clone().transpose());
            let targets = TensorData::new(targets.clone(), [t, 1]);
            let targets = Tensor::<2, Int>::from_data(targets, &hidden.device());
            log_softmax(logits, 1).gather(1, targets).reshape([t]).neg()
        };
        let factors = Tensor::from_data(factors.clone(), &losses.device());
        let grads = (losses.clone() * factors).sum().backward();
        vec![
            ("losses", values(losses)),
            ("hidden", values(hidden.grad(&grads).unwrap())),
            ("table", values(table.grad(&grads).unwrap())),
        ]
    };
    assert_same(&run(true), &run(false));
}

#[test]
fn without_autodiff_the_values_are_the_same() {
    let rng = &mut StdRng::seed_from_u64(9);
    let q = random(rng, [1, 2, 70, 4]);
    let plain = Tensor::<4>::from_data(q.clone(), &Device::flex());
    let plain = attention(plain.clone(), plain.clone(), plain).unwrap();
    let tracked = leaf::<4>(&q);
    let tracked = attention(tracked.clone(), tracked.clone(), tracked).unwrap();
    assert_eq!(values(plain), values(tracked));
}

/// What rounding the rows that come in to 16 bits may change.
const OF_INPUTS: f32 = 5e-4;

#[test]
fn packed_products_agree_with_stock_operations_on_what_packing_has_left() {
    // One row, fewer than are taken together, and more; blocks of zeros among them.
    for n_tokens in [1, 5, 40] {
        let (inputs, outputs) = (96, 7);
        let rng = &mut StdRng::seed_from_u64(n_tokens as u64);
        let mut weights = random(rng, [outputs, inputs])
            .try_into_vec::<f32>()
            .unwrap();
        weights[32..64].fill(0.0);
        let packed = Packed::new(&weights, 1, inputs);
        let kept: Tensor<2> = packed.unpacked();
        let step = 0.5 / 127.0;
        for (kept, weight) in values(kept.clone().transpose()).iter().zip(&weights) {
            assert!((kept - weight).abs() <= step * 1.01, "{kept}, not {weight}");
        }
        let x = random(rng, [n_tokens, inputs]);
        let factors = random(rng, [n_tokens, outputs]);
        let run = |is_packed: bool| -> Outcome {
            let x = leaf::<2>(&x);
            let out = match is_packed {
                true => product(x.clone(), &packed).unwrap(),
                false => x.clone().matmul(kept.clone().autodiff()),
            };
            let factors = Tensor::from_data(factors.clone(), &out.device());
            let grads = (out.clone() * factors).sum().backward();
            let grad = x.grad(&grads).unwrap();
            vec![("output", values(out)), ("x", values(grad))]
        };
        assert_close(&run(true), &run(false), OF_INPUTS);
    }
}

#[test]
fn packed_experts_agree_with_experts_of_what_packing_has_left() {
    let (n_experts, d, f) = (4, 64, 32);
    let dispatch = Dispatch::new(&plan(), n_experts);
    let t = plan().n_tokens();
    let rng = &mut StdRng::seed_from_u64(3);
    // As small as trained ones, so that outputs are about as large as what comes in.
    let pack = |rng: &mut StdRng, outputs, inputs| {
        let weights = random(rng, [n_experts, outputs, inputs]);
        let weights = weights.try_into_vec::<f32>().unwrap();
        let weights: Vec<f32> = weights.iter().map(|w| w * 0.2).collect();
        Packed::new(&weights, n_experts, inputs)
    };
    let (gate_up, down) = (pack(rng, 2 * f, d), pack(rng, d, f));
    let x = random(rng, [t, d]);
    let weights = TensorData::new(dispatch.weight_of_choice.clone(), [t, dispatch.width]);
    let factors = random(rng, [t, d]);
    let run = |is_packed: bool| -> Outcome {
        let (x, weights) = (leaf::<2>(&x), leaf::<2>(&weights));
        let (x_td, weights_tk) = (x.clone(), weights.clone());
        let out = match is_packed {
            true => packed_experts(x_td, &gate_up, &down, weights_tk, &dispatch),
            false => {
                let reals = |packed: &Packed| packed.unpacked::<3>().autodiff();
                experts(x_td, reals(&gate_up), reals(&down), weights_tk, &dispatch)
            }
        };
        let out = out.unwrap();
        let factors = Tensor::from_data(factors.clone(), &out.device());
        let grads = (out.clone() * factors).sum().backward();
        vec![
            ("output", values(out)),
            ("x", values(x.grad(&grads).unwrap())),
            ("weights", values(weights.grad(&grads).unwrap())),
        ]
    };
    assert_close(&run(true), &run(false), OF_INPUTS);
}

#[test]
fn a_single_row_agrees_with_stock_operations() {
    for transposed in [false, true] {
        let rng = &mut StdRng::seed_from_u64(6);
        let (inputs, outputs) = (37, 530);
        let shape = if transposed {
            [outputs, inputs]
        } else {
            [inputs, outputs]
        };
        let (x, weight) = (random(rng, [1, inputs]), random(rng, shape));
        let factors = random(rng, [1, outputs]);
        let run = |is_fused: bool| -> Outcome {
            let (x, weight) = (leaf::<2>(&x), leaf::<2>(&weight));
            let out = match (is_fused, transposed) {
                (true, _) => row_product(x.clone(), weight.clone(), transposed).unwrap(),
                (false, true) => x.clone().matmul(weight.clone().transpose()),
                (false, false) => x.clone().matmul(weight.clone()),
            };
            let factors = Tensor::from_data(factors.clone(), &out.device());
            let grads = (out.clone() * factors).sum().backward();
            let (of_x, of_weight) = (x.grad(&grads).unwrap(), weight.grad(&grads).unwrap());
            vec![
                ("output", values(out)),
                ("x", values(of_x)),
                ("weight", values(of_weight)),
            ]
        };
        assert_same(&run(true), &run(false));
    }
    let rng = &mut StdRng::seed_from_u64(7);
    let (x, weight) = (random(rng, [2, 4]), random(rng, [4, 3]));
    assert!(row_product(leaf::<2>(&x), leaf::<2>(&weight), false).is_none());
}
