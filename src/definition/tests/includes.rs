//! Files that include others.

use std::fs;

use tempfile::TempDir;

use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load_main(files: &[(&str, &str)]) -> Result<Pipeline, Vec<String>> {
    let folder = folder(files);
    let shown = format!("{}/", folder.path().display());
    load(&folder.path().join("main.yaml"), &load_options(&[]))
        .map_err(|findings| findings.iter().map(|finding| finding.to_string().replace(&shown, "")).collect())
}

fn shape(pipeline: &Pipeline) -> Vec<String> {
    let stage = |stage: &StageDefinition| {
        let id = stage.id.as_ref().map_or("-", |id| id.as_str());
        let from =
            stage.from.as_ref().map(|names| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join("+"));
        format!("{id} {} {} {:?}", from.as_deref().unwrap_or("^"), stage.kind, stage.options)
    };
    pipeline.stages.iter().map(stage).collect()
}

#[test]
fn the_stages_of_the_file_stand_where_the_include_stood() {
    let pipeline = load_main(&[
        ("main.yaml", "name: p\nstages:\n  - read: {path: a}\n  - include: rules/clean.yaml\n  - describe: {}\n"),
        ("rules/clean.yaml", "stages:\n  - filter: x > 1\n  - include: more.yaml\n"),
        ("rules/more.yaml", "stages: [{derive: {y: x}}]\n"),
    ])
    .unwrap();
    assert_eq!(
        shape(&pipeline),
        ["- ^ read {\"path\": \"a\"}", "- ^ filter \"x > 1\"", "- ^ derive {\"y\": \"x\"}", "- ^ describe {}",]
    );
    assert_eq!(pipeline.stages.iter().map(|stage| stage.included.len()).collect::<Vec<_>>(), [0, 1, 2, 0]);
    assert_eq!(pipeline.included.len(), 2);
    assert!(pipeline.included[1].name().ends_with("rules/more.yaml"));
}

#[test]
fn an_include_has_parameters_of_its_own() {
    let pipeline = load_main(&[
        (
            "main.yaml",
            "name: p\nparams: {n: 3}\nstages:\n  - include: {path: c.yaml, params: {limit: \"${n}\", what: '${env:TOKEN}'}}\n",
        ),
        ("c.yaml", "params: {limit: 1, what: a, also: \"${what}!\"}\nstages: [{filter: ['${limit}', '${also}']}]\n"),
    ])
    .unwrap();
    assert_eq!(shape(&pipeline), ["- ^ filter [3, \"${env:TOKEN}!\"]"]);
    assert_eq!(pipeline.params.keys().collect::<Vec<_>>(), ["n"]);
}

#[test]
fn a_prefix_goes_before_the_ids_and_their_references() {
    let inner = "stages:\n  - id: a\n    read: {}\n  - id: b\n    from: [a, outside, a.rejects]\n    join: {with: a, on: a}\n  - union: \
                 [a, b, c]\n  - from: a\n    filter: a\n";
    let pipeline = load_main(&[
        ("main.yaml", "name: p\nstages:\n  - include: {path: mid.yaml, as: m}\n  - from: m.i.b\n    describe:\n"),
        ("mid.yaml", "stages:\n  - id: c\n    read: {}\n  - include: {path: inner.yaml, as: i}\n"),
        ("inner.yaml", inner),
    ])
    .unwrap();
    assert_eq!(
        shape(&pipeline),
        [
            "m.c ^ read {}",
            "m.i.a ^ read {}",
            "m.i.b m.i.a+outside+m.i.a.rejects join {\"with\": \"m.i.a\", \"on\": \"a\"}",
            "- ^ union [\"m.i.a\", \"m.i.b\", \"m.c\"]",
            "- m.i.a filter \"a\"",
            "- m.i.b describe null",
        ]
    );
}

#[test]
fn errors_point_into_the_file_and_name_the_include() {
    let found = load_main(&[
        ("main.yaml", "name: p\nstages:\n  - include: mid.yaml\n  - fliter: x\n"),
        ("mid.yaml", "stages:\n  - include: {path: inner.yaml, params: {mmm: 1, n: x}}\n"),
        ("inner.yaml", "params: {n: 1, zz: 2}\nname: q\nstages:\n  - filter: ${n}\n  - drive: {}\n"),
    ])
    .unwrap_err();
    assert_eq!(
        found,
        [
            "inner.yaml:2:1: unknown key `name` in an included file (it has `params` and `stages` only; included at mid.yaml:2:5; \
         included at main.yaml:3:5)",
            "mid.yaml:2:42: unknown parameter `mmm` (the parameters are `n` and `zz`; included at main.yaml:3:5)",
            "mid.yaml:2:53: the parameter `n` is a whole number, found the text `x` (included at main.yaml:3:5)",
            "inner.yaml:1:16: the parameter `zz` is not used (write `${zz}` where its value belongs, or remove it; included at \
         mid.yaml:2:5; included at main.yaml:3:5)",
            "inner.yaml:5:5: unknown kind of stage `drive`: did you mean `derive`? (included at mid.yaml:2:5; included at main.yaml:3:5)",
            "main.yaml:4:5: unknown kind of stage `fliter`: did you mean `filter`?",
        ]
    );
}

