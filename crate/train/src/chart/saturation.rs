//! How the routing of a model settled while it was trained: for each layer the overlap with what it became.

use super::{Anchor, GUIDE, INK, QUIET, Svg};

const PANEL: [f64; 2] = [420.0, 220.0];
const ORIGIN: [f64; 2] = [58.0, 78.0];
/// Ends of the ramp from the first layer to the last, as red, green and blue.
const RAMP: [[f64; 3]; 2] = [[158.0, 202.0, 225.0], [8.0, 48.0, 107.0]];
/// Room between the names of two lines.
const LINE: f64 = 12.0;

/// One picture.
pub struct Saturation {
    /// Its heading.
    pub title: String,
    /// What was measured.
    pub subtitle: String,
    /// Parts of the training that were done, above 0, rising.
    pub parts: Vec<f64>,
    /// For each layer its name and, for each part, the overlap and the ends of its interval.
    pub layers: Vec<(String, Vec<[f64; 3]>)>,
    /// What random choices give.
    pub chance: f64,
}

impl Saturation {
    /// The picture as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut svg = Svg::new(ORIGIN[0] + PANEL[0] + 50.0, ORIGIN[1] + PANEL[1] + 44.0);
        svg.text([20.0, 30.0], 16.0, Anchor::Start, INK, &self.title);
        svg.text([20.0, 49.0], 12.0, Anchor::Start, QUIET, &self.subtitle);
        self.scale(&mut svg);
        let right = ORIGIN[0] + PANEL[0];
        let chance = [ORIGIN[0], right].map(|x| [x, height(self.chance)]);
        svg.path(&chance, QUIET, r#"stroke-width="1" stroke-dasharray="2 3""#);
        let at = [right + 6.0, height(self.chance) + 3.0];
        svg.text(at, 9.0, Anchor::Start, QUIET, "chance");
        let names = spread(self.layers.iter().map(|(_, points)| {
            let last = points.last();
            last.map_or(ORIGIN[1], |&[value, ..]| height(value))
        }));
        for (place, ((name, points), y)) in self.layers.iter().zip(names).enumerate() {
            let ink = self.ink(place);
            let line: Vec<[f64; 2]> = points
                .iter()
                .zip(&self.parts)
                .map(|(&[value, ..], &part)| [self.along(part), height(value)])
                .collect();
            svg.path(&line, &ink, r#"stroke-width="1.8""#);
            for (&[value, low, high], &part) in points.iter().zip(&self.parts) {
                let x = self.along(part);
                let reach = [[x, height(low)], [x, height(high)]];
                svg.path(&reach, &ink, r#"stroke-width="1""#);
                svg.rect([x - 2.0, height(value) - 2.0, 4.0, 4.0], &ink);
            }
            svg.text([right + 6.0, y + 3.0], 9.0, Anchor::Start, &ink, name);
        }
        svg.finish(&self.title)
    }

    fn scale(&self, svg: &mut Svg) {
        for tick in 0..=4 {
            let value = f64::from(tick) / 4.0;
            let y = height(value);
            let guide = [[ORIGIN[0], y], [ORIGIN[0] + PANEL[0], y]];
            svg.path(&guide, GUIDE, r#"stroke-width="0.5""#);
            let at = [ORIGIN[0] - 6.0, y + 3.0];
            svg.text(at, 9.0, Anchor::End, QUIET, &format!("{value}"));
        }
        let below = ORIGIN[1] + PANEL[1];
        for &part in &self.parts {
            let label = format!("{:.0} %", 100.0 * part);
            let at = [self.along(part), below + 14.0];
            svg.text(at, 9.0, Anchor::Middle, QUIET, &label);
        }
        let middle = [ORIGIN[0] + PANEL[0] / 2.0, below + 30.0];
        svg.text(middle, 10.0, Anchor::Middle, QUIET, "of the training");
    }

    /// Logarithmic, from the first part to the last.
    fn along(&self, part: f64) -> f64 {
        let (first, last) = (self.parts[0], self.parts[self.parts.len() - 1]);
        let way = (last / first).ln();
        let share = if way > 0.0 {
            (part / first).ln() / way
        } else {
            0.5
        };
        ORIGIN[0] + PANEL[0] * share
    }

    fn ink(&self, place: usize) -> String {
        let share = place as f64 / (self.layers.len() as f64 - 1.0).max(1.0);
        let [r, g, b] = [0, 1, 2].map(|i| (RAMP[0][i] + (RAMP[1][i] - RAMP[0][i]) * share) as u8);
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

/// Of a share from 0 to 1.
fn height(value: f64) -> f64 {
    ORIGIN[1] + PANEL[1] * (1.0 - value)
}

/// Heights for names so that none lies on another, each as near to its own as those above it allow.
fn spread(heights: impl Iterator<Item = f64>) -> Vec<f64> {
    let heights: Vec<f64> = heights.collect();
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]).then(a.cmp(&b)));
    let mut spread = heights.clone();
    for pair in order.windows(2) {
        spread[pair[1]] = spread[pair[1]].max(spread[pair[0]] + LINE);
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_a_line_over_the_parts_and_chance_is_dotted() {
        let layer = |name: &str, values: [f64; 3]| {
            let points = values.map(|value| [value, value - 0.1, value + 0.1]);
            (name.to_owned(), points.to_vec())
        };
        let svg = Saturation {
            title: "nine".into(),
            subtitle: String::new(),
            parts: vec![0.01, 0.1, 1.0],
            layers: vec![layer("L0", [0.5, 0.75, 1.0]), layer("L1", [0.25, 0.5, 1.0])],
            chance: 0.125,
        }
        .svg();
        let [left, middle, right] = [0.0, 0.5, 1.0].map(|share| ORIGIN[0] + PANEL[0] * share);
        for points in [[0.5, 0.75, 1.0], [0.25, 0.5, 1.0]] {
            let [a, b, c] = points.map(height);
            let line = format!("points=\"{left},{a} {middle},{b} {right},{c}\"");
            assert!(svg.contains(&line), "{svg} lacks {line}");
        }
        assert_eq!(svg.matches("stroke-dasharray").count(), 1);
        assert!(
            ["1 %", "10 %", "100 %", "L0", "L1"]
                .iter()
                .all(|text| svg.contains(text))
        );
    }

    #[test]
    fn names_of_lines_that_end_alike_stand_below_each_other() {
        assert_eq!(
            spread([10.0, 10.0, 40.0, 11.0].into_iter()),
            [10.0, 22.0, 46.0, 34.0]
        );
    }
}
