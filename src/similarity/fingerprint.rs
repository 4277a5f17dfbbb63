//! Keys under which spellings of one value collide: the fingerprint and the n-gram fingerprint of OpenRefine.
//!
//! Source: OpenRefine, "Clustering in depth" (key collision methods). Time O(n log n) in the length of the text.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower case without accents, compatibility forms resolved: `Straße` becomes `strasse`, `Ångström` `angstrom`.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for character in text.nfkd().filter(|character| !is_combining_mark(*character)) {
        for character in character.to_lowercase() {
            match character {
                'ß' => folded.push_str("ss"),
                'æ' => folded.push_str("ae"),
                'œ' => folded.push_str("oe"),
                'þ' => folded.push_str("th"),
                'ø' => folded.push('o'),
                'đ' | 'ð' => folded.push('d'),
                'ł' => folded.push('l'),
                'ħ' => folded.push('h'),
                'ı' => folded.push('i'),
                'ŋ' => folded.push('n'),
                'ŧ' => folded.push('t'),
                other => folded.push(other),
            }
        }
    }
    folded
}

/// Words without case, accents, punctuation, order and repetition: `Cruise, Tom` and `Tom  Cruise` are `cruise tom`.
/// Empty when nothing but punctuation is there.
pub fn fingerprint(text: &str) -> String {
    let folded = fold(text);
    let plain: String = folded.chars().filter(|character| !is_dropped(*character)).collect();
    let mut words: Vec<&str> = plain.split_whitespace().collect();
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

/// The sorted, distinct sequences of `n` characters, spaces and punctuation left out: with two, `Paris` is `arispari`.
/// Finds words that were run together or typed twice. A text shorter than `n` is its own key.
pub fn ngram_fingerprint(text: &str, n: usize) -> String {
    let folded = fold(text);
    let plain: Vec<char> =
        folded.chars().filter(|character| !is_dropped(*character) && !character.is_whitespace()).collect();
    if plain.len() <= n || n == 0 {
        return plain.into_iter().collect();
    }
    let mut grams: Vec<&[char]> = plain.windows(n).collect();
    grams.sort_unstable();
    grams.dedup();
    grams.into_iter().flatten().collect()
}

/// The text without case, accents, punctuation at word ends and doubled spaces: what distances between values are measured on.
pub fn plain(text: &str) -> String {
    let folded = fold(text);
    let spaced: String = folded.chars().map(|character| if is_dropped(character) { ' ' } else { character }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Punctuation and control characters; symbols such as `+` and `$` stay, because they tell `C` and `C++` apart.
fn is_dropped(character: char) -> bool {
    match character {
        '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => false,
        _ if character.is_ascii() => {
            character.is_ascii_punctuation() || (character.is_control() && !character.is_whitespace())
        }
        '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' => true,
        '\u{2000}'..='\u{206f}' | '\u{2e00}'..='\u{2e7f}' | '\u{3000}'..='\u{303f}' => !character.is_whitespace(),
        _ => character.is_control() && !character.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_examples_of_openrefine_hold() {
        // "Clustering in depth": https://openrefine.org/docs/technical-reference/clustering-in-depth
        assert_eq!(ngram_fingerprint("Paris", 2), "arispari");
        assert_eq!(ngram_fingerprint("Paris", 1), "aiprs");
        assert_eq!(fingerprint("Cruise, Tom"), fingerprint("Tom Cruise"));
        assert_eq!(fingerprint("Gödel"), fingerprint("godel"));
        // The test suite of OpenRefine (FingerprintKeyerTest, NGramFingerprintKeyerTest).
        assert_eq!(fingerprint("the multi multi word test"), "multi test the word");
        assert_eq!(fingerprint(" École ÉCole ecoLe "), "ecole");
        assert_eq!(ngram_fingerprint("abcde", 2), "abbccdde");
        assert_eq!(ngram_fingerprint("  abC  dE ", 2), "abbccdde");
        assert_eq!(ngram_fingerprint("écòlé", 2), ngram_fingerprint("ecole", 2));
    }

    #[test]
    fn one_gram_keys_bring_words_typed_with_swapped_letters_together() {
        // OpenRefine's example of small n-grams: "Krzysztof", "Kryzysztof" and "Krzystof".
        let keys = ["Krzysztof", "Kryzysztof", "Krzystof"].map(|name| ngram_fingerprint(name, 1));
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        assert_ne!(fingerprint("Krzysztof"), fingerprint("Krzystof"));
    }

    #[test]
    fn letters_that_have_no_accent_to_lose_are_spelled_out() {
        assert_eq!(fold("STRAẞE Straße Ærø Łódź Þór ﬁn Ⅷ"), "strasse strasse aero lodz thor fin viii");
    }

    #[test]
    fn symbols_stay_and_punctuation_goes() {
        assert_eq!(fingerprint("C++"), "c++");
        assert_eq!(fingerprint("…!?"), "");
        assert_eq!(fingerprint("“Acme”, Inc."), "acme inc");
        assert_eq!(plain("  O'Neill--Smith,\tInc. "), "o neill smith inc");
    }
}
