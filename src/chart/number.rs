//! Numbers as people read them.

use super::figure::NumberFormat;
use crate::digits::{self, fixed};

/// From here on numbers are abbreviated where the format is left open.
const ABBREVIATE_FROM: f64 = 1e6;
/// From here on abbreviations end and powers of ten begin.
const POWERS_FROM: f64 = 1e21;
/// Below this numbers are written with powers of ten.
const POWERS_BELOW: f64 = 1e-4;

/// The SI prefixes from 10^3 to 10^18.
const PREFIXES: [&str; 6] = ["k", "M", "G", "T", "P", "E"];

/// The labels of evenly spaced ticks: all in one unit, with as many decimals as the step needs. O(ticks).
pub(super) fn tick_labels(values: &[f64], step: f64, format: NumberFormat) -> Vec<String> {
    let largest = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    if format == NumberFormat::Percent {
        let places = decimals(step * 100.0);
        return values.iter().map(|value| format!("{}%", fixed(value * 100.0, places))).collect();
    }
    if needs_power(largest) {
        return values.iter().map(|value| power_of_ten(*value, 3)).collect();
    }
    if largest >= abbreviate_from(format) {
        let (unit, prefix) = unit_of(largest);
        let places = decimals(step / unit);
        return values
            .iter()
            .map(
                |value| {
                    if *value == 0.0 { "0".to_string() } else { format!("{} {prefix}", fixed(value / unit, places)) }
                },
            )
            .collect();
    }
    let places = decimals(step);
    values.iter().map(|value| fixed(*value, places)).collect()
}

/// One number, for a value label or a logarithmic tick: three significant digits when abbreviated, up to four otherwise, whole numbers in full.
pub(super) fn brief(value: f64, format: NumberFormat) -> String {
    let size = value.abs();
    if format == NumberFormat::Percent {
        return format!("{}%", significant(value * 100.0, 3));
    }
    if needs_power(size) {
        return power_of_ten(value, 3);
    }
    if size >= abbreviate_from(format) {
        // 999,999,999 rounds up to the next unit, so the rounded size decides.
        let (unit, prefix) = unit_of(rounded(size, 3));
        return format!("{} {prefix}", significant(value / unit, 3));
    }
    if value.fract() == 0.0 { fixed(value, 0) } else { significant(value, 4) }
}

/// The values beside bars: like [`brief`], but all with the same number of decimals as long as none is abbreviated. O(values).
pub(super) fn value_labels(values: &[f64], format: NumberFormat) -> Vec<String> {
    let alone = |value: &f64| needs_power(value.abs()) || value.abs() >= abbreviate_from(format);
    let words: Vec<String> = values.iter().map(|value| brief(*value, format)).collect();
    if values.iter().any(alone) {
        return words;
    }
    let (scale, unit) = if format == NumberFormat::Percent { (100.0, "%") } else { (1.0, "") };
    let decimals = |word: &String| word.trim_end_matches('%').split_once('.').map_or(0, |(_, part)| part.len());
    // The largest value says how many decimals are worth writing.
    let largest = values.iter().fold(0.0_f64, |most, value| most.max((value * scale).abs()));
    let worth = match largest {
        100.0.. => 1,
        1.0.. if scale > 1.0 => 1,
        1.0.. => 2,
        _ => 4,
    };
    let places = words.iter().map(decimals).max().unwrap_or(0).min(worth);
    values.iter().map(|value| format!("{}{unit}", fixed(value * scale, places))).collect()
}

/// Whether a number of this size is written with a power of ten.
fn needs_power(size: f64) -> bool {
    size > 0.0 && !(POWERS_BELOW..POWERS_FROM).contains(&size)
}

/// The size from which a number is abbreviated or written with a power of ten.
fn abbreviate_from(format: NumberFormat) -> f64 {
    match format {
        NumberFormat::Short => 1e3,
        NumberFormat::Auto => ABBREVIATE_FROM,
        NumberFormat::Plain | NumberFormat::Percent => POWERS_FROM,
    }
}

/// One number in a small cell: two decimals below ten, one below a hundred, whole numbers in full up to 9,999.
pub(super) fn short(value: f64, format: NumberFormat) -> String {
    let size = value.abs();
    if format == NumberFormat::Percent {
        return format!("{}%", significant(value * 100.0, 2));
    }
    if needs_power(size) {
        return power_of_ten(value, 1);
    }
    if value.fract() == 0.0 && size < 1e4 {
        return fixed(value, 0);
    }
    match size {
        ..10.0 if size < 0.005 => significant(value, 1),
        ..10.0 => fixed(value, 2),
        ..100.0 => fixed(value, 1),
        ..1e4 => fixed(value, 0),
        _ => brief(value, NumberFormat::Short),
    }
}

/// One number for a tooltip: up to seven significant digits, never abbreviated.
pub(super) fn exact(value: f64, format: NumberFormat) -> String {
    let size = value.abs();
    if format == NumberFormat::Percent {
        return format!("{}%", significant(value * 100.0, 5));
    }
    if needs_power(size) {
        return power_of_ten(value, 6);
    }
    if value.fract() == 0.0 { fixed(value, 0) } else { significant(value, 7) }
}

/// A count of things.
pub(super) fn count(number: usize) -> String {
    digits::whole(number as u64)
}

