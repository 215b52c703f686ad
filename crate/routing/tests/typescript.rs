//! The TypeScript declarations equal the Rust types.
//!
//! Rewrites the generated file only when `MOESCOPE_BLESS=1` is set; otherwise compares.
#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::path::Path;

use moescope_routing::stage::adjust::Adjust;
use moescope_routing::stage::restrict::Restrict;
use moescope_routing::stage::score::{Score, ScoreFunction};
use moescope_routing::stage::select::Select;
use moescope_routing::stage::weigh::Weigh;
use moescope_routing::{ModelRouting, RouterSpec, RoutingPlan, Verdict};
use ts_rs::{Config, TS};

const GENERATED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../web/packages/moescope/src/generated/routing.ts"
);

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
    declare::<Score>(&mut out, &config);
    declare::<ScoreFunction>(&mut out, &config);
    declare::<Restrict>(&mut out, &config);
    declare::<Select>(&mut out, &config);
    declare::<Weigh>(&mut out, &config);
    declare::<RoutingPlan>(&mut out, &config);
    declare::<Verdict>(&mut out, &config);
    let names: Vec<String> = Verdict::ALL
        .iter()
        .map(|verdict| format!("  {},\n", serde_json::to_string(verdict).unwrap()))
        .collect();
    out.push_str("/** Verdict codes are indices into this table. */\n");
    out.push_str("export const VERDICTS: readonly Verdict[] = [\n");
    out.push_str(&names.concat());
    out.push_str("];\n");
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
