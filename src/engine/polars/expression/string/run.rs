//! Runs of characters: parts of a text by position, by separator, and texts made longer.

use polars::prelude as pl;

use super::super::elementwise::{elementwise, failure, integer_rows, text_rows};
use super::super::{EngineError, Lowering};
use super::text_lists;
use crate::expression::{Expr, Function};

/// No value becomes longer than this by padding or repeating.
const LONGEST: usize = 1 << 28;

impl Lowering {
    /// `substring(text, start, length)`, `left` and `right`: a run of characters.
    pub(in super::super) fn run_of_text(
        &self,
        function: Function,
        arguments: &[Expr],
    ) -> Result<pl::Expr, EngineError> {
        Ok(elementwise(function.name(), self.all(arguments)?, pl::DataType::String, move |inputs| {
            let (text, number) = (inputs.text(0)?, inputs.integer(1)?);
            let length = if inputs.len() > 2 { Some(inputs.integer(2)?) } else { None };
            let mut lengths = length.as_ref().map(|length| length.iter());
            text_rows(text.iter().zip(number.iter()), |(text, number), out| {
                let length = lengths.as_mut().map(|lengths| lengths.next().flatten());
                let (Some(text), Some(number)) = (text, number) else { return Ok(false) };
                if length == Some(None) {
                    return Ok(false);
                }
                let count = count(text);
                let (begin, end) = match function {
                    Function::Left => left_run(count, number),
                    Function::Right => right_run(count, number),
                    _ => substring_run(count, number, length.flatten()),
                };
                out.push_str(between(text, begin.clamp(0, count), end.clamp(0, count)));
                Ok(true)
            })
        }))
    }

    /// `strpos(text, search)`.
    pub(in super::super) fn position(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("strpos", self.all(arguments)?, pl::DataType::Int64, |inputs| {
            let (text, search) = (inputs.text(0)?, inputs.text(1)?);
            integer_rows(text.iter().zip(search.iter()), |(text, search)| {
                let (Some(text), Some(search)) = (text, search) else { return Ok(None) };
                Ok(Some(match text.find(search) {
                    None => 0,
                    Some(at) => count(text.get(..at).unwrap_or_default()) + 1,
                }))
            })
        }))
    }

    /// `repeat(text, count)`.
    pub(in super::super) fn repeat(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("repeat", self.guarded_inputs(arguments)?, pl::DataType::String, |inputs| {
            let (text, times) = (inputs.text(0)?, inputs.integer(1)?);
            text_rows(text.iter().zip(times.iter()), |(text, times), out| {
                let (Some(text), Some(times)) = (text, times) else { return Ok(false) };
                let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
                if text.len().saturating_mul(times) > LONGEST {
                    return Err(failure(format!("repeat would make a text of more than {LONGEST} bytes")));
                }
                out.extend(std::iter::repeat_n(text, if text.is_empty() { 0 } else { times }));
                Ok(true)
            })
        }))
    }

    /// `lpad` and `rpad`: filled up or cut to a number of characters.
    pub(in super::super) fn pad(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let mut inputs = self.guarded_inputs(arguments)?;
        if inputs.len() < 3 {
            inputs.push(pl::lit(" "));
        }
        Ok(elementwise(function.name(), inputs, pl::DataType::String, move |inputs| {
            let (text, length, fill) = (inputs.text(0)?, inputs.integer(1)?, inputs.text(2)?);
            text_rows(text.iter().zip(length.iter()).zip(fill.iter()), |((text, length), fill), out| {
                let (Some(text), Some(length), Some(fill)) = (text, length, fill) else { return Ok(false) };
                let (wanted, have) = (length.max(0), count(text));
                if have >= wanted {
                    out.push_str(between(text, 0, wanted));
                    return Ok(true);
                }
                let missing = usize::try_from(wanted - have).unwrap_or(usize::MAX);
                if missing > LONGEST {
                    return Err(failure(format!("padding would make a text of more than {LONGEST} characters")));
                }
                if fill.is_empty() {
                    return Err(failure(format!("'{text}' cannot be padded with an empty text")));
                }
                let padding = fill.chars().cycle().take(missing);
                if function == Function::PadStart {
                    out.extend(padding);
                    out.push_str(text);
                } else {
                    out.push_str(text);
                    out.extend(padding);
                }
                Ok(true)
            })
        }))
    }

    /// `split_part(text, separator, index)`.
    pub(in super::super) fn split_part(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("split_part", self.all(arguments)?, pl::DataType::String, |inputs| {
            let (text, separator, index) = (inputs.text(0)?, inputs.text(1)?, inputs.integer(2)?);
            text_rows(text.iter().zip(separator.iter()).zip(index.iter()), |((text, separator), index), out| {
                let (Some(text), Some(separator), Some(index)) = (text, separator, index) else { return Ok(false) };
                let parts = parts(text, separator);
                let place = match index {
                    1.. => usize::try_from(index - 1).ok(),
                    0 => None,
                    _ => usize::try_from(index.unsigned_abs()).ok().and_then(|back| parts.len().checked_sub(back)),
                };
                out.push_str(place.and_then(|place| parts.get(place)).copied().unwrap_or_default());
                Ok(true)
            })
        }))
    }

    /// `string_split(text, separator)`.
    pub(in super::super) fn split(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let output = pl::DataType::List(Box::new(pl::DataType::String));
        Ok(elementwise("string_split", self.all(arguments)?, output, |inputs| {
            let (text, separator) = (inputs.text(0)?, inputs.text(1)?);
            text_lists(text.iter().zip(separator.iter()), |(text, separator), found| {
                let (Some(text), Some(separator)) = (text, separator) else { return false };
                found.extend(parts(text, separator).into_iter().map(|part| Some(part.to_owned())));
                true
            })
        }))
    }
}

