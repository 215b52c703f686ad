//! Named specs: the routers of published models and methods, each with its source.
//!
//! A preset is a link on top of the default spec, so that this table is all there is to it.
//! `top_k` and scales are those of the published model; a loaded checkpoint overrides them from
//! its config, and adds the selection bias that it has learned.
//! On a model that was not trained with it, a preset is an ablation and not a reproduction.

use crate::error::RoutingError;
use crate::spec::RouterSpec;

/// A named strategy.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What it is called in menus, links and on the command line.
    pub name: &'static str,
    /// What differs from the default spec, as in a link.
    pub fields: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
}

impl Preset {
    /// The spec.
    ///
    /// # Errors
    /// None for the presets of this crate, whose fields are tested.
    pub fn spec(&self) -> Result<RouterSpec, RoutingError> {
        RouterSpec::from_link(self.fields)
    }
}

const fn entry(name: &'static str, fields: &'static str, source: &'static str) -> Preset {
    Preset {
        name,
        fields,
        source,
    }
}

/// All presets.
pub const PRESETS: &[Preset] = &[
    entry(
        "switch",
        "top_k=1,renormalize=false",
        "Fedus et al. 2021, Switch Transformers, arXiv:2101.03961; capacity is off until capacity_factor is set",
    ),
    entry(
        "gshard",
        "top_k=2,capacity_factor=1",
        "Lepikhin et al. 2020, GShard, arXiv:2006.16668; without the random second expert",
    ),
    entry(
        "mixtral",
        "top_k=2",
        "Jiang et al. 2024, Mixtral of Experts, arXiv:2401.04088",
    ),
    entry(
        "olmoe",
        "top_k=8,renormalize=false",
        "Muennighoff et al. 2024, OLMoE, arXiv:2409.02060",
    ),
    entry(
        "qwen2_moe",
        "top_k=4,renormalize=false",
        "Yang et al. 2024, Qwen2 Technical Report, arXiv:2407.10671",
    ),
    entry(
        "qwen3_moe",
        "top_k=8",
        "Yang et al. 2025, Qwen3 Technical Report, arXiv:2505.09388",
    ),
    entry(
        "granite",
        "top_k=8,score=identity,weights=softmax_selected",
        "IBM 2024, Granite 3.0; softmax over the chosen logits as in Shazeer et al. 2017, arXiv:1701.06538",
    ),
    entry(
        "phimoe",
        "top_k=2,score=identity,weights=sparse_mixer,renormalize=false,mixer_jitter=0.01",
        "Abdin et al. 2024, Phi-3.5-MoE, arXiv:2404.14219; sparse mixer at inference, arXiv:2310.00811",
    ),
    entry(
        "deepseek_v2",
        "top_k=6,renormalize=false,scale=16,n_groups=8,topk_groups=3,group_fill=zero",
        "DeepSeek-AI 2024, DeepSeek-V2, arXiv:2405.04434",
    ),
    entry(
        "deepseek_v3",
        "top_k=8,score=sigmoid,epsilon=1e-20,scale=2.5,n_groups=8,topk_groups=4,group_score=top2_sum",
        "DeepSeek-AI 2024, DeepSeek-V3, arXiv:2412.19437",
    ),
    entry(
        "llama4",
        "top_k=1,score=identity,weights=sigmoid,renormalize=false",
        "Meta 2025, Llama 4: top-1 of the logits, weighed by their sigmoid",
    ),
    entry(
        "gpt_oss",
        "top_k=4,score=identity,weights=softmax_selected",
        "OpenAI 2025, gpt-oss, arXiv:2508.10925",
    ),
    entry(
        "lfm2_moe",
        "top_k=4,score=sigmoid,epsilon=1e-6",
        "Liquid AI 2025, LFM2, arXiv:2511.23404",
    ),
    entry(
        "ernie4_5",
        "top_k=6,min_sum=1e-12",
        "Baidu 2025, ERNIE 4.5 Technical Report",
    ),
    entry(
        "top_p",
        "top_p=0.4,renormalize=false",
        "Huang et al. 2024, Harder Tasks Need More Experts, arXiv:2403.07652",
    ),
    entry(
        "adamoe",
        "top_k=4,null_logit=0,null_experts=8",
        "Zeng et al. 2024, AdaMoE, arXiv:2406.13233; its null experts with one constant logit instead of learned ones, a threshold in effect",
    ),
    entry(
        "adamoe_learned",
        "top_k=4,null_rule=learned,null_experts=16",
        "Zeng et al. 2024, AdaMoE, arXiv:2406.13233; as trained",
    ),
    entry(
        "mc_moe",
        "top_k=2,prune_ratio=0.5",
        "Huang et al. 2024, Mixture Compressor, arXiv:2410.06270; the released ratios are 0.40 to 0.62 by layer",
    ),
    entry(
        "modes",
        "top_k=8,sum_over=chosen,layer_thresholds=0.08",
        "Huang et al. 2025, MoDES, arXiv:2511.15690; layer importance comes from calibration",
    ),
    entry(
        "expert_choice",
        "method=expert_choice,capacity_factor=2,renormalize=false",
        "Zhou et al. 2022, Expert Choice Routing, arXiv:2202.09368",
    ),
    entry(
        "base",
        "top_k=1,score=sinkhorn,weights=sigmoid,renormalize=false",
        "Lewis et al. 2021, BASE Layers, arXiv:2103.16716; Sinkhorn as in Clark et al. 2022, arXiv:2202.01169",
    ),
    entry(
        "hash",
        "method=hash,top_k=1,weights=equal",
        "Roller et al. 2021, Hash Layers, arXiv:2106.04426; random table",
    ),
    entry(
        "soft",
        "method=soft,renormalize=false",
        "Puigcerver et al. 2023, Soft MoE, arXiv:2308.00951",
    ),
    entry(
        "top_n_sigma",
        "n_sigma=1,score=identity,weights=softmax_selected",
        "Tang et al. 2024, Top-n-sigma, arXiv:2411.07641: its rule for sampling tokens, applied to experts",
    ),
];

/// The spec of the preset called `name`.
///
/// # Errors
/// [`RoutingError::UnknownPreset`] lists the names there are.
pub fn preset(name: &str) -> Result<RouterSpec, RoutingError> {
    match PRESETS.iter().find(|preset| preset.name == name) {
        Some(preset) => preset.spec(),
        None => Err(RoutingError::UnknownPreset {
            name: name.to_owned(),
            allowed: PRESETS
                .iter()
                .map(|preset| preset.name)
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_found_by_its_name_and_is_valid() {
        for entry in PRESETS {
            let spec = preset(entry.name).unwrap();
            assert_eq!(spec.validate(64), Ok(()), "{}", entry.name);
        }
    }

    #[test]
    fn an_unknown_preset_lists_the_known_ones() {
        let error = preset("mixtrall").unwrap_err();
        assert_eq!(error.code(), "unknown_preset");
        assert!(error.to_string().contains("mixtral"));
    }
}
