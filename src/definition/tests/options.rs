//! Reading options: messages, places, shapes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AdamW {
    /// Step size.
    pub(super) learning_rate: f64,
    pub(super) decay: Option<f32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Momentum {
    pub(super) momentum: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Optimizer {
    /// Decoupled weight decay.
    Adamw(AdamW),
    Momentum(Momentum),
    /// Plain steps.
    Sgd,
    Dropout(f64),
    Inline {
        #[serde(default)]
        rate: f64,
    },
    Pair(u8, u8),
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    pub(super) path: Spanned<String>,
    #[serde(default)]
    pub(super) on: OneOrMany<Spanned<String>>,
    #[serde(default)]
    pub(super) rows: Option<u32>,
    #[serde(default)]
    pub(super) header: bool,
    #[serde(default)]
    pub(super) ratio: f64,
    #[serde(default)]
    pub(super) level: i8,
    #[serde(default)]
    pub(super) take: Ordered<String>,
    #[serde(default)]
    pub(super) optimizer: Option<Spanned<Optimizer>>,
    #[serde(default)]
    pub(super) names: Vec<String>,
    #[serde(default)]
    pub(super) any: Option<Node>,
    #[serde(default)]
    pub(super) delimiter: Option<char>,
    #[serde(default)]
    pub(super) size: Option<(u32, u32)>,
    #[serde(default)]
    pub(super) adam: Option<AdamW>,
}

fn decoded(text: &str) -> Options {
    decode(&node(text)).unwrap_or_else(|findings| panic!("{text}: {findings:#?}"))
}

fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str) -> Vec<String> {
    decode::<T>(&node(text)).expect_err(text).iter().map(ToString::to_string).collect()
}

#[test]
fn options_are_read_with_their_places() {
    let options = decoded(
        "path: x.csv\non: [a, b]\nrows: 5\nheader: true\nratio: 1\nlevel: -3\ntake: {z: one, a: two}\noptimizer: adamw\nnames: \
         [q]\nany: {k: [1]}\ndelimiter: ;\nsize: [3, 4]\nadam:\n",
    );
    assert_eq!(options.path.place.to_string(), "p.yaml:1:7");
    assert_eq!(options.on[1].place.to_string(), "p.yaml:2:9");
    assert_eq!((options.rows, options.header, options.ratio, options.level), (Some(5), true, 1.0, -3));
    let keys: Vec<String> = options.take.iter().map(|(key, value)| format!("{key}={value}@{:?}", key.place)).collect();
    assert_eq!(keys, ["z=one@p.yaml:7:8", "a=two@p.yaml:7:16"]);
    assert_eq!(options.take.get("a").map(String::as_str), Some("two"));
    let optimizer = options.optimizer.unwrap();
    assert_eq!(
        (&optimizer.value, optimizer.place.to_string()),
        (&Optimizer::Adamw(AdamW::default()), "p.yaml:8:12".into())
    );
    assert_eq!(options.any.unwrap(), node("{k: [1]}"));
    assert_eq!((options.delimiter, options.size), (Some(';'), Some((3, 4))));
    assert_eq!(options.adam, None);
}

#[test]
fn one_value_is_a_list_of_one() {
    let on = decoded("{path: x, on: a}").on;
    assert_eq!((on.len(), on[0].value.as_str(), on[0].place.to_string()), (1, "a", "p.yaml:1:15".into()));
    assert_eq!(decoded("{path: x, on: []}").on.len(), 0);
}

#[test]
fn nothing_is_a_struct_of_defaults() {
    assert_eq!(decode::<AdamW>(&node("")).unwrap(), AdamW::default());
    assert_eq!(decode::<AdamW>(&node("{}")).unwrap(), AdamW::default());
    assert_eq!(refused::<Momentum>("a:\n").len(), 2);
    assert_eq!(refused::<Momentum>(""), ["p.yaml:1:1: `momentum` is missing"]);
}

#[test]
fn an_enum_is_a_name_or_a_mapping_with_one_key() {
    for (text, expected) in [
        ("adamw", Optimizer::Adamw(AdamW::default())),
        ("{adamw: {learning_rate: 0.5}}", Optimizer::Adamw(AdamW { learning_rate: 0.5, decay: None })),
        ("adamw:", Optimizer::Adamw(AdamW::default())),
        ("sgd", Optimizer::Sgd),
        ("{sgd: {}}", Optimizer::Sgd),
        ("sgd:", Optimizer::Sgd),
        ("dropout: 0.2", Optimizer::Dropout(0.2)),
        ("inline", Optimizer::Inline { rate: 0.0 }),
        ("inline: {rate: 1}", Optimizer::Inline { rate: 1.0 }),
        ("pair: [1, 2]", Optimizer::Pair(1, 2)),
        ("momentum: {momentum: 0.9}", Optimizer::Momentum(Momentum { momentum: 0.9 })),
    ] {
        assert_eq!(decode::<Optimizer>(&node(text)).unwrap(), expected, "{text}");
    }
}

