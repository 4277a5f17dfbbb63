//! Tokens against scikit-learn's, and what must hold for any text.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn fitted(spec: TextOptions, texts: &[&str]) -> Text {
    spec.check().unwrap();
    let mut fit = TextFit::new(&spec);
    texts.iter().for_each(|text| fit.add(text));
    fit.finish()
}

fn encoded(encoder: &Text, text: &str) -> Vec<f32> {
    let mut row = vec![9.0; encoder.length()];
    encoder.encode(text, &mut row);
    row
}

fn short(length: usize) -> TextOptions {
    TextOptions { length, min_count: 1, ..TextOptions::default() }
}

#[test]
fn counts_and_vocabularies_are_those_of_scikit_learn() {
    let all: Value = serde_json::from_str(include_str!("../../../tests/data/oracle/media_text.json")).unwrap();
    let cases = all["count_vectorizer"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let number = |name: &str| case[name].as_u64().unwrap() as usize;
        let spec = TextOptions {
            unit: serde_json::from_value(case["unit"].clone()).unwrap(),
            lowercase: case["lowercase"].as_bool().unwrap(),
            ngrams: Ngrams { from: number("from"), to: number("to") },
            vocabulary: number("vocabulary"),
            min_count: number("min_count") as u64,
            length: 64,
            ..TextOptions::default()
        };
        let texts: Vec<&str> = case["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        let encoder = fitted(spec, &texts);
        let known: Vec<(String, u64)> = serde_json::from_value(case["known"].clone()).unwrap();
        let found: Vec<(String, u64)> =
            encoder.vocabulary().words().iter().map(|word| (word.text.clone(), word.count)).collect();
        assert_eq!(found, known, "{}", case["name"]);
        for (text, expected) in texts.iter().zip(case["rows"].as_array().unwrap()) {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for piece in encoder.pieces(text) {
                *counts.entry(piece.text).or_default() += 1;
            }
            let expected: BTreeMap<String, u64> = serde_json::from_value(expected.clone()).unwrap();
            assert_eq!(counts, expected, "{text:?}");
        }
    }
}

#[test]
fn the_most_frequent_word_is_token_2_and_equal_ones_stand_by_text() {
    let encoder = fitted(short(6), &["b a c", "a b", "a d"]);
    let words: Vec<_> = encoder.vocabulary().words().iter().map(|word| (word.text.as_str(), word.count)).collect();
    assert_eq!(words, [("a", 3), ("b", 2), ("c", 1), ("d", 1)]);
    assert_eq!(encoder.tokens(), 6);
    assert_eq!(encoded(&encoder, "D a new c"), [5.0, 2.0, 1.0, 4.0, 0.0, 0.0]);
}

#[test]
fn texts_are_cut_and_padded_at_either_end() {
    let at = |cut, pad| fitted(TextOptions { cut, pad, ..short(3) }, &["a b c d"]);
    assert_eq!(encoded(&at(Side::End, Side::End), "a b c d"), [2.0, 3.0, 4.0]);
    assert_eq!(encoded(&at(Side::Start, Side::End), "a b c d"), [3.0, 4.0, 5.0]);
    assert_eq!(encoded(&at(Side::End, Side::End), "d"), [5.0, 0.0, 0.0]);
    assert_eq!(encoded(&at(Side::End, Side::Start), "d"), [0.0, 0.0, 5.0]);
    let mut row = [0.0; 3];
    let counts = at(Side::End, Side::End).encode("a x b c d", &mut row);
    assert_eq!(counts, TextCounts { words: 5, unknown: 1, cut: 2 });
    assert_eq!(at(Side::Start, Side::Start).pieces("d")[0], Piece { place: 2, text: "d".to_owned(), token: 5 });
}

#[test]
fn pairs_are_hashed_above_the_vocabulary_and_words_are_not() {
    let spec = TextOptions { ngrams: Ngrams { from: 1, to: 2 }, buckets: 100, ..short(8) };
    let encoder = fitted(spec.clone(), &["not good", "good"]);
    assert_eq!((encoder.vocabulary().words().len(), encoder.tokens()), (2, 104));
    let row = encoded(&encoder, "not good");
    assert_eq!((row[0], row[2]), (3.0, 2.0));
    assert!((4.0..104.0).contains(&row[1]), "{row:?}");
    assert_ne!(row[1], encoded(&encoder, "good not")[1]);
    let all_hashed = fitted(TextOptions { vocabulary: 0, ..spec }, &["not good"]);
    assert!(encoded(&all_hashed, "never seen").iter().take(3).all(|token| (2.0..102.0).contains(token)));
}

#[test]
fn pairs_that_are_not_known_are_left_out_beside_their_words() {
    let spec = TextOptions { ngrams: Ngrams { from: 1, to: 2 }, ..short(8) };
    let encoder = fitted(spec, &["not good", "not good"]);
    let texts = |text: &str| encoder.pieces(text).into_iter().map(|piece| piece.text).collect::<Vec<_>>();
    assert_eq!(texts("so not good"), ["so", "not", "not good", "good"]);
}

#[test]
fn hashes_are_the_same_on_every_machine() {
    // xxh3_64 with seed 0 of "not good" and "a b" by the Python package xxhash, modulo 1000, above 2 + 0 words.
    let spec = TextOptions { ngrams: Ngrams { from: 2, to: 2 }, buckets: 1000, ..short(1) };
    let encoder = fitted(spec, &[]);
    assert_eq!(encoded(&encoder, "not good"), [HASHED[0]]);
    assert_eq!(encoded(&encoder, "a b"), [HASHED[1]]);
}
const HASHED: [f32; 2] = [891.0, 286.0];

#[test]
fn words_are_cut_by_a_plain_rule() {
    let words = |text: &str, punctuation| {
        let encoder = fitted(TextOptions { punctuation, ..short(40) }, &[]);
        encoder.pieces(text).into_iter().map(|piece| piece.text).collect::<Vec<_>>()
    };
    assert_eq!(words("Don't stop: rock 'n' roll's", false), ["don't", "stop", "rock", "n", "roll's"]);
    assert_eq!(words("No! 'x'", true), ["no", "!", "'", "x", "'"]);
    assert_eq!(words("我爱北京2024", false), ["我", "爱", "北", "京", "2024"]);
    assert_eq!(words("e\u{301}te\u{301}", false), ["été"]);
    assert_eq!(words(&"x".repeat(1000), false), ["x".repeat(64)]);
}

#[test]
fn a_bag_may_take_each_token_once() {
    let encoder = fitted(TextOptions { distinct: true, ..short(4) }, &["a b"]);
    assert_eq!(encoded(&encoder, "b a b a z z"), [3.0, 2.0, 1.0, 0.0]);
}

#[test]
fn facts_say_what_the_rows_were_like() {
    let encoder = fitted(TextOptions { min_count: 2, ..short(2) }, &["", "a", "a b", "a b c d"]);
    let facts = encoder.facts();
    assert_eq!((facts.rows, facts.empty, facts.longer, facts.tokens), (4, 1, 1, 7));
    assert_eq!((facts.median_length, facts.length_95, facts.longest, facts.different, facts.lost), (1, 4, 4, 4, 0));
}

#[test]
fn rare_words_are_forgotten_when_there_are_too_many_and_the_error_is_stated() {
    let mut fit = VocabularyFit::with_limit(100);
    for round in 0..50 {
        for word in 0..10 {
            fit.add(&format!("often{word}"));
        }
        for word in 0..20 {
            fit.add(&format!("rare{round}x{word}"));
        }
    }
    assert!(fit.len() <= 100 && fit.lost() > 0);
    let lost = fit.lost();
    let vocabulary = fit.finish(10, 2);
    assert_eq!(vocabulary.words().len(), 10);
    for word in vocabulary.words() {
        assert!(word.text.starts_with("often") && word.count <= 50 && word.count + lost >= 50, "{word:?}, lost {lost}");
    }
}

#[test]
fn options_that_do_not_go_together_are_refused_by_name() {
    let refused = |spec: TextOptions| spec.check().unwrap_err().0;
    let good = TextOptions::default;
    assert_eq!(refused(TextOptions { length: 0, ..good() }), "length");
    assert_eq!(refused(TextOptions { ngrams: Ngrams { from: 2, to: 1 }, ..good() }), "ngrams");
    assert_eq!(refused(TextOptions { vocabulary: 0, ..good() }), "vocabulary");
    assert_eq!(refused(TextOptions { buckets: usize::MAX, ..good() }), "vocabulary");
    assert_eq!(refused(TextOptions { min_count: 0, ..good() }), "min_count");
}

#[test]
fn a_stored_vocabulary_with_a_word_twice_is_refused() {
    let text = r#"[{"text": "a", "count": 2}, {"text": "a", "count": 1}]"#;
    assert!(serde_json::from_str::<Vocabulary>(text).is_err());
}

fn any_spec() -> impl Strategy<Value = TextOptions> {
    let side = || prop_oneof![Just(Side::Start), Just(Side::End)];
    let unit = prop_oneof![Just(TextUnit::Words), Just(TextUnit::Characters)];
    let counts = (1_usize..4, 0_usize..3, 1_usize..9, 0_usize..20, 1_usize..12);
    (unit, any::<[bool; 3]>(), side(), side(), counts).prop_map(
        |(unit, [lowercase, punctuation, distinct], cut, pad, (from, more, vocabulary, buckets, length))| TextOptions {
            unit,
            lowercase,
            punctuation,
            ngrams: Ngrams { from, to: from + more },
            vocabulary,
            min_count: 1,
            buckets,
            length,
            cut,
            pad,
            distinct,
        },
    )
}

proptest! {
    #[test]
    fn any_text_becomes_tokens_of_the_table_that_survive_json(
        spec in any_spec(),
        train in prop::collection::vec(".{0,40}", 0..6),
        text in "([ab' \u{2019}\u{301}\u{4E2D}]|.){0,40}",
    ) {
        let encoder = fitted(spec, &train.iter().map(String::as_str).collect::<Vec<_>>());
        let row = encoded(&encoder, &text);
        let tokens = encoder.tokens() as f32;
        prop_assert!(row.iter().all(|token| token.fract() == 0.0 && (0.0..tokens).contains(token)));
        for piece in encoder.pieces(&text) {
            prop_assert_eq!(row[piece.place], piece.token as f32);
            prop_assert!(piece.token != 0 && !piece.text.is_empty());
        }
        prop_assert_eq!(encoder.pieces(&text).len(), row.iter().filter(|token| **token != 0.0).count());
        let again: Text = serde_json::from_str(&serde_json::to_string(&encoder).unwrap()).unwrap();
        prop_assert_eq!(&again, &encoder);
        prop_assert_eq!(encoded(&again, &text), row);
    }

    #[test]
    fn counts_in_parts_are_counts_of_the_whole(words in prop::collection::vec("[a-e]{1,2}", 0..60), cut in 0_usize..60) {
        let cut = cut.min(words.len());
        let count = |words: &[String]| {
            let mut fit = VocabularyFit::default();
            words.iter().for_each(|word| fit.add(word));
            fit
        };
        let mut parts = count(&words[..cut]);
        parts.merge(count(&words[cut..]));
        prop_assert_eq!(parts.finish(50, 1), count(&words).finish(50, 1));
    }
}
