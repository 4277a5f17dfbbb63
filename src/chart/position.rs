//! From values to places: which values an axis covers and where each of them stands.

use super::dates;
use super::figure::{Axis, Figure, NumberFormat, ReferenceAxis, Scale};
use super::number;
use super::ticks;

/// Larger numbers are not drawn: the differences between them would not be finite.
pub(super) const LARGEST: f64 = 1e305;
const DAY: f64 = 86_400e6;

/// The values that an axis covers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) scale: Scale,
    pub(super) format: NumberFormat,
    /// All values are whole numbers, so ticks are too.
    pub(super) whole: bool,
    /// The ends may be widened to the next ticks.
    pub(super) widen: bool,
}

/// What stands along an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Domain {
    Values(Span),
    /// Clean labels, in order.
    Categories(Vec<String>),
}

/// A labelled place on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// A value, or the index of a category.
    pub(super) at: f64,
    pub(super) text: String,
    /// A second line that is shown where it changes.
    pub(super) context: String,
    /// The whole label, when `text` is a shortened one.
    pub(super) tooltip: Option<String>,
}

/// The value, if it has a place on an axis of this scale.
pub(super) fn admitted(scale: Scale, value: Option<f64>) -> Option<f64> {
    let value = value.filter(|value| value.abs() <= LARGEST)?;
    match scale {
        Scale::Linear => Some(value),
        // Logarithms of subnormal numbers have few digits left.
        Scale::Log => (value >= f64::MIN_POSITIVE).then_some(value),
        Scale::Time => dates::is_in_calendar(value as i64).then_some(value),
    }
}

/// Collects the values of one axis: their range, and how many have no place on it.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    scale: Scale,
    low: f64,
    high: f64,
    whole: bool,
    pub(super) shown: usize,
    not_drawable: usize,
    not_positive: usize,
}

impl Extent {
    pub(super) fn new(scale: Scale) -> Extent {
        Extent {
            scale,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            whole: true,
            shown: 0,
            not_drawable: 0,
            not_positive: 0,
        }
    }

    /// Takes a value from the data. A null is no value and is not counted.
    pub(super) fn add(&mut self, value: Option<f64>) {
        let Some(value) = value else { return };
        match admitted(self.scale, Some(value)) {
            Some(value) => {
                self.shown += 1;
                self.whole &= value.fract() == 0.0;
                self.reach(value);
            }
            None if self.scale == Scale::Log && value <= 0.0 && value.is_finite() => self.not_positive += 1,
            None => self.not_drawable += 1,
        }
    }

    /// Makes the axis reach a value that is not one of the data.
    pub(super) fn reach(&mut self, value: f64) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    /// Covers the reference lines of an axis too, once there is something to compare with them.
    pub(super) fn reach_references(&mut self, figure: &Figure, axis: ReferenceAxis) {
        if self.shown > 0 {
            let scale = self.scale;
            let values = figure.references.iter().filter(|line| line.axis == axis);
            values.filter_map(|line| admitted(scale, line.at)).for_each(|at| self.reach(at));
        }
    }

    pub(super) fn low(&self) -> f64 {
        self.low
    }

    pub(super) fn high(&self) -> f64 {
        self.high
    }

    /// What the axis covers: the data, the bounds of `axis`, and on both sides `padding` times the range. `None` without any value.
    pub(super) fn span(&self, axis: &Axis, padding: f64, widen: bool) -> Option<Span> {
        if self.shown == 0 {
            return None;
        }
        let bound = |bound: Option<f64>| admitted(self.scale, bound);
        let mut low = bound(axis.min).map_or(self.low, |bound| bound.min(self.low));
        let mut high = bound(axis.max).map_or(self.high, |bound| bound.max(self.high));
        (low, high) = spread(low, high, self.scale, self.whole);
        if padding > 0.0 {
            (low, high) = match self.scale {
                Scale::Log => {
                    let factor = 10_f64.powf((high.log10() - low.log10()) * padding);
                    ((low / factor).max(f64::MIN_POSITIVE), (high * factor).min(LARGEST))
                }
                _ => {
                    let margin = (high - low) * padding;
                    (low - margin, high + margin)
                }
            };
        }
        let whole = self.whole && self.scale == Scale::Linear && axis.format != NumberFormat::Percent;
        Some(Span { low, high, scale: self.scale, format: axis.format, whole, widen })
    }

