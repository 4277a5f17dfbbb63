//! What no file can do: panic, run long, or grow without bound.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// A pipeline that uses most of the language.
const SOUND: &str = "# comment\nname: flights\ndescription: |\n  Which é late?\n  Really\nparams: {data: a/b, n: 15, list: [a, b]}\nstages:\n  - \
                     id: planes\n    read: &r {path: \"${data}/p.csv\", null_values: ['N''A']}\n  - join: {with: planes, on: \"${list}\"}\n  \
                     - filter: \"x > ${n}\"\n  - {read: {<<: *r, rows: 0x1F}, from: [planes]}\nreport: {title: >-\n    T\n    U, path: o.html}\n";

fn first(text: &str) -> String {
    yaml::read(&source(text)).expect_err(&text.chars().take(80).collect::<String>())[0].to_string()
}

#[test]
fn each_budget_is_kept_with_its_place() {
    let fits = "x".repeat(MAX_BYTES - 2) + "\n";
    assert!(yaml::read(&source(&fits)).is_ok());
    assert_eq!(
        first(&"x".repeat(MAX_BYTES + 1)),
        "p.yaml:1:1: the file is larger than 1 MiB (data belong in a file that a stage reads)"
    );

    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(node(&nested(MAX_DEPTH)).depth(), MAX_DEPTH);
    assert_eq!(first(&nested(MAX_DEPTH + 1)), "p.yaml:1:33: lists and mappings are nested deeper than 32 levels");
    assert_eq!(
        first(&"[".repeat(300)),
        "p.yaml:1:256: lists and mappings are nested deeper than 32 levels (write it flatter)"
    );
    let alias = format!("a: &a {}\nb: {}*a{}\n", nested(20), "[".repeat(15), "]".repeat(15));
    assert_eq!(first(&alias), "p.yaml:2:19: lists and mappings are nested deeper than 32 levels");

    let items = |count: usize| "- x\n".repeat(count);
    assert_eq!(node(&items(MAX_NODES - 1)).size(), MAX_NODES);
    assert_eq!(
        first(&items(MAX_NODES)),
        "p.yaml:10000:3: the file has more than 10,000 values (aliases count as often as they are used)"
    );

    let aliases = |count: usize| format!("- &a x\n{}", "- *a\n".repeat(count));
    assert_eq!(node(&aliases(MAX_ALIASES)).size(), MAX_ALIASES + 2);
    assert_eq!(
        first(&aliases(MAX_ALIASES + 1)),
        "p.yaml:102:3: the file has more than 100 aliases (use a parameter or an include)"
    );
}

#[test]
fn billions_of_laughs_are_refused_fast() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![alias; 9].join(", "));
    }
    let start = Instant::now();
    assert_eq!(
        first(&text),
        "p.yaml:5:10: the file has more than 10,000 values (aliases count as often as they are used)"
    );
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn parameters_that_grow_are_refused_fast() {
    let start = Instant::now();
    let bomb = |text: &dyn Fn(usize) -> String, last: usize| {
        let levels: String = (1..=last).map(|level| format!("  p{level}: {}\n", text(level - 1))).collect();
        format!("name: p\nparams:\n  p0: xxxxxxxxxx\n{levels}stages:\n  - filter: \"${{p{last}}}\"\n")
    };
    let lists = found(&bomb(&|below| format!("[{}]", vec![format!("\"${{p{below}}}\""); 10].join(", ")), 9));
    assert_eq!(
        lists,
        [
            "p.yaml:8:71: the pipeline has more than 100,000 values (parameters and includes count as often as they are used)"
        ]
    );
    let texts = found(&bomb(&|below| format!("\"{}\"", format!("${{p{below}}}").repeat(10)), 9));
    assert_eq!(texts[0], "p.yaml:9:7: the parameters make the texts longer than 16 MiB");
    let deep = found(&bomb(&|below| format!("[[[[[[\"${{p{below}}}\"]]]]]]"), 9));
    assert_eq!(deep, ["p.yaml:9:13: lists and mappings are nested deeper than 32 levels"]);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_megabyte_of_anything_ends_quickly() {
    for unit in [
        "[",
        "]",
        "{",
        "}",
        "- ",
        "? ",
        ": ",
        "\"",
        "'",
        "&a ",
        "*a ",
        "!x ",
        "a: ",
        "{a: ",
        "[a, ",
        "\t",
        "\n",
        "\r",
        "|\n ",
        "#",
        "%",
        ",",
        "\\",
        "${a}",
        "$${",
        "- - ",
        "a:\n ",
        "é",
        "\u{FEFF}",
        "---\n",
        "...\n",
        "? - ",
        "\"\\\n",
        "'a' ",
        "- [",
        "x y ",
        "{x: &a *a, ",
        ">\n\n ",
    ] {
        for head in ["", "name: ", "name: p\nstages: [", "a: \"", "- "] {
            let text = head.to_owned() + &unit.repeat((MAX_BYTES - head.len()) / unit.len());
            let start = Instant::now();
            drop(parse_text(&text));
            assert!(start.elapsed() < Duration::from_secs(2), "{head:?} {unit:?} {:?}", start.elapsed());
        }
    }
}

#[test]
fn the_pipeline_of_the_property_tests_is_sound() {
    assert_eq!(sound(SOUND).stages.len(), 4);
}

fn no_panic_and_quick(text: &str) -> Result<(), TestCaseError> {
    let start = Instant::now();
    if let Err(findings) = parse_text(text) {
        prop_assert!(findings.iter().any(|finding| finding.severity == crate::diagnostic::Severity::Error));
        prop_assert!(findings.iter().all(|finding| finding.place.is_some()), "{findings:?}");
    }
    prop_assert!(start.elapsed() < Duration::from_secs(1));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        no_panic_and_quick(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn random_marks_never_panic(text in "[-\\[\\]{}:?,&*!|>'\"%@`#a1é$~ \t\r\n\\\\.<]{0,80}") {
        no_panic_and_quick(&text)?;
        no_panic_and_quick(&stages(&text))?;
    }

    /// Cuts, doubles and changes pieces of a sound pipeline.
    #[test]
    fn mutated_pipelines_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), 0..4usize, "[-\\[\\]{}:,&*!|>'\"$~ \n\ta0é]{0,3}"), 1..6)) {
        let mut characters: Vec<char> = SOUND.chars().collect();
        for (at, length, with) in changes {
            let at = at.index(characters.len() + 1);
            let end = (at + length).min(characters.len());
            characters.splice(at..end, with.chars());
        }
        no_panic_and_quick(&characters.into_iter().collect::<String>())?;
    }
}
