//! Parameters, the environment, and what is given on the command line.

use super::*;

/// A pipeline with these parameters and this condition of a filter; parameters stand on line 2, the condition on line 3.
fn with_params(params: &str, condition: &str) -> String {
    format!("name: p\nparams: {{{params}}}\nstages: [{{filter: {condition}}}]\n")
}

fn filled(params: &str, condition: &str, overrides: &[(&str, &str)]) -> Node {
    let text = with_params(params, condition);
    let pipeline = parse_with(&text, overrides).unwrap_or_else(|findings| panic!("{text}: {findings:#?}"));
    assert_eq!(pipeline.warnings, [], "{text}");
    pipeline.stages[0].options.clone()
}

#[test]
fn a_text_that_is_exactly_a_parameter_keeps_its_type() {
    for default in ["15", "0.5", "true", "null", "abc", "'15'", "[1, a]", "{k: [1]}", "0x10"] {
        assert_eq!(filled(&format!("x: {default}"), "\"${x}\"", &[]), node(default), "{default}");
    }
}

#[test]
fn a_parameter_inside_of_a_text_is_spelt_out() {
    let text = filled("n: 15, f: 0.5, b: true, t: abc, big: 1e30", "\"${n} ${f} ${b} ${t} ${big} $${n} $5\"", &[]);
    assert_eq!(text.as_text().unwrap().value(), "15 0.5 true abc 1e30 ${n} $5");
    assert_eq!(
        found(&with_params("l: [1], e: null", "\"x ${l}\", description: \"y ${e}\"")),
        [
            "p.yaml:3:22: the parameter `l` is a list: it cannot stand inside of a text",
            "p.yaml:3:45: the parameter `e` is nothing: it cannot stand inside of a text",
        ]
    );
}

#[test]
fn parameters_stand_everywhere_even_in_keys_and_names() {
    let pipeline = sound(
        "name: \"${who}\"\ndescription: \"for ${who}\"\nparams: {who: me, col: late}\nstages:\n  - derive: {\"${col}\": x, \"n_${col}\": \
         y}\n    id: \"${who}\"\nreport: {path: \"${who}.html\"}\n",
    );
    assert_eq!((pipeline.name.as_str(), pipeline.description.as_deref()), ("me", Some("for me")));
    assert_eq!(pipeline.stages[0].options, node("{late: x, n_late: y}"));
    assert_eq!(pipeline.stages[0].id.as_ref().unwrap().value, "me");
    assert_eq!(pipeline.report.unwrap().path.value, "me.html");
    assert_eq!(
        found("name: p\nparams: {c: a}\nstages:\n  - derive: {a: 1, \"${c}\": 2}\n"),
        ["p.yaml:4:20: the key `a` is given twice (a parameter gave it the name of another key)"]
    );
    assert_eq!(
        found("name: p\nparams: {c: [a]}\nstages:\n  - derive: {\"${c}\": 2}\n"),
        ["p.yaml:4:14: a key must be a text, found a list"]
    );
    assert_eq!(
        found("name: p\nstages:\n  - derive: {\"${env:TOKEN}\": 2}\n"),
        ["p.yaml:3:14: a key cannot be a secret"]
    );
}

#[test]
fn a_parameter_may_refer_to_those_above() {
    assert_eq!(filled("a: x, b: '${a}/y', c: '${b}'", "\"${c}\"", &[]).as_text().unwrap().value(), "x/y");
    assert_eq!(filled("a: x, b: '${a}/y'", "\"${b}\"", &[("a", "z")]).as_text().unwrap().value(), "z/y");
    assert_eq!(filled("a: x, b: '${a}/y'", "\"${b}\"", &[("b", "z")]).as_text().unwrap().value(), "z");
    assert_eq!(
        found(&with_params("a: '${b}', b: '${a}'", "'${a}'")),
        ["p.yaml:2:14: the parameter `b` is declared further down (a parameter can refer to those above it)"]
    );
}

#[test]
fn references_that_lead_nowhere_are_found_at_their_place() {
    for (params, condition, expected) in [
        (
            "late: 1",
            "\"x > ${lat} + ${late}\"",
            "3:24: unknown parameter `lat`: did you mean `late`? (the parameters are `late`)",
        ),
        ("", "\"${x}\"", "3:20: unknown parameter `x` (no parameters are declared; declare them under `params`)"),
        ("", "\"${HOME}\"", "3:20: unknown parameter `HOME` (an environment variable is written `${env:HOME}`)"),
        ("", "\"${x\"", "3:20: `${` is not closed: `}` is missing (write `$${` for `${` itself)"),
        (
            "",
            "\"a ${x y}\"",
            "3:22: `${x y}` names no parameter (write `${name}` or `${env:NAME}`; write `$${` for `${` itself)",
        ),
        ("", "\"${env:NOPE}\"", "3:20: the environment variable `NOPE` is not set"),
    ] {
        assert_eq!(found(&with_params(params, condition)), [format!("p.yaml:{expected}")], "{condition}");
    }
}

