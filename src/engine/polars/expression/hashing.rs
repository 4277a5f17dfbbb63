//! Hashes of text, the same in every engine and run.

use md5::Digest;
use polars::prelude as pl;

use super::elementwise::{elementwise, integer_rows, text_rows};
use super::{EngineError, Lowering, cast};
use crate::expression::{DataType, Expr, Function};

impl Lowering {
    /// `md5` and `sha256` of the UTF-8 bytes, in hexadecimal digits.
    pub(super) fn digest(&self, function: Function, argument: &Expr) -> Result<pl::Expr, EngineError> {
        let text = self.lower(argument)?;
        Ok(elementwise(function.name(), vec![text], pl::DataType::String, move |inputs| {
            text_rows(inputs.text(0)?.iter(), |text, out| {
                let Some(text) = text else { return Ok(false) };
                match function {
                    Function::Md5 => hexadecimal(&md5::Md5::digest(text.as_bytes()), out),
                    _ => hexadecimal(&sha2::Sha256::digest(text.as_bytes()), out),
                }
                Ok(true)
            })
        }))
    }

    /// `hash(value, ..)`: the first 15 hexadecimal digits of the MD5 of the texts, joined by U+001F, a null being U+0000.
    pub(super) fn hash(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let texts = arguments
            .iter()
            .map(|argument| {
                let value = self.lower(argument)?;
                if argument.data_type == DataType::Null {
                    return Ok(value.cast(pl::DataType::String));
                }
                cast::cast(value, &argument.data_type, &DataType::String, false)
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        Ok(elementwise("hash", texts, pl::DataType::Int64, |inputs| {
            let texts = (0..inputs.len()).map(|i| inputs.text(i)).collect::<Result<Vec<_>, _>>()?;
            let mut columns: Vec<_> = texts.iter().map(pl::StringChunked::iter).collect();
            let mut joined = String::new();
            integer_rows(0..inputs.height(), |_| {
                joined.clear();
                for (i, column) in columns.iter_mut().enumerate() {
                    if i > 0 {
                        joined.push('\u{1f}');
                    }
                    joined.push_str(column.next().flatten().unwrap_or("\0"));
                }
                Ok(Some(leading_digits(&md5::Md5::digest(joined.as_bytes()))))
            })
        }))
    }
}

fn hexadecimal(bytes: &[u8], out: &mut String) {
    use std::fmt::Write as _;
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
}

/// The first 15 hexadecimal digits as a number: the upper 60 of the first 64 bits.
fn leading_digits(digest: &[u8]) -> i64 {
    let bits = digest.iter().take(8).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    i64::try_from(bits >> 4).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_bits_are_kept() {
        // The MD5 of "a" is 0cc175b9c0f1b6a8 31c3..
        let digest = md5::Md5::digest(b"a");
        assert_eq!(leading_digits(&digest), 0x0cc_175b_9c0f_1b6a);
    }
}