fn count(text: &str) -> i64 {
    i64::try_from(if text.is_ascii() { text.len() } else { text.chars().count() }).unwrap_or(i64::MAX)
}

/// The characters from number `begin` up to number `end`, counted from 0.
fn between(text: &str, begin: i64, end: i64) -> &str {
    if end <= begin {
        return "";
    }
    let place = |number: i64| {
        let number = usize::try_from(number).unwrap_or_default();
        if text.is_ascii() {
            return number.min(text.len());
        }
        text.char_indices().nth(number).map_or(text.len(), |(at, _)| at)
    };
    text.get(place(begin)..place(end)).unwrap_or_default()
}

fn left_run(count: i64, number: i64) -> (i64, i64) {
    (0, if number >= 0 { number } else { count.saturating_add(number) })
}

fn right_run(count: i64, number: i64) -> (i64, i64) {
    (if number >= 0 { count.saturating_sub(number) } else { number.saturating_neg() }, count)
}

/// A start of 1 is the first character and -1 the last; what lies before the text counts towards the length. A negative
/// length takes the characters before the start.
fn substring_run(count: i64, start: i64, length: Option<i64>) -> (i64, i64) {
    let begin = if start < 0 { count.saturating_add(start) } else { start - 1 };
    match length {
        None => (begin, count),
        Some(length) => {
            let end = begin.saturating_add(length);
            (begin.min(end), begin.max(end))
        }
    }
}

/// All parts between separators; an empty separator gives the characters.
fn parts<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    if separator.is_empty() {
        return text.char_indices().map(|(at, c)| text.get(at..at + c.len_utf8()).unwrap_or_default()).collect();
    }
    text.split(separator).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substring(text: &str, start: i64, length: Option<i64>) -> &str {
        let (begin, end) = substring_run(count(text), start, length);
        between(text, begin.clamp(0, count(text)), end.clamp(0, count(text)))
    }

    /// Values of DuckDB 2.0.1.
    #[test]
    fn substrings_agree_with_duckdb() {
        let cases = [
            (2, Some(3), "ell"),
            (0, Some(3), "he"),
            (-3, Some(2), "ll"),
            (-10, Some(7), "he"),
            (2, None, "ello"),
            (3, Some(-2), "he"),
            (9, None, ""),
            (0, None, "hello"),
            (-2, None, "lo"),
            (1, Some(0), ""),
            (i64::MIN, Some(i64::MAX), "hell"),
            (i64::MAX, Some(i64::MAX), ""),
        ];
        for (start, length, wanted) in cases {
            assert_eq!(substring("hello", start, length), wanted, "substring('hello', {start}, {length:?})");
        }
        assert_eq!(substring("hé🙂x", 2, Some(2)), "é🙂");
    }
}
