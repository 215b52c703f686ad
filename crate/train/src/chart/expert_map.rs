//! Which rows of held-out data (domains, image sets, classes) use which experts, a panel for each MoE layer.
//!
//! The scale is the same in every map, 0 to 100 % of a row's tokens, so that maps of two models can be laid side by
//! side; colours follow the square root of the share and get darker only.
//! Bars above a panel are the load: the mean over groups, on the same scale, with a dashed line where all are even.

use super::{Anchor, GUIDE, INK, QUIET, Svg};

/// A map.
#[derive(Clone, Debug)]
pub struct ExpertMap {
    /// First line.
    pub title: String,
    /// Second line.
    pub subtitle: String,
    /// Share of tokens that each expert gets where all are even: k / E.
    pub even: f64,
    /// Rows, top to bottom: R of them.
    pub rows: Vec<Row>,
    /// Panels.
    pub layers: Vec<LayerMap>,
}

/// A row's name.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is called.
    pub label: String,
    /// Whether a gap sets it apart from the row above.
    pub begins_group: bool,
}

/// One MoE layer.
#[derive(Clone, Debug)]
pub struct LayerMap {
    /// Index of the transformer layer.
    pub layer: usize,
    /// [E] share of tokens that select each expert.
    pub load: Vec<f64>,
    /// [R][E] the same for each row.
    pub shares: Vec<Vec<f64>>,
}

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 20.0;
const HEADER: f64 = 62.0;
const PANEL_TITLE: f64 = 18.0;
const BARS: f64 = 60.0;
const ROW: f64 = 15.0;
const GROUP_GAP: f64 = 7.0;
const TICKS: f64 = 26.0;
const GAP: f64 = 22.0;
const WIDEST_PANEL: f64 = 224.0;
const BAR_FILL: &str = "#445069";
const DEAD: &str = "#b3261e";
/// Colours from 0 to 100 %, evenly spaced along the square root of the share; each is darker than the one before.
const STOPS: [[u8; 3]; 6] = [
    [247, 245, 240],
    [249, 223, 169],
    [242, 166, 90],
    [217, 89, 63],
    [143, 42, 86],
    [43, 15, 63],
];

/// Sizes that depend on the data.
struct Layout {
    labels: f64,
    cell: f64,
    panel: f64,
    rows: f64,
    per_line: usize,
    line: f64,
}

impl ExpertMap {
    /// The map as an SVG file.
    pub fn svg(&self) -> String {
        let layout = self.layout();
        let n_lines = self.layers.len().div_ceil(layout.per_line);
        let mut svg = Svg::new(WIDTH, HEADER + n_lines as f64 * layout.line + MARGIN);
        svg.text([MARGIN, 30.0], 16.0, Anchor::Start, INK, &self.title);
        svg.text([MARGIN, 49.0], 12.0, Anchor::Start, QUIET, &self.subtitle);
        self.scale(&mut svg);
        for (place, layer) in self.layers.iter().enumerate() {
            let (line, column) = (place / layout.per_line, place % layout.per_line);
            let x = MARGIN + layout.labels + column as f64 * (layout.panel + GAP);
            let y = HEADER + line as f64 * layout.line;
            self.bars(&mut svg, &layout, layer, [x, y]);
            self.cells(&mut svg, &layout, layer, [x, y + PANEL_TITLE + BARS + 5.0]);
            if column == 0 {
                self.names(&mut svg, [x - 8.0, y]);
            }
        }
        svg.finish(&self.title)
    }

    fn layout(&self) -> Layout {
        let longest = self.rows.iter().map(|row| row.label.chars().count()).max();
        let labels = 6.6 * longest.unwrap_or(0).max(6) as f64 + 8.0;
        let n_experts = self
            .layers
            .first()
            .map_or(1, |layer| layer.load.len().max(1));
        let cell = (WIDEST_PANEL / n_experts as f64).clamp(5.0, 22.0);
        let panel = cell * n_experts as f64;
        let room = WIDTH - 2.0 * MARGIN - labels + GAP;
        let n_gaps = self
            .rows
            .iter()
            .skip(1)
            .filter(|row| row.begins_group)
            .count();
        let rows = ROW * self.rows.len() as f64 + GROUP_GAP * n_gaps as f64;
        Layout {
            labels,
            cell,
            panel,
            rows,
            per_line: ((room / (panel + GAP)) as usize).max(1),
            line: PANEL_TITLE + BARS + 5.0 + rows + TICKS,
        }
    }