/// The decimals that a step of 1, 2 or 5 times a power of ten needs.
fn decimals(step: f64) -> usize {
    if !(step.is_finite() && step > 0.0) {
        return 0;
    }
    // The small addend lets 0.1 + 0.2 count as 0.3.
    (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize
}

fn unit_of(size: f64) -> (f64, &'static str) {
    let thousands = ((size.log10() + 1e-12) / 3.0).floor().clamp(1.0, 6.0) as usize;
    let prefix = PREFIXES.get(thousands.saturating_sub(1)).copied().unwrap_or("E");
    (1000_f64.powi(thousands as i32), prefix)
}

fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

/// A value with a number of significant digits, without trailing zeros.
fn significant(value: f64, digits: usize) -> String {
    let value = rounded(value, digits);
    if value == 0.0 {
        return "0".to_string();
    }
    let before = value.abs().log10().floor() as i64 + 1;
    let places = (digits as i64 - before).clamp(0, 12) as usize;
    let text = fixed(value, places);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// `1.2×10³⁰⁰`; `10⁶` when the mantissa is one.
fn power_of_ten(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_string();
    }
    let text = format!("{:.*e}", digits.saturating_sub(1), value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let raised: String = exponent
        .chars()
        .map(|sign| match sign {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            '9' => '⁹',
            _ => '⁰',
        })
        .collect();
    let sign = if value < 0.0 { "−" } else { "" };
    if mantissa == "1" { format!("{sign}10{raised}") } else { format!("{sign}{mantissa}×10{raised}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_labels_share_a_unit_and_decimals() {
        use NumberFormat::{Auto, Percent, Plain, Short};
        assert_eq!(tick_labels(&[0.0, 100_000.0, 200_000.0], 100_000.0, Auto), ["0", "100,000", "200,000"]);
        assert_eq!(tick_labels(&[0.0, 5e5, 1e6, 1.5e6], 5e5, Auto), ["0", "0.5 M", "1.0 M", "1.5 M"]);
        assert_eq!(tick_labels(&[0.0, 1e6, 2e6], 1e6, Plain), ["0", "1,000,000", "2,000,000"]);
        assert_eq!(tick_labels(&[0.0, 2000.0, 4000.0], 2000.0, Short), ["0", "2 k", "4 k"]);
        assert_eq!(tick_labels(&[-0.5, 0.0, 0.5], 0.5, Auto), ["−0.5", "0.0", "0.5"]);
        assert_eq!(tick_labels(&[0.0, 0.05, 0.1], 0.05, Percent), ["0%", "5%", "10%"]);
        assert_eq!(tick_labels(&[0.0, 0.005], 0.005, Percent), ["0.0%", "0.5%"]);
        assert_eq!(tick_labels(&[0.0, 1e300, 2e300], 1e300, Auto), ["0", "10³⁰⁰", "2×10³⁰⁰"]);
        assert_eq!(tick_labels(&[0.0, 5e-7], 5e-7, Auto), ["0", "5×10⁻⁷"]);
    }

    #[test]
    fn brief_numbers_have_few_digits() {
        let auto = |value| brief(value, NumberFormat::Auto);
        assert_eq!(auto(336_776.0), "336,776");
        assert_eq!(auto(1_234_567.0), "1.23 M");
        assert_eq!(auto(1_200_000.0), "1.2 M");
        assert_eq!(auto(-1_200_000_000.0), "−1.2 G");
        assert_eq!(auto(999_999_999.0), "1 G");
        assert_eq!(auto(12.3456), "12.35");
        assert_eq!(auto(0.0), "0");
        assert_eq!(auto(1e-300), "10⁻³⁰⁰");
        assert_eq!(brief(0.2468, NumberFormat::Percent), "24.7%");
        assert_eq!(brief(12_345.0, NumberFormat::Short), "12.3 k");
        assert_eq!(brief(12_345_678.0, NumberFormat::Plain), "12,345,678");
    }

    #[test]
    fn values_beside_bars_have_the_same_decimals() {
        let auto = |values: &[f64]| value_labels(values, NumberFormat::Auto);
        assert_eq!(value_labels(&[0.405, 0.19, 0.2], NumberFormat::Percent), ["40.5%", "19.0%", "20.0%"]);
        assert_eq!(value_labels(&[0.4, 0.2], NumberFormat::Percent), ["40%", "20%"]);
        assert_eq!(auto(&[58_665.0, 714.0]), ["58,665", "714"]);
        assert_eq!(auto(&[5.0, -3.0, 2.5]), ["5.0", "−3.0", "2.5"]);
        assert_eq!(auto(&[0.0123, 0.5]), ["0.0123", "0.5000"]);
        assert_eq!(auto(&[2_500_000.0, 1_000.0]), ["2.5 M", "1,000"]);
    }

    #[test]
    fn short_numbers_fit_into_cells() {
        let auto = |value| short(value, NumberFormat::Auto);
        assert_eq!([auto(-0.4237), auto(12.34), auto(123.4), auto(4_321.0)], ["−0.42", "12.3", "123", "4,321"]);
        assert_eq!([auto(43_210.0), auto(0.0012), auto(1.0), auto(0.9)], ["43.2 k", "0.001", "1", "0.90"]);
    }

    #[test]
    fn exact_numbers_are_not_abbreviated() {
        assert_eq!(exact(1_234_567.0, NumberFormat::Auto), "1,234,567");
        assert_eq!(exact(0.123_456_789, NumberFormat::Auto), "0.1234568");
        assert_eq!(exact(-0.5, NumberFormat::Auto), "−0.5");
        assert_eq!(exact(0.123_456, NumberFormat::Percent), "12.346%");
        assert_eq!(count(10_000), "10,000");
    }
}
