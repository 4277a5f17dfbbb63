//! How numbers and moments are written for people: digits in groups of three, a true minus sign, sizes in the unit that fits.

/// `336,776`
pub(crate) fn whole(number: u64) -> String {
    grouped(&number.to_string())
}

/// `1 row`, `336,776 rows`
pub(crate) fn rows(number: u64) -> String {
    format!("{} {}", whole(number), if number == 1 { "row" } else { "rows" })
}

/// Bytes in the unit that fits: `512 B`, `1.5 GiB`.
pub(crate) fn bytes(number: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut size = number as f64;
    if number < 1024 {
        return format!("{number} B");
    }
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        // What would be written as 1024.0 belongs to the next unit.
        if size < 1023.95 {
            break;
        }
        (size, unit) = (size / 1024.0, next);
    }
    format!("{size:.1} {unit}")
}

/// A value with a fixed number of decimals; what rounds to zero has no sign.
pub(crate) fn fixed(value: f64, places: usize) -> String {
    let digits = format!("{:.places$}", value.abs());
    let is_zero = digits.chars().all(|digit| digit == '0' || digit == '.');
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    match digits.split_once('.') {
        Some((whole, part)) => format!("{sign}{}.{part}", grouped(whole)),
        None => format!("{sign}{}", grouped(&digits)),
    }
}

/// A share as percent with up to two decimals: `95 %`, `12.35 %`.
pub(crate) fn percent(share: f64) -> String {
    let text = fixed(share * 100.0, 2);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A p-value inside of a sentence: `p = 0.031`, `p < 0.001`.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {}", fixed(p, if p < 0.1 { 3 } else { 2 })) }
}

/// A moment of RFC 3339: `4 November 2026, 08:03 UTC`. None when the text is none.
pub(crate) fn moment(text: &str) -> Option<String> {
    let moment = text.parse::<jiff::Timestamp>().ok()?;
    Some(moment.strftime("%-d %B %Y, %H:%M UTC").to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!(
            [0, 5, 123, 1_234, 336_776, 1_000_000].map(whole),
            ["0", "5", "123", "1,234", "336,776", "1,000,000"]
        );
        assert_eq!([rows(0), rows(1), rows(1_000)], ["0 rows", "1 row", "1,000 rows"]);
        assert_eq!([12, 1023, 1536, 3 << 30].map(bytes), ["12 B", "1023 B", "1.5 KiB", "3.0 GiB"]);
        assert_eq!([(1 << 20) - 1, 5 << 40, u64::MAX].map(bytes), ["1.0 MiB", "5.0 TiB", "16.0 EiB"]);
        assert_eq!(fixed(-1234.5, 2), "−1,234.50");
        assert_eq!(fixed(-0.001, 1), "0.0");
        assert_eq!([0.95, 0.123_45, 12.5, 0.0].map(percent), ["95 %", "12.35 %", "1,250 %", "0 %"]);
        assert_eq!([0.000_2, 0.0312, 0.444].map(p_value), ["p < 0.001", "p = 0.031", "p = 0.44"]);
    }
}
