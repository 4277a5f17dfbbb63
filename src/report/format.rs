//! Numbers, durations, sizes and dates as they are written in a report.

use crate::digits::{self, fixed};
use crate::exhibit::Format;

/// What stands where there is no number.
pub(crate) const NOTHING: &str = "–";
/// From here on whole numbers have powers of ten: a double is no longer exact.
const POWERS_FROM: f64 = 1e15;
/// Below this numbers have powers of ten.
const POWERS_BELOW: f64 = 1e-4;

/// A number in a format: `1,234`, `12.35`, `4.2%`, `1 min 05 s`, `1.50 GiB`.
pub(crate) fn value(value: f64, format: Format) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    match format {
        Format::Integer => whole(value),
        Format::Number => number(value),
        Format::Percent => percent(value),
        Format::PValue => p_value(value),
        Format::Seconds => seconds(value),
        Format::Bytes => bytes(value),
    }
}

/// A number of a column with fractions: four significant digits with trailing zeros, so that the marks stand below each other. Below 0.1 they cannot
/// anyway, and the zeros go.
pub(crate) fn aligned(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    if value == 0.0 { "0".to_owned() } else { significant(value, value.abs() < 0.1) }
}

/// A count of things.
pub(crate) fn count(number: usize) -> String {
    digits::whole(number as u64)
}

/// A count of rows.
pub(crate) fn rows(number: u64) -> String {
    digits::whole(number)
}

/// A change of a count, with its sign.
pub(crate) fn change(number: i64) -> String {
    let digits = digits::whole(number.unsigned_abs());
    match number {
        0 => digits,
        1.. => format!("+{digits}"),
        _ => format!("−{digits}"),
    }
}

fn whole(value: f64) -> String {
    if value.abs() >= POWERS_FROM { power_of_ten(value) } else { fixed(value, 0) }
}

/// Whole numbers in full, others with four significant digits.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { whole(value) } else { significant(value, true) }
}

