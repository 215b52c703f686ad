//! The curves of a training run, drawn from its `log.csv`: a panel for each column that changes.
//!
//! Pale lines are steps (means of a few where there are many), dark ones means over the last fiftieth of the run so far.

use super::{Anchor, GUIDE, INK, QUIET, Svg};
use crate::TrainError;

const PANEL: [f64; 2] = [340.0, 170.0];
const LEFT: f64 = 62.0;
const TOP: f64 = 84.0;
const GAP: [f64; 2] = [76.0, 62.0];
/// Points of a line: more would not be seen.
const MOST_POINTS: usize = 340;
/// Part of a run that a dark line is a mean of.
const SMOOTHED: usize = 50;
const PALE: &str = "#b9cbe6";
const DARK: &str = "#1f4e9c";

/// Columns drawn and what they are called.
const COLUMNS: [(&str, &str); 4] = [
    ("loss", "loss (nats)"),
    ("load_balancing_loss", "load balancing loss (1 is even)"),
    ("grad_norm", "norm of the gradient"),
    ("learning_rate", "learning rate"),
];

/// One column by step.
struct Series {
    title: &'static str,
    values: Vec<f64>,
}

/// The curves of the text of a log as an SVG file.
///
/// # Errors
/// [`TrainError::LogInvalid`] if it has no steps, or not the columns of a log.
pub fn curves(name: &str, log: &str) -> Result<String, TrainError> {
    let series = read(log)?;
    // A dense model has no load to balance.
    let drawn: Vec<&Series> = series
        .iter()
        .filter(|series| series.values.iter().any(|&value| value != 0.0))
        .collect();
    let lines = drawn.len().div_ceil(2) as f64;
    let width = 2.0 * (PANEL[0] + GAP[0]) + 20.0;
    let mut svg = Svg::new(width, TOP + lines * (PANEL[1] + GAP[1]) - 20.0);
    let (title, steps) = (format!("Training of {name}"), series[0].values.len());
    svg.text([20.0, 30.0], 16.0, Anchor::Start, INK, &title);
    let subtitle = format!("{steps} steps; dark: mean over the last {SMOOTHED}th of the run");
    svg.text([20.0, 49.0], 12.0, Anchor::Start, QUIET, &subtitle);
    for (place, series) in drawn.iter().enumerate() {
        let (column, line) = ((place % 2) as f64, (place / 2) as f64);
        let origin = [
            LEFT + column * (PANEL[0] + GAP[0]),
            TOP + line * (PANEL[1] + GAP[1]),
        ];
        panel(&mut svg, series, origin);
    }
    Ok(svg.finish(&title))
}

fn read(log: &str) -> Result<Vec<Series>, TrainError> {
    let invalid = |line: usize, problem: String| TrainError::LogInvalid { line, problem };
    let mut lines = log.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let place = |column: &str| {
        let found = header.iter().position(|name| *name == column);
        found.ok_or_else(|| invalid(1, format!("there is no column {column}")))
    };
    let places: Vec<usize> = COLUMNS
        .iter()
        .map(|(column, _)| place(column))
        .collect::<Result<_, _>>()?;
    let mut series: Vec<Series> = COLUMNS
        .iter()
        .map(|&(_, title)| Series {
            title,
            values: Vec::new(),
        })
        .collect();
    for (index, line) in lines.enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        for (series, &place) in series.iter_mut().zip(&places) {
            let field = fields.get(place).copied().unwrap_or_default();
            let value = field.parse::<f64>().ok().filter(|value| value.is_finite());
            let problem = || invalid(index + 2, format!("got {field:?}, allowed is a number"));
            series.values.push(value.ok_or_else(problem)?);
        }
    }
    match series[0].values.is_empty() {
        true => Err(invalid(2, "there is no step".into())),
        false => Ok(series),
    }
}

