//! Numbers of JSON files that may be infinite.
//!
//! JSON has no infinities: here they are the strings `"inf"` and `"-inf"`, as in the test vectors, and `"Infinity"`
//! and `"-Infinity"` are read too.
//! Null is refused, because programs write NaN and both infinities as null.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 32-bit float that may be infinite and is never NaN when it comes from a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Real(pub f32);

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            f32::INFINITY => serializer.serialize_str("inf"),
            f32::NEG_INFINITY => serializer.serialize_str("-inf"),
            value => serializer.serialize_f32(value),
        }
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RealVisitor)
    }
}

struct RealVisitor;

impl Visitor<'_> for RealVisitor {
    type Value = Real;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number that fits 32 bits, \"inf\" or \"-inf\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Real, E> {
        match value as f32 {
            short if short.is_finite() => Ok(Real(short)),
            _ => Err(E::invalid_value(Unexpected::Float(value), &self)),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Real, E> {
        Ok(Real(value as f32))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Real, E> {
        Ok(Real(value as f32))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Real, E> {
        match value {
            "inf" | "Infinity" => Ok(Real(f32::INFINITY)),
            "-inf" | "-Infinity" => Ok(Real(f32::NEG_INFINITY)),
            _ => Err(E::invalid_value(Unexpected::Str(value), &self)),
        }
    }
}

/// The numbers of a matrix, row after row, and its number of columns; `what` names it in errors.
pub fn flatten(what: &str, rows: &[Vec<Real>]) -> Result<(Vec<f32>, usize), String> {
    let n_columns = rows.first().map_or(0, Vec::len);
    if let Some(row) = rows.iter().position(|row| row.len() != n_columns) {
        return Err(format!(
            "{what}: row {row} has {} numbers; it must have {n_columns}, as row 0 has",
            rows[row].len()
        ));
    }
    let numbers = rows.iter().flatten().map(|real| real.0).collect();
    Ok((numbers, n_columns))
}

/// The rows of a matrix, as it is written.
pub fn rows(numbers: &[f32], n_columns: usize) -> Vec<Vec<Real>> {
    numbers
        .chunks(n_columns)
        .map(|row| row.iter().copied().map(Real).collect())
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn infinities_survive_a_round_trip() {
        let numbers = [1.5, f32::INFINITY, f32::NEG_INFINITY, -0.1];
        let json = serde_json::to_string(&rows(&numbers, 2)).unwrap();
        assert_eq!(json, r#"[[1.5,"inf"],["-inf",-0.1]]"#);
        let read: Vec<Vec<Real>> = serde_json::from_str(&json).unwrap();
        assert_eq!(flatten("it", &read), Ok((numbers.to_vec(), 2)));
    }

    #[test]
    fn the_names_of_javascript_are_read_and_anything_else_is_named() {
        let read = |json: &str| serde_json::from_str::<Real>(json).map(|real| real.0);
        assert_eq!(read("\"-Infinity\"").unwrap(), f32::NEG_INFINITY);
        assert_eq!(read("\"Infinity\"").unwrap(), f32::INFINITY);
        assert_eq!(read("-3").unwrap(), -3.0);
        for (bad, named) in [
            ("null", "null"),
            ("\"NaN\"", "NaN"),
            ("1e39", "1e+39"),
            ("true", "true"),
        ] {
            let message = read(bad).unwrap_err().to_string();
            assert!(
                message.contains(named) && message.contains("\"-inf\""),
                "{message}"
            );
        }
    }

    #[test]
    fn a_row_of_another_length_is_named() {
        let ragged = [vec![Real(1.0), Real(2.0)], vec![Real(3.0)]];
        let message = flatten("logits", &ragged).unwrap_err();
        assert_eq!(
            message,
            "logits: row 1 has 1 numbers; it must have 2, as row 0 has"
        );
    }
}
