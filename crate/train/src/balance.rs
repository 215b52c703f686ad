//! What keeps a router in bounds: the load balancing loss over whichever tokens a recipe balances, the z-loss, and the
//! bias that evens the load without a loss.
//!
//! Loss = E * sum over experts of f_e P_e (Switch Transformer, Fedus et al. 2021, equation 4): f the share of the
//! selections that went to an expert, a constant, and P its mean score, which carries the gradient.
//! Over a sequence, f and P are of that sequence alone and every single text must use all experts; over a batch, f is
//! of the whole step (global-batch balance, Qiu et al. 2025, arXiv:2501.11873), which leaves room for experts that
//! know one kind of text.
//! The parts of a step run on threads of their own and exchange their counts layer by layer.

use std::cmp::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use burn::tensor::activation::log_softmax;
use burn::tensor::{Tensor, TensorData};
use moescope_routing::RoutingPlan;
use serde::{Deserialize, Serialize};

/// The tokens that a load balancing loss balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BalanceOver {
    /// Each sequence (or image) by itself.
    Sequence,
    /// All tokens of a step.
    Batch,
}

/// Selections of each expert among `tokens`.
pub fn count_selections(
    plan: &RoutingPlan,
    tokens: std::ops::Range<usize>,
    n_experts: usize,
) -> Vec<u64> {
    let mut counts = vec![0; n_experts];
    for token in tokens {
        for &expert in plan.experts(token) {
            counts[usize::from(expert)] += 1;
        }
    }
    counts
}

/// E * sum of f P, a mean over the rows; 1 where the load is even.
///
/// # Shapes
/// `counts`: R rows of E selections each; `scores_te`: [T, E] with the T / R tokens of each row in order; returns [1]
pub fn load_balancing_loss(counts: &[Vec<u64>], scores_te: Tensor<2>) -> Tensor<1> {
    let ([t, n_experts], n_rows) = (scores_te.dims(), counts.len());
    let shares = counts.iter().flat_map(|row| {
        let total = row.iter().sum::<u64>().max(1) as f32;
        row.iter().map(move |&count| count as f32 / total)
    });
    let shares = TensorData::new(shares.collect::<Vec<f32>>(), [n_rows, n_experts]);
    let shares_re = Tensor::<2>::from_data(shares, &scores_te.device());
    let scores_rse = scores_te.reshape([n_rows, t / n_rows, n_experts]);
    let mean_scores_re = scores_rse.mean_dim(1).reshape([n_rows, n_experts]);
    (mean_scores_re * shares_re).sum() * (n_experts as f64 / n_rows as f64)
}

/// Mean over tokens of the squared log of the sum of exp of the logits (ST-MoE, Zoph et al. 2022, equation 5).
///
/// # Shapes
/// `logits_te`: [T, E]; returns [1]
pub fn router_z_loss(logits_te: Tensor<2>) -> Tensor<1> {
    let first_t1 = logits_te.clone().narrow(1, 0, 1);
    let log_sum_exp_t1 = first_t1 - log_softmax(logits_te, 1).narrow(1, 0, 1);
    log_sum_exp_t1.square().mean()
}

/// Moves each expert's bias of the selection scores by `step`: up where it was selected less than the mean, down where
/// more (Wang et al. 2024, arXiv:2408.15664, algorithm 1; DeepSeek-V3, arXiv:2412.19437, section 2.1.2).
pub fn nudge_biases(biases_e: &mut [f32], selections_e: &[u64], step: f64) {
    let total: u64 = selections_e.iter().sum();
    let n_experts = selections_e.len() as u64;
    for (bias, &count) in biases_e.iter_mut().zip(selections_e) {
        match (count * n_experts).cmp(&total) {
            Ordering::Less => *bias += step as f32,
            Ordering::Greater => *bias -= step as f32,
            Ordering::Equal => {}
        }
    }
}

/// Where the parts of a step add up their counts, layer by layer.
pub struct Exchange {
    parts: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Sum of the counts so far and number of parts in it, by round.
    rounds: Vec<(Vec<u64>, usize)>,
    /// Whether a part ended without finishing.
    is_broken: bool,
}

