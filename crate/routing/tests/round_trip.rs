//! Every spec survives JSON, link and packing.
//!
//! Specs are drawn from the JSON Schema, so that every field, method and choice takes part, also those that come
//! later; whether a layer could run them does not matter here.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use std::collections::BTreeMap;

use moescope_routing::presets::PRESETS;
use moescope_routing::{ModelRouting, RouterSpec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

// Tests run in the folder of their crate.
const SCHEMA: &str = "../../web/packages/moescope/src/generated/router-spec.schema.json";
/// The highest count that the packed form tells from an absent one.
const MOST: u64 = u32::MAX as u64 - 1;

fn schema() -> Value {
    serde_json::from_str(&std::fs::read_to_string(SCHEMA).unwrap()).unwrap()
}

/// Anything that a schema allows.
fn any_value(schema: &Value, root: &Value) -> BoxedStrategy<Value> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return any_value(target, root);
    }
    if let Some(constant) = schema.get("const") {
        return Just(constant.clone()).boxed();
    }
    if let Some(variants) = schema["oneOf"].as_array() {
        let variants: Vec<_> = variants.iter().map(|v| any_value(v, root)).collect();
        return prop::strategy::Union::new(variants).boxed();
    }
    if let Some(types) = schema["type"].as_array() {
        let variants = types.iter().map(|name| {
            let mut single = schema.clone();
            single["type"] = name.clone();
            any_value(&single, root)
        });
        return prop::strategy::Union::new(variants).boxed();
    }
    match schema["type"].as_str().unwrap() {
        "null" => Just(Value::Null).boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "number" => {
            let finite = any::<f32>().prop_filter("JSON has no infinities", |x| x.is_finite());
            prop_oneof![finite, -2.0_f32..2.0]
                .prop_map(Value::from)
                .boxed()
        }
        "integer" => {
            let most = match schema["format"].as_str() {
                Some("uint16") => u64::from(u16::MAX),
                Some("uint32") => u64::from(u32::MAX),
                _ => MOST,
            };
            prop_oneof![0_u64..9, 0..=most]
                .prop_map(Value::from)
                .boxed()
        }
        "array" => prop::collection::vec(any_value(&schema["items"], root), 0..4)
            .prop_map(Value::from)
            .boxed(),
        "object" => any_object(schema["properties"].as_object().unwrap(), root),
        other => panic!("the schema has the type {other}, which this test does not know"),
    }
}

fn any_object(properties: &Map<String, Value>, root: &Value) -> BoxedStrategy<Value> {
    let fields: Vec<_> = properties
        .iter()
        .map(|(name, schema)| (Just(name.clone()), any_value(schema, root)))
        .collect();
    fields
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
        .boxed()
}

fn any_spec() -> impl Strategy<Value = RouterSpec> {
    let root = schema();
    any_value(&json!({ "$ref": "#/$defs/RouterSpec" }), &root)
        .prop_map(|value| serde_json::from_value(value).unwrap())
}

fn survives(spec: &RouterSpec) -> Result<(), TestCaseError> {
    let json = serde_json::to_string(spec).unwrap();
    prop_assert_eq!(&serde_json::from_str::<RouterSpec>(&json).unwrap(), spec);
    let link = spec.to_link();
    prop_assert_eq!(&RouterSpec::from_link(&link).unwrap(), spec, "{}", link);
    prop_assert_eq!(&RouterSpec::unpack(&spec.pack()).unwrap(), spec);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn every_spec_survives_json_link_and_packing(spec in any_spec()) {
        survives(&spec)?;
    }

    #[test]
    fn every_routing_of_a_model_survives_json_and_link(
        default in any_spec(), layers in prop::collection::btree_map(0_usize..99, any_spec(), 0..3)
    ) {
        let routing = ModelRouting { default, layers };
        let json = serde_json::to_string(&routing).unwrap();
        prop_assert_eq!(&serde_json::from_str::<ModelRouting>(&json).unwrap(), &routing);
        prop_assert_eq!(&ModelRouting::from_link(&routing.to_link()).unwrap(), &routing);
    }

    #[test]
    fn unpacking_any_words_never_panics(words in prop::collection::vec(any::<u32>(), 0..80)) {
        let _ = RouterSpec::unpack(&words).map(|spec| spec.validate(8));
    }
}

#[test]
fn every_preset_survives_json_link_and_packing() {
    for preset in PRESETS {
        let spec = preset.spec().unwrap();
        survives(&spec).unwrap();
        let routing = ModelRouting {
            default: spec.clone(),
            layers: BTreeMap::from([(3, spec)]),
        };
        assert_eq!(
            ModelRouting::from_link(&routing.to_link()).unwrap(),
            routing
        );
    }
}

#[test]
fn counts_that_no_layer_has_stay_counts_when_packed() {
    let mut spec = RouterSpec::default();
    spec.limit.capacity = Some(u32::MAX as usize);
    spec.limit.per_token = vec![usize::MAX];
    let read = RouterSpec::unpack(&spec.pack()).unwrap();
    assert_eq!(read.limit.capacity, Some(MOST as usize));
    assert_eq!(read.limit.per_token, [u32::MAX as usize]);
}
