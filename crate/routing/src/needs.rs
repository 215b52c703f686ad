//! What a strategy needs besides logits, so that a page can grey out the impossible and say why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::spec::RouterSpec;
use crate::stage::adjust::NullRule;
use crate::stage::score::ScoreFunction;
use crate::stage::select::Select;

/// Something that a strategy needs besides logits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Token ids.
    TokenIds,
    /// A gate with trained null experts.
    LearnedNulls,
    /// An importance for every token.
    TokenImportance,
    /// A router outside this crate.
    ExternalRouter,
    /// The whole batch at once: a prompt and one token at a time decide differently.
    WholeBatch,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TokenIds => "the token ids",
            Self::LearnedNulls => "a gate with trained null experts",
            Self::TokenImportance => "an importance for every token",
            Self::ExternalRouter => "an external router",
            Self::WholeBatch => "the whole batch at once",
        })
    }
}

impl RouterSpec {
    /// What this strategy needs besides logits.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let whole_batch = self.score.function == ScoreFunction::Sinkhorn
            || matches!(self.select, Select::ExpertChoice {} | Select::Soft {})
            || self.limit.has_capacity()
            || self.prune.by_token();
        [
            (matches!(self.select, Select::Hash { .. }), Need::TokenIds),
            (
                self.adjust.null_rule == NullRule::Learned,
                Need::LearnedNulls,
            ),
            (self.prune.by_token(), Need::TokenImportance),
            (
                matches!(self.select, Select::External {}),
                Need::ExternalRouter,
            ),
            (whole_batch, Need::WholeBatch),
        ]
        .into_iter()
        .filter_map(|(is_needed, need)| is_needed.then_some(need))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_router_needs_nothing() {
        assert!(RouterSpec::default().needs().is_empty());
    }

    #[test]
    fn each_need_is_stated() {
        let needs = |link: &str| RouterSpec::from_link(link).unwrap().needs();
        assert_eq!(needs("method=hash"), [Need::TokenIds]);
        assert_eq!(needs("null_rule=learned"), [Need::LearnedNulls]);
        assert_eq!(
            needs("protect=0.1"),
            [Need::TokenImportance, Need::WholeBatch]
        );
        assert_eq!(needs("method=external"), [Need::ExternalRouter]);
        assert_eq!(needs("capacity_factor=1"), [Need::WholeBatch]);
        assert_eq!(needs("method=expert_choice"), [Need::WholeBatch]);
    }
}
