//! The mixture-of-experts layer: gate, router, experts, combination (Shazeer et al. 2017, equation 1).
//!
//! The layer does not decide; it asks a [`Router`], which may be the host interpreter of a `RouterSpec`,
//! a recorder or a trainer. Experts are gated linear units, down(silu(gate x) * up x), stacked in one tensor each.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData, activation::silu};

use crate::dispatch::Dispatch;
use crate::error::ModelError;
use crate::weight::Weight;

/// Decides which experts act on each token.
///
/// Asynchronous because a decision on the host needs the logits read back from the device,
/// which a browser allows in no other way.
pub trait Router {
    /// Routes the tokens of MoE layer `layer` (index of the transformer layer).
    ///
    /// # Shapes
    /// `logits_te`: [T, E]
    ///
    /// # Errors
    /// Whatever keeps the router from deciding.
    fn route(
        &mut self,
        layer: usize,
        logits_te: Tensor<2>,
    ) -> impl Future<Output = Result<Routed, ModelError>>;

    /// Sees what the experts of the layer that was routed last are about to read.
    ///
    /// # Shapes
    /// `x_td`: [T, D]
    fn enter(&mut self, _x_td: &Tensor<2>) {}
}

/// A decision, and which of the two equivalent ways computes it.
#[derive(Clone, Debug)]
pub enum Routed {
    /// Compute the selected experts only.
    Selected {
        /// Who computes what.
        dispatch: Dispatch,
        /// [T, K] combine weights, aligned with the dispatch's choices.
        weights_tk: Tensor<2>,
    },
    /// Reference: compute every expert for every token and mask with [T, E] combine weights.
    AllMasked {
        /// [T, E] combine weights; zero where an expert does not act.
        weights_te: Tensor<2>,
    },
}

/// All experts of one layer.
#[derive(Module, Debug)]
pub struct Experts {
    /// Gate and up projections side by side, [E, D, 2 * F].
    pub gate_up: Weight<3>,
    /// Down projections, [E, F, D].
    pub down: Weight<3>,
}

/// Gate and experts of one layer.
#[derive(Module, Debug)]
pub struct MoeLayer {
    /// Learned map to gating logits, [D, E]; float32 whatever the weights are stored in.
    pub gate: Param<Tensor<2>>,
    /// The experts.
    pub experts: Experts,
    /// One that acts on every token, where the layout has it.
    pub shared: Option<SharedExpert>,
}

/// An expert that no router chooses; its output is scaled by the sigmoid of a gate of its own (Qwen2-MoE).
#[derive(Module, Debug)]
pub struct SharedExpert {
    /// [D, 1]
    pub gate: Param<Tensor<2>>,
    /// The expert.
    pub mlp: DenseMlp,
}

/// The feed-forward network of a dense layer.
#[derive(Module, Debug)]
pub struct DenseMlp {
    /// Gate and up projections side by side, [D, 2 * F].
    pub gate_up: Weight<2>,
    /// Down projection, [F, D].
    pub down: Weight<2>,
}

impl Experts {
    /// Computes and combines what a router decided on.
    ///
    /// # Shapes
    /// `x_td`: [T, D], returns [T, D].
    pub fn forward(&self, x_td: Tensor<2>, routed: Routed) -> Tensor<2> {
        match routed {
            Routed::Selected {
                dispatch,
                weights_tk,
            } => self.forward_selected(x_td, &dispatch, weights_tk),
            Routed::AllMasked { weights_te } => self.forward_all(x_td, weights_te),
        }
    }

    /// Hidden units of one expert.
    ///
    /// # Shapes
    /// `x_td`: [T, D]; returns [T, F].
    pub fn hidden(&self, expert: usize, x_td: Tensor<2>) -> Tensor<2> {
        gated_linear_unit(x_td.matmul(self.gate_up.one(expert)))
    }

    /// What each hidden unit of one expert writes when it is 1.
    ///
    /// # Shapes
    /// returns [F, D]
    pub fn values(&self, expert: usize) -> Tensor<2> {
        self.down.one(expert)
    }

