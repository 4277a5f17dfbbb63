//! Words that mean true, false or nothing.

/// Words for true, in lower case: English, German, French, Spanish and Italian, Dutch.
pub const YES: [&str; 12] = ["true", "t", "yes", "y", "1", "on", "ja", "j", "oui", "si", "sí", "wahr"];

/// Words for false, in lower case, each at the place of its opposite.
pub const NO: [&str; 12] = ["false", "f", "no", "n", "0", "off", "nein", "n", "non", "no", "no", "falsch"];

/// Texts that mean that there is no value, compared in lower case once white space around them is gone.
pub const NULLS: [&str; 30] = [
    "", "na", "n/a", "n.a.", "n.a", "#n/a", "#na", "<na>", "null", "(null)", "#null!", "none", "nil", "nan", "-nan",
    "\\n", "-", "--", "---", "\u{2013}", "\u{2014}", "?", "??", ".", "..", "missing", "#value!", "#ref!", "#div/0!",
    "#name?",
];

/// Those of [`NULLS`] that no word of a text column is: they mean null there, too.
pub const STRONG_NULLS: [&str; 15] = [
    "", "n/a", "#n/a", "#na", "<na>", "null", "(null)", "#null!", "\\n", "#value!", "#ref!", "#div/0!", "#name?", "--",
    "---",
];

/// Whether the text means that there is no value.
pub(super) fn is_null(text: &str) -> bool {
    text.len() <= 8 && NULLS.contains(&text.to_lowercase().as_str())
}

/// Whether the text means that there is no value even among words.
pub(super) fn is_strong_null(text: &str) -> bool {
    text.len() <= 8 && STRONG_NULLS.contains(&text.to_lowercase().as_str())
}

/// The pair of words to which the text belongs, by its place in [`YES`], and whether it is the word for true.
///
/// `n` and `no` are the opposites of more than one word, so all pairs are given.
pub(super) fn boolean(text: &str) -> Vec<(usize, bool)> {
    if text.len() > 8 {
        return Vec::new();
    }
    let lower = text.to_lowercase();
    let yes = YES.iter().enumerate().filter(|(_, word)| **word == lower).map(|(pair, _)| (pair, true));
    let no = NO.iter().enumerate().filter(|(_, word)| **word == lower).map(|(pair, _)| (pair, false));
    yes.chain(no).collect()
}
