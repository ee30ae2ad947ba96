//! The metrics of a run: one JSON line an epoch, and a plot of them.

use plotters::prelude::*;
use serde::{Deserialize, Serialize};

/// What one pass over the data brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Passes finished, from 1.
    pub epoch: usize,
    /// Mean −ln p an image over the pass, while the weights moved.
    pub train_nats: f64,
    /// −ln p an image over the validation split, of the weights that would be kept.
    pub valid_nats: f64,
    /// The same in bits a dimension.
    pub valid_bits_per_dim: f64,
    /// Seconds of training and validation since the beginning.
    pub elapsed_s: f64,
    /// Whether no earlier epoch was better on the validation split.
    pub best: bool,
}

/// Reads a metrics file, one record a line.
///
/// # Errors
/// When a line is not a record; it is named.
pub fn read_records(text: &str) -> Result<Vec<EpochRecord>, String> {
    let parse = |(line, text)| serde_json::from_str(text).map_err(|error| format!("line {}: {error}", line + 1));
    text.lines().enumerate().filter(|(_, text)| !text.is_empty()).map(parse).collect()
}

/// An SVG of training and validation likelihood over the epochs, in nats an image.
///
/// # Errors
/// When the drawing backend fails.
pub fn plot(name: &str, records: &[EpochRecord]) -> Result<String, String> {
    let mut svg = String::new();
    draw(&mut svg, name, records).map_err(|error| error.to_string())?;
    Ok(svg)
}

fn draw(svg: &mut String, name: &str, records: &[EpochRecord]) -> Result<(), Box<dyn std::error::Error>> {
    let Some(last) = records.last() else { return Ok(()) };
    let low = records.iter().map(|r| r.valid_nats.min(r.train_nats)).fold(f64::INFINITY, f64::min);
    // The first epoch is far above the rest and would flatten the curve.
    let high = records.iter().skip(usize::from(records.len() > 2)).map(|r| r.valid_nats.max(r.train_nats));
    let high = high.fold(low + 0.5, f64::max);
    let margin = 0.05 * (high - low);

    let area = SVGBackend::with_string(svg, (720, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(name, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..last.epoch as f64, low - margin..high + margin)?;
    chart.configure_mesh().x_desc("epoch").y_desc("nats an image").light_line_style(WHITE).draw()?;
    let visible = |nats: fn(&EpochRecord) -> f64| {
        records.iter().map(move |r| (r.epoch as f64, nats(r))).filter(move |(_, nats)| *nats <= high + margin)
    };
    let (train, valid) = (RGBColor(160, 160, 160), RGBColor(200, 60, 40));
    for (label, colour, points) in [
        ("training", train, visible(|r| r.train_nats).collect::<Vec<_>>()),
        ("validation", valid, visible(|r| r.valid_nats).collect()),
    ] {
        let line = chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        line.label(label).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().background_style(WHITE).border_style(train).draw()?;
    area.present()?;
    Ok(())
}
