//! Where values stand, through quotes, blocks, line ends and parameters.

use super::*;
use crate::diagnostic::Place;

fn text_of(text: &str) -> Text {
    node(text).get("a").unwrap().as_text().unwrap().clone()
}

/// `line:column` and the text of the place of a word inside of a value.
fn place_of(text: &Text, word: &str) -> (usize, usize, String) {
    let at = text.value().find(word).unwrap();
    let place = text.within(at..at + word.len());
    (place.line(), place.column(), place.text().to_owned())
}

#[test]
fn a_part_of_a_text_stands_where_it_was_written() {
    for (written, line, column) in [
        ("a: one two", 1, 8),
        ("a: 'one two'", 1, 9),
        ("a: \"one two\"", 1, 9),
        ("a: 'it''s one two'", 1, 15),
        ("a: \"\\u00e9\\t two\"", 1, 14),
        ("é: 1\na: \"é two\"", 2, 7),
        ("a: one\n   two", 2, 4),
        ("a: 'one\n\n   two'", 3, 4),
        ("a: \"one \\\n    two\"", 2, 5),
        ("a: |\n  one\n  two\n", 3, 3),
        ("a: |\r\n  one\r\n  x two\r\n", 3, 5),
        ("a: >-\n  one\n  é two\n\n  three", 3, 5),
        ("a: >\n  one\n\n    indented two\n  three\n", 4, 14),
        ("a: &anchor two", 1, 12),
    ] {
        assert_eq!(place_of(&text_of(written), "two"), (line, column, "two".into()), "{written}");
    }
}

#[test]
fn a_part_across_lines_spans_them() {
    let text = text_of("a: one\n   two");
    assert_eq!(text.value(), "one two");
    assert_eq!(text.within(0..7).text(), "one\n   two");
    assert_eq!(text.within(7..7).range(), 13..13);
    assert_eq!(text.within(90..99).text(), "");
}

#[test]
fn a_place_never_leaves_the_scalar_even_for_absurd_ranges() {
    let text = text_of("a: 'it''s'\nb: 1");
    #[allow(clippy::reversed_empty_ranges)]
    for range in [5..2, 0..usize::MAX, usize::MAX - 1..usize::MAX] {
        let place = text.within(range);
        assert!(place.range().start >= 3 && place.range().end <= 10, "{place:?}");
    }
}

#[test]
fn a_parameter_inside_of_a_text_stands_at_its_name() {
    let pipeline =
        sound("name: p\nparams: {late_after: 15}\nstages:\n  - filter: \"delay > ${late_after} and origin = 'JFK'\"\n");
    let text = pipeline.stages[0].options.as_text().unwrap().clone();
    assert_eq!(text.value(), "delay > 15 and origin = 'JFK'");
    assert_eq!(place_of(&text, "delay"), (4, 14, "delay".into()));
    assert_eq!(place_of(&text, "15"), (4, 22, "${late_after}".into()));
    assert_eq!(place_of(&text, "origin"), (4, 40, "origin".into()));
}

#[test]
fn an_escape_shifts_what_follows_by_a_character() {
    let pipeline = sound(&stages("  - filter: '$${x} two'"));
    let text = pipeline.stages[0].options.as_text().unwrap().clone();
    assert_eq!(text.value(), "${x} two");
    assert_eq!(place_of(&text, "two"), (3, 20, "two".into()));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_shift_nothing() {
    let pipeline = sound("\u{FEFF}name: p\r\nstages:\r\n  - filter: 'é > x'\r\n    id: a\r\n");
    assert_eq!(pipeline.name.place.to_string(), "p.yaml:1:7");
    let stage = &pipeline.stages[0];
    assert_eq!(stage.id.as_ref().unwrap().place.to_string(), "p.yaml:4:9");
    assert_eq!(place_of(stage.options.as_text().unwrap(), "x"), (3, 18, "x".into()));
    assert_eq!(
        found("\u{FEFF}nam: p\r\nstages:\r\n  - fliter: x\r\n"),
        [
            "p.yaml:1:1: unknown key `nam`: did you mean `name`?",
            "p.yaml:3:5: unknown kind of stage `fliter`: did you mean `filter`?",
        ]
    );
}

#[test]
fn a_place_is_what_was_written_without_white_space() {
    let root = node("a:\n  b: [1,\n    2]\n  c: x\n\n# end\n");
    let place = |node: &Node| (node.place.line(), node.place.column(), node.place.text().to_owned());
    let a = root.get("a").unwrap();
    assert_eq!(place(a), (2, 3, "b: [1,\n    2]\n  c: x".into()));
    assert_eq!(place(a.get("b").unwrap()), (2, 6, "[1,\n    2]".into()));
    assert_eq!(place(a.get("c").unwrap()), (4, 6, "x".into()));
}

#[test]
fn a_spanned_text_knows_its_parts_and_a_changed_one_only_its_whole() {
    let mut spanned: Spanned<String> = decode(&node("'it''s one two'")).unwrap();
    assert_eq!(spanned.within(9..12).text(), "two");
    spanned.value = "other".into();
    assert_eq!(spanned.within(1..2), spanned.place);
    let nowhere = Spanned::nowhere("x".to_owned());
    assert_eq!(nowhere.within(0..1), Place::new(&Source::new("", ""), 0..0));
}
