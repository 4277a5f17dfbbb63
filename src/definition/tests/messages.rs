//! YAML that is refused, with the exact message.

use super::*;

fn read(text: &str) -> Vec<String> {
    let findings = yaml::read(&source(text)).expect_err(text);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn syntax_errors_say_what_to_do() {
    for (text, expected) in [
        ("a:\n\tb: 1\n", "p.yaml:2:1: a tab stands where spaces are expected (indent with spaces)"),
        (
            "a: b: c\n",
            "p.yaml:1:5: `:` is not allowed here (check the indentation; put quotes around a text that contains `: `)",
        ),
        ("a: \"b\n", "p.yaml:1:4: a quote is not closed (end the text with the same quote)"),
        ("a: 'b\n---\n", "p.yaml:1:4: a quote is not closed (end the text with the same quote)"),
        (
            "a: \"b\" c\n",
            "p.yaml:1:8: something stands behind the closing quote (write `\\\"` for a quote inside of double quotes)",
        ),
        (
            "a: \"\\d+\"\n",
            "p.yaml:1:4: unknown escape in a text in double quotes (write `\\\\` for a backslash, or use single quotes)",
        ),
        ("a: {b: 1\nc: 2\n", "p.yaml:2:2: a `{` is not closed (expected `,` or `}` before this)"),
        ("a: [b, c\n", "p.yaml:2:1: a `[` is not closed (expected `,` or `]` before this)"),
        ("a: ]\n", "p.yaml:1:4: a closing bracket closes nothing (remove it, or put quotes around the text)"),
        ("a: *b\n", "p.yaml:1:4: the alias has no anchor above (mark the value with `&name` before you use `*name`)"),
        ("a: @b\n", "p.yaml:1:4: a text cannot start with `@` (put it in quotes)"),
        ("a: %b\n", "p.yaml:1:4: a text cannot start with `%` (put it in quotes)"),
        ("a: `b\n", "p.yaml:1:4: a text cannot start with a backtick (put it in quotes)"),
        (
            "a: 1\n  b: 2\n",
            "p.yaml:2:4: `:` is not allowed here (check the indentation; put quotes around a text that contains `: `)",
        ),
        (
            "a:\n    - b\n  - c\n",
            "p.yaml:3:3: this does not fit the lines above (the keys of a mapping start in one column, like the items of a list; put a \
             text with special characters in quotes)",
        ),
        (
            "a:\n    b: 1\n  c: 2\n",
            "p.yaml:3:3: this does not fit the lines above (the keys of a mapping start in one column, like the items of a list; put a \
             text with special characters in quotes)",
        ),
        ("a: 1\nb\n", "p.yaml:3:1: expected a key followed by `:` (a mapping is written `key: value`)"),
        ("a: - b\n", "p.yaml:1:4: a list cannot start here (start it on a new line)"),
        ("a: \0\n", "p.yaml:1:4: a NUL character stands here (the file is not a text file)"),
        (
            "a: 1\n---\nb: 1\n",
            "p.yaml:2:1: a second document starts here (a pipeline is one document; remove the `---`)",
        ),
    ] {
        assert_eq!(read(text), [expected], "{text}");
    }
}

#[test]
fn what_is_not_part_of_the_language_is_refused() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", "p.yaml:3:1: the key `a` is given twice (it was first given at p.yaml:1:1)"),
        ("? [a]\n: 1\n", "p.yaml:1:3: a key must be a text (lists and mappings cannot be keys)"),
        ("{a: 1}: 2\n", "p.yaml:1:1: a key must be a text (lists and mappings cannot be keys)"),
        ("~: 2\n", "p.yaml:1:1: a key is missing (a mapping is written `key: value`)"),
        (": 2\n", "p.yaml:1:1: a key is missing (a mapping is written `key: value`)"),
        ("a: &x b\n*x : 1\n", "p.yaml:2:1: an alias cannot be a key"),
        ("a: &x [*x]\n", "p.yaml:1:8: the alias `*x` stands for itself"),
        ("<<: 1\n", "p.yaml:1:5: `<<` takes in mappings, not the whole number `1`"),
        (
            "a: 12345678901234567890\n",
            "p.yaml:1:4: the number `12345678901234567890` is too large (whole numbers have at most 64 bits; put it in quotes to \
             make it a text)",
        ),
        (
            "a: !!python/object:os.system x\n",
            "p.yaml:1:4: the tag `!!python/object:os.system` is not allowed (a value's spelling gives its type; quotes make it a \
             text)",
        ),
        (
            "a: !secret [x]\n",
            "p.yaml:1:4: the tag `!secret` is not allowed (a value's spelling gives its type; quotes make it a text)",
        ),
    ] {
        assert_eq!(read(text), [expected], "{text}");
    }
}

#[test]
fn several_findings_come_together() {
    assert_eq!(
        read("a: 1\na: !x 2\nb: {c: 1, c: 2}\n"),
        [
            "p.yaml:2:1: the key `a` is given twice (it was first given at p.yaml:1:1)",
            "p.yaml:2:4: the tag `!x` is not allowed (a value's spelling gives its type; quotes make it a text)",
            "p.yaml:3:11: the key `c` is given twice (it was first given at p.yaml:3:5)",
        ]
    );
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let read = node("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nlist: [*b, *b]\nall:\n  <<: [*b, *m]\n  x: 9\n");
    let expected =
        node("base: {x: 1, y: 2}\nmore: {y: 3, z: 4}\nlist: [{x: 1, y: 2}, {x: 1, y: 2}]\nall: {x: 9, y: 2, z: 4}\n");
    assert_eq!(read, expected);
    assert_eq!(node("a: {\"<<\": 1}").get("a").unwrap().get("<<").unwrap().value, Value::Integer(1));
}

#[test]
fn a_key_that_is_a_number_or_a_boolean_is_its_spelling() {
    let Value::Mapping(entries) = node("1.50: a\n0x10: b\ntrue: c\n\"\": d\n").value else { panic!() };
    let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["1.50", "0x10", "true", ""]);
}

#[test]
fn quotes_make_texts() {
    assert_eq!(node("[\"1\", 'true', \"null\", |-\n  1\n]").describe(), "a list");
}
