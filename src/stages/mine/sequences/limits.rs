//! Gaps and spans as they are written: in positions, in time, or in the unit of a whole number that orders the rows.

use super::Sequences;
use crate::definition::{Node, Value};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field};
use crate::mining::sequences::Limits;

/// What was written, in one unit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Distances {
    pub(super) limits: Limits,
    /// Whether distances are those of `order` (microseconds of times, units of whole numbers), else positions.
    pub(super) timed: bool,
}

/// What a distance is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Positions,
    Time,
    /// Units of the whole number in `order`.
    Units,
}

type Distance = (i64, Measure);

/// Reads the gaps and the span.
pub(super) fn distances(options: &Sequences, order: &Field) -> Result<Distances, Findings> {
    let nodes = [&options.min_gap, &options.max_gap, &options.max_span];
    let mut read: [Option<Distance>; 3] = [None; 3];
    let mut unit: Option<Measure> = None;
    for (place, node) in read.iter_mut().zip(nodes) {
        let Some(node) = node else { continue };
        let (far, measure) = distance(node, order)?;
        if unit.is_some_and(|unit| unit != measure) {
            let message = "gaps and span are all numbers of positions, all lengths of time or all units of the order";
            return Err(vec![Diagnostic::definition(message).at(&node.place)]);
        }
        unit = Some(measure);
        *place = Some((far, measure));
    }
    let far = |at: usize| read.get(at).copied().flatten().map(|(far, _)| far);
    let limits = Limits { min_gap: far(0), max_gap: far(1), max_span: far(2) };
    let timed = unit.is_some_and(|unit| unit != Measure::Positions);
    let refuse = |message: &str, node: &Option<Node>| {
        let finding = Diagnostic::definition(message);
        Err(vec![match node {
            Some(node) => finding.at(&node.place),
            None => finding,
        }])
    };
    if !timed && limits.max_gap == Some(0) {
        return refuse("`max_gap` must be at least 1: the very next position", &options.max_gap);
    }
    if limits.max_gap.is_some_and(|most| most < limits.min_gap.unwrap_or(0)) {
        return refuse("`max_gap` must not be smaller than `min_gap`", &options.max_gap);
    }
    if !timed && limits.max_span == Some(0) {
        return refuse("`max_span` must be at least 1 position", &options.max_span);
    }
    Ok(Distances { limits, timed })
}

fn distance(node: &Node, order: &Field) -> Result<Distance, Findings> {
    let refuse = |message: String, help: &str| Err(vec![Diagnostic::definition(message).at(&node.place).help(help)]);
    let help =
        "write a number of positions (`3`), a length of time (`2 hours`, `7 days`) or units of `order` (`10 units`)";
    match &node.value {
        Value::Integer(positions) if *positions >= 0 => Ok((*positions, Measure::Positions)),
        Value::Text(text) => {
            let written = text.value();
            if let Some(units) = units(written) {
                let Some(units) = units else {
                    return refuse(format!("`{written}` is no whole number of units"), help);
                };
                return match is_counted(&order.data_type) {
                    true => Ok((units, Measure::Units)),
                    false => refuse(
                        format!("column `{}` holds {}, whose units are not counted", order.name, order.data_type),
                        "units are those of whole numbers: cast the column first, or write positions or a length of time",
                    ),
                };
            }
            let Some(micros) = length_of_time(written) else {
                return refuse(format!("`{written}` is no length of time"), help);
            };
            if !matches!(order.data_type, DataType::Date | DataType::Datetime(_) | DataType::Time | DataType::Duration)
            {
                let message =
                    format!("column `{}` holds {}, so there are no lengths of time", order.name, order.data_type);
                let help = match is_counted(&order.data_type) {
                    true => {
                        "write units of the column (`10 units`) or a number of positions, or parse the column as a time first"
                    }
                    false => "write a number of positions, or parse the column as a time first",
                };
                return refuse(message, help);
            }
            Ok((micros, Measure::Time))
        }
        _ => refuse(format!("expected a distance, found {}", node.describe()), help),
    }
}

/// Whole numbers whose differences fit: an unsigned one of 64 bits may lie beyond what is counted.
fn is_counted(data_type: &DataType) -> bool {
    data_type.is_integer() && *data_type != DataType::UInt64
}

/// The number of `10 units`, none where it is no whole number; no answer for what is not written in units.
fn units(text: &str) -> Option<Option<i64>> {
    let text = text.trim();
    let number = text.strip_suffix("units").or_else(|| text.strip_suffix("unit"))?;
    // The largest number stands for distances too large to count.
    Some(number.trim().parse::<i64>().ok().filter(|units| (0..i64::MAX).contains(units)))
}

/// Microseconds of `36 hours`, `1.5 days`, `90s`; none for what is no length of time, is negative, or has no fixed length (months).
fn length_of_time(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let seconds = match unit.to_lowercase().as_str() {
        "second" | "seconds" | "s" => 1.0,
        "minute" | "minutes" | "min" => 60.0,
        "hour" | "hours" | "h" => 3_600.0,
        "day" | "days" | "d" => 86_400.0,
        "week" | "weeks" | "w" => 604_800.0,
        _ => return None,
    };
    let micros = number.trim().parse::<f64>().ok()? * seconds * 1e6;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (0.0..9e18).contains(&micros).then_some(micros.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::{length_of_time, units};

    #[test]
    fn units_are_whole_numbers() {
        assert_eq!(["10 units", "1 unit", "0units"].map(units), [Some(Some(10)), Some(Some(1)), Some(Some(0))]);
        assert_eq!(["-1 units", "1.5 units", "units", "9223372036854775807 units"].map(units), [Some(None); 4]);
        assert_eq!(["2 hours", "3", ""].map(units), [None; 3]);
    }

    #[test]
    fn lengths_of_time_are_read_and_months_are_none() {
        assert_eq!(length_of_time("36 hours"), Some(36 * 3_600_000_000));
        assert_eq!(length_of_time("2 days"), Some(2 * 86_400_000_000));
        assert_eq!((length_of_time("90s"), length_of_time("0.5 h")), (Some(90_000_000), Some(1_800_000_000)));
        assert_eq!(["1 month", "-2 days", "soon", "", "3", "nan days", "inf days"].map(length_of_time), [None; 7]);
    }
}
