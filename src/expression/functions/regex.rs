//! Regular expressions, in the syntax of Rust's `regex` crate.

use super::{Accepts, Declaration, NULL_IF_NULL, Optional, Yields, example, fixed, optional, parameter};
use crate::expression::{Family, Function};

pub(super) static REGEXP_MATCHES: Declaration = Declaration {
    function: Function::RegexpMatches,
    family: Family::Regex,
    names: &["regexp_matches", "regexp_like"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("pattern", Accepts::Pattern),
            optional("options", Accepts::PatternOptions, Optional::Absent),
        ],
        Yields::Boolean,
    )],
    nulls: NULL_IF_NULL,
    summary: "Whether the pattern matches somewhere; also written `text ~ pattern`, and `~*` ignores case.",
    example: example("regexp_matches('gristmill', 'm.ll$')", "true"),
    deterministic: true,
};

pub(super) static REGEXP_FULL_MATCH: Declaration = Declaration {
    function: Function::RegexpFullMatch,
    family: Family::Regex,
    names: &["regexp_full_match"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("pattern", Accepts::Pattern),
            optional("options", Accepts::PatternOptions, Optional::Absent),
        ],
        Yields::Boolean,
    )],
    nulls: NULL_IF_NULL,
    summary: "Whether the pattern matches the whole text; also written `text similar to pattern`.",
    example: example("regexp_full_match('gristmill', 'gr.*')", "true"),
    deterministic: true,
};

pub(super) static REGEXP_EXTRACT: Declaration = Declaration {
    function: Function::RegexpExtract,
    family: Family::Regex,
    names: &["regexp_extract", "regexp_substr"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("pattern", Accepts::Pattern),
            optional("group", Accepts::Count, Optional::Integer(0)),
            optional("options", Accepts::PatternOptions, Optional::Absent),
        ],
        Yields::String,
    )],
    nulls: "Null when an argument is null, and when nothing matches.",
    summary: "The first match, or what a group of it holds (empty when the group took no part).",
    example: example("regexp_extract('B-747', '([A-Z])-([0-9]+)', 2)", "\"747\""),
    deterministic: true,
};

pub(super) static REGEXP_EXTRACT_ALL: Declaration = Declaration {
    function: Function::RegexpExtractAll,
    family: Family::Regex,
    names: &["regexp_extract_all"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("pattern", Accepts::Pattern),
            optional("group", Accepts::Count, Optional::Integer(0)),
            optional("options", Accepts::PatternOptions, Optional::Absent),
        ],
        Yields::StringList,
    )],
    nulls: NULL_IF_NULL,
    summary: "All matches that do not overlap, or what a group of each holds.",
    example: example("regexp_extract_all('a1b22', '[0-9]+')", "[\"1\", \"22\"]"),
    deterministic: true,
};

pub(super) static REGEXP_REPLACE: Declaration = Declaration {
    function: Function::RegexpReplace,
    family: Family::Regex,
    names: &["regexp_replace", "regexp_replace_all"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("pattern", Accepts::Pattern),
            parameter("replacement", Accepts::ConstantString),
            optional("options", Accepts::PatternOptions, Optional::Absent),
        ],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "Every match replaced. `\\1` to `\\9` in the replacement stand for groups, `\\0` for the whole match, `\\\\` for a backslash.",
    example: example("regexp_replace('2013-01-02', '-', '/')", "\"2013/01/02\""),
    deterministic: true,
};

pub(super) static REGEXP_COUNT: Declaration = Declaration {
    function: Function::RegexpCount,
    family: Family::Regex,
    names: &["regexp_count"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("pattern", Accepts::Pattern),
            optional("options", Accepts::PatternOptions, Optional::Absent),
        ],
        Yields::Int64,
    )],
    nulls: NULL_IF_NULL,
    summary: "Number of matches that do not overlap.",
    example: example("regexp_count('banana', 'an')", "2"),
    deterministic: true,
};
