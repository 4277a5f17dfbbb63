//! Numbers and lists in sentences.

/// A number with four significant digits.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return "not defined".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..7.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
    let digits = (3.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A number with six significant digits: what a value was, without what rounding left behind.
pub(super) fn exact(value: f64) -> String {
    format!("{value:.5e}").parse::<f64>().unwrap_or(value).to_string()
}

/// A number with three significant digits and its sign.
pub(super) fn signed(value: f64) -> String {
    let text = number(value.abs());
    match value {
        value if value > 0.0 => format!("+{text}"),
        value if value < 0.0 => format!("\u{2212}{text}"),
        _ => text,
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A text cut to so many characters.
pub(super) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_without_idle_zeros() {
        let written = [0.0, 0.5, 12.0, 1234.56, -0.012_345, 2.5e9, 7.0e-8].map(number);
        assert_eq!(written, ["0", "0.5", "12", "1235", "-0.01235", "2.500e9", "7.000e-8"]);
        assert_eq!([signed(0.25), signed(-3.0)], ["+0.25", "\u{2212}3"]);
        assert_eq!([exact(23.000_000_000_4), exact(1013.2), exact(-0.5)], ["23", "1013.2", "-0.5"]);
    }

    #[test]
    fn lists_are_read_aloud() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!([list(&names[..1]), list(&names[..2]), list(&names)], ["a", "a and b", "a, b and c"]);
        assert_eq!(short("äöü", 2), "äö…");
    }
}
