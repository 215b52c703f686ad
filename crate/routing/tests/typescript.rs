//! The TypeScript declarations equal the Rust types.
//!
//! Rewrites the generated file only when `MOESCOPE_BLESS=1` is set; otherwise compares.
#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::path::Path;

use moescope_routing::metrics::{
    Agreement, AnalysisName, Answer, Balance, CacheReport, CoActivation, Divergence, Drops,
    Estimate, Evenness, Flow, FlowReport, LabelDistance, LabelReport, LabelShare, LayerColumns,
    LayerReport, Load, PredictionChange, Question, Repetition, SegmentRouting, TokenFigures,
};
use moescope_routing::presets::PRESETS;
use moescope_routing::stage::adjust::{Adjust, NoiseKind, NullRule};
use moescope_routing::stage::limit::{Limit, Overflow, Priority};
use moescope_routing::stage::prune::Prune;
use moescope_routing::stage::restrict::{GroupFill, GroupScore, Restrict};
use moescope_routing::stage::score::{Score, ScoreFunction};
use moescope_routing::stage::select::Select;
use moescope_routing::stage::weigh::{SumOver, Weigh, WeightSource};
use moescope_routing::{ModelRouting, Need, RouterSpec, RoutingPlan, SoftPlan, Verdict};
use serde::Serialize;
use ts_rs::{Config, TS};

// Tests run in the folder of their crate.
const GENERATED: &str = "../../web/packages/moescope/src/generated/routing.ts";

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

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn declare_presets(out: &mut String) {
    out.push_str(
        "/** A named strategy, its source, and what it needs besides logits. */\n\
         export type Preset = { name: string, source: string, needs: Array<Need>, spec: RouterSpec };\n\n\
         export const PRESETS: readonly Preset[] = [\n",
    );
    for preset in PRESETS {
        let spec = preset.spec().unwrap();
        out.push_str(&format!(
            "  {{ name: {}, source: {}, needs: {},\n    spec: {} }},\n",
            json(&preset.name),
            json(&preset.source),
            json(&spec.needs()),
            json(&spec),
        ));
    }
    out.push_str("];\n");
}

fn typescript() -> String {
    let config = Config::default();
    let mut out = String::from(
        "// Routing specs and verdicts, generated from the Rust crate moescope-routing.\n\
         // Do not edit. After a change in Rust run:\n\
         // MOESCOPE_BLESS=1 cargo test -p moescope-routing --features ts --test typescript\n\n",
    );
    declare::<ModelRouting>(&mut out, &config);
    declare::<RouterSpec>(&mut out, &config);
    declare::<Adjust>(&mut out, &config);
    declare::<NoiseKind>(&mut out, &config);
    declare::<NullRule>(&mut out, &config);
    declare::<Score>(&mut out, &config);
    declare::<ScoreFunction>(&mut out, &config);
    declare::<Restrict>(&mut out, &config);
    declare::<GroupScore>(&mut out, &config);
    declare::<GroupFill>(&mut out, &config);
    declare::<Select>(&mut out, &config);
    declare::<Prune>(&mut out, &config);
    declare::<Limit>(&mut out, &config);
    declare::<Priority>(&mut out, &config);
    declare::<Overflow>(&mut out, &config);
    declare::<Weigh>(&mut out, &config);
    declare::<WeightSource>(&mut out, &config);
    declare::<SumOver>(&mut out, &config);
    declare::<RoutingPlan>(&mut out, &config);
    declare::<SoftPlan>(&mut out, &config);
    declare::<Need>(&mut out, &config);
    declare::<Verdict>(&mut out, &config);
    declare::<LayerReport>(&mut out, &config);
    declare::<Load>(&mut out, &config);
    declare::<Evenness>(&mut out, &config);
    declare::<Estimate>(&mut out, &config);
    declare::<TokenFigures>(&mut out, &config);
    declare::<CoActivation>(&mut out, &config);
    declare::<Repetition>(&mut out, &config);
    declare::<SegmentRouting>(&mut out, &config);
    declare::<CacheReport>(&mut out, &config);
    declare::<Drops>(&mut out, &config);
    declare::<Flow>(&mut out, &config);
    declare::<Divergence>(&mut out, &config);
    declare::<PredictionChange>(&mut out, &config);
    declare::<LabelShare>(&mut out, &config);
    declare::<LabelDistance>(&mut out, &config);
    declare::<AnalysisName>(&mut out, &config);
    declare::<LayerColumns>(&mut out, &config);
    declare::<Question>(&mut out, &config);
    declare::<Answer>(&mut out, &config);
    declare::<Balance>(&mut out, &config);
    declare::<LabelReport>(&mut out, &config);
    declare::<FlowReport>(&mut out, &config);
    declare::<Agreement>(&mut out, &config);
    out.push_str("/** Verdict codes are indices into this table. */\n");
    out.push_str("export const VERDICTS: readonly Verdict[] = [\n");
    for verdict in Verdict::ALL {
        out.push_str(&format!("  {},\n", json(&verdict)));
    }
    out.push_str("];\n\n");
    out.push_str("/** What every field that is not given stands at. */\n");
    let usual = json(&RouterSpec::default());
    out.push_str(&format!(
        "export const DEFAULT_SPEC: RouterSpec = {usual};\n\n"
    ));
    declare_presets(&mut out);
    out
}

#[test]
fn the_generated_typescript_is_up_to_date() {
    let expected = typescript();
    let path = Path::new(GENERATED);
    if std::env::var("MOESCOPE_BLESS").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "{GENERATED} is stale; run\n\
         MOESCOPE_BLESS=1 cargo test -p moescope-routing --features ts --test typescript"
    );
}
