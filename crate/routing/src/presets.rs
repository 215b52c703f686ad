//! Named specs: the routers of published models, each with its source.
//!
//! `top_k` is the published model's; a loaded checkpoint overrides it from its config.

use crate::error::RoutingError;
use crate::spec::RouterSpec;
use crate::stage::weigh::Weigh;

/// A named strategy.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What it is called in menus, links and on the command line.
    pub name: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// Builds the spec.
    pub spec: fn() -> RouterSpec,
}

/// All presets.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "switch",
        source: "Fedus et al. 2021, Switch Transformers, arXiv:2101.03961",
        spec: || plain(1, false),
    },
    Preset {
        name: "mixtral",
        source: "Jiang et al. 2024, Mixtral of Experts, arXiv:2401.04088",
        spec: || plain(2, true),
    },
    Preset {
        name: "olmoe",
        source: "Muennighoff et al. 2024, OLMoE, arXiv:2409.02060",
        spec: || plain(8, false),
    },
    Preset {
        name: "qwen3_moe",
        source: "Yang et al. 2025, Qwen3 Technical Report, arXiv:2505.09388",
        spec: || plain(8, true),
    },
];

/// The spec of the preset called `name`.
///
/// # Errors
/// [`RoutingError::UnknownPreset`] lists the names there are.
pub fn preset(name: &str) -> Result<RouterSpec, RoutingError> {
    match PRESETS.iter().find(|preset| preset.name == name) {
        Some(preset) => Ok((preset.spec)()),
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

/// Softmax, top-k, renormalised or not.
fn plain(top_k: usize, renormalize: bool) -> RouterSpec {
    RouterSpec {
        weigh: Weigh {
            renormalize,
            ..Weigh::default()
        },
        ..RouterSpec::top_k(top_k)
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
