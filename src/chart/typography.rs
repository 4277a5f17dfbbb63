//! Text as it is drawn: made harmless, measured, shortened and wrapped.
//!
//! Widths come from the embedded typeface. A browser may show a wider one, so [`width`] adds an allowance and layouts have room to spare.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef};

use super::error::ChartError;

/// Widths are those of the embedded typeface and this much more, since SVG is shown in a typeface of the reader's. Typefaces differ most in their bold
/// weights; DejaVu Sans, the widest of the common ones, stays inside of both allowances but for a few pixels.
fn allowance(weight: Weight) -> f64 {
    match weight {
        Weight::Regular => 1.08,
        Weight::SemiBold => 1.18,
    }
}

/// The most characters of a label that are kept for a tooltip.
const LONGEST: usize = 300;

/// How heavy text is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    SemiBold,
}

static REGULAR: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("fonts/Inter-Regular.otf")).ok());
static SEMI_BOLD: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("fonts/Inter-SemiBold.otf")).ok());

/// The embedded typeface.
///
/// Errors: [`ChartError::Typeface`] when it cannot be parsed.
pub(super) fn face(weight: Weight) -> Result<&'static FontRef<'static>, ChartError> {
    match weight {
        Weight::Regular => REGULAR.as_ref(),
        Weight::SemiBold => SEMI_BOLD.as_ref(),
    }
    .ok_or(ChartError::Typeface)
}

/// The advance of one character in parts of the type size.
pub(super) fn advance(character: char, weight: Weight) -> f64 {
    let Ok(face) = face(weight) else { return 0.6 };
    let glyph = face.glyph_id(character);
    if glyph.0 == 0 {
        return match u32::from(character) {
            0x0300..=0x036F | 0x200B..=0x200F | 0x20D0..=0x20FF | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F => 0.0,
            0x1100..=0x11FF | 0x2E80..=0xD7AF | 0xF900..=0xFAFF | 0xFF00..=0xFFEF | 0x1F000.. => 1.1,
            _ => 0.65,
        };
    }
    let units = f64::from(face.units_per_em().unwrap_or(2816.0));
    f64::from(face.h_advance_unscaled(glyph)) / units
}

/// The width of a text in CSS pixels at a type size in CSS pixels, with an allowance for other typefaces. O(length).
pub(super) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    text.chars().map(|c| advance(c, weight)).sum::<f64>() * size * allowance(weight)
}

/// Text from data as one harmless line: line breaks and tabs become spaces, other control characters and characters that XML does not allow become
/// `U+FFFD`, marks that would reorder the text around them are dropped, and what is longer than a tooltip can hold ends in an ellipsis.
pub(super) fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(4 * LONGEST));
    let mut count = 0;
    for character in text.trim().chars() {
        let character = match character {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => continue,
            '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
            other if other.is_control() => '\u{FFFD}',
            other => other,
        };
        if count == LONGEST {
            kept.push('…');
            break;
        }
        kept.push(character);
        count += 1;
    }
    kept
}

/// A text that has been cut to a width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shortened {
    /// What fits.
    pub(super) shown: String,
    /// The whole text, when not all of it fits.
    pub(super) full: Option<String>,
}

/// Cuts a clean text to a width in CSS pixels and ends it in an ellipsis when something was cut.
pub(super) fn shorten(text: &str, size: f64, weight: Weight, limit: f64) -> Shortened {
    if width(text, size, weight) <= limit {
        return Shortened { shown: text.to_string(), full: None };
    }
    let room = limit - width("…", size, weight);
    let mut used = 0.0;
    let mut shown = String::new();
    for character in text.chars() {
        used += advance(character, weight) * size * allowance(weight);
        if used > room {
            break;
        }
        shown.push(character);
    }
    // A cut inside a joined emoji or before a combining mark would change the last sign, and a space before the ellipsis looks like a fault.
    let end = shown.trim_end_matches(|c: char| c == '\u{200D}' || c.is_whitespace() || c == ',').len();
    shown.truncate(end);
    shown.push('…');
    Shortened { shown, full: Some(text.to_string()) }
}

