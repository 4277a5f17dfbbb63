//! Values that often stand for a missing one, where they are suspiciously frequent or far from the others.

use super::document::{Sentinel, share};
use super::finish::shown;
use crate::digits;
use crate::expression::DataType;
use crate::statistics::profile::Numbers;
use crate::statistics::quantiles::Quantiles;

/// Numbers that people write where there is none.
const NUMBERS: [f64; 16] = [
    -1.0,
    -9.0,
    -99.0,
    -999.0,
    -9_999.0,
    -99_999.0,
    -999_999.0,
    99.0,
    999.0,
    9_999.0,
    99_999.0,
    999_999.0,
    9_999_999.0,
    -2_147_483_648.0,
    2_147_483_647.0,
    1e30,
];
/// Days since 1970 that systems write where there is none, with what they are.
const DAYS: [(i64, &str); 7] = [
    (0, "the first day of Unix time"),
    (-25_567, "the first day of 1900"),
    (-25_568, "the day before 1900, the zero of a spreadsheet"),
    (-25_569, "the zero of a spreadsheet"),
    (-719_162, "the first day of all"),
    (2_932_896, "the last day of 9999"),
    (-53_690, "the least day of SQL Server"),
];

/// The suspicious values of a column.
pub(super) fn of(numbers: &Numbers, quantiles: &Quantiles, data_type: &DataType) -> Vec<Sentinel> {
    match data_type {
        DataType::Date => days(numbers, 1.0, data_type),
        DataType::Datetime(_) => days(numbers, 86_400.0, data_type),
        kind if kind.is_numeric() => plain(numbers, quantiles, data_type),
        _ => Vec::new(),
    }
}

/// The kept values in order, with their counts.
fn sorted(numbers: &Numbers) -> Vec<(f64, u64)> {
    let mut values: Vec<(f64, u64)> =
        numbers.tally().iter().map(|slot| (slot.payload, slot.count - slot.error)).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    values
}

fn plain(numbers: &Numbers, quantiles: &Quantiles, data_type: &DataType) -> Vec<Sentinel> {
    let values = sorted(numbers);
    // Few different values are a scale, of which any may be usual.
    if values.len() < 5 {
        return Vec::new();
    }
    let spread = quantiles.interquartile_range().unwrap_or(0.0).max(1.0);
    let found = values.iter().enumerate().filter(|(_, (value, count))| NUMBERS.contains(value) && *count > 1);
    let judged = found.filter_map(|(at, (value, count))| {
        let before = at.checked_sub(1).and_then(|at| values.get(at)).map(|(before, _)| value - before);
        let after = values.get(at + 1).map(|(after, _)| after - value);
        let alone = before.into_iter().chain(after).fold(f64::INFINITY, f64::min);
        let outermost = before.is_none() || after.is_none();
        // An outermost value further from its neighbour than the middle half of all values is wide, or the only negative one.
        let far = outermost && alone > spread;
        let only_negative = *value < 0.0 && before.is_none() && after.is_some_and(|gap| value + gap >= 0.0);
        let because = if far {
            format!("it lies {} away from every other value", digits::fixed(alone, 0))
        } else if only_negative {
            "it is the only negative value".to_owned()
        } else {
            return None;
        };
        Some(Sentinel { value: shown(*value, data_type), count: *count, because })
    });
    judged.take(5).collect()
}

fn days(numbers: &Numbers, per_day: f64, data_type: &DataType) -> Vec<Sentinel> {
    let values = sorted(numbers);
    let all = numbers.count();
    let found = values.iter().enumerate().filter_map(|(at, (value, count))| {
        #[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates")]
        let day = (value / per_day).floor() as i64;
        let (_, words) = DAYS.iter().find(|(known, _)| *known == day)?;
        let gap = |other: Option<&(f64, u64)>| other.map(|(other, _)| (other - value).abs() / per_day);
        let nearest = [gap(at.checked_sub(1).and_then(|at| values.get(at))), gap(values.get(at + 1))];
        let alone = nearest.into_iter().flatten().fold(f64::INFINITY, f64::min);
        let frequent = *count > 2 && share(*count, all) > 5.0 / (values.len().max(1) as f64);
        let far = alone.is_finite() && alone > 365.0;
        (far || frequent && values.len() > 10).then(|| Sentinel {
            value: shown(*value, data_type),
            count: *count,
            because: if far {
                format!("it is {words}, and more than a year away from every other value")
            } else {
                format!("it is {words}, and far more frequent than other days")
            },
        })
    });
    found.take(5).collect()
}