    fn bars(&self, svg: &mut Svg, layout: &Layout, layer: &LayerMap, [x, y]: [f64; 2]) {
        let title = format!("layer {}", layer.layer);
        svg.text([x, y + 11.0], 12.0, Anchor::Start, INK, &title);
        let bottom = y + PANEL_TITLE + BARS;
        for (expert, &share) in layer.load.iter().enumerate() {
            let (left, height) = (x + expert as f64 * layout.cell, BARS * share);
            if share == 0.0 {
                let middle = [left + layout.cell / 2.0, bottom - 2.0];
                svg.text(middle, 11.0, Anchor::Middle, DEAD, "×");
            }
            let bar = [left, bottom - height, layout.cell - 1.0, height];
            svg.rect(bar, BAR_FILL);
        }
        let even = bottom - BARS * self.even;
        let line = [[x, even], [x + layout.panel, even]];
        svg.path(&line, GUIDE, r#"stroke-dasharray="3 3""#);
        svg.path(&[[x, bottom], [x + layout.panel, bottom]], GUIDE, "");
    }

    fn cells(&self, svg: &mut Svg, layout: &Layout, layer: &LayerMap, [x, y]: [f64; 2]) {
        for (top, shares) in self.tops().zip(&layer.shares) {
            for (expert, &share) in shares.iter().enumerate() {
                let left = x + expert as f64 * layout.cell;
                let cell = [left, y + top, layout.cell - 1.0, ROW - 1.0];
                svg.rect(cell, &colour(share));
            }
        }
        let every = match layer.load.len() {
            0..=10 => 1,
            11..=20 => 2,
            _ => 8,
        };
        for expert in (0..layer.load.len()).step_by(every) {
            let middle = x + (expert as f64 + 0.5) * layout.cell;
            let at = [middle, y + layout.rows + 10.0];
            svg.text(at, 9.0, Anchor::Middle, QUIET, &expert.to_string());
        }
    }

    fn names(&self, svg: &mut Svg, [x, y]: [f64; 2]) {
        let top = y + PANEL_TITLE;
        svg.text([x, top + 8.0], 9.0, Anchor::End, QUIET, "100 %");
        let even = top + BARS * (1.0 - self.even) + 3.0;
        svg.text([x, even], 9.0, Anchor::End, QUIET, "even");
        svg.text([x, top + BARS / 2.0], 12.0, Anchor::End, INK, "load");
        let first = top + BARS + 5.0;
        for (top, row) in self.tops().zip(&self.rows) {
            svg.text([x, first + top + 11.0], 12.0, Anchor::End, INK, &row.label);
        }
    }

    /// Where each row begins, from the first.
    fn tops(&self) -> impl Iterator<Item = f64> {
        let mut top = -ROW;
        self.rows.iter().enumerate().map(move |(index, row)| {
            top += ROW;
            if row.begins_group && index > 0 {
                top += GROUP_GAP;
            }
            top
        })
    }

    /// Colours and what they mean, at the top right.
    fn scale(&self, svg: &mut Svg) {
        const STEPS: usize = 60;
        const LENGTH: f64 = 240.0;
        let (x, y) = (WIDTH - MARGIN - LENGTH, 20.0);
        let step = LENGTH / STEPS as f64;
        for place in 0..STEPS {
            let root = (place as f64 + 0.5) / STEPS as f64;
            let left = x + place as f64 * step;
            svg.rect([left, y, step + 0.2, 11.0], &colour(root * root));
        }
        for percent in [0, 5, 12, 25, 50, 100] {
            let at = x + LENGTH * (f64::from(percent) / 100.0).sqrt();
            let anchor = match percent {
                0 => Anchor::Start,
                100 => Anchor::End,
                _ => Anchor::Middle,
            };
            svg.text([at, y + 22.0], 9.0, anchor, QUIET, &format!("{percent} %"));
        }
    }
}

/// Colour of a share.
fn colour(share: f64) -> String {
    let place = share.clamp(0.0, 1.0).sqrt() * (STOPS.len() - 1) as f64;
    let below = (place as usize).min(STOPS.len() - 2);
    let part = place - below as f64;
    let [r, g, b] = [0, 1, 2].map(|channel| {
        let (from, to) = (
            f64::from(STOPS[below][channel]),
            f64::from(STOPS[below + 1][channel]),
        );
        (from + (to - from) * part).round() as u8
    });
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(n_experts: usize, n_layers: usize) -> ExpertMap {
        let row = |label: &str, begins_group| Row {
            label: label.into(),
            begins_group,
        };
        ExpertMap {
            title: "two < three".into(),
            subtitle: "a test".into(),
            even: 0.25,
            rows: vec![row("one", true), row("two", false), row("three", true)],
            layers: (0..n_layers)
                .map(|layer| LayerMap {
                    layer,
                    load: (0..n_experts)
                        .map(|e| e as f64 / n_experts as f64)
                        .collect(),
                    shares: vec![vec![0.4; n_experts]; 3],
                })
                .collect(),
        }
    }

    #[test]
    fn every_share_of_every_layer_is_a_cell_and_dead_experts_are_marked() {
        let svg = map(8, 2).svg();
        let cells = svg.matches(&format!("fill=\"{}\"", colour(0.4))).count();
        assert_eq!(cells, 2 * 3 * 8);
        assert_eq!(svg.matches(&format!("fill=\"{BAR_FILL}\"")).count(), 2 * 8);
        assert_eq!(svg.matches('×').count(), 2);
        assert!(svg.contains("two &lt; three") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn more_use_is_darker() {
        let light = |share: f64| -> u32 {
            let rgb = u32::from_str_radix(&colour(share)[1..], 16).unwrap();
            // Weights of BT.601.
            299 * (rgb >> 16) + 587 * (rgb >> 8 & 255) + 114 * (rgb & 255)
        };
        let lights: Vec<u32> = (0..=100)
            .map(|percent| light(f64::from(percent) / 100.0))
            .collect();
        assert!(lights.is_sorted_by(|a, b| a >= b), "{lights:?}");
        assert_eq!(colour(0.0), "#f7f5f0");
        assert_eq!(colour(1.0), "#2b0f3f");
    }

    #[test]
    fn everything_is_inside_the_picture() {
        for (n_experts, n_layers) in [(1, 1), (8, 4), (16, 5), (32, 7), (128, 2)] {
            let svg = map(n_experts, n_layers).svg();
            for part in svg.split(" x=\"").skip(1) {
                let x: f64 = part.split('"').next().unwrap().parse().unwrap();
                assert!((0.0..=WIDTH).contains(&x), "{n_experts} x {n_layers}: {x}");
            }
        }
    }
}
