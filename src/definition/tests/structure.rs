//! The top of a pipeline file and the frame of its stages.

use super::*;

#[test]
fn a_pipeline_is_read() {
    let pipeline = sound(
        "name: flights\ndescription: Late?\ntags: [daily]\nstages:\n  - id: planes\n    read: {path: p.csv}\n  - from: planes\n    \
         filter: x > 1\n    tags: [a]\n    description: Only some\n  - from: [planes, x]\n    describe:\nreport: {title: T, path: \
         out/p.html}\n",
    );
    assert_eq!(pipeline.name.value, "flights");
    assert_eq!(pipeline.description.as_deref(), Some("Late?"));
    assert_eq!(pipeline.tags, ["daily"]);
    let [planes, filter, describe] = pipeline.stages.as_slice() else { panic!() };
    assert_eq!((planes.id.as_ref().unwrap().as_str(), planes.kind.as_str()), ("planes", "read"));
    assert!(planes.from.is_none());
    assert_eq!(filter.from.as_ref().unwrap()[0].value, "planes");
    assert_eq!(
        (filter.tags.as_slice(), filter.description.as_deref()),
        (["a".to_owned()].as_slice(), Some("Only some"))
    );
    assert_eq!(filter.options.as_text().unwrap().value(), "x > 1");
    assert_eq!(describe.from.as_ref().unwrap().len(), 2);
    assert_eq!(describe.options.value, Value::Null);
    let report = pipeline.report.unwrap();
    assert_eq!((report.title.as_deref(), report.path.as_str()), (Some("T"), "out/p.html"));
}

#[test]
fn what_is_wrong_at_the_top_is_told_at_once() {
    assert_eq!(
        found("nmae: p\nstage: []\nxyzzy: 1\nreport: {titel: x}\ninclude: a.yaml\nread: {}\ntags: x\n"),
        [
            "p.yaml:1:1: unknown key `nmae`: did you mean `name`?",
            "p.yaml:2:1: unknown key `stage`: did you mean `stages`?",
            "p.yaml:3:1: unknown key `xyzzy` (a pipeline has `name`, `description`, `tags`, `params`, `stages`, `report` and `test`)",
            "p.yaml:5:1: unknown key `include` (an include is an item of the list of `stages`)",
            "p.yaml:6:1: unknown key `read` (a stage is an item of the list of `stages`)",
            "p.yaml:7:7: expected a list, found the text `x`: a list is written `[a, b]`",
            "p.yaml:4:9: `path` is missing",
            "p.yaml:4:10: unknown option `titel`: did you mean `title`? (the options are `title` and `path`)",
        ]
    );
}

#[test]
fn what_is_no_pipeline_is_refused() {
    for (text, expected) in [
        ("", "p.yaml:1:1: the file is empty (a pipeline has a `name` and `stages`)"),
        ("# nothing\n", "p.yaml:1:1: the file is empty (a pipeline has a `name` and `stages`)"),
        ("[a]", "p.yaml:1:1: expected a pipeline, found a list (a pipeline is a mapping with a `name` and `stages`)"),
        (
            "hello",
            "p.yaml:1:1: expected a pipeline, found the text `hello` (a pipeline is a mapping with a `name` and `stages`)",
        ),
        ("name: p\nstages: []\n", "p.yaml:2:9: the pipeline has no stages"),
        ("name: p\nstages:\n", "p.yaml:2:7: expected a list of stages, found nothing (write each stage after a `- `)"),
        (
            "name: p\nstages: {read: {}}\n",
            "p.yaml:2:9: expected a list of stages, found a mapping (write each stage after a `- `)",
        ),
        (
            "name: 2013\nstages: [{read: {}}]\n",
            "p.yaml:1:7: expected a text, found the whole number `2013`: put it in quotes",
        ),
        ("name: ' '\nstages: [{read: {}}]\n", "p.yaml:1:7: a name is one line of text"),
    ] {
        assert_eq!(found(text), [expected], "{text}");
    }
}

#[test]
fn a_stage_has_exactly_one_kind() {
    for (text, expected) in [
        (
            "  - id: a",
            "p.yaml:3:5: the stage has no kind (it needs a key that names its kind, such as `read: {path: data.csv}`)",
        ),
        (
            "  - {}",
            "p.yaml:3:5: the stage has no kind (it needs a key that names its kind, such as `read: {path: data.csv}`)",
        ),
        (
            "  - filter: x > 1\n    derive: {y: x}",
            "p.yaml:4:5: a stage has one kind, this one has `filter` and `derive` (make each a stage of its own, with a `-` in front)",
        ),
        ("  - dedup: {on: a}", "p.yaml:3:5: unknown kind of stage `dedup`: did you mean `dedupe`?"),
        ("  - frm: a", "p.yaml:3:5: unknown kind of stage `frm`: did you mean `from`?"),
        ("  - frobnicate: {}", "p.yaml:3:5: unknown kind of stage `frobnicate` (`gristmill stages` lists the kinds)"),
        (
            "  - read: {path: x}\n    rows: 5",
            "p.yaml:4:5: unknown key `rows` beside `read` (the options of `read` stand under it)",
        ),
        ("  - read: {path: x}\n    form: y", "p.yaml:4:5: unknown key `form` beside `read`: did you mean `from`?"),
        ("  - describe", "p.yaml:3:5: expected a stage, found the text `describe` (write `describe: {}`)"),
        (
            "  - [a]",
            "p.yaml:3:5: expected a stage, found a list (a stage is a mapping such as `read: {path: data.csv}`)",
        ),
    ] {
        assert_eq!(found(&stages(text)), [expected], "{text}");
    }
}

#[test]
fn all_stages_are_looked_at() {
    assert_eq!(
        found(&stages("  - raed: {}\n  - id: 1\n    filter: x\n  - from: []\n    fliter: x")),
        [
            "p.yaml:3:5: unknown kind of stage `raed`: did you mean `read`?",
            "p.yaml:4:9: expected a text, found the whole number `1`: put it in quotes",
            "p.yaml:6:11: `from` names no stage (leave it out to read the stage above)",
            "p.yaml:7:5: unknown kind of stage `fliter`: did you mean `filter`?",
        ]
    );
}

#[test]
fn ids_are_names_and_unique() {
    let help = "(an id has letters, digits, `_`, `.` and `-`, and starts with a letter or `_`)";
    for id in ["1a", "a b", "'-a'", "ä", "''"] {
        let shown = id.trim_matches('\'');
        let text = stages(&format!("  - id: {id}\n    read: {{}}"));
        assert_eq!(found(&text), [format!("p.yaml:3:9: `{shown}` cannot be an id {help}")], "{id}");
    }
    assert_eq!(sound(&stages("  - id: _a.b-C9\n    read: {}")).stages[0].id.as_ref().unwrap().value, "_a.b-C9");
    assert_eq!(
        found(&stages("  - id: a\n    read: {}\n  - id: a\n    read: {}")),
        ["p.yaml:5:9: the id `a` is given twice (it was first given at p.yaml:3:9)"]
    );
}

#[test]
fn without_a_list_of_kinds_every_name_is_one() {
    let options = LoadOptions { kinds: &[], ..load_options(&[]) };
    let pipeline = parse(source(&stages("  - anything: 1")), &options, Path::new("")).unwrap();
    assert_eq!(pipeline.stages[0].kind.value, "anything");
}