    /// What is to be said about values that are not drawn.
    pub(super) fn notes(&self, axis: &Axis) -> Vec<String> {
        let mut notes = Vec::new();
        if self.not_positive > 0 {
            let (values, have) = if self.not_positive == 1 { ("value is", "has") } else { ("values are", "have") };
            notes.push(format!(
                "{} {values} zero or negative and {have} no place on a logarithmic axis.",
                number::count(self.not_positive)
            ));
        }
        if self.not_drawable > 0 {
            let values = if self.not_drawable == 1 { "value is" } else { "values are" };
            notes.push(format!(
                "{} {values} infinite, not a number or too large to draw.",
                number::count(self.not_drawable)
            ));
        }
        for bound in [axis.min, axis.max].into_iter().flatten() {
            if admitted(self.scale, Some(bound)).is_none() {
                notes.push(format!("The axis cannot reach to {}.", number::exact(bound, NumberFormat::Plain)));
            }
        }
        notes
    }
}

/// Gives a range some length when all values are equal.
fn spread(low: f64, high: f64, scale: Scale, whole: bool) -> (f64, f64) {
    if high - low > low.abs().max(high.abs()) * 1e-12 {
        return (low, high);
    }
    match scale {
        Scale::Log => ((low / 2.0).max(f64::MIN_POSITIVE), high * 2.0),
        Scale::Time => (low - DAY / 2.0, high + DAY / 2.0),
        Scale::Linear if low == 0.0 => (0.0, 1.0),
        Scale::Linear => {
            let margin = if whole { (low.abs() * 0.1).max(1.0) } else { low.abs() * 0.1 };
            let (from, to) = (low - margin, high + margin);
            if from < to { (from, to) } else { (low - 1.0, high + 1.0) }
        }
    }
}

impl Span {
    /// The span with its ends at ticks, if they may be moved.
    pub(super) fn widened(&self, target: usize) -> Span {
        if !self.widen {
            return self.clone();
        }
        let (low, high) = match self.scale {
            Scale::Linear => ticks::widened(self.low, self.high, target, self.whole),
            Scale::Log => ticks::widened_log(self.low, self.high),
            Scale::Time => (self.low, self.high),
        };
        Span { low, high, ..self.clone() }
    }

    /// At most about `target` labelled ticks.
    pub(super) fn ticks(&self, target: usize) -> Vec<Tick> {
        let tick = |at: f64, text: String, context: String| Tick { at, text, context, tooltip: None };
        match self.scale {
            Scale::Linear => {
                let found = ticks::linear(self.low, self.high, target, self.whole);
                let labels = number::tick_labels(&found.values, found.step, self.format);
                found.values.into_iter().zip(labels).map(|(at, text)| tick(at, text, String::new())).collect()
            }
            Scale::Log => ticks::logarithmic(self.low, self.high, target)
                .into_iter()
                .map(|at| tick(at, number::brief(at, self.format), String::new()))
                .collect(),
            Scale::Time => dates::ticks(self.low.ceil() as i64, self.high.floor() as i64, target)
                .into_iter()
                .map(|found| tick(found.at as f64, found.label, found.context))
                .collect(),
        }
    }

    /// A value in full, for tooltips.
    pub(super) fn exact(&self, value: f64) -> String {
        exact(value, self.scale, self.format)
    }
}

/// A value in full, for tooltips.
pub(super) fn exact(value: f64, scale: Scale, format: NumberFormat) -> String {
    match scale {
        Scale::Time => dates::exact(value as i64),
        _ => number::exact(value, format),
    }
}

/// Where the values or categories of an axis stand, in CSS pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Position {
    from: f64,
    to: f64,
    low: f64,
    high: f64,
    log: bool,
    bands: usize,
}