#[test]
fn what_is_set_has_the_type_of_the_parameter() {
    for (declared, written, expected) in [
        ("15", "30", "30"),
        ("0.5", "1", "1"),
        ("0.5", "1e-3", "0.001"),
        ("true", "false", "false"),
        ("abc", "15", "'15'"),
        ("abc", "${x}", "'${x}'"),
        ("abc", "", "''"),
        ("[a]", "[b, 1]", "[b, 1]"),
        ("{a: 1}", "{b: 2}", "{b: 2}"),
        ("null", "[1]", "[1]"),
        ("null", "5", "5"),
        ("{default: 1, type: number}", "1.5", "1.5"),
        ("{type: integer}", "7", "7"),
        ("{type: date}", "2013-12-31", "'2013-12-31'"),
        ("{type: text, choices: [a, b]}", "b", "b"),
        ("{description: A parameter without a type}", "5", "5"),
    ] {
        assert_eq!(
            filled(&format!("x: {declared}"), "\"${x}\"", &[("x", written)]),
            node(expected),
            "{declared} {written}"
        );
    }
}

#[test]
fn what_is_set_wrongly_is_told() {
    for (declared, written, expected) in [
        ("15", "abc", "1:1: the parameter `x` is a whole number, found the text `abc`".to_owned()),
        (
            "15",
            "1.5",
            "1:1: the parameter `x` is a whole number, found the number `1.5` (its default is a whole number; declare `type: \
             number` for others)"
                .into(),
        ),
        ("{type: integer}", "1.5", "1:1: the parameter `x` is a whole number, found the number `1.5`".into()),
        ("0.5", "x", "1:1: the parameter `x` is a number, found the text `x`".into()),
        ("true", "yes", "1:1: the parameter `x` is `true` or `false`, found the text `yes`".into()),
        ("[a]", "b", "1:1: the parameter `x` is a list, found the text `b`".into()),
        ("[a]", "[b", "1:3: a `[` is not closed (expected `,` or `]` before this)".into()),
        ("{type: date}", "2013-02-30", "1:1: the parameter `x` is a date like `2013-12-31`, found the text `2013-02-30`".into()),
        (
            "{default: mean, choices: [mean, median]}",
            "medain",
            "1:1: the parameter `x` cannot be the text `medain`: did you mean `median`? (its choices are `mean` and `median`)".into(),
        ),
    ] {
        let found = found_with(&with_params(&format!("x: {declared}"), "\"${x}\""), &[("x", written)]);
        assert_eq!(found, [format!("--set x:{expected}")], "{declared} {written}");
    }
    assert_eq!(
        found_with(&with_params("late_after: 15", "\"${late_after}\""), &[("late_aftr", "3")]),
        [
            "--set late_aftr:1:1: unknown parameter `late_aftr`: did you mean `late_after`? (the parameters are `late_after`)"
        ]
    );
}

#[test]
fn the_last_value_that_is_set_wins() {
    assert_eq!(filled("x: 1", "\"${x}\"", &[("x", "2"), ("x", "3")]), node("3"));
}

#[test]
fn declarations_are_checked() {
    for (declared, expected) in [
        (
            "{default: 1, typ: integer}",
            "2:26: unknown option `typ`: did you mean `type`? (the options are `default`, `type`, `choices` and `description`)",
        ),
        (
            "{type: integr}",
            "2:20: unknown value `integr`: did you mean `integer`? (it is one of `text`, `integer`, `number`, `boolean`, `date`, `list`, `mapping` and `any`)",
        ),
        ("{default: a, type: integer}", "2:23: the parameter `x` is a whole number, found the text `a`"),
        (
            "{default: zzz, choices: [a, b]}",
            "2:23: the parameter `x` cannot be the text `zzz` (its choices are `a` and `b`)",
        ),
        ("{type: integer}", "2:10: the parameter `x` has no value (it has no default; give it with `--set x=...`)"),
    ] {
        assert_eq!(
            found(&with_params(&format!("x: {declared}"), "\"${x}\"")),
            [format!("p.yaml:{expected}")],
            "{declared}"
        );
    }
    assert_eq!(
        found(&with_params("a b: 1", "x")),
        [
            "p.yaml:2:10: `a b` cannot name a parameter (a name has letters, digits, `_` and `-`, and starts with a letter or `_`)"
        ]
    );
    assert_eq!(
        found("name: p\nparams: [a]\nstages: [{filter: x}]\n"),
        ["p.yaml:2:9: expected a mapping of parameters, found a list (write `params: {name: default}`)"]
    );
}