impl Exchange {
    /// For `parts` threads.
    pub fn new(parts: usize) -> Self {
        Self {
            parts,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Counts of all parts for the caller's round; waits for the others.
    /// The caller's own counts where another part has failed and will not come: the step fails anyway.
    pub fn sum(&self, round: usize, counts: &[u64]) -> Vec<u64> {
        let mut state = self.lock();
        if state.rounds.len() <= round {
            state.rounds.resize(round + 1, (vec![0; counts.len()], 0));
        }
        let (sum, arrived) = &mut state.rounds[round];
        sum.iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += count);
        *arrived += 1;
        self.changed.notify_all();
        while state.rounds[round].1 < self.parts {
            if state.is_broken {
                return counts.to_vec();
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.rounds[round].0.clone()
    }

    /// A part's place at the exchange: dropping it before [`Seat::finish`] wakes those who wait for it.
    pub fn seat(&self) -> Seat<'_> {
        Seat(Some(self))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Exchange::seat`].
pub struct Seat<'a>(Option<&'a Exchange>);

impl Seat<'_> {
    /// The part has added all its counts.
    pub fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.0 {
            exchange.lock().is_broken = true;
            exchange.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use burn::tensor::activation::softmax;

    use super::*;

    fn value(tensor: Tensor<1>) -> f64 {
        f64::from(tensor.into_scalar::<f32>())
    }

    #[test]
    fn an_even_load_costs_one_whatever_is_balanced() {
        let scores = Tensor::<2>::ones([6, 4], &Device::flex()) * 0.25;
        let whole = load_balancing_loss(&[vec![3, 3, 3, 3]], scores.clone());
        let halves = load_balancing_loss(&[vec![2, 0, 4, 0], vec![1, 3, 0, 2]], scores);
        assert!((value(whole) - 1.0).abs() < 1e-6);
        assert!((value(halves) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn rows_are_balanced_by_themselves() {
        // Two rows of one token, each sure of another expert: even over both, as uneven as can be over each.
        let scores = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &Device::flex());
        let batch = load_balancing_loss(&[vec![1, 1]], scores.clone());
        let rows = load_balancing_loss(&[vec![1, 0], vec![0, 1]], scores);
        assert!((value(batch) - 1.0).abs() < 1e-6);
        assert!((value(rows) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let device = Device::flex().autodiff();
        let logits: Vec<f32> = (0..24).map(|i| ((i * 7 % 11) as f32 - 5.0) * 0.3).collect();
        let balance = |counts: Vec<Vec<u64>>| -> Box<dyn Fn(Tensor<2>) -> Tensor<1>> {
            Box::new(move |logits_te| load_balancing_loss(&counts, softmax(logits_te, 1)))
        };
        let of_batch = balance(vec![vec![1, 5, 2, 4]]);
        let of_rows = balance(vec![vec![6, 0, 0, 0], vec![1, 1, 2, 2], vec![0, 3, 3, 0]]);
        for term in [of_batch, of_rows, Box::new(router_z_loss)] {
            let loss = |logits: &[f32], device: &Device| {
                let data = TensorData::new(logits.to_vec(), [6, 4]);
                let logits_te = Tensor::<2>::from_data(data, device);
                let logits_te = match device.is_autodiff() {
                    true => logits_te.require_grad(),
                    false => logits_te,
                };
                (logits_te.clone(), term(logits_te))
            };
            let (logits_te, tracked) = loss(&logits, &device);
            let grads = logits_te.grad(&tracked.backward()).unwrap();
            let grads: Vec<f32> = grads.into_data().try_into_vec().unwrap();
            for i in 0..logits.len() {
                let at = |by: f32| {
                    let mut moved = logits.clone();
                    moved[i] += by;
                    value(loss(&moved, &Device::flex()).1)
                };
                let slope = (at(0.01) - at(-0.01)) / 0.02;
                let grad = f64::from(grads[i]);
                assert!((slope - grad).abs() < 2e-4, "{i}: {slope} and {grad}");
            }
        }
    }

    #[test]
    fn the_z_loss_is_the_squared_log_of_the_sum() {
        let logits = Tensor::<2>::from_floats([[0.0, 0.0], [3.0, 3.0]], &Device::flex());
        let two = 2_f64.ln();
        let expected = (two * two + (3.0 + two) * (3.0 + two)) / 2.0;
        assert!((value(router_z_loss(logits)) - expected).abs() < 1e-5);
    }

    #[test]
    fn biases_move_against_the_load_and_rest_when_it_is_even() {
        let mut biases = [0.0, 0.5, 0.0, 0.0];
        nudge_biases(&mut biases, &[2, 8, 4, 2], 0.25);
        assert_eq!(biases, [0.25, 0.25, 0.0, 0.25]);
        nudge_biases(&mut biases, &[3, 3, 3, 3], 0.25);
        assert_eq!(biases, [0.25, 0.25, 0.0, 0.25]);
    }

    #[test]
    fn parts_see_the_counts_of_all() {
        let exchange = Exchange::new(2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let seat = exchange.seat();
                let sums = [exchange.sum(0, &[1, 2]), exchange.sum(1, &[5, 0])];
                seat.finish();
                sums
            });
            assert_eq!(exchange.sum(0, &[10, 0]), [11, 2]);
            assert_eq!(exchange.sum(1, &[0, 1]), [5, 1]);
            assert_eq!(other.join().unwrap(), [vec![11, 2], vec![5, 1]]);
        });
    }

    #[test]
    fn a_part_that_fails_keeps_nobody_waiting() {
        let exchange = Exchange::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| drop(exchange.seat()));
            assert_eq!(exchange.sum(0, &[3]), [3]);
        });
    }
}
