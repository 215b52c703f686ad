//! A curve of growth: its points, its exponent, its line and its panel.

use moescope_train::chart::{Growth, Panel};
use serde::Serialize;

use super::super::Backend;
use super::super::bench::Spread;

/// How something grows with one number.
#[derive(Serialize)]
pub struct Curve {
    pub backend: &'static str,
    /// The number.
    pub axis: &'static str,
    /// What is timed.
    pub timed: &'static str,
    pub points: Vec<Point>,
    pub exponent: f64,
}

/// One value of the number.
#[derive(Serialize)]
pub struct Point {
    pub value: usize,
    pub seconds: Spread,
}

/// The slope between the last two points, both axes logarithmic.
pub fn exponent(points: &[Point]) -> f64 {
    let [.., a, b] = points else { return f64::NAN };
    let grown = (b.seconds.median / a.seconds.median).ln();
    grown / (b.value as f64 / a.value as f64).ln()
}

/// One line.
pub fn print(curve: &Curve) {
    let points: Vec<String> = curve
        .points
        .iter()
        .map(|point| format!("{}: {:.4}", point.value, point.seconds.median))
        .collect();
    println!(
        "{:<9} {:<10} by {:<15} {}  exponent {:.2}",
        curve.backend,
        curve.timed,
        curve.axis,
        points.join("  "),
        curve.exponent
    );
}

/// A panel for each axis, a line for each backend.
pub fn picture(curves: &[Curve], axes: &[&'static str], backends: &[Backend]) -> Growth {
    let of = |axis: &'static str| curves.iter().filter(move |curve| curve.axis == axis);
    let line = |curve: &Curve| {
        let points = curve.points.iter();
        points
            .map(|point| [point.value as f64, 1e3 * point.seconds.median])
            .collect()
    };
    Growth {
        title: "How time grows".into(),
        subtitle:
            "random model: 4 layers, width 128, 16 experts, top-2, unless the panel says otherwise"
                .into(),
        lines: backends
            .iter()
            .map(|backend| backend.name().to_owned())
            .collect(),
        panels: axes
            .iter()
            .map(|&axis| {
                let timed = of(axis).next().map_or("", |curve| curve.timed);
                Panel {
                    title: format!("ms for {timed} by {axis}"),
                    lines: of(axis).map(line).collect(),
                }
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_square_is_two() {
        let point = |value: usize| Point {
            value,
            seconds: Spread::of(vec![(value * value) as f64]),
        };
        let points: Vec<Point> = [8, 16, 32].map(point).into();
        assert!((exponent(&points) - 2.0).abs() < 1e-12);
    }
}