#[test]
fn a_declared_parameter_tells_what_it_is() {
    let text = with_params("x: {default: 3, type: number, choices: [3, 4], description: How many}", "\"${x}\"");
    let param = &sound(&text).params["x"];
    assert_eq!(
        (param.kind, param.choices.len(), param.description.as_deref()),
        (ParamType::Number, 2, Some("How many"))
    );
    assert_eq!((param.default.as_ref(), &param.value, param.secret), (Some(&node("3")), &node("3"), false));
    assert_eq!(param.place.to_string(), "p.yaml:2:10");
    let plain = parse_with(&with_params("x: {a: 1}", "\"${x}\""), &[("x", "{b: 1}")]).unwrap();
    assert_eq!((plain.params["x"].kind, plain.params["x"].default.as_ref()), (ParamType::Mapping, None));
}

#[test]
fn unused_parameters_are_a_warning() {
    let text = with_params("a: 1, b: '${a}', c: 3", "x");
    let warnings = parse_text(&text).unwrap().warnings;
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "p.yaml:2:16: the parameter `b` is not used (write `${b}` where its value belongs, or remove it)",
            "p.yaml:2:27: the parameter `c` is not used (write `${c}` where its value belongs, or remove it)",
        ]
    );
    assert!(warnings.iter().all(|warning| warning.severity == crate::diagnostic::Severity::Warning));
}

#[test]
fn the_environment_is_a_secret_everywhere() {
    let text = with_params(
        "token: '${env:TOKEN}', url: 'https://${token}@host', plain: a",
        "[\"${url}/x$${y}\", \"${token}\", \"${plain}\", '${env:EMPTY}']",
    );
    let pipeline = sound(&text);
    let Value::Sequence(items) = &pipeline.stages[0].options.value else { panic!() };
    let texts: Vec<&Text> = items.iter().filter_map(Node::as_text).collect();
    assert_eq!(
        texts.iter().map(|text| text.value()).collect::<Vec<_>>(),
        ["https://hunter2@host/x${y}", "hunter2", "a", ""]
    );
    assert_eq!(texts.iter().map(|text| text.is_secret()).collect::<Vec<_>>(), [true, true, false, true]);
    assert!(pipeline.params["token"].secret && pipeline.params["url"].secret && !pipeline.params["plain"].secret);
    assert_eq!(pipeline.secrets.mask("a hunter2 b"), "a *** b");
    assert!(!format!("{pipeline:?}").contains("hunter2"));
    let written = to_yaml(&canonical(&pipeline));
    assert_eq!(
        written,
        "name: p\nstages:\n  - filter: [\"https://${env:TOKEN}@host/x$${y}\", \"${env:TOKEN}\", a, \"${env:EMPTY}\"]\n"
    );
}

#[test]
fn what_is_set_for_a_secret_parameter_is_one() {
    let text = with_params("token: '${env:NOPE}'", "\"a ${token}\"");
    let pipeline = parse_with(&text, &[("token", "swordfish")]).unwrap();
    let condition = pipeline.stages[0].options.as_text().unwrap();
    assert_eq!((condition.value(), condition.is_secret()), ("a swordfish", true));
    assert_eq!(pipeline.secrets.mask("swordfish"), "***");
    assert!(!format!("{pipeline:?}").contains("swordfish"));
    assert!(pipeline.params["token"].secret);
    assert_eq!(to_yaml(&canonical(&pipeline)), "name: p\nstages:\n  - filter: \"a ***\"\n");
    let typed = with_params("port: {default: '${env:NOPE}', type: integer}", "\"${port}\"");
    assert_eq!(
        found_with(&typed, &[("port", "swordfish")]),
        ["--set port:1:1: the parameter `port` is a whole number, found a secret text"]
    );
}

#[test]
fn a_secret_is_a_text() {
    assert_eq!(
        found(&with_params("port: {default: '${env:TOKEN}', type: integer}", "\"${port}\"")),
        ["p.yaml:2:26: the parameter `port` is a whole number, found a secret text"]
    );
}