fn panel(svg: &mut Svg, series: &Series, [x, y]: [f64; 2]) {
    let values = &series.values;
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
            (low.min(value), high.max(value))
        });
    let (low, high) = if high > low {
        (low, high)
    } else {
        (low - 0.5, high + 0.5)
    };
    let (step, n) = (tick(high - low), values.len());
    let (bottom, top) = ((low / step).floor() * step, (high / step).ceil() * step);
    let height = |value: f64| y + PANEL[1] * (top - value) / (top - bottom);
    let along = |index: f64| x + PANEL[0] * index / (n as f64 - 1.0).max(1.0);
    svg.text([x, y - 10.0], 12.0, Anchor::Start, INK, series.title);
    let n_ticks = ((top - bottom) / step).round() as usize;
    for tick in 0..=n_ticks {
        let value = bottom + tick as f64 * step;
        let at = height(value);
        svg.path(
            &[[x, at], [x + PANEL[0], at]],
            GUIDE,
            r#"stroke-width="0.5""#,
        );
        svg.text(
            [x - 6.0, at + 3.0],
            9.0,
            Anchor::End,
            QUIET,
            &number(value, step),
        );
    }
    let steps = tick(n as f64);
    for tick in 0..=(n as f64 / steps) as usize {
        let at = tick as f64 * steps;
        let middle = [along(at).min(x + PANEL[0]), y + PANEL[1] + 14.0];
        svg.text(middle, 9.0, Anchor::Middle, QUIET, &number(at, steps));
    }
    let line = |values: &[f64]| -> Vec<[f64; 2]> {
        let size = values.len().div_ceil(MOST_POINTS).max(1);
        let buckets = values.chunks(size).enumerate();
        buckets
            .map(|(bucket, values)| {
                let first = (bucket * size) as f64;
                let middle = first + (values.len() - 1) as f64 / 2.0;
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                [along(middle), height(mean)]
            })
            .collect()
    };
    svg.path(&line(values), PALE, r#"stroke-width="1""#);
    svg.path(&line(&smoothed(values)), DARK, r#"stroke-width="1.6""#);
}

/// Means over the values before and at each place.
fn smoothed(values: &[f64]) -> Vec<f64> {
    let reach = values.len().div_ceil(SMOOTHED);
    (0..values.len())
        .map(|last| {
            let window = &values[(last + 1).saturating_sub(reach)..=last];
            window.iter().sum::<f64>() / window.len() as f64
        })
        .collect()
}

/// A round distance of which three to seven make up the range.
fn tick(range: f64) -> f64 {
    let power = 10_f64.powf((range / 3.0).log10().floor());
    let fits = |factor: &f64| range / (factor * power) >= 3.0;
    let factor = [5.0, 2.0, 1.0].into_iter().find(fits);
    factor.unwrap_or(1.0) * power
}

/// A number with the digits that tell ticks apart.
fn number(value: f64, step: f64) -> String {
    let digits = (-step.log10().floor()).max(0.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "step,seconds,loss,load_balancing_loss,grad_norm,learning_rate\n\
        1,0.5,5.0,1.2,0.8,0.001\n2,1.0,4.0,1.1,0.7,0.002\n3,1.5,3.5,1.0,0.7,0.001\n";

    #[test]
    fn every_column_of_a_log_is_a_panel_and_one_of_zeros_is_none() {
        let svg = curves("tiny", LOG).unwrap();
        assert_eq!(svg.matches(&format!("stroke=\"{DARK}\"")).count(), 4);
        assert!(svg.contains("Training of tiny") && svg.contains("3 steps"));
        let dense = LOG
            .replace(",1.2,", ",0,")
            .replace(",1.1,", ",0,")
            .replace(",1.0,", ",0,");
        let svg = curves("tiny", &dense).unwrap();
        assert_eq!(svg.matches(&format!("stroke=\"{DARK}\"")).count(), 3);
    }

    #[test]
    fn a_damaged_log_is_refused_with_its_line() {
        let cases: [(&str, &str); 4] = [
            ("", "line 1: there is no column loss"),
            (
                "step,seconds,loss,load_balancing_loss,grad_norm,learning_rate\n",
                "line 2: there is no step",
            ),
            (&LOG.replace("4.0", "four"), "line 3: got \"four\""),
            (&LOG.replace("3.5,1.0,0.7,0.001", "3.5"), "line 4: got \"\""),
        ];
        for (log, expected) in cases {
            let message = curves("tiny", log).unwrap_err().to_string();
            assert!(message.contains(expected), "{message} lacks {expected}");
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        for range in [0.003, 0.1, 0.9, 1.0, 5.7, 42.0, 1303.0] {
            let n_ticks = range / tick(range);
            assert!((3.0..=7.6).contains(&n_ticks), "{range}: {n_ticks}");
        }
        assert_eq!(number(0.0015, 0.0005), "0.0015");
        assert_eq!(number(1200.0, 200.0), "1200");
    }

    #[test]
    fn smoothing_keeps_a_constant_and_follows_a_change() {
        assert_eq!(smoothed(&[2.0; 100]), [2.0; 100]);
        let mut values = vec![0.0; 100];
        values[99] = 1.0;
        assert_eq!(smoothed(&values)[99], 0.5);
    }
}
