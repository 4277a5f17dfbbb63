//! Hashes.

use super::{Accepts, Declaration, NULL_IF_NULL, Yields, example, fixed, parameter, variadic};
use crate::expression::{Family, Function};

pub(super) static MD5: Declaration = Declaration {
    function: Function::Md5,
    family: Family::Hash,
    names: &["md5"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "MD5 of the UTF-8 bytes as 32 hexadecimal digits.",
    example: example("md5('a')", "\"0cc175b9c0f1b6a831c399e269772661\""),
    deterministic: true,
};

pub(super) static SHA256: Declaration = Declaration {
    function: Function::Sha256,
    family: Family::Hash,
    names: &["sha256"],
    signatures: &[fixed(&[parameter("text", Accepts::String)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "SHA-256 of the UTF-8 bytes as 64 hexadecimal digits.",
    example: example("sha256('a')", "\"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\""),
    deterministic: true,
};

pub(super) static HASH: Declaration = Declaration {
    function: Function::Hash,
    family: Family::Hash,
    names: &["hash"],
    signatures: &[variadic(&[parameter("value", Accepts::Key)], Yields::Int64)],
    nulls: "Never null: a null counts as a value of its own.",
    summary: "A whole number from 0 to 2^60 that is the same in every engine and run: the first 15 hexadecimal digits of the MD5 of the values' texts joined by U+001F, where a null is U+0000.",
    example: example("hash('a', 1)", "912334493555902302"),
    deterministic: true,
};
