//! Functions of text.

use super::{Accepts, Declaration, NULL_IF_NULL, Optional, Yields, example, fixed, optional, parameter, variadic};
use crate::expression::{Family, Function};

pub(super) static LOWER: Declaration = Declaration {
    function: Function::Lower,
    family: Family::String,
    names: &["lower", "lcase"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "All letters in lower case, by Unicode.",
    example: example("lower('ÀB')", "\"àb\""),
    deterministic: true,
};

pub(super) static UPPER: Declaration = Declaration {
    function: Function::Upper,
    family: Family::String,
    names: &["upper", "ucase"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "All letters in upper case, by Unicode.",
    example: example("upper('àb')", "\"ÀB\""),
    deterministic: true,
};

pub(super) static INIT_CAP: Declaration = Declaration {
    function: Function::InitCap,
    family: Family::String,
    names: &["initcap"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "The first letter of each word in upper case, the others in lower case; a word is a run of letters and digits.",
    example: example("initcap('new YORK')", "\"New York\""),
    deterministic: true,
};

pub(super) static TRIM: Declaration = Declaration {
    function: Function::Trim,
    family: Family::String,
    names: &["trim", "btrim"],
    signatures: &[fixed(
        &[parameter("text", Accepts::String), optional("characters", Accepts::String, Optional::Text(" "))],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "Drops these characters from both ends; spaces when none are named.",
    example: example("trim('xxaxx', 'x')", "\"a\""),
    deterministic: true,
};

pub(super) static TRIM_START: Declaration = Declaration {
    function: Function::TrimStart,
    family: Family::String,
    names: &["ltrim", "trim_start"],
    signatures: &[fixed(
        &[parameter("text", Accepts::String), optional("characters", Accepts::String, Optional::Text(" "))],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "Drops these characters from the start; spaces when none are named.",
    example: example("ltrim('  a ')", "\"a \""),
    deterministic: true,
};

pub(super) static TRIM_END: Declaration = Declaration {
    function: Function::TrimEnd,
    family: Family::String,
    names: &["rtrim", "trim_end"],
    signatures: &[fixed(
        &[parameter("text", Accepts::String), optional("characters", Accepts::String, Optional::Text(" "))],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "Drops these characters from the end; spaces when none are named.",
    example: example("rtrim(' a  ')", "\" a\""),
    deterministic: true,
};

pub(super) static LENGTH: Declaration = Declaration {
    function: Function::Length,
    family: Family::String,
    names: &["length", "len", "char_length", "character_length"],
    signatures: &[
        fixed(&[parameter("text", Accepts::String)], Yields::Int64),
        fixed(&[parameter("list", Accepts::List)], Yields::Int64),
    ],
    nulls: NULL_IF_NULL,
    summary: "Number of characters (Unicode scalar values) of a text, or of elements of a list, which is `list_length`.",
    example: example("length('naïve')", "5"),
    deterministic: true,
};

pub(super) static BYTE_LENGTH: Declaration = Declaration {
    function: Function::ByteLength,
    family: Family::String,
    names: &["strlen", "octet_length"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "Number of bytes in UTF-8.",
    example: example("strlen('naïve')", "6"),
    deterministic: true,
};

pub(super) static CONCAT: Declaration = Declaration {
    function: Function::Concat,
    family: Family::String,
    names: &["concat"],
    signatures: &[variadic(&[parameter("text", Accepts::String)], Yields::String)],
    nulls: "Null when an argument is null, as for `||`; `concat_ws` skips nulls.",
    summary: "Joins texts; also written `a || b`.",
    example: example("concat('a', 'b', 'c')", "\"abc\""),
    deterministic: true,
};

pub(super) static CONCAT_WS: Declaration = Declaration {
    function: Function::ConcatWs,
    family: Family::String,
    names: &["concat_ws"],
    signatures: &[variadic(
        &[parameter("separator", Accepts::String), parameter("text", Accepts::String)],
        Yields::String,
    )],
    nulls: "Null when the separator is null; other nulls are skipped.",
    summary: "Joins texts with a separator between them.",
    example: example("concat_ws('-', 'a', null, 'b')", "\"a-b\""),
    deterministic: true,
};

pub(super) static SUBSTRING: Declaration = Declaration {
    function: Function::Substring,
    family: Family::String,
    names: &["substring", "substr", "mid"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("start", Accepts::Integer),
            optional("length", Accepts::Integer, Optional::Absent),
        ],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "The characters from `start` (1 is the first, -1 the last), at most `length` of them. Positions before the text hold nothing but count towards the length.",
    example: example("substring('gristmill', 2, 3)", "\"ris\""),
    deterministic: true,
};

pub(super) static LEFT: Declaration = Declaration {
    function: Function::Left,
    family: Family::String,
    names: &["left"],
    signatures: &[fixed(&[parameter("text", Accepts::String), parameter("count", Accepts::Integer)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "The first characters; a negative count leaves out that many at the end.",
    example: example("left('gristmill', 5)", "\"grist\""),
    deterministic: true,
};

pub(super) static RIGHT: Declaration = Declaration {
    function: Function::Right,
    family: Family::String,
    names: &["right"],
    signatures: &[fixed(&[parameter("text", Accepts::String), parameter("count", Accepts::Integer)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "The last characters; a negative count leaves out that many at the start.",
    example: example("right('gristmill', 4)", "\"mill\""),
    deterministic: true,
};

pub(super) static POSITION: Declaration = Declaration {
    function: Function::Position,
    family: Family::String,
    names: &["strpos", "instr", "position"],
    signatures: &[fixed(&[parameter("text", Accepts::String), parameter("search", Accepts::String)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "Position of the first occurrence, from 1; 0 when there is none, 1 for empty text. Also written `position(search in text)`.",
    example: example("strpos('gristmill', 'i')", "3"),
    deterministic: true,
};

pub(super) static CONTAINS: Declaration = Declaration {
    function: Function::Contains,
    family: Family::String,
    names: &["contains"],
    signatures: &[fixed(&[parameter("text", Accepts::String), parameter("search", Accepts::String)], Yields::Boolean)],
    nulls: NULL_IF_NULL,
    summary: "Whether the text holds the other one; always true for empty text.",
    example: example("contains('gristmill', 'mill')", "true"),
    deterministic: true,
};

pub(super) static STARTS_WITH: Declaration = Declaration {
    function: Function::StartsWith,
    family: Family::String,
    names: &["starts_with", "prefix", "startswith"],
    signatures: &[fixed(&[parameter("text", Accepts::String), parameter("search", Accepts::String)], Yields::Boolean)],
    nulls: NULL_IF_NULL,
    summary: "Whether the text begins with the other one; always true for empty text.",
    example: example("starts_with('gristmill', 'grist')", "true"),
    deterministic: true,
};

pub(super) static ENDS_WITH: Declaration = Declaration {
    function: Function::EndsWith,
    family: Family::String,
    names: &["ends_with", "suffix", "endswith"],
    signatures: &[fixed(&[parameter("text", Accepts::String), parameter("search", Accepts::String)], Yields::Boolean)],
    nulls: NULL_IF_NULL,
    summary: "Whether the text ends with the other one; always true for empty text.",
    example: example("ends_with('gristmill', 'grist')", "false"),
    deterministic: true,
};

pub(super) static REPLACE: Declaration = Declaration {
    function: Function::Replace,
    family: Family::String,
    names: &["replace"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("search", Accepts::String),
            parameter("replacement", Accepts::String),
        ],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "Every occurrence replaced, from left to right; nothing happens when `search` is empty.",
    example: example("replace('a-b-c', '-', '+')", "\"a+b+c\""),
    deterministic: true,
};

pub(super) static TRANSLATE: Declaration = Declaration {
    function: Function::Translate,
    family: Family::String,
    names: &["translate"],
    signatures: &[fixed(
        &[parameter("text", Accepts::String), parameter("from", Accepts::String), parameter("to", Accepts::String)],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "Each character of `from` replaced by the one at its place in `to`, or dropped when there is none.",
    example: example("translate('12345', '143', 'ax')", "\"a2x5\""),
    deterministic: true,
};

pub(super) static REVERSE: Declaration = Declaration {
    function: Function::Reverse,
    family: Family::String,
    names: &["reverse"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "The characters in reverse order; what is shown as one character (a grapheme) stays together.",
    example: example("reverse('abc')", "\"cba\""),
    deterministic: true,
};

pub(super) static REPEAT: Declaration = Declaration {
    function: Function::Repeat,
    family: Family::String,
    names: &["repeat"],
    signatures: &[fixed(&[parameter("text", Accepts::String), parameter("count", Accepts::Integer)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "The text that many times; empty for a count below 1.",
    example: example("repeat('ab', 3)", "\"ababab\""),
    deterministic: true,
};

pub(super) static PAD_START: Declaration = Declaration {
    function: Function::PadStart,
    family: Family::String,
    names: &["lpad", "pad_start"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("length", Accepts::Integer),
            optional("fill", Accepts::String, Optional::Text(" ")),
        ],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "Fills up at the start to that many characters; a longer text is cut at its end.",
    example: example("lpad('7', 3, '0')", "\"007\""),
    deterministic: true,
};

pub(super) static PAD_END: Declaration = Declaration {
    function: Function::PadEnd,
    family: Family::String,
    names: &["rpad", "pad_end"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("length", Accepts::Integer),
            optional("fill", Accepts::String, Optional::Text(" ")),
        ],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "Fills up at the end to that many characters; a longer text is cut at its end.",
    example: example("rpad('a', 3, '.')", "\"a..\""),
    deterministic: true,
};

pub(super) static SPLIT_PART: Declaration = Declaration {
    function: Function::SplitPart,
    family: Family::String,
    names: &["split_part"],
    signatures: &[fixed(
        &[
            parameter("text", Accepts::String),
            parameter("separator", Accepts::String),
            parameter("index", Accepts::Integer),
        ],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "The part with that number, from 1 or from -1 at the end; empty text when there is none.",
    example: example("split_part('a-b-c', '-', 2)", "\"b\""),
    deterministic: true,
};

pub(super) static SPLIT: Declaration = Declaration {
    function: Function::Split,
    family: Family::String,
    names: &["string_split", "split", "str_split", "string_to_array"],
    signatures: &[fixed(
        &[parameter("text", Accepts::String), parameter("separator", Accepts::String)],
        Yields::StringList,
    )],
    nulls: NULL_IF_NULL,
    summary: "All parts; an empty separator gives the characters.",
    example: example("string_split('a-b', '-')", "[\"a\", \"b\"]"),
    deterministic: true,
};

pub(super) static NORMALIZE: Declaration = Declaration {
    function: Function::Normalize,
    family: Family::String,
    names: &["nfc_normalize", "normalize"],
    signatures: &[fixed(
        &[parameter("text", Accepts::String), optional("form", Accepts::NormalForm, Optional::Text("NFC"))],
        Yields::String,
    )],
    nulls: NULL_IF_NULL,
    summary: "The text in a Unicode normal form: NFC, NFD, NFKC or NFKD.",
    example: example("length(nfc_normalize('e' || chr(769)))", "1"),
    deterministic: true,
};

pub(super) static STRIP_ACCENTS: Declaration = Declaration {
    function: Function::StripAccents,
    family: Family::String,
    names: &["strip_accents", "unaccent"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "Letters without their accents: the text is decomposed (NFD) and its combining marks are dropped.",
    example: example("strip_accents('déjà')", "\"deja\""),
    deterministic: true,
};

pub(super) static ASCII: Declaration = Declaration {
    function: Function::Ascii,
    family: Family::String,
    names: &["ascii", "unicode", "ord"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "Code point of the first character; 0 for empty text.",
    example: example("ascii('A')", "65"),
    deterministic: true,
};

pub(super) static CHR: Declaration = Declaration {
    function: Function::Chr,
    family: Family::String,
    names: &["chr"],
    signatures: &[fixed(&[parameter("code", Accepts::Integer)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "The character with that code point; a number that is none is an error.",
    example: example("chr(960)", "\"π\""),
    deterministic: true,
};

pub(super) static LEVENSHTEIN: Declaration = Declaration {
    function: Function::Levenshtein,
    family: Family::String,
    names: &["levenshtein", "editdist3"],
    signatures: &[fixed(&[parameter("a", Accepts::String), parameter("b", Accepts::String)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "Fewest insertions, deletions and replacements of characters that lead from one text to the other.",
    example: example("levenshtein('duck', 'dock')", "1"),
    deterministic: true,
};

pub(super) static DAMERAU_LEVENSHTEIN: Declaration = Declaration {
    function: Function::DamerauLevenshtein,
    family: Family::String,
    names: &["damerau_levenshtein"],
    signatures: &[fixed(&[parameter("a", Accepts::String), parameter("b", Accepts::String)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "As `levenshtein`, and swapping two neighbours counts as one change.",
    example: example("damerau_levenshtein('ab', 'ba')", "1"),
    deterministic: true,
};

pub(super) static JARO_WINKLER: Declaration = Declaration {
    function: Function::JaroWinkler,
    family: Family::String,
    names: &["jaro_winkler_similarity", "jaro_winkler"],
    signatures: &[fixed(&[parameter("a", Accepts::String), parameter("b", Accepts::String)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Similarity from 0 to 1 that favours a common start (Winkler 1990; prefix weight 0.1, at most 4 characters).",
    example: example("round(jaro_winkler_similarity('duck', 'duckdb'), 4)", "0.9333"),
    deterministic: true,
};

pub(super) static JSON_VALID: Declaration = Declaration {
    function: Function::JsonValid,
    family: Family::String,
    names: &["json_valid"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::Boolean)],
    nulls: NULL_IF_NULL,
    summary: "Whether the text is JSON: one value of any kind, nested at most 128 deep.",
    example: example("json_valid('{\"a\": [1, null]}')", "true"),
    deterministic: true,
};
