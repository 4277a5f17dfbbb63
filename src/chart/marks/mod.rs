//! The kinds of drawings, one file each.

mod bar;
mod box_plot;
mod dendrogram;
mod density;
mod heatmap;
mod histogram;
mod interval;
mod line;
mod parallel;
mod positions;
mod scatter;
mod waterfall;

use serde::{Deserialize, Serialize};

pub use bar::{Bar, Orientation};
pub use box_plot::{BoxPlot, Spread};
pub use dendrogram::{Dendrogram, Join};
pub use heatmap::{ColourScale, Heatmap};
pub use histogram::Histogram;
pub use interval::{Estimates, Interval};
pub use line::{Band, Line, Points};
pub use parallel::{Parallel, ParallelAxis, ParallelLine};
pub use positions::Positions;
pub use scatter::{Arrow, Scatter};
pub use waterfall::{Step, Waterfall};

use super::error::ChartError;
use super::figure::{Figure, LegendShow, Scale};
use super::key::{Entry, Key, Swatch};
use super::number;
use super::position::LARGEST;
use super::scene::Scene;
use super::theme::{Ink, SERIES_COLOURS};
use super::typography::clean;

/// The most series that one figure shows: twice the number of colours.
const MOST_SERIES: usize = 2 * SERIES_COLOURS;

/// A kind of drawing, with its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// A bar for each category.
    Bar(Bar),
    /// Lines along an ordered axis.
    Line(Line),
    /// A dot for each row; many of them become a density.
    Scatter(Scatter),
    /// How many values fall into each bin.
    Histogram(Histogram),
    /// A matrix of colours.
    Heatmap(Heatmap),
    /// An estimate with its interval for each category.
    Interval(Interval),
    /// The spread of the values of each category.
    BoxPlot(BoxPlot),
    /// Parts that are merged two by two.
    Dendrogram(Dendrogram),
    /// A start, gains and losses, and the end that they lead to.
    Waterfall(Waterfall),
    /// A line for each row through several axes.
    Parallel(Parallel),
}

impl Mark {
    pub(super) fn draw(&self, figure: &Figure) -> Result<Scene, ChartError> {
        match self {
            Mark::Bar(mark) => bar::draw(figure, mark),
            Mark::Line(mark) => line::draw(figure, mark),
            Mark::Scatter(mark) => scatter::draw(figure, mark),
            Mark::Histogram(mark) => histogram::draw(figure, mark),
            Mark::Heatmap(mark) => heatmap::draw(figure, mark),
            Mark::Interval(mark) => interval::draw(figure, mark),
            Mark::BoxPlot(mark) => box_plot::draw(figure, mark),
            Mark::Dendrogram(mark) => dendrogram::draw(figure, mark),
            Mark::Waterfall(mark) => waterfall::draw(figure, mark),
            Mark::Parallel(mark) => parallel::draw(figure, mark),
        }
    }

    /// What the picture is, for a figure without a description.
    pub(super) fn sentence(&self) -> String {
        let series =
            |number: usize| if number == 1 { String::new() } else { format!(" in {} series", number::count(number)) };
        let count = number::count;
        match self {
            Mark::Bar(mark) => {
                format!("Bars for {} categories{}.", count(mark.categories.len()), series(mark.series.len()))
            }
            Mark::Line(mark) => {
                format!("Lines through {} positions{}.", count(mark.x.len()), series(mark.series.len()))
            }
            Mark::Scatter(mark) => format!("{} points.", count(mark.x.len())),
            Mark::Histogram(mark) => {
                format!(
                    "Histogram with {} bins{}.",
                    count(mark.edges.len().saturating_sub(1)),
                    series(mark.series.len())
                )
            }
            Mark::Heatmap(mark) => {
                format!("Heatmap with {} rows and {} columns.", count(mark.rows.len()), count(mark.columns.len()))
            }
            Mark::Interval(mark) => {
                let count = count(mark.categories.len());
                format!("Estimates with intervals for {count} categories{}.", series(mark.series.len()))
            }
            Mark::BoxPlot(mark) => format!("Box plots of {} categories.", count(mark.categories.len())),
            Mark::Dendrogram(mark) => format!("A tree that merges {} parts.", count(mark.leaves.len())),
            Mark::Parallel(mark) => {
                format!("{} lines through {} axes.", count(mark.lines.len()), count(mark.axes.len()))
            }
            Mark::Waterfall(mark) => format!(
                "From {} at the start through {} steps to {} at the end.",
                number::exact(mark.start.value, Default::default()),
                count(mark.steps.len()),
                number::exact(mark.end.value, Default::default())
            ),
        }
    }
}

