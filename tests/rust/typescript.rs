//! The TypeScript types of what the engine returns equal the Rust types.
//!
//! Rewrites the generated file only when `MOESCOPE_BLESS=1` is set; otherwise compares.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use moescope_model::vision::{Classification, ImageClass, VisionInfo};
use moescope_model::{
    Analysis, Candidate, Contrast, ContrastReport, ExpertAnswer, ExpertQuestion, GenerateOptions,
    HiddenUnit, LayerOrder, LayerTrace, ModelInfo, Prediction, RerouteMethod, RerouteOptions,
    Rerouted, ReroutedLayer, Step, Token, Trace,
};
use moescope_tests::repository;
use ts_rs::{Config, TS};

const HEADER: &str = "\
// The values that cross from the engine to JavaScript, generated from the Rust crate moescope-model.
// Bulk data are typed arrays that own their buffer, so that a worker can hand them over without a copy.
// Do not edit. After a change in Rust run:
// MOESCOPE_BLESS=1 cargo test -p moescope-tests --test typescript

import type { ModelRouting } from './routing.js';

";

fn declare<T: TS>(out: &mut String, config: &Config) {
    if let Some(docs) = T::docs() {
        out.push_str(docs.trim_end());
        out.push('\n');
    }
    out.push_str("export ");
    let declaration = T::decl(config);
    out.extend(declaration.lines().flat_map(|line| [line.trim_end(), "\n"]));
    out.push('\n');
}

#[test]
fn the_generated_typescript_is_up_to_date() {
    let config = Config::default();
    let mut expected = HEADER.to_owned();
    declare::<ModelInfo>(&mut expected, &config);
    declare::<GenerateOptions>(&mut expected, &config);
    declare::<Contrast>(&mut expected, &config);
    declare::<Token>(&mut expected, &config);
    declare::<Trace>(&mut expected, &config);
    declare::<LayerTrace>(&mut expected, &config);
    declare::<Step>(&mut expected, &config);
    declare::<ContrastReport>(&mut expected, &config);
    declare::<Candidate>(&mut expected, &config);
    declare::<Analysis>(&mut expected, &config);
    declare::<RerouteOptions>(&mut expected, &config);
    declare::<LayerOrder>(&mut expected, &config);
    declare::<RerouteMethod>(&mut expected, &config);
    declare::<Rerouted>(&mut expected, &config);
    declare::<ReroutedLayer>(&mut expected, &config);
    declare::<ExpertQuestion>(&mut expected, &config);
    declare::<ExpertAnswer>(&mut expected, &config);
    declare::<Prediction>(&mut expected, &config);
    declare::<HiddenUnit>(&mut expected, &config);
    declare::<VisionInfo>(&mut expected, &config);
    declare::<ImageClass>(&mut expected, &config);
    declare::<Classification>(&mut expected, &config);
    let path = repository("web/packages/moescope/src/generated/engine.ts");
    if std::env::var("MOESCOPE_BLESS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is stale; run\nMOESCOPE_BLESS=1 cargo test -p moescope-tests --test typescript",
        path.display()
    );
}
