//! [`ModelRouting`]: one strategy for all MoE layers of a model, and exceptions for some.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spec::RouterSpec;

/// The routing of a whole model.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ModelRouting {
    /// For every layer that has no spec of its own.
    pub default: RouterSpec,
    /// Own specs, by index of the transformer layer.
    #[serde(with = "layer_keys")]
    #[cfg_attr(feature = "ts", ts(type = "Record<string, RouterSpec>"))]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, RouterSpec>"))]
    pub layers: BTreeMap<usize, RouterSpec>,
}

impl ModelRouting {
    /// The spec that layer `layer` uses.
    #[must_use]
    pub fn for_layer(&self, layer: usize) -> &RouterSpec {
        self.layers.get(&layer).unwrap_or(&self.default)
    }
}

impl From<RouterSpec> for ModelRouting {
    fn from(default: RouterSpec) -> Self {
        Self {
            default,
            layers: BTreeMap::new(),
        }
    }
}

/// Keys travel as strings, because JavaScript object keys are strings whatever the reader.
mod layer_keys {
    use std::collections::BTreeMap;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::spec::RouterSpec;

    pub fn serialize<S: Serializer>(
        layers: &BTreeMap<usize, RouterSpec>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let by_name: BTreeMap<String, &RouterSpec> = layers
            .iter()
            .map(|(l, spec)| (l.to_string(), spec))
            .collect();
        by_name.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<usize, RouterSpec>, D::Error> {
        let by_name = BTreeMap::<String, RouterSpec>::deserialize(deserializer)?;
        by_name
            .into_iter()
            .map(|(name, spec)| match name.parse() {
                Ok(layer) => Ok((layer, spec)),
                Err(_) => Err(D::Error::custom(format!(
                    "layers has the key \"{name}\"; keys are layer numbers such as \"2\""
                ))),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_uses_its_own_spec_where_it_has_one() {
        let json =
            r#"{"default": {}, "layers": {"2": {"select": {"method": "top_k", "top_k": 1}}}}"#;
        let routing: ModelRouting = serde_json::from_str(json).unwrap();
        assert_eq!(routing.for_layer(2), &RouterSpec::top_k(1));
        assert_eq!(routing.for_layer(0), &RouterSpec::default());
    }

    #[test]
    fn layer_keys_survive_a_round_trip() {
        let mut routing = ModelRouting::from(RouterSpec::top_k(3));
        routing.layers.insert(11, RouterSpec::top_k(1));
        let json = serde_json::to_string(&routing).unwrap();
        assert!(json.contains(r#""11":{"#), "{json}");
        assert_eq!(
            serde_json::from_str::<ModelRouting>(&json).unwrap(),
            routing
        );
    }

    #[test]
    fn a_layer_key_that_is_no_number_is_named_in_the_error() {
        let error = serde_json::from_str::<ModelRouting>(r#"{"layers": {"two": {}}}"#).unwrap_err();
        assert!(error.to_string().contains("\"two\""), "{error}");
    }
}
