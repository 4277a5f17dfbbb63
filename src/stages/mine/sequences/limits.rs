//! Gaps and spans as they are written, in positions or in time.

use super::Sequences;
use crate::definition::{Node, Value};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field};
use crate::mining::sequences::Limits;

/// What was written, in one unit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Distances {
    pub(super) limits: Limits,
    /// Whether the unit is the microsecond, else the position.
    pub(super) timed: bool,
}

/// A distance and whether it is one of time.
type Distance = (i64, bool);

/// Reads the gaps and the span.
pub(super) fn distances(options: &Sequences, order: &Field) -> Result<Distances, Findings> {
    let nodes = [&options.min_gap, &options.max_gap, &options.max_span];
    let mut read: [Option<Distance>; 3] = [None; 3];
    let mut unit: Option<bool> = None;
    for (place, node) in read.iter_mut().zip(nodes) {
        let Some(node) = node else { continue };
        let (far, timed) = distance(node, order)?;
        if unit.is_some_and(|unit| unit != timed) {
            let message = "gaps and span are either all numbers of positions or all lengths of time";
            return Err(vec![Diagnostic::definition(message).at(&node.place)]);
        }
        unit = Some(timed);
        *place = Some((far, timed));
    }
    let far = |at: usize| read.get(at).copied().flatten().map(|(far, _)| far);
    let limits = Limits { min_gap: far(0), max_gap: far(1), max_span: far(2) };
    let timed = unit.unwrap_or(false);
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
    let help = "write a number of positions (`3`) or a length of time (`2 hours`, `7 days`)";
    match &node.value {
        Value::Integer(positions) if *positions >= 0 => Ok((*positions, false)),
        Value::Text(text) => {
            let written = text.value();
            let Some(micros) = length_of_time(written) else {
                return refuse(format!("`{written}` is no length of time"), help);
            };
            if !matches!(order.data_type, DataType::Date | DataType::Datetime(_) | DataType::Time | DataType::Duration)
            {
                let message =
                    format!("column `{}` holds {}, so there are no lengths of time", order.name, order.data_type);
                return refuse(message, "write a number of positions, or parse the column as a time first");
            }
            Ok((micros, true))
        }
        _ => refuse(format!("expected a distance, found {}", node.describe()), help),
    }
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
    use super::length_of_time;

    #[test]
    fn lengths_of_time_are_read_and_months_are_none() {
        assert_eq!(length_of_time("36 hours"), Some(36 * 3_600_000_000));
        assert_eq!(length_of_time("2 days"), Some(2 * 86_400_000_000));
        assert_eq!((length_of_time("90s"), length_of_time("0.5 h")), (Some(90_000_000), Some(1_800_000_000)));
        assert_eq!(["1 month", "-2 days", "soon", "", "3", "nan days", "inf days"].map(length_of_time), [None; 7]);
    }
}
