//! Cycles by hand.

use std::sync::Arc;

use arrow::array::{Date32Array, Time64NanosecondArray, TimestampMicrosecondArray};

use super::*;

fn encode(date: &Date, array: ArrayRef) -> Vec<f32> {
    let width = date.width();
    let mut inputs = vec![0.0; array.len() * width];
    date.encode(&array, &mut Part { inputs: &mut inputs, width, offset: 0 });
    inputs
}

fn fitted(kind: DateKind, options: &DateOptions, array: &ArrayRef) -> Date {
    let mut fit = DateFit::new("t", kind, options);
    fit.add(array);
    fit.finish()
}

fn close(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{found:?} {expected:?}");
}

const HOUR: i64 = 3_600_000_000;

#[test]
fn a_quarter_of_the_day_is_a_quarter_of_the_circle() {
    // 2024-01-01 was a Monday: 6 o'clock on that day, and a missing moment.
    let monday = 19_723 * 24 * HOUR;
    let array: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(monday + 6 * HOUR), None]));
    let date = fitted(DateKind::Datetime, &DateOptions::default(), &array);
    assert_eq!(
        date.input_names(),
        [
            "t, sine of day",
            "t, cosine of day",
            "t, sine of week",
            "t, cosine of week",
            "t, sine of year",
            "t, cosine of year",
            "t",
            "t is missing"
        ]
    );
    let (week, year) = (TAU / 28.0, TAU / 4.0 / 366.0);
    let expected = [1.0, 0.0, week.sin(), week.cos(), year.sin(), year.cos(), 0.0, 0.0];
    let found = encode(&date, array);
    close(&found[..8], &expected);
    close(&found[8..], &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn instants_stand_where_the_clocks_of_their_zone_show_them() {
    // 2024-07-01 10:00 UTC is noon in Berlin.
    let noon = 19_905 * 24 * HOUR + 10 * HOUR;
    let array: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![noon]).with_timezone("Europe/Berlin"));
    let options = DateOptions { cycles: Some(vec![Cycle::Day]), position: false };
    let date = fitted(DateKind::Datetime, &options, &array);
    close(&encode(&date, array), &[0.0, -1.0]);
    let array: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![noon]).with_timezone("+02:00"));
    close(&encode(&date, array), &[0.0, -1.0]);
}

#[test]
fn dates_have_no_day_and_times_nothing_else() {
    // 2023-12-31, a Sunday, the last day of a year of 365.
    let days: ArrayRef = Arc::new(Date32Array::from(vec![19_722, 19_712]));
    let date = fitted(DateKind::Date, &DateOptions::default(), &days);
    let (week, year) = (TAU * 6.0 / 7.0, TAU * 364.0 / 365.0);
    // Two days: the later lies half of the root of two deviations above the mean.
    close(&encode(&date, days.slice(0, 1)), &[week.sin(), week.cos(), year.sin(), year.cos(), 0.5_f64.sqrt()]);
    let times: ArrayRef = Arc::new(Time64NanosecondArray::from(vec![18 * HOUR * 1000]));
    let date = fitted(DateKind::Time, &DateOptions::default(), &times);
    close(&encode(&date, times), &[-1.0, 0.0]);
}