#[test]
fn a_wrong_enum_says_what_it_could_be() {
    let names = "`adamw`, `momentum`, `sgd`, `dropout`, `inline` and `pair`";
    for (text, expected) in [
        ("adam", format!("p.yaml:1:1: unknown value `adam`: did you mean `adamw`? (it is one of {names})")),
        ("adamx: {}", format!("p.yaml:1:1: unknown key `adamx`: did you mean `adamw`? (it is one of {names})")),
        ("5", format!("p.yaml:1:1: expected a name, found the whole number `5` (it is one of {names})")),
        ("{}", format!("p.yaml:1:1: expected a name, found a mapping: the mapping is empty (it is one of {names})")),
        ("{sgd: , adamw: }", format!("p.yaml:1:9: expected one key, found `sgd` and `adamw` (it is one of {names})")),
        ("sgd: {rate: 1}", "p.yaml:1:6: `sgd` takes no options: write `sgd` alone".into()),
        ("dropout", "p.yaml:1:1: `dropout` needs a value: write `dropout: ...`".into()),
        ("pair", "p.yaml:1:1: `pair` needs a value: write `pair: ...`".into()),
        ("dropout: x", "p.yaml:1:10: expected a number, found the text `x`".into()),
        ("momentum", "p.yaml:1:1: `momentum` is missing: write `momentum: {...}` with its options".into()),
        (
            "adamw: {learning_rat: 1}",
            "p.yaml:1:9: unknown option `learning_rat`: did you mean `learning_rate`? (the options are `learning_rate` and `decay`)"
                .into(),
        ),
        ("adamw: 3", "p.yaml:1:8: expected a mapping, found the whole number `3`".into()),
    ] {
        assert_eq!(refused::<Optimizer>(text), [expected], "{text}");
    }
}

#[test]
fn wrong_types_say_what_was_expected() {
    for (option, expected) in [
        ("rows: abc", "7: expected a whole number, found the text `abc`"),
        ("rows: \"12\"", "7: expected a whole number, found the text `12`: write it without quotes"),
        ("rows: 1.0", "7: expected a whole number, found the number `1.0`"),
        ("rows: -1", "7: expected a whole number from 0 to 4294967295, found the whole number `-1`"),
        ("rows: 4294967296", "7: expected a whole number from 0 to 4294967295, found the whole number `4294967296`"),
        ("level: 128", "8: expected a whole number from -128 to 127, found the whole number `128`"),
        ("header: yes", "9: expected `true` or `false`, found the text `yes`: write `true`"),
        ("header: Off", "9: expected `true` or `false`, found the text `Off`: write `false`"),
        ("header: 'true'", "9: expected `true` or `false`, found the text `true`: write it without quotes"),
        ("header: 1", "9: expected `true` or `false`, found the whole number `1`"),
        ("ratio: half", "8: expected a number, found the text `half`"),
        ("ratio: '.5'", "8: expected a number, found the text `.5`: write it without quotes"),
        ("ratio:", "6: expected a number, found nothing"),
        ("names: a", "8: expected a list, found the text `a`: a list is written `[a, b]`"),
        ("names: 3", "8: expected a list, found the whole number `3`: a list is written `[a, b]`"),
        ("names: [1]", "9: expected a text, found the whole number `1`: put it in quotes"),
        ("names: [true]", "9: expected a text, found `true`: put it in quotes"),
        ("names: [[a]]", "9: expected a text, found a list"),
        ("take: [a]", "7: expected a mapping, found a list"),
        ("take: {a: 1}", "11: expected a text, found the whole number `1`: put it in quotes"),
        ("on: {a: 1}", "5: expected a text, found a mapping"),
        ("on: [1.5]", "6: expected a text, found the number `1.5`: put it in quotes"),
        ("delimiter: ab", "12: expected a single character, found the text `ab`"),
        ("size: [1]", "7: expected a list of 2 values, found a list: it has 1 value"),
        ("size: [1, 2, 3]", "7: expected a list of 2 values, found a list: it has 3 values"),
        ("size: [1, x]", "11: expected a whole number, found the text `x`"),
        ("adam: x", "7: expected a mapping, found the text `x`"),
    ] {
        let text = format!("path: x\n{option}");
        assert_eq!(refused::<Options>(&text), [format!("p.yaml:2:{expected}")], "{text}");
    }
    assert_eq!(
        refused::<u64>("-1"),
        ["p.yaml:1:1: expected a whole number of at least 0, found the whole number `-1`"]
    );
    assert_eq!(refused::<()>("a"), ["p.yaml:1:1: expected nothing, found the text `a`"]);
}

