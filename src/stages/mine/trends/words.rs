//! Numbers in sentences.

/// Three significant digits, a true minus sign.
pub(super) fn short(value: f64) -> String {
    if !value.is_finite() {
        return "not defined".to_owned();
    }
    let size = value.abs();
    if size > 0.0 && !(1e-4..1e9).contains(&size) {
        return format!("{value:.2e}").replace('-', "−");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 6")]
    let places = if size == 0.0 { 0 } else { (2.0 - size.log10().floor()).clamp(0.0, 6.0) as usize };
    let text = crate::digits::fixed(value, places);
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

/// The same with its sign.
pub(super) fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", short(value)) } else { short(value) }
}

/// With a large first letter, to begin a title or a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// What a title begins with: the name of the series, a colon and these words; the words alone where there is one series.
pub(super) fn titled(series: &str, words: &str) -> String {
    if series.is_empty() { capital(words) } else { format!("{series}: {words}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_their_sign() {
        assert_eq!([0.0, 1.0, 12.345, -0.012_34, 1234.6].map(short), ["0", "1", "12.3", "−0.0123", "1,235"]);
        assert_eq!(short(1e300), "1.00e300");
        assert_eq!([signed(2.5), signed(-2.5), signed(0.0)], ["+2.5", "−2.5", "0"]);
    }
}