/// Breaks a clean text at spaces into at most `lines` lines of a width in CSS pixels; what does not fit ends in an ellipsis.
pub(super) fn wrap(text: &str, size: f64, weight: Weight, limit: f64, lines: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && rows.len() < lines {
        if rows.len() + 1 == lines {
            rows.push(shorten(rest, size, weight, limit).shown);
            break;
        }
        let mut used = 0.0;
        let mut cut = rest.len();
        let mut last_space = None;
        for (at, character) in rest.char_indices() {
            if character == ' ' {
                last_space = Some(at);
            }
            used += advance(character, weight) * size * allowance(weight);
            if used > limit {
                cut = last_space.unwrap_or(at).max(rest.chars().next().map_or(0, char::len_utf8));
                break;
            }
        }
        let (row, remaining) = rest.split_at(cut);
        rows.push(row.trim_end().to_string());
        rest = remaining.trim_start();
    }
    rows
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn both_weights_of_the_typeface_can_be_read() {
        assert!(face(Weight::Regular).is_ok());
        assert!(face(Weight::SemiBold).is_ok());
    }

    #[test]
    fn the_typeface_has_the_signs_that_figures_write() {
        for sign in "0123456789,.%−–…×·→⁰¹²³⁴⁵⁶⁷⁸⁹⁻\u{202F}äßéőŁΩжЯ€".chars() {
            assert_ne!(face(Weight::Regular).unwrap().glyph_id(sign).0, 0, "{sign:?} is missing");
        }
    }

    #[test]
    fn width_is_the_sum_of_advances_with_the_allowance() {
        // The digit zero of Inter 3.019 is 1760 of 2816 units wide (its hmtx table).
        let expected = 1760.0 / 2816.0 * 10.0 * 3.0 * 1.08;
        assert!(
            (width("000", 10.0, Weight::Regular) - expected).abs() < 1e-6,
            "{}",
            width("000", 10.0, Weight::Regular)
        );
    }

    #[test]
    fn clean_text_has_no_control_characters_and_no_reordering_marks() {
        assert_eq!(clean("a\tb\r\nc\u{0}d\u{1b}\u{202E}e\u{FFFF}"), "a b  c\u{FFFD}d\u{FFFD}e\u{FFFD}");
        assert_eq!(clean(&"x".repeat(10_000)).chars().count(), 301);
        assert_eq!(clean("שלום 👩‍🚀"), "שלום 👩‍🚀");
    }

    #[test]
    fn shortened_text_fits_and_keeps_the_whole() {
        let long = "Hawaiian Airlines Incorporated";
        let cut = shorten(long, 12.0, Weight::Regular, 90.0);
        assert!(cut.shown.ends_with('…') && width(&cut.shown, 12.0, Weight::Regular) <= 90.0, "{cut:?}");
        assert_eq!(cut.full.as_deref(), Some(long));
        assert_eq!(shorten("UA", 12.0, Weight::Regular, 90.0), Shortened { shown: "UA".into(), full: None });
        assert_eq!(shorten("anything", 12.0, Weight::Regular, 0.0).shown, "…");
    }

    #[test]
    fn wrapped_text_breaks_at_spaces_and_ends_in_an_ellipsis() {
        let rows = wrap("Share of late flights by airline and month of departure", 12.0, Weight::Regular, 150.0, 2);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], "Share of late flights by");
        assert!(rows[1].ends_with('…'));
        for row in &rows {
            assert!(width(row, 12.0, Weight::Regular) <= 150.0);
        }
        assert!(wrap("", 12.0, Weight::Regular, 150.0, 2).is_empty());
        assert_eq!(wrap(&"m".repeat(50), 12.0, Weight::Regular, 1.0, 3).len(), 3);
    }
}
