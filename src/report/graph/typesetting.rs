//! How wide text is, roughly: enough to keep it inside of a card in any interface font.

/// Semi-bold text is this much wider.
pub(crate) const BOLD: f64 = 1.06;

/// An upper estimate of the width of a text at a type size, in the same unit as the size.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// The text, or its beginning with an ellipsis, so that it is no wider than `room`.
pub(crate) fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut left = room / size - advance('…');
    let kept: String = text
        .chars()
        .take_while(|&character| {
            left -= advance(character);
            left >= 0.0
        })
        .collect();
    format!("{}…", kept.trim_end())
}

/// The advance of a character in parts of the type size, as wide as common interface fonts have it.
fn advance(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.29,
        'f' | 't' | 'r' | ' ' | '(' | ')' | '[' | ']' | '-' | '/' => 0.40,
        'm' | 'M' | 'w' | 'W' | '@' | '%' => 0.92,
        '0'..='9' => 0.63,
        'A'..='Z' | '_' | '<' | '>' | '=' | '+' | '…' => 0.72,
        ' '..='~' => 0.61,
        '\u{0300}'..='\u{036F}' => 0.0,
        '\u{00A0}'..='\u{024F}' => 0.66,
        _ => 1.05,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_fits_stays_and_the_rest_is_cut() {
        assert_eq!(fit("model", 10.0, 100.0), "model");
        let cut = fit("a_very_long_name_of_a_stage", 10.0, 80.0);
        assert!(cut.starts_with("a_very") && cut.ends_with('…') && width(&cut, 10.0) <= 80.0, "{cut}");
        assert_eq!(fit("abc", 10.0, 0.0), "…");
    }
}