fn significant(value: f64, trim: bool) -> String {
    let size = value.abs();
    if !(POWERS_BELOW..POWERS_FROM).contains(&size) {
        return power_of_ten(value);
    }
    // 0.99996 has its first digit one place further left once it is rounded.
    let rounded: f64 = format!("{size:.3e}").parse().unwrap_or(size);
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of a double is small")]
    let before = rounded.log10().floor() as i32 + 1;
    let text = fixed(value, usize::try_from(4 - before).unwrap_or(0));
    if trim && text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Four decimals; smaller ones are no more than small, whatever a formula says.
fn p_value(value: f64) -> String {
    if value < 1e-4 { "<0.0001".to_owned() } else { fixed(value, 4) }
}

/// One decimal; shares below 0.05 % keep two significant digits, since `0.0%` would say that there is nothing.
fn percent(value: f64) -> String {
    let percent = value * 100.0;
    let size = percent.abs();
    let places = match size {
        0.05.. => 1,
        1e-7.. => {
            #[expect(clippy::cast_possible_truncation, reason = "the exponent of a double is small")]
            let exponent = size.log10().floor() as i32;
            usize::try_from(1 - exponent).unwrap_or(1)
        }
        _ => 1,
    };
    if size >= POWERS_FROM {
        return format!("{}%", power_of_ten(percent));
    }
    format!("{}%", fixed(percent, places))
}

/// A length of time.
pub(crate) fn seconds(value: f64) -> String {
    let size = value.abs();
    let sign = if value < 0.0 { "−" } else { "" };
    let text = match size {
        0.0 => "0 s".to_owned(),
        ..0.0005 => "<1 ms".to_owned(),
        ..0.9995 => format!("{:.0} ms", size * 1e3),
        ..9.995 => format!("{size:.2} s"),
        ..59.95 => format!("{size:.1} s"),
        ..3_599.5 => {
            let whole = size.round();
            format!("{} min {:02.0} s", (whole / 60.0).floor(), whole % 60.0)
        }
        ..86_370.0 => {
            let minutes = (size / 60.0).round();
            format!("{} h {:02.0} min", (minutes / 60.0).floor(), minutes % 60.0)
        }
        _ => {
            let hours = (size / 3_600.0).round();
            format!("{} d {} h", fixed((hours / 24.0).floor(), 0), hours % 24.0)
        }
    };
    format!("{sign}{text}")
}

/// A size with a binary unit and three significant digits.
pub(crate) fn bytes(value: f64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if value.abs() < 1_023.5 {
        return format!("{} B", fixed(value, 0));
    }
    let mut size = value;
    let mut unit = "B";
    for next in UNITS {
        if size.abs() < 1_023.5 {
            break;
        }
        size /= 1_024.0;
        unit = next;
    }
    let places = match size.abs() {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{} {unit}", fixed(size, places))
}

/// A size in bytes.
#[expect(clippy::cast_precision_loss, reason = "a size is shown with three digits")]
pub(crate) fn size(bytes_in_all: u64) -> String {
    bytes(bytes_in_all as f64)
}

/// A count as a number that can be drawn.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// A moment of RFC 3339 as people write it; a text that is none stays as it is.
pub(crate) fn moment(text: &str) -> String {
    digits::moment(text).unwrap_or_else(|| super::text::line(text, 60))
}

/// `1.234×10¹⁵`.
fn power_of_ten(value: f64) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let text = format!("{:.3e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let raise = |sign: char| match sign.to_digit(10) {
        Some(digit) => usize::try_from(digit).ok().and_then(|digit| RAISED.get(digit)).copied().unwrap_or('⁰'),
        None => '⁻',
    };
    let raised: String = exponent.chars().map(raise).collect();
    format!("{}{mantissa}×10{raised}", if value < 0.0 { "−" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_written_in_full_with_separators() {
        let written = |number| value(number, Format::Integer);
        assert_eq!(
            [written(0.0), written(999.0), written(336_776.0), written(-1_234.4)],
            ["0", "999", "336,776", "−1,234"]
        );
        assert_eq!([written(-0.2), written(1.5e18), written(f64::NAN)], ["0", "1.5×10¹⁸", "–"]);
        assert_eq!(
            [rows(u64::MAX), change(-9_430), change(5), change(0)],
            ["18,446,744,073,709,551,615", "−9,430", "+5", "0"]
        );
    }

    #[test]
    fn numbers_have_four_significant_digits() {
        let written = |number| value(number, Format::Number);
        assert_eq!(
            [written(12.3456), written(0.123_456), written(1.5), written(0.999_96)],
            ["12.35", "0.1235", "1.5", "1"]
        );
        assert_eq!([written(336_776.0), written(12_345.678), written(999.96)], ["336,776", "12,346", "1,000"]);
        assert_eq!([written(0.000_012_34), written(-0.000_5), written(1e-300)], ["1.234×10⁻⁵", "−0.0005", "1×10⁻³⁰⁰"]);
        assert_eq!(
            [aligned(1.2), aligned(-43.0), aligned(1_301.0), aligned(0.0412)],
            ["1.200", "−43.00", "1,301", "0.0412"]
        );
    }

    #[test]
    fn shares_have_one_decimal_unless_that_says_nothing() {
        let written = |number| value(number, Format::Percent);
        assert_eq!([written(0.2346), written(1.0), written(0.0), written(-0.05)], ["23.5%", "100.0%", "0.0%", "−5.0%"]);
        assert_eq!([written(0.000_5), written(0.000_42), written(0.000_012_3)], ["0.1%", "0.042%", "0.0012%"]);
        assert_eq!(written(12.5), "1,250.0%");
    }

    #[test]
    fn p_values_that_are_too_small_to_matter_are_only_small() {
        let written = |number| value(number, Format::PValue);
        assert_eq!([written(0.04567), written(1.0), written(0.0001)], ["0.0457", "1.0000", "0.0001"]);
        assert_eq!([written(0.000_099), written(1e-300), written(0.0)], ["<0.0001"; 3]);
    }

    #[test]
    fn durations_have_the_two_largest_units() {
        assert_eq!(
            [seconds(0.0), seconds(0.000_2), seconds(0.012), seconds(0.9996)],
            ["0 s", "<1 ms", "12 ms", "1.00 s"]
        );
        assert_eq!(
            [seconds(1.234), seconds(17.24), seconds(59.96), seconds(65.4)],
            ["1.23 s", "17.2 s", "1 min 00 s", "1 min 05 s"]
        );
        assert_eq!([seconds(3_599.7), seconds(7_384.0), seconds(86_399.0)], ["1 h 00 min", "2 h 03 min", "1 d 0 h"]);
        assert_eq!([seconds(266_400.0), seconds(-2.5)], ["3 d 2 h", "−2.50 s"]);
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!([size(0), size(1_023), size(1_024), size(1_536)], ["0 B", "1,023 B", "1.00 KiB", "1.50 KiB"]);
        assert_eq!([size(15_728_640), size(123 << 20), size(1_048_575)], ["15.0 MiB", "123 MiB", "1.00 MiB"]);
        assert_eq!(size(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn moments_are_read_by_people() {
        assert_eq!(moment("2026-11-04T08:03:12Z"), "4 November 2026, 08:03 UTC");
        assert_eq!(moment("yesterday"), "yesterday");
    }
}
