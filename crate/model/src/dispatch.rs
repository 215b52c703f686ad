//! From a routing plan to the index lists that move tokens to experts and back.
//!
//! Every expert that has work gets the same number of slots, so that all of them run as one batched product.
//! Empty slots compute a token nobody reads; the busiest expert decides how many there are.

use moescope_routing::RoutingPlan;

/// Gather lists for one MoE layer: A active experts with C slots each, at most K experts per token.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// T.
    pub n_tokens: usize,
    /// [A] experts that have at least one token, ascending.
    pub active_experts: Vec<i32>,
    /// C, tokens of the busiest expert.
    pub capacity: usize,
    /// [A * C] token that each slot computes; 0 in empty slots.
    pub token_of_slot: Vec<i32>,
    /// K, experts of the token that has most.
    pub width: usize,
    /// [T * K] slot that holds each token's k-th expert; 0 where a token has fewer.
    pub slot_of_choice: Vec<i32>,
    /// [T * K] expert behind each choice; 0 where a token has fewer.
    pub expert_of_choice: Vec<i32>,
    /// [A + 1] where the choices of each active expert begin in `choices_by_expert`.
    pub choice_offsets: Vec<usize>,
    /// [N] choices (token * K + k) by expert, tokens ascending: what the slots hold, without the empty ones.
    pub choices_by_expert: Vec<usize>,
    /// [T * K] combine weight of each choice; 0 where a token has fewer.
    pub weight_of_choice: Vec<f32>,
}

impl Dispatch {
    /// Lays out `plan` for a layer of `n_experts` experts.
    pub fn new(plan: &RoutingPlan, n_experts: usize) -> Self {
        let n_tokens = plan.n_tokens();
        let mut tokens_of_expert = vec![Vec::new(); n_experts];
        let mut width = 0;
        for token in 0..n_tokens {
            let experts = plan.experts(token);
            width = width.max(experts.len());
            for &expert in experts {
                tokens_of_expert[usize::from(expert)].push(token as i32);
            }
        }
        let capacity = tokens_of_expert.iter().map(Vec::len).max().unwrap_or(0);
        let mut dispatch = Self {
            n_tokens,
            active_experts: Vec::new(),
            capacity,
            token_of_slot: Vec::new(),
            width,
            slot_of_choice: vec![0; n_tokens * width],
            expert_of_choice: vec![0; n_tokens * width],
            choice_offsets: vec![0],
            choices_by_expert: vec![0; plan.expert_idx.len()],
            weight_of_choice: vec![0.0; n_tokens * width],
        };
        let mut next_place = vec![0; n_experts];
        let mut next_slot = vec![0; n_experts];
        for (expert, tokens) in tokens_of_expert.iter().enumerate() {
            if tokens.is_empty() {
                continue;
            }
            let placed = dispatch.choice_offsets[dispatch.active_experts.len()];
            next_place[expert] = placed;
            dispatch.choice_offsets.push(placed + tokens.len());
            next_slot[expert] = dispatch.token_of_slot.len() as i32;
            dispatch.active_experts.push(expert as i32);
            dispatch.token_of_slot.extend(tokens);
            let filled = dispatch.active_experts.len() * capacity;
            dispatch.token_of_slot.resize(filled, 0);
        }
        dispatch.place_choices(plan, next_slot, next_place);
        dispatch
    }

    /// Tokens come in ascending order, as in `token_of_slot`, so each expert's slots fill front to back.
    fn place_choices(
        &mut self,
        plan: &RoutingPlan,
        mut next_slot: Vec<i32>,
        mut next_place: Vec<usize>,
    ) {
        for token in 0..self.n_tokens {
            let choices = plan.experts(token).iter().zip(plan.weights(token));
            for (k, (&expert, &weight)) in choices.enumerate() {
                let choice = token * self.width + k;
                let slot = &mut next_slot[usize::from(expert)];
                self.slot_of_choice[choice] = *slot;
                self.expert_of_choice[choice] = i32::from(expert);
                self.weight_of_choice[choice] = weight;
                *slot += 1;
                let place = &mut next_place[usize::from(expert)];
                self.choices_by_expert[*place] = choice;
                *place += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_finds_its_token_in_a_slot_of_its_expert() {
        let plan = RoutingPlan {
            offsets: vec![0, 2, 2, 3, 5],
            expert_idx: vec![3, 1, 1, 0, 3],
            combine_weights: vec![0.7, 0.3, 1.0, 0.6, 0.4],
        };
        let dispatch = Dispatch::new(&plan, 5);
        assert_eq!(dispatch.active_experts, [0, 1, 3]);
        assert_eq!((dispatch.capacity, dispatch.width), (2, 2));
        assert_eq!(dispatch.token_of_slot, [3, 0, 0, 2, 0, 3]);
        assert_eq!(dispatch.slot_of_choice, [4, 2, 0, 0, 3, 0, 0, 5]);
        assert_eq!(dispatch.choice_offsets, [0, 1, 3, 5]);
        assert_eq!(dispatch.choices_by_expert, [6, 1, 4, 0, 7]);
        assert_eq!(
            dispatch.weight_of_choice,
            [0.7, 0.3, 0.0, 0.0, 1.0, 0.0, 0.6, 0.4]
        );
    }

    #[test]
    fn a_plan_that_routes_nothing_has_no_slots() {
        let plan = RoutingPlan {
            offsets: vec![0, 0, 0],
            ..RoutingPlan::default()
        };
        let dispatch = Dispatch::new(&plan, 4);
        assert_eq!((dispatch.capacity, dispatch.width), (0, 0));
        assert!(dispatch.active_experts.is_empty());
    }
}