#[test]
fn findings_about_options_name_the_include() {
    let pipeline = load_main(&[
        ("main.yaml", "name: p\nstages: [{include: c.yaml}]\n"),
        ("c.yaml", "stages: [{read: {rows: x}}]\n"),
    ])
    .unwrap();
    let findings = pipeline.stages[0].decode::<super::options::Options>().unwrap_err();
    let help = findings[0].help.clone().unwrap();
    assert!(help.starts_with("included at ") && help.ends_with("main.yaml:2:10"), "{help}");
}

#[test]
fn includes_that_cannot_be_are_refused() {
    let refused = |include: &str| {
        let main = format!("name: p\nstages:\n  - include: {include}\n");
        load_main(&[
            ("main.yaml", &main),
            ("clean.yaml", "a: [\n"),
            ("empty.yaml", ""),
            ("d/x", ""),
            ("none.yaml", "params: {}\n"),
        ])
        .unwrap_err()
    };
    for (include, expected) in [
        ("claen.yaml", "main.yaml:3:14: cannot read `claen.yaml`: there is no such file (did you mean `clean.yaml`?)"),
        ("d", "main.yaml:3:14: cannot read `d`: it is a directory"),
        (
            "main.yaml",
            "main.yaml:3:14: `main.yaml` includes itself (the files include each other: main.yaml -> main.yaml)",
        ),
        (
            "clean.yaml",
            "clean.yaml:2:1: a value is missing here (an opened `[` or `{` must be closed; included at main.yaml:3:5)",
        ),
        ("empty.yaml", "empty.yaml:1:1: expected `params` and `stages`, found nothing (included at main.yaml:3:5)"),
        ("none.yaml", "none.yaml:1:1: `stages` is missing (included at main.yaml:3:5)"),
        ("[a]", "main.yaml:3:14: expected a mapping, found a list"),
        (
            "{pth: a}",
            "main.yaml:3:15: unknown option `pth`: did you mean `path`? (the options are `path`, `params` and `as`)",
        ),
        (
            "{path: none.yaml, as: 1x}",
            "main.yaml:3:36: `1x` cannot be a prefix (a prefix is written like an id: letters, digits, `_`, `.` and `-`)",
        ),
        (
            "clean.yaml\n    id: x",
            "main.yaml:4:5: `id` cannot stand beside `include` (an include has the options `path`, `params` and `as`)",
        ),
    ] {
        assert_eq!(refused(include)[0], expected, "{include}");
    }
}

