//! How something grows with something else: panels with both axes logarithmic, where a power is a straight line.

use super::{Anchor, GUIDE, INK, QUIET, Svg};

const PANEL: [f64; 2] = [250.0, 150.0];
const LEFT: f64 = 58.0;
const TOP: f64 = 100.0;
const GAP: [f64; 2] = [66.0, 72.0];
const COLUMNS: usize = 3;
/// Colours told apart by those who see fewer (Okabe and Ito 2008), each with a dash of its own.
const STYLES: [(&str, &str); 4] = [
    ("#0072b2", ""),
    ("#d55e00", r#"stroke-dasharray="6 3""#),
    ("#009e73", r#"stroke-dasharray="2 3""#),
    ("#cc79a7", r#"stroke-dasharray="8 3 2 3""#),
];

/// One picture of several panels.
pub struct Growth {
    /// Its heading.
    pub title: String,
    /// What was measured, and on what.
    pub subtitle: String,
    /// What the lines of all panels are, at most four.
    pub lines: Vec<String>,
    /// In order, three in a row.
    pub panels: Vec<Panel>,
}

/// What grows with one number.
pub struct Panel {
    /// The number and what is measured.
    pub title: String,
    /// For each line of the picture its points, all above 0.
    pub lines: Vec<Vec<[f64; 2]>>,
}

impl Growth {
    /// The picture as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        let rows = self.panels.len().div_ceil(COLUMNS) as f64;
        let width = LEFT + COLUMNS as f64 * (PANEL[0] + GAP[0]) - GAP[0] + 30.0;
        let mut svg = Svg::new(width, TOP + rows * (PANEL[1] + GAP[1]) - 30.0);
        svg.text([20.0, 30.0], 16.0, Anchor::Start, INK, &self.title);
        svg.text([20.0, 49.0], 12.0, Anchor::Start, QUIET, &self.subtitle);
        for (place, (name, (ink, dash))) in self.lines.iter().zip(STYLES).enumerate() {
            let x = 20.0 + 190.0 * place as f64;
            let style = format!(r#"stroke-width="2" {dash}"#);
            svg.path(&[[x, 68.0], [x + 26.0, 68.0]], ink, &style);
            svg.text([x + 32.0, 72.0], 12.0, Anchor::Start, INK, name);
        }
        for (place, panel) in self.panels.iter().enumerate() {
            let (column, row) = ((place % COLUMNS) as f64, (place / COLUMNS) as f64);
            let origin = [
                LEFT + column * (PANEL[0] + GAP[0]),
                TOP + row * (PANEL[1] + GAP[1]),
            ];
            panel.draw(&mut svg, origin);
        }
        svg.finish(&self.title)
    }
}

impl Panel {
    fn draw(&self, svg: &mut Svg, [x, y]: [f64; 2]) {
        let values = |axis: usize| self.lines.iter().flatten().map(move |point| point[axis]);
        let [(left, right), (bottom, top)] = [range(values(0)), range(values(1))];
        let along = |value: f64| x + PANEL[0] * (value / left).log2() / (right / left).log2();
        let height =
            |value: f64| y + PANEL[1] * (1.0 - (value / bottom).log2() / (top / bottom).log2());
        svg.text([x, y - 10.0], 12.0, Anchor::Start, INK, &self.title);
        for value in powers(10.0, bottom, top) {
            let at = height(value);
            let guide = [[x, at], [x + PANEL[0], at]];
            svg.path(&guide, GUIDE, r#"stroke-width="0.5""#);
            let label = number(value);
            svg.text([x - 6.0, at + 3.0], 9.0, Anchor::End, QUIET, &label);
        }
        for value in powers(2.0, left, right) {
            let at = [along(value), y + PANEL[1] + 14.0];
            svg.text(at, 9.0, Anchor::Middle, QUIET, &number(value));
        }
        for (points, (ink, dash)) in self.lines.iter().zip(STYLES) {
            let points: Vec<[f64; 2]> = points
                .iter()
                .map(|point| [along(point[0]), height(point[1])])
                .collect();
            svg.path(&points, ink, &format!(r#"stroke-width="1.8" {dash}"#));
            for [x, y] in points {
                svg.rect([x - 2.0, y - 2.0, 4.0, 4.0], ink);
            }
        }
    }
}

/// From the lowest to the highest, with some room where both are the same.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match high > low {
        true => (low, high),
        false => (low / 2.0, high * 2.0),
    }
}

/// The powers of a base, or where there are fewer than two the ends, of a range.
fn powers(base: f64, low: f64, high: f64) -> Vec<f64> {
    let first = (low.log(base) - 1e-9).ceil() as i32;
    let last = (high.log(base) + 1e-9).floor() as i32;
    match last > first {
        true => (first..=last).map(|power| base.powi(power)).collect(),
        false => vec![low, high],
    }
}

/// A number with two digits that count.
fn number(value: f64) -> String {
    let digits = (1.0 - value.log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_a_straight_line_and_every_point_is_marked() {
        let points: Vec<[f64; 2]> = [1.0, 2.0, 4.0].map(|x| [x, 3.0 * x * x]).to_vec();
        let growth = Growth {
            title: "growth".into(),
            subtitle: "of a square".into(),
            lines: vec!["one".into()],
            panels: vec![Panel {
                title: "n".into(),
                lines: vec![points],
            }],
        };
        let svg = growth.svg();
        assert_eq!(svg.matches("<rect").count(), 1 + 3);
        let line = format!(
            "points=\"{LEFT},{} {},{} {},{TOP}\"",
            TOP + PANEL[1],
            LEFT + PANEL[0] / 2.0,
            TOP + PANEL[1] / 2.0,
            LEFT + PANEL[0]
        );
        assert!(svg.contains(&line), "{svg} lacks {line}");
    }

    #[test]
    fn ticks_are_powers_within_the_range_or_its_ends() {
        assert_eq!(powers(2.0, 8.0, 64.0), [8.0, 16.0, 32.0, 64.0]);
        assert_eq!(powers(10.0, 0.2, 30.0), [1.0, 10.0]);
        assert_eq!(powers(10.0, 2.0, 3.0), [2.0, 3.0]);
        assert_eq!([0.0123, 1.0, 512.0].map(number), ["0.012", "1", "512"]);
    }
}
