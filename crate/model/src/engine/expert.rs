//! Asks one expert of the engine's model about one token of a text, in two passes: one as routed, one with it alone.
//!
//! Nothing of the engine changes by it. Only Burn's machine tells what happens inside an expert.

use burn::tensor::{Tensor, TensorData};
use moescope_routing::ModelRouting;

use super::machine::BurnMachine;
use super::{Engine, Reading};
use crate::error::ModelError;
use crate::expert::{
    Alone, ExpertAnswer, ExpertQuestion, HiddenUnit, Strength, compare, hidden_unit, predictions,
    strongest, total_weight,
};
use crate::host_router::read_f32;
use crate::lm::FeedForward;
use crate::moe::{Experts, MoeLayer};
use crate::tokenizer::{TextStream, Token};

/// What came of reading a text as routed, and with one expert alone at its last token.
struct Twice {
    /// [V] next-token logits.
    as_routed: Vec<f32>,
    /// [V]
    alone: Vec<f32>,
    /// (expert, weight) of the last token, as routed.
    mixture: Vec<(usize, f32)>,
    /// [1, D] what the last token brings to the experts.
    x_1d: Tensor<2>,
}

impl Engine {
    /// What an expert does to a token of a text, under `routing` or the one in force.
    ///
    /// The model reads up to the token, as it does when it writes on from there.
    ///
    /// # Errors
    /// A layer without experts, an expert or a token that does not exist, whatever [`Self::analyse`] refuses, and
    /// [`ModelError::PlanCannotTell`] on a recorded plan.
    pub async fn ask_expert(
        &self,
        text: &str,
        question: ExpertQuestion,
        routing: Option<&ModelRouting>,
    ) -> Result<ExpertAnswer, ModelError> {
        let ids = self.encode(text)?;
        self.ask_expert_ids(&ids, question, routing).await
    }

    /// [`Self::ask_expert`] on token ids.
    ///
    /// # Errors
    /// As [`Self::ask_expert`], and ids outside the vocabulary.
    pub async fn ask_expert_ids(
        &self,
        ids: &[u32],
        question: ExpertQuestion,
        routing: Option<&ModelRouting>,
    ) -> Result<ExpertAnswer, ModelError> {
        let routing = routing.unwrap_or(&self.routing);
        self.check_routing(routing)?;
        self.check_ids(ids, self.config.max_positions)?;
        let machine = self.machine.burn().ok_or(ModelError::PlanCannotTell)?;
        let layer = self.moe_layer(machine, question.layer)?;
        question.check(self.config.n_experts, ids.len())?;
        let ids = &ids[..=question.position];
        let read = self.read_twice(machine, ids, routing, question).await?;
        self.answer(machine, layer, question.expert, ids, read)
            .await
    }

    async fn read_twice(
        &self,
        machine: &BurnMachine,
        ids: &[u32],
        routing: &ModelRouting,
        question: ExpertQuestion,
    ) -> Result<Twice, ModelError> {
        let reading = Reading {
            tracing: false,
            ..self.reading(ids, routing)
        };
        let as_routed = machine.next_logits(ids, &mut reading.router()).await?;
        let mut router = Alone::new(reading.router(), question);
        let alone = machine.next_logits(ids, &mut router).await?;
        let entering = router.entering;
        Ok(Twice {
            as_routed,
            alone,
            mixture: router.mixture,
            x_1d: entering.ok_or_else(|| self.no_experts(question.layer))?,
        })
    }

    async fn answer(
        &self,
        machine: &BurnMachine,
        layer: &MoeLayer,
        expert: usize,
        ids: &[u32],
        read: Twice,
    ) -> Result<ExpertAnswer, ModelError> {
        let (hidden, values, output) = inside(&layer.experts, expert, &read.x_1d).await?;
        let mixture = sum(&layer.experts, &read.mixture, &read.x_1d).await?;
        let (cosine, relative_norm) = compare(&output, &mixture);
        let mut stream = TextStream::default();
        let tokens = ids.iter().map(|&id| self.next_token(&mut stream, id));
        let token = tokens.last().ok_or(ModelError::PromptEmpty)?;
        let following = |id| self.next_token(&mut stream.clone(), id);
        let (divergence, predictions) = predictions(&read.as_routed, &read.alone, following);
        let found = strongest(&hidden, &values);
        let chosen = read.mixture.iter().find(|(e, _)| *e == expert);
        Ok(ExpertAnswer {
            token,
            weight: chosen.map(|(_, weight)| *weight),
            total_weight: total_weight(&read.mixture),
            shared: layer.shared.is_some(),
            cosine,
            relative_norm,
            divergence,
            predictions,
            units: machine.units(&found, &values, following).await?,
            n_units: hidden.len(),
        })
    }

    fn moe_layer<'a>(
        &self,
        machine: &'a BurnMachine,
        layer: usize,
    ) -> Result<&'a MoeLayer, ModelError> {
        match machine.model.blocks.get(layer).map(|b| &b.feed_forward) {
            Some(FeedForward::Moe(moe)) => Ok(moe),
            _ => Err(self.no_experts(layer)),
        }
    }

    fn no_experts(&self, layer: usize) -> ModelError {
        ModelError::NoExperts {
            got: layer,
            allowed: self.config.moe_layers.clone(),
        }
    }
}

impl BurnMachine {
    /// Units with the tokens that they move.
    ///
    /// # Shapes
    /// `values`: [F, D]
    async fn units(
        &self,
        found: &[Strength],
        values: &[f32],
        token: impl Fn(u32) -> Token,
    ) -> Result<Vec<HiddenUnit>, ModelError> {
        let d_model = self.model.embedding.width();
        let added: Vec<f32> = found
            .iter()
            .flat_map(|unit| {
                let value = &values[unit.unit * d_model..][..d_model];
                value.iter().map(|v| v * unit.activation)
            })
            .collect();
        let data = TensorData::new(added, [found.len(), d_model]);
        let added_nd = Tensor::from_data(data, &self.device);
        let logits = read_f32(self.model.lens(added_nd)).await?;
        let rows = logits.chunks_exact(logits.len() / found.len());
        let unit = |(found, row): (&Strength, _)| hidden_unit(*found, row, &token);
        Ok(found.iter().zip(rows).map(unit).collect())
    }
}

/// Hidden units of an expert [F], their values [F, D] and its output [D].
async fn inside(
    experts: &Experts,
    expert: usize,
    x_1d: &Tensor<2>,
) -> Result<(Vec<f32>, Vec<f32>, Vec<f32>), ModelError> {
    let (hidden, values) = (experts.hidden(expert, x_1d.clone()), experts.values(expert));
    let output = hidden.clone().matmul(values.clone());
    Ok((
        read_f32(hidden).await?,
        read_f32(values).await?,
        read_f32(output).await?,
    ))
}

/// What a mixture of (expert, weight) adds up to, [D].
async fn sum(
    experts: &Experts,
    mixture: &[(usize, f32)],
    x_1d: &Tensor<2>,
) -> Result<Vec<f32>, ModelError> {
    let parts = mixture.iter().map(|&(expert, weight)| {
        let hidden = experts.hidden(expert, x_1d.clone());
        hidden.matmul(experts.values(expert)) * weight
    });
    read_f32(parts.fold(x_1d.zeros_like(), |sum, part| sum + part)).await
}
