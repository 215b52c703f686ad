//! One expert alone: a router that decides as usual, but hands the last token of one layer to a single expert.
//!
//! It also keeps what the experts of that layer read, from which everything about the inside of an expert follows.

use burn::tensor::Tensor;
use moescope_routing::RoutingPlan;

use super::ExpertQuestion;
use crate::error::ModelError;
use crate::host_router::HostRouter;
use crate::moe::{Routed, Router};

/// Routes as usual, except that one expert acts alone on the last token of one layer.
pub(crate) struct Alone<'a> {
    host: HostRouter<'a>,
    question: ExpertQuestion,
    here: bool,
    /// What the expert replaces: (expert, weight) of the last token.
    pub mixture: Vec<(usize, f32)>,
    /// [1, D] what the last token brings to the experts of the layer; none before the pass came there.
    pub entering: Option<Tensor<2>>,
}

impl<'a> Alone<'a> {
    pub fn new(host: HostRouter<'a>, question: ExpertQuestion) -> Self {
        Self {
            host,
            question,
            here: false,
            mixture: Vec::new(),
            entering: None,
        }
    }
}

impl Router for Alone<'_> {
    async fn route(&mut self, layer: usize, logits_te: Tensor<2>) -> Result<Routed, ModelError> {
        let [_, n_experts] = logits_te.dims();
        let device = logits_te.device();
        let mut plan = self.host.plan(layer, logits_te).await?;
        self.here = layer == self.question.layer;
        if self.here {
            self.mixture = give_last_token_to(&mut plan, self.question.expert);
        }
        Ok(self.host.routed(&plan, n_experts, &device))
    }

    fn enter(&mut self, x_td: &Tensor<2>) {
        if self.here {
            let [t, _] = x_td.dims();
            self.entering = Some(x_td.clone().narrow(0, t - 1, 1));
        }
    }
}

/// Hands all weight of the last token to one expert; returns who had it.
fn give_last_token_to(plan: &mut RoutingPlan, expert: usize) -> Vec<(usize, f32)> {
    let last = plan.n_tokens() - 1;
    let experts = plan.experts(last).iter().map(|&e| usize::from(e));
    let before: Vec<(usize, f32)> = experts.zip(plan.weights(last).iter().copied()).collect();
    let start = plan.offsets[last] as usize;
    plan.expert_idx.truncate(start);
    plan.combine_weights.truncate(start);
    plan.expert_idx.push(expert as u16);
    plan.combine_weights.push(total_weight(&before));
    plan.offsets[last + 1] = plan.offsets[last] + 1;
    before
}

/// The weights of a mixture of (expert, weight), added up.
pub(crate) fn total_weight(mixture: &[(usize, f32)]) -> f32 {
    mixture.iter().map(|(_, weight)| weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alone_takes_all_weight_of_the_last_token_and_nothing_else() {
        let mut plan = RoutingPlan {
            offsets: vec![0, 2, 4],
            expert_idx: vec![3, 1, 0, 2],
            combine_weights: vec![0.7, 0.3, 0.4, 0.2],
        };
        let before = give_last_token_to(&mut plan, 3);
        assert_eq!(before, [(0, 0.4), (2, 0.2)]);
        assert_eq!(plan.offsets, [0, 2, 3]);
        assert_eq!(plan.expert_idx, [3, 1, 3]);
        assert_eq!(plan.combine_weights, [0.7, 0.3, 0.4 + 0.2]);
    }

    #[test]
    fn a_token_without_experts_leaves_nothing_to_act_with() {
        let mut plan = RoutingPlan {
            offsets: vec![0, 0],
            ..RoutingPlan::default()
        };
        assert_eq!(give_last_token_to(&mut plan, 1), []);
        assert_eq!(plan.combine_weights, [0.0]);
    }
}