/// Values under one name and colour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What the colour stands for. May be empty when there is one series.
    #[serde(default)]
    pub name: String,
    /// One value for each category, position or bin; null where there is none.
    pub values: Vec<Option<f64>>,
}

impl Series {
    /// A series with a name.
    pub fn new(name: impl Into<String>, values: impl IntoIterator<Item = Option<f64>>) -> Series {
        Series { name: name.into(), values: values.into_iter().collect() }
    }
}

/// Checks that every series has a value for each position.
fn check_lengths(series: &[Series], expected: usize) -> Result<(), ChartError> {
    match series.iter().find(|one| one.values.len() != expected) {
        None => Ok(()),
        Some(one) => Err(ChartError::Length {
            what: format!("the values of series `{}`", clean(&one.name)),
            expected,
            found: one.values.len(),
        }),
    }
}

/// The series that can be told apart, and what is to be said when that is not all of them.
fn distinct(series: &[Series]) -> (&[Series], Option<String>) {
    let shown = series.get(..MOST_SERIES).unwrap_or(series);
    let note = (shown.len() < series.len())
        .then(|| format!("The first {} of {} series are shown.", shown.len(), number::count(series.len())));
    (shown, note)
}

/// The scale on which bars stand, and what is to be said when it is not the one of the axis: the parts of a stack are not comparable on a logarithmic
/// scale, and bars have lengths, not dates.
fn bar_scale(figure: &Figure, stacked: bool) -> (Scale, Option<String>) {
    match figure.y.scale {
        Scale::Linear => (Scale::Linear, None),
        Scale::Log if !stacked => (Scale::Log, None),
        Scale::Log => (Scale::Linear, Some("Stacked bars stand on a linear axis.".to_string())),
        Scale::Time => (Scale::Linear, Some("Bars do not stand on a time axis.".to_string())),
    }
}

/// The ends of a stack of parts: gains grow upwards from zero, losses downwards.
#[derive(Debug, Default)]
struct Stack {
    above: f64,
    below: f64,
}

impl Stack {
    /// Puts a part on the stack and says from where to where it reaches. Very large parts end at the largest number that is drawn.
    fn put(&mut self, part: f64) -> (f64, f64) {
        let end = if part < 0.0 { &mut self.below } else { &mut self.above };
        let from = *end;
        *end = (from + part).clamp(-LARGEST, LARGEST);
        (from, *end)
    }
}

/// The colour and opacity of a series; past the last colour they begin again, paler.
fn colour(index: usize) -> (Ink, f64) {
    (Ink::Series(index % SERIES_COLOURS), if index < SERIES_COLOURS { 1.0 } else { 0.55 })
}

/// The key of the series, when it is wanted. `labelled` says that the series are named in the drawing itself.
fn key(figure: &Figure, series: &[Series], swatch: Swatch, labelled: bool) -> Key {
    let wanted = match figure.legend.show {
        LegendShow::Always => true,
        LegendShow::Never => false,
        LegendShow::Auto => series.len() > 1 && !labelled,
    };
    if !wanted {
        return Key::None;
    }
    let entry = |(index, one): (usize, &Series)| {
        let (ink, opacity) = colour(index);
        Entry { name: clean(&one.name), ink, opacity, swatch }
    };
    Key::Entries { title: figure.legend.title.clone(), entries: series.iter().enumerate().map(entry).collect() }
}

/// A tooltip such as `UA · late: 21%`; parts without text are left out.
fn tooltip(place: &str, name: &str, value: &str) -> String {
    let place: Vec<String> = [clean(place), clean(name)].into_iter().filter(|part| !part.is_empty()).collect();
    if place.is_empty() { value.to_string() } else { format!("{}: {value}", place.join(" · ")) }
}
