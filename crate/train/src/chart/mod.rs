//! Pictures as SVG text, for cards and runs: pure functions from figures to a file.
//!
//! Each picture brings its own light card, so that it reads the same on a light and on a dark page, and its own scale.

mod curves;
mod expert_map;
mod growth;
mod saturation;

pub use curves::curves;
pub use expert_map::{ExpertMap, LayerMap, Row};
pub use growth::{Growth, Panel};
pub use saturation::Saturation;

use std::fmt::Write;

/// Ink of text.
const INK: &str = "#24292f";
/// Ink of ticks and notes.
const QUIET: &str = "#636c76";
/// Guide lines.
const GUIDE: &str = "#a5adb6";

/// An SVG file in the making.
struct Svg {
    body: String,
    width: f64,
    height: f64,
}

/// Where a text stands at its point.
#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    fn new(width: f64, height: f64) -> Self {
        Self {
            body: String::new(),
            width,
            height,
        }
    }

    fn rect(&mut self, [x, y, width, height]: [f64; 4], fill: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.body,
            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{fill}"/>"#,
            short(x),
            short(y),
            short(width),
            short(height)
        );
    }

    fn text(&mut self, [x, y]: [f64; 2], size: f64, anchor: Anchor, ink: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.body,
            r#"<text x="{}" y="{}" font-size="{size}" text-anchor="{anchor}" fill="{ink}">{}</text>"#,
            short(x),
            short(y),
            escaped(text)
        );
    }

    /// Straight lines from point to point.
    fn path(&mut self, points: &[[f64; 2]], stroke: &str, style: &str) {
        let points: Vec<String> = points
            .iter()
            .map(|[x, y]| format!("{},{}", short(*x), short(*y)))
            .collect();
        let _ = writeln!(
            self.body,
            r#"<polyline points="{}" fill="none" stroke="{stroke}" {style}/>"#,
            points.join(" ")
        );
    }

    fn finish(self, title: &str) -> String {
        let (width, height, title) = (short(self.width), short(self.height), escaped(title));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n\
             <title>{title}</title>\n\
             <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d0d7de\"/>\n\
             {}</svg>\n",
            short(self.width - 1.0),
            short(self.height - 1.0),
            self.body
        )
    }
}

/// At most two digits after the point: enough for a screen, and small files.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_text_is_escaped() {
        assert_eq!(
            [1.0, 0.126, -0.001, 120.5].map(short),
            ["1", "0.13", "0", "120.5"]
        );
        assert_eq!(escaped("a < b & c"), "a &lt; b &amp; c");
    }
}