#[test]
fn circles_and_deep_chains_end() {
    let found = load_main(&[
        ("main.yaml", "name: p\nstages: [{include: a.yaml}]\n"),
        ("a.yaml", "stages: [{include: b.yaml}]\n"),
        ("b.yaml", "stages: [{include: a.yaml}]\n"),
    ])
    .unwrap_err();
    assert_eq!(
        found,
        [
            "b.yaml:1:20: `a.yaml` includes itself (the files include each other: main.yaml -> a.yaml -> b.yaml -> a.yaml; included at \
         a.yaml:1:10; included at main.yaml:2:10)"
        ]
    );
    let chain: Vec<(String, String)> = (0..12)
        .map(|n| (format!("f{n}.yaml"), format!("stages: [{{read: {{}}}}, {{include: f{}.yaml}}]\n", n + 1)))
        .collect();
    let mut files = vec![("main.yaml", "name: p\nstages: [{include: f0.yaml}]\n")];
    files.extend(chain.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let found = load_main(&files).unwrap_err();
    assert!(
        found[0].starts_with("f7.yaml:1:32: includes are nested deeper than 8 files (included at f6.yaml"),
        "{found:?}"
    );
}

#[test]
fn many_includes_of_many_includes_end() {
    let ten = |name: &str| format!("stages: [{}]\n", vec![format!("{{include: {name}}}"); 10].join(", "));
    let (main, a, b, c) = (format!("name: p\n{}", ten("a.yaml")), ten("b.yaml"), ten("c.yaml"), ten("d.yaml"));
    let files = [
        ("main.yaml", main.as_str()),
        ("a.yaml", &a),
        ("b.yaml", &b),
        ("c.yaml", &c),
        ("d.yaml", "stages: [{read: {}}]\n"),
    ];
    let found = load_main(&files).unwrap_err();
    assert!(
        found.iter().any(|finding| finding.contains("the pipeline includes more than 256 files")),
        "{}",
        found.len()
    );
}

#[test]
fn the_same_file_twice_needs_prefixes() {
    let inner = ("c.yaml", "stages: [{id: a, read: {}}]\n");
    let found =
        load_main(&[("main.yaml", "name: p\nstages: [{include: c.yaml}, {include: c.yaml}]\n"), inner]).unwrap_err();
    assert_eq!(
        found,
        [
            "c.yaml:1:15: the id `a` is given twice (it was first given at c.yaml:1:15; give the include a prefix with `as`; included at \
         main.yaml:2:29)"
        ]
    );
    let main = "name: p\nstages: [{include: {path: c.yaml, as: x}}, {include: {path: c.yaml, as: y}}]\n";
    assert_eq!(shape(&load_main(&[("main.yaml", main), inner]).unwrap()), ["x.a ^ read {}", "y.a ^ read {}"]);
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = folder(&[("flights.yaml", "name: p\n")]);
    let load_it = |name: &str| {
        let shown = format!("{}/", folder.path().display());
        load(&folder.path().join(name), &load_options(&[])).unwrap_err()[0].to_string().replace(&shown, "")
    };
    assert_eq!(
        load_it("fligths.yaml"),
        "cannot read `fligths.yaml`: there is no such file (did you mean `flights.yaml`?)"
    );
    assert!(load_it("").contains("it is a directory"));
    for (bytes, expected) in [
        (b"name: \xE9t\xE9\n".as_slice(), "bad.yaml:1:7: the file is not UTF-8 (save it as UTF-8)"),
        (b"\xFF\xFEn\0".as_slice(), "bad.yaml:1:1: the file is not UTF-8 (it looks like UTF-16; save it as UTF-8)"),
    ] {
        fs::write(folder.path().join("bad.yaml"), bytes).unwrap();
        assert_eq!(load_it("bad.yaml"), expected);
    }
    fs::write(folder.path().join("big.yaml"), "é".repeat(600_000)).unwrap();
    assert_eq!(
        load_it("big.yaml"),
        "big.yaml:1:1: the file is larger than 1 MiB (data belong in a file that a stage reads)"
    );
}

#[test]
fn where_a_folder_is_given_nothing_outside_of_it_is_included_wherever_links_lead() {
    let part = "stages: [{filter: x}]\n";
    let folder = folder(&[
        ("served/pipelines/part.yaml", part),
        ("served/pipelines/nested.yaml", "stages:\n  - include: ../../outside/secret.yaml\n"),
        ("served/shared/part.yaml", part),
        ("outside/secret.yaml", "password: hunter2\n"),
        ("served-too/part.yaml", part),
    ]);
    let served = folder.path().join("served");
    let link = |to: &Path, from: &str| std::os::unix::fs::symlink(to, served.join("pipelines").join(from)).unwrap();
    link(&folder.path().join("outside/secret.yaml"), "link.yaml");
    link(&folder.path().join("outside"), "way");
    link(&served.join("shared"), "shared");
    let secret = folder.path().join("outside/secret.yaml").display().to_string();
    let said = |include: &str, within: Option<&Path>| {
        let text = format!("name: p\nstages:\n  - read: {{path: a}}\n  - include: {include}\n");
        fs::write(served.join("pipelines/main.yaml"), text).unwrap();
        let options = LoadOptions { within: within.map(Path::to_path_buf), ..load_options(&[]) };
        let findings = load(&served.join("pipelines/main.yaml"), &options).err().unwrap_or_default();
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    for inside in ["part.yaml", "../shared/part.yaml", "shared/part.yaml", "../../served/pipelines/part.yaml"] {
        assert_eq!(said(inside, Some(&served)), "", "{inside}");
    }
    for outside in
        ["../../outside/secret.yaml", "link.yaml", "way/secret.yaml", "way/none.yaml", "nested.yaml", &secret]
    {
        let found = said(outside, Some(&served));
        assert!(found.contains("cannot be included: it is outside of the served folder"), "{outside}: {found}");
        assert!(!found.contains("hunter2") && !found.contains("password"), "{outside}: {found}");
    }
    assert!(
        said("../../served-too/part.yaml", Some(&served)).contains("outside of the served folder"),
        "a name that begins alike"
    );
    assert_eq!(said("../../served-too/part.yaml", None), "", "without a folder files anywhere are included");
    assert!(said("part.yml", Some(&served)).contains("there is no such file"));
}
