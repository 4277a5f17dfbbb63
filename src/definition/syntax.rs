//! What the YAML parser's complaints mean, in plain words.

use std::sync::Arc;

use saphyr_parser::ScanError;

use crate::diagnostic::{Diagnostic, Place, Source};

/// The parser's words (a part of them), ours, and what to do. The first that fits is taken.
const EXPLANATIONS: &[(&str, &str, &str)] = &[
    ("found unprintable character", "a NUL character stands here", "the file is not a text file"),
    ("byte order mark", "a byte order mark stands here", "remove the invisible character U+FEFF"),
    ("tab", "a tab stands where spaces are expected", "indent with spaces"),
    (
        "mapping values are not allowed",
        "`:` is not allowed here",
        "check the indentation; put quotes around a text that contains `: `",
    ),
    ("quoted scalar, found unexpected end of stream", "a quote is not closed", "end the text with the same quote"),
    ("quoted scalar, found unexpected document indicator", "a quote is not closed", "end the text with the same quote"),
    (
        "invalid trailing content after double-quoted scalar",
        "something stands behind the closing quote",
        "write `\\\"` for a quote inside of double quotes",
    ),
    (
        "found unknown escape character",
        "unknown escape in a text in double quotes",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    ("hexadecimal number", "an escape is not complete", "write it like `\\x41` or `\\u00e9`"),
    ("invalid Unicode character escape", "an escape names no character", "write it like `\\u00e9`"),
    ("flow mapping, did not find", "a `{` is not closed", "expected `,` or `}` before this"),
    ("flow sequence, expected", "a `[` is not closed", "expected `,` or `]` before this"),
    ("misplaced bracket", "a closing bracket closes nothing", "remove it, or put quotes around the text"),
    ("unknown anchor", "the alias has no anchor above", "mark the value with `&name` before you use `*name`"),
    ("recursion limit", "lists and mappings are nested deeper than 32 levels", "write it flatter"),
    ("unexpected character: `%", "a text cannot start with `%`", "put it in quotes"),
    ("unexpected character: `@", "a text cannot start with `@`", "put it in quotes"),
    ("unexpected character: ``", "a text cannot start with a backtick", "put it in quotes"),
    (
        "block mapping, did not find expected key",
        "this does not fit the lines above",
        "the keys of a mapping start in one column, like the items of a list; put a text with special characters in quotes",
    ),
    (
        "did not find expected '-' indicator",
        "this does not fit the lines above",
        "the items of a list start with `- ` in one column",
    ),
    ("block sequence entries are not allowed", "a list cannot start here", "start it on a new line"),
    ("did not find expected node content", "a value is missing here", "an opened `[` or `{` must be closed"),
    ("simple key", "expected a key followed by `:`", "a mapping is written `key: value`"),
    ("indent", "the indentation does not fit the lines above", "the entries of a list or mapping start in one column"),
    ("comment intercepting", "a comment stands inside of a text", "put the comment on a line before the text"),
    ("directive", "a `%` directive is not allowed", "remove the line"),
    ("block scalar", "the text block after `|` or `>` is not well formed", "indent its lines with spaces, all alike"),
    (
        "anchor",
        "an anchor or alias needs a name",
        "write `&name` or `*name`; put a text that starts with `&` or `*` in quotes",
    ),
    ("tag", "tags are not allowed", "put a text that starts with `!` in quotes"),
];

/// A finding for an error of the parser at the byte `at`.
pub(super) fn explain(error: &ScanError, source: &Arc<Source>, at: usize) -> Diagnostic {
    // A tab is noticed behind it.
    let before = source.text().get(..at).unwrap_or_default();
    let at = if error.info().contains("tab") { before.trim_end_matches('\t').len() } else { at };
    let length = source.text().get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let place = Place::new(source, at..at + length);
    match EXPLANATIONS.iter().find(|(theirs, ..)| error.info().contains(theirs)) {
        Some((_, message, help)) => Diagnostic::definition(*message).at(&place).help(*help),
        None => Diagnostic::definition(format!("this is not valid YAML: {}", error.info())).at(&place),
    }
}
