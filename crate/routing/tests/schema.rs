//! The JSON Schema of specs equals the Rust types, and names what specs are made of.
//!
//! Rewrites the generated file only when `MOESCOPE_BLESS=1` is set; otherwise compares.
#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;

use moescope_routing::presets::PRESETS;
use moescope_routing::stage::select::Select;
use moescope_routing::{ModelRouting, RouterSpec};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

// Tests run in the folder of their crate.
const GENERATED: &str = "../../web/packages/moescope/src/generated/router-spec.schema.json";

/// Either form that a file of a routing may have.
fn schema() -> Value {
    let mut generator = SchemaGenerator::default();
    let forms = [
        generator.subschema_for::<RouterSpec>(),
        generator.subschema_for::<ModelRouting>(),
    ];
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Generated from the Rust crate moescope-routing. Do not edit. After a change in Rust run: \
            MOESCOPE_BLESS=1 cargo test -p moescope-routing --features schema --test schema",
        "title": "Moescope routing",
        "description": "One strategy for all MoE layers, or one for the whole model and others for some of its layers.",
        "anyOf": forms,
        "$defs": generator.take_definitions(true),
    });
    shorten(&mut schema);
    schema
}

/// Writes each number with the digits that a 32-bit float needs: 0.1 and not 0.10000000149011612.
fn shorten(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let short = (number.as_f64().unwrap() as f32).to_string();
            *value = json!(short.parse::<f64>().unwrap());
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

#[test]
fn the_generated_schema_is_up_to_date() {
    let expected = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let path = Path::new(GENERATED);
    if std::env::var("MOESCOPE_BLESS").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "{GENERATED} is stale; run\n\
         MOESCOPE_BLESS=1 cargo test -p moescope-routing --features schema --test schema"
    );
}

/// A schema with its reference followed.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The names of an object schema's fields, which must be all that it allows.
fn fields<'a>(schema: &'a Value, what: &str) -> &'a Map<String, Value> {
    assert_eq!(
        schema["additionalProperties"],
        json!(false),
        "{what} allows unknown fields"
    );
    schema["properties"].as_object().unwrap()
}

/// Checks that the schema of an object names exactly the fields that `value` has, all the way down.
fn check_fields(value: &Value, schema: &Value, root: &Value, what: &str) {
    let Some(value) = value.as_object() else {
        return;
    };
    let schema = resolve(schema, root);
    let schema = match (schema["oneOf"].as_array(), value.get("method")) {
        (Some(variants), Some(method)) => variants
            .iter()
            .find(|variant| variant["properties"]["method"]["const"] == *method)
            .unwrap(),
        _ => schema,
    };
    let named = fields(schema, what);
    let names: BTreeSet<&String> = named.keys().collect();
    assert_eq!(names, value.keys().collect(), "fields of {what}");
    for (name, field) in value {
        check_fields(field, &named[name], root, &format!("{what}.{name}"));
    }
}

#[test]
fn the_schema_names_exactly_the_fields_that_specs_have() {
    let root = schema();
    let methods = Select::all().into_iter().map(|select| RouterSpec {
        select,
        ..RouterSpec::default()
    });
    let presets = PRESETS.iter().map(|preset| preset.spec().unwrap());
    for spec in methods.chain(presets) {
        let json = serde_json::to_value(&spec).unwrap();
        check_fields(&json, &root["$defs"]["RouterSpec"], &root, "the spec");
    }
    let routing = root["$defs"]["ModelRouting"].clone();
    let layers = &fields(&routing, "the routing")["layers"];
    assert_eq!(
        layers["additionalProperties"]["$ref"],
        json!("#/$defs/RouterSpec")
    );
}