    /// Computes the selected experts: gather, one batched product over the active experts, gather back.
    ///
    /// # Shapes
    /// `x_td`: [T, D]; `weights_tk`: [T, K]; returns [T, D].
    fn forward_selected(
        &self,
        x_td: Tensor<2>,
        dispatch: &Dispatch,
        weights_tk: Tensor<2>,
    ) -> Tensor<2> {
        let [t, d_model] = x_td.dims();
        let device = x_td.device();
        let (n_active, capacity) = (dispatch.active_experts.len(), dispatch.capacity);
        if n_active == 0 {
            return x_td.zeros_like();
        }
        #[cfg(feature = "fused")]
        if let Some(y_td) = self.fused(x_td.clone(), dispatch, weights_tk.clone()) {
            return y_td;
        }
        let indices = |values: &[i32]| Tensor::<1, Int>::from_data(values, &device);
        let (mut gate_up, mut down) = (self.gate_up.reals(), self.down.reals());
        if n_active < gate_up.dims()[0] {
            let active = indices(&dispatch.active_experts);
            gate_up = gate_up.select(0, active.clone());
            down = down.select(0, active);
        }
        let x_sd = x_td.select(0, indices(&dispatch.token_of_slot));
        let x_acd = x_sd.reshape([n_active, capacity, d_model]);
        let y_acd = gated_linear_unit(x_acd.matmul(gate_up)).matmul(down);
        let y_sd = y_acd.reshape([n_active * capacity, d_model]);
        let y_cd = y_sd.select(0, indices(&dispatch.slot_of_choice));
        let y_tkd = y_cd.reshape([t, dispatch.width, d_model]);
        let weighted = y_tkd * weights_tk.reshape([t, dispatch.width, 1]);
        weighted.sum_dim(1).reshape([t, d_model])
    }

    /// The selected experts in one piece, where there is one for how they are stored and where they are.
    #[cfg(feature = "fused")]
    fn fused(
        &self,
        x_td: Tensor<2>,
        dispatch: &Dispatch,
        weights_tk: Tensor<2>,
    ) -> Option<Tensor<2>> {
        use crate::fused::{experts, packed_experts};
        match (&self.gate_up, &self.down) {
            (Weight::Real(gate_up), Weight::Real(down)) => {
                experts(x_td, gate_up.val(), down.val(), weights_tk, dispatch)
            }
            (Weight::Packed(gate_up), Weight::Packed(down)) => {
                packed_experts(x_td, gate_up, down, weights_tk, dispatch)
            }
            _ => None,
        }
    }

    /// Computes all experts and masks them.
    ///
    /// # Shapes
    /// `x_td`: [T, D]; `weights_te`: [T, E]; returns [T, D].
    fn forward_all(&self, x_td: Tensor<2>, weights_te: Tensor<2>) -> Tensor<2> {
        let [t, d_model] = x_td.dims();
        let [_, n_experts] = weights_te.dims();
        let x_1td = x_td.reshape([1, t, d_model]);
        let y_etd = gated_linear_unit(x_1td.matmul(self.gate_up.reals())).matmul(self.down.reals());
        let weights_et1 = weights_te.transpose().reshape([n_experts, t, 1]);
        (y_etd * weights_et1).sum_dim(0).reshape([t, d_model])
    }
}

/// silu(gate) * up, with both halves side by side in the last dimension.
///
/// # Shapes
/// `gate_up`: [.., 2 * F], returns [.., F].
pub(crate) fn gated_linear_unit<const N: usize>(gate_up: Tensor<N>) -> Tensor<N> {
    let f = gate_up.dims()[N - 1] / 2;
    let gate = gate_up.clone().narrow(N - 1, 0, f);
    let up = gate_up.narrow(N - 1, f, f);
    silu(gate) * up
}

/// Uploads combine weights in the order of a dispatch's choices.
///
/// # Shapes
/// returns [T, K]
pub fn upload_weights(dispatch: &Dispatch, device: &burn::tensor::Device) -> Tensor<2> {
    let shape = [dispatch.n_tokens, dispatch.width];
    Tensor::from_data(
        TensorData::new(dispatch.weight_of_choice.clone(), shape),
        device,
    )
}
