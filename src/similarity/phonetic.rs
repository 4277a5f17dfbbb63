//! Codes of how a word sounds, word by word.

use rphonetic::{
    Caverphone2, Cologne, DoubleMetaphone, Encoder, MatchRatingApproach, Metaphone, Nysiis, Phonex, RefinedSoundex,
    Soundex,
};

use super::fingerprint::plain;

/// A code of how words sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phonetic {
    /// Russell 1918, as the National Archives of the United States use it.
    Soundex,
    /// Soundex with finer classes and without an end.
    RefinedSoundex,
    /// Philips 1990, for English.
    Metaphone,
    /// Philips 2000, for names of many origins; its first code.
    DoubleMetaphone,
    /// Postel 1969, for German.
    Cologne,
    /// Hood 2004, for names in New Zealand.
    Caverphone,
    /// New York State Identification and Intelligence System, Taft 1970.
    Nysiis,
    /// Western Airlines' match rating approach, 1977.
    MatchRating,
    /// Lait and Randell 1996.
    Phonex,
}

impl Phonetic {
    /// The codes of the words, in their order, with spaces between them. Words with other letters than a to z (after accents
    /// are taken off) and numbers stand for themselves.
    pub fn code(self, text: &str) -> String {
        let plain = plain(text);
        let codes: Vec<String> = plain.split(' ').filter(|word| !word.is_empty()).map(|word| self.word(word)).collect();
        codes.join(" ")
    }

    fn word(self, word: &str) -> String {
        if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return word.to_owned();
        }
        let code = match self {
            Self::Soundex => Soundex::default().encode(word),
            Self::RefinedSoundex => RefinedSoundex::default().encode(word),
            Self::Metaphone => Metaphone::default().encode(word),
            Self::DoubleMetaphone => DoubleMetaphone::default().encode(word),
            Self::Cologne => Cologne.encode(word),
            Self::Caverphone => Caverphone2.encode(word),
            Self::Nysiis => Nysiis::default().encode(word),
            Self::MatchRating => MatchRatingApproach.encode(word),
            Self::Phonex => Phonex::default().encode(word),
        };
        // A word without any sound of its own, such as `h` in Cologne phonetics.
        if code.is_empty() { word.to_owned() } else { code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(phonetic: Phonetic, words: &[&str]) -> Vec<String> {
        words.iter().map(|word| phonetic.code(word)).collect()
    }

    #[test]
    fn soundex_gives_the_codes_of_the_national_archives() {
        // https://www.archives.gov/research/census/soundex and Knuth, TAOCP 3, section 6.
        let words = ["Washington", "Lee", "Gutierrez", "Pfister", "Jackson", "Tymczak", "Ashcraft", "Robert", "Rupert"];
        let expected = ["W252", "L000", "G362", "P236", "J250", "T522", "A261", "R163", "R163"];
        assert_eq!(codes(Phonetic::Soundex, &words), expected);
    }

    #[test]
    fn cologne_gives_the_codes_of_postel() {
        // Postel 1969 and the article on "Kölner Phonetik" in the German Wikipedia.
        let words = ["Wikipedia", "Breschnew", "Müller-Lüdenscheidt", "Meyer", "Maier"];
        assert_eq!(codes(Phonetic::Cologne, &words), ["3412", "17863", "657 52682", "67", "67"]);
    }

    #[test]
    fn metaphones_bring_known_pairs_together() {
        // The pangram of the test suite of Apache Commons Codec, and the examples of Philips 2000.
        let pangram = Phonetic::Metaphone.code("Testing: the quick brown fox jumped over lazy dogs");
        assert_eq!(pangram, "TSTN 0 KK BRN FKS JMPT OFR LS TKS");
        assert_eq!(Phonetic::DoubleMetaphone.code("Smith"), "SM0");
        assert_eq!(Phonetic::DoubleMetaphone.code("Schmidt"), "XMT");
        for (one, other) in [("Catherine", "Katherine"), ("Phillips", "Filips"), ("Knight", "Night")] {
            assert_eq!(Phonetic::DoubleMetaphone.code(one), Phonetic::DoubleMetaphone.code(other));
        }
    }

    #[test]
    fn other_codes_agree_with_what_was_published() {
        // Hood 2004, second version.
        assert_eq!(codes(Phonetic::Caverphone, &["Lee", "Thompson"]), ["LA11111111", "TMPSN11111"]);
        // Moore et al. 1977 as cited in Wikipedia: "Byrne" BYRN, "Boern" BRN, "Smith" SMTH, "Smyth" SMYTH.
        let rated = codes(Phonetic::MatchRating, &["Byrne", "Boern", "Smith", "Smyth", "Catherine", "Kathryn"]);
        assert_eq!(rated, ["BYRN", "BRN", "SMTH", "SMYTH", "CTHRN", "KTHRYN"]);
        // Taft 1970.
        assert_eq!(Phonetic::Nysiis.code("Macintosh"), "MCANT");
        assert_eq!(Phonetic::Nysiis.code("Knuth"), "NAT");
    }

    #[test]
    fn words_are_coded_one_by_one_and_foreign_letters_stand_for_themselves() {
        assert_eq!(Phonetic::Soundex.code("Robert  LEE, 42 Москва"), "R163 L000 42 москва");
        assert_eq!(Phonetic::Soundex.code("--"), "");
        for phonetic in [
            Phonetic::Soundex,
            Phonetic::RefinedSoundex,
            Phonetic::Metaphone,
            Phonetic::DoubleMetaphone,
            Phonetic::Cologne,
            Phonetic::Caverphone,
            Phonetic::Nysiis,
            Phonetic::MatchRating,
            Phonetic::Phonex,
        ] {
            assert!(!phonetic.code("h").is_empty());
            assert!(!phonetic.code("Überwältigend ǅ \u{0}x").is_empty());
        }
    }
}
