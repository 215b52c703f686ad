//! Which optimizer updates which parameter.

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::tensor::Tensor;

use crate::muon::Muon;
use crate::recipe::{OptimizerKind, TrainRecipe};

/// Matrices by the recipe's optimizer, but `adamw_matrices` by AdamW; vectors by AdamW without decay.
pub fn optimizer<M: Module>(
    train: &TrainRecipe,
    model: &M,
    adamw_matrices: &[ParamId],
) -> ModuleOptimizer {
    let adamw = |weight_decay: f64| {
        AdamWConfig::new()
            .with_beta_1(train.beta1 as f32)
            .with_beta_2(train.beta2 as f32)
            .with_epsilon(1e-8)
            .with_weight_decay(weight_decay as f32)
    };
    let mut groups = Groups::default();
    model.visit(&mut groups);
    groups.matrices.retain(|id| !adamw_matrices.contains(id));
    let optimizer = adamw(train.weight_decay).init().with_group(
        ParamGroup::from_ids(groups.vectors),
        adamw(0.0).build(),
        None,
    );
    match train.optimizer {
        OptimizerKind::Adamw => optimizer,
        OptimizerKind::Muon => {
            let muon = Muon::new(train.weight_decay);
            optimizer.with_group(ParamGroup::from_ids(groups.matrices), muon, None)
        }
    }
}

/// Parameters by rank.
#[derive(Default)]
struct Groups {
    vectors: Vec<ParamId>,
    matrices: Vec<ParamId>,
}

impl ModuleVisitor for Groups {
    fn visit_float<const N: usize>(&mut self, param: &Param<Tensor<N>>) {
        match N {
            1 => self.vectors.push(param.id),
            _ => self.matrices.push(param.id),
        }
    }
}
