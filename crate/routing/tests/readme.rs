//! The README names every field and method, and only files and functions that exist.
#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::path::Path;

use moescope_routing::stage::select::Select;
use moescope_routing::{RouterSpec, RoutingError};
use serde_json::Value;

const README: &str = include_str!("../README.md");

/// What stands between backticks in tables.
fn code() -> Vec<&'static str> {
    let rows = README.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2))
        .collect()
}

/// Whether a table has this name, alone or at the end of a path such as `restrict.disabled`.
fn names(code: &[&str], name: &str) -> bool {
    code.iter()
        .any(|text| text.rsplit('.').next() == Some(name))
}

#[test]
fn every_field_and_method_is_in_the_table() {
    let code = code();
    for method in Select::all() {
        let name = serde_json::to_value(&method).unwrap()["method"].clone();
        let Value::String(name) = name else {
            panic!("{name} is no name of a method");
        };
        // The settings of a method are the last fields that a wrong link is told of.
        let error = RouterSpec::from_link(&format!("method={name},none=0")).unwrap_err();
        let RoutingError::UnknownField { allowed, .. } = error else {
            panic!("{error}");
        };
        let fields = allowed.split(", ").filter(|field| *field != "method");
        for field in fields.chain([name.as_str()]) {
            assert!(names(&code, field), "the README does not name {field}");
        }
    }
}

#[test]
fn every_file_in_the_tables_exists() {
    // Tests run in the folder of their crate.
    let folder = Path::new("src");
    let files: Vec<_> = code()
        .into_iter()
        .filter(|text| text.ends_with(".rs"))
        .collect();
    assert!(files.len() > 30);
    for file in files {
        assert!(folder.join(file).is_file(), "there is no src/{file}");
    }
}