#[test]
fn everything_wrong_is_found_in_the_order_of_the_file() {
    assert_eq!(
        refused::<Options>(
            "rows: x\nheadr: true\nnames: [1, ok, 2]\nadam: {decay: y, lerning_rate: 3}\npath: 5\nzzz: 1\n"
        ),
        [
            "p.yaml:1:7: expected a whole number, found the text `x`",
            "p.yaml:2:1: unknown option `headr`: did you mean `header`? (the options are `path`, `on`, `rows`, `header`, `ratio`, \
             `level`, `take`, `optimizer`, `names`, `any`, `delimiter`, `size` and `adam`)",
            "p.yaml:3:9: expected a text, found the whole number `1`: put it in quotes",
            "p.yaml:3:16: expected a text, found the whole number `2`: put it in quotes",
            "p.yaml:4:15: expected a number, found the text `y`",
            "p.yaml:4:18: unknown option `lerning_rate`: did you mean `learning_rate`? (the options are `learning_rate` and `decay`)",
            "p.yaml:5:7: expected a text, found the whole number `5`: put it in quotes",
            "p.yaml:6:1: unknown option `zzz` (the options are `path`, `on`, `rows`, `header`, `ratio`, `level`, `take`, \
             `optimizer`, `names`, `any`, `delimiter`, `size` and `adam`)",
        ]
    );
}

#[test]
fn a_missing_key_is_told_unless_its_misspelling_was() {
    assert_eq!(refused::<Options>("rows: 1"), ["p.yaml:1:1: `path` is missing"]);
    assert_eq!(
        refused::<Momentum>("{x: 1}"),
        ["p.yaml:1:1: `momentum` is missing", "p.yaml:1:2: unknown option `x` (there is only `momentum`)",]
    );
    assert_eq!(
        refused::<Momentum>("{momentm: 1}"),
        ["p.yaml:1:2: unknown option `momentm`: did you mean `momentum`? (there is only `momentum`)"]
    );
    assert_eq!(
        refused::<Vec<Momentum>>("[{}, {momentum: 1}, {momentum: x}]"),
        ["p.yaml:1:2: `momentum` is missing", "p.yaml:1:32: expected a number, found the text `x`",]
    );
}

#[test]
fn a_complaint_of_the_type_itself_gets_the_place() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Even;
    impl TryFrom<String> for Even {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            if text.len().is_multiple_of(2) { Ok(Self) } else { Err(format!("`{text}` has an odd length")) }
        }
    }
    assert_eq!(refused::<Vec<Even>>("[ab, abc]"), ["p.yaml:1:6: `abc` has an odd length"]);
    assert_eq!(refused::<std::num::NonZeroU32>("0").len(), 1);
}

#[test]
fn maps_of_rust_work_too() {
    #[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    #[serde(rename_all = "snake_case")]
    enum Part {
        Train,
        Test,
    }
    let parts: BTreeMap<Part, f64> = decode(&node("{train: 0.7, test: 0.3}")).unwrap();
    assert_eq!(parts, BTreeMap::from([(Part::Train, 0.7), (Part::Test, 0.3)]));
    assert_eq!(
        refused::<BTreeMap<Part, f64>>("{trian: 0.7}"),
        ["p.yaml:1:2: unknown value `trian`: did you mean `train`? (it is one of `train` and `test`)"]
    );
    let json: serde_json::Value = decode(&node("{a: [1, 0.5, null, x]}")).unwrap();
    assert_eq!(json, serde_json::json!({"a": [1, 0.5, null, "x"]}));
}

#[test]
fn options_survive_json_without_their_places() {
    let options = decoded("{path: x, on: [a], take: {b: c}, optimizer: {dropout: 0.5}, size: [1, 2]}");
    let json = serde_json::to_string(&options).unwrap();
    let back: Options = serde_json::from_str(&json.replace("\"any\":null,", "")).unwrap();
    assert_eq!(back, options);
    assert_eq!(back.path.place.text(), "");
}

#[test]
fn a_secret_is_neither_told_nor_stored() {
    let pipeline =
        sound(&stages("  - read: {path: 'x/${env:TOKEN}', rows: '${env:TOKEN}', optimizer: '${env:TOKEN}'}"));
    let findings = pipeline.stages[0].decode::<Options>().unwrap_err();
    let names = "`adamw`, `momentum`, `sgd`, `dropout`, `inline` and `pair`";
    assert_eq!(
        findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "p.yaml:3:42: expected a whole number, found a secret text".to_owned(),
            format!("p.yaml:3:69: unknown value in a secret text (it is one of {names})"),
        ]
    );
    let path: Spanned<String> = decode(pipeline.stages[0].options.get("path").unwrap()).unwrap();
    assert!(path.is_secret());
    assert_eq!(path.value, "x/hunter2");
    assert_eq!(format!("{path:?} {path}"), "\"x/${env:TOKEN}\" x/${env:TOKEN}");
    assert_eq!(serde_json::to_string(&path).unwrap(), "\"x/${env:TOKEN}\"");
    assert!(!format!("{pipeline:?}").contains("hunter2"));
}