impl Position {
    /// Places a domain between two coordinates.
    pub(super) fn new(domain: &Domain, from: f64, to: f64) -> Position {
        match domain {
            Domain::Values(span) => {
                let log = span.scale == Scale::Log;
                let (low, high) = if log { (span.low.log10(), span.high.log10()) } else { (span.low, span.high) };
                Position { from, to, low, high, log, bands: 0 }
            }
            Domain::Categories(labels) => {
                let bands = labels.len().max(1);
                Position { from, to, low: -0.5, high: bands as f64 - 0.5, log: false, bands }
            }
        }
    }

    /// The coordinate of a value, or the middle of the category with this index. Always between the two ends.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let share = if share.is_nan() { 0.0 } else { share };
        self.from + share * (self.to - self.from)
    }

    /// Whether the value has a place of its own between the two ends.
    pub(super) fn covers(&self, value: f64) -> bool {
        let value = if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        self.bands == 0 && value >= self.low && value <= self.high
    }

    /// The width of a category.
    pub(super) fn band(&self) -> f64 {
        (self.to - self.from).abs() / self.bands.max(1) as f64
    }

    /// The end at which values begin.
    pub(super) fn start(&self) -> f64 {
        self.from
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn extent(scale: Scale, values: &[f64]) -> Extent {
        let mut extent = Extent::new(scale);
        values.iter().for_each(|value| extent.add(Some(*value)));
        extent
    }

    #[test]
    fn values_without_a_place_are_counted_and_named() {
        let axis = Axis::default();
        let log = extent(Scale::Log, &[0.0, -3.0, 10.0, f64::NAN, f64::INFINITY]);
        assert_eq!(
            log.notes(&axis),
            [
                "2 values are zero or negative and have no place on a logarithmic axis.",
                "2 values are infinite, not a number or too large to draw."
            ]
        );
        assert_eq!(extent(Scale::Linear, &[f64::NAN]).span(&axis, 0.0, true), None);
        let bounded = Axis { min: Some(0.0), ..Axis::default() };
        assert_eq!(log.notes(&bounded)[2], "The axis cannot reach to 0.");
    }

    #[test]
    fn bounds_of_an_axis_extend_it_and_never_cut_it() {
        let axis = Axis { min: Some(5.0), max: Some(20.5), ..Axis::default() };
        let span = extent(Scale::Linear, &[1.0, 10.0]).span(&axis, 0.0, false).unwrap();
        assert_eq!((span.low, span.high), (1.0, 20.5));
    }

    #[test]
    fn equal_values_get_a_range_around_them() {
        let axis = Axis::default();
        let range = |scale, value: f64| {
            let span = extent(scale, &[value, value]).span(&axis, 0.0, false).unwrap();
            (span.low, span.high)
        };
        assert_eq!(range(Scale::Linear, 0.0), (0.0, 1.0));
        assert_eq!(range(Scale::Linear, 5.0), (4.0, 6.0));
        assert_eq!(range(Scale::Linear, -2.5), (-2.75, -2.25));
        assert_eq!(range(Scale::Log, 10.0), (5.0, 20.0));
        for value in [1e300, 1e-300, 5e-324, -1e305, f64::MIN_POSITIVE] {
            let (low, high) = range(Scale::Linear, value);
            assert!(low < high && (high - low).is_finite(), "{value:e}: {low:e} {high:e}");
        }
    }

    #[test]
    fn places_are_proportional_and_stay_between_the_ends() {
        let span = |low, high, scale| {
            Domain::Values(Span { low, high, scale, format: NumberFormat::Auto, whole: false, widen: false })
        };
        let linear = Position::new(&span(0.0, 200.0, Scale::Linear), 300.0, 100.0);
        assert_eq!([linear.at(0.0), linear.at(50.0), linear.at(200.0), linear.at(1e9)], [300.0, 250.0, 100.0, 100.0]);
        let log = Position::new(&span(1.0, 1e4, Scale::Log), 0.0, 400.0);
        assert!((log.at(100.0) - 200.0).abs() < 1e-9);
        let bands = Position::new(&Domain::Categories(vec![String::new(); 4]), 0.0, 400.0);
        assert_eq!([bands.at(0.0), bands.at(3.0), bands.band()], [50.0, 350.0, 100.0]);
    }
}
