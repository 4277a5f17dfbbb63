use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn of(texts: &[&str], distinct: usize) -> Texts {
    let mut column = Texts::new(distinct, |text| u8::from(text.contains('@')));
    texts.iter().for_each(|text| column.push(text, text_hash(text.as_bytes())));
    column
}

fn alike(a: &Texts, b: &Texts) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.totals(), b.totals());
    prop_assert_eq!((a.count(), a.characters(), a.range()), (b.count(), b.characters(), b.range()));
    prop_assert_eq!(a.distinct().0, b.distinct().0);
    Ok(())
}

proptest! {
    #[test]
    fn a_small_table_says_what_a_large_one_says(texts in proptest::collection::vec("[a-cA @é]{0,3}", 0..1_500)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (small, large) = (of(&texts, 10), of(&texts, 10_000));
        prop_assert_eq!(large.distinct(), (texts.iter().collect::<BTreeSet<_>>().len() as u64, 0.0));
        prop_assert_eq!(large.characters() as usize, texts.iter().map(|text| text.chars().count()).sum::<usize>());
        prop_assert_eq!(large.range().map(|(least, _)| least), texts.iter().min().copied());
        alike(&small, &large)?;
    }

    #[test]
    fn merging_is_adding_the_rows(a in proptest::collection::vec("[a-c ]{0,3}", 0..800), b in proptest::collection::vec("[b-d@]{0,3}", 0..800), distinct in 8_usize..200) {
        let (a, b): (Vec<&str>, Vec<&str>) = (a.iter().map(String::as_str).collect(), b.iter().map(String::as_str).collect());
        let mut merged = of(&a, distinct);
        merged.merge(&of(&b, distinct));
        alike(&merged, &of(&[a, b].concat(), distinct))?;
        for (text, slot) in merged.top(1_000) {
            prop_assert_eq!(slot.hash, text_hash(text.as_bytes()));
        }
    }
}

#[test]
fn classes_are_those_of_the_characters() {
    let column = of(&["abc", "ABC", "a1", " x", "", "  ", "naïve", "caf\u{c3}\u{a9}", "a\u{fffd}", "a\u{7}"], 100);
    let counts = [Classes::LOWER, Classes::UPPER, Classes::DIGIT, Classes::UNTRIMMED, Classes::BLANK];
    assert_eq!(counts.map(|class| column.with(class)), [7, 1, 1, 1, 2]);
    let counts = [Classes::BEYOND_ASCII, Classes::DAMAGED, Classes::CONTROL];
    assert_eq!(counts.map(|class| column.with(class)), [3, 2, 1]);
    assert_eq!(column.only(&[Classes::LOWER, Classes::UPPER]), 3);
}

#[test]
fn long_texts_are_cut_between_characters() {
    let long = "é".repeat(300);
    let column = of(&[&long], 100);
    let top = column.top(1);
    assert_eq!((top[0].0.chars().count(), top[0].1.payload.is_cut()), (80, true));
    assert_eq!((column.length_range(), column.characters()), (Some((300, 300)), 300));
}

#[test]
fn hashes_of_short_texts_differ_by_length_too() {
    assert_ne!(text_hash(b"a"), text_hash(b"a\0"));
    assert_ne!(text_hash(b""), text_hash(b"\0\0\0\0\0\0\0\0"));
}
