//! Text. Positions and lengths count Unicode scalar values.

use polars::prelude::{self as pl, IntoSeries, ListBuilderTrait, PolarsResult, Series};

use super::elementwise::{Inputs, boolean_rows, elementwise, failure, float_rows, integer_rows, text_rows};
use super::{EngineError, Lowering, constant_text, refuse};
use crate::expression::{Expr, ExprKind, Function, Literal};

/// No value becomes longer than this by padding or repeating.
const LONGEST: usize = 1 << 28;

impl Lowering {
    /// Functions of Polars that mean the same, on texts.
    pub(super) fn plain_text(&self, function: Function, argument: &Expr) -> Result<pl::Expr, EngineError> {
        let text = self.lower(argument)?;
        Ok(match function {
            Function::Lower => text.str().to_lowercase(),
            Function::Upper => text.str().to_uppercase(),
            Function::Reverse => text.str().reverse(),
            Function::Length => text.str().len_chars().cast(pl::DataType::Int64),
            Function::ByteLength => text.str().len_bytes().cast(pl::DataType::Int64),
            // Decomposed, and without the characters of the category Mark.
            Function::StripAccents => {
                text.str().normalize(pl::UnicodeForm::NFD).str().replace_all(pl::lit(r"\p{M}+"), pl::lit(""), false)
            }
            other => return Err(refuse(format!("{} is no function of one text", other.name()))),
        })
    }

    /// `normalize(text, form)`.
    pub(super) fn normalize(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let form = match arguments.len() {
            0 | 1 => "NFC".to_owned(),
            _ => constant_text(arguments, 1, "the normal form")?.to_ascii_uppercase(),
        };
        let form = match form.as_str() {
            "NFC" => pl::UnicodeForm::NFC,
            "NFD" => pl::UnicodeForm::NFD,
            "NFKC" => pl::UnicodeForm::NFKC,
            "NFKD" => pl::UnicodeForm::NFKD,
            other => return Err(refuse(format!("`{other}` is no Unicode normal form"))),
        };
        let Some(text) = arguments.first() else { return Err(refuse("normalize needs a text")) };
        Ok(self.lower(text)?.str().normalize(form))
    }

    /// Joins texts; null when one is null.
    pub(super) fn concat(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        Ok(pl::concat_str(self.all(arguments)?, "", false))
    }

    /// Joins texts with a separator; nulls are skipped.
    pub(super) fn concat_ws(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        if let (Some(separator), true) = (literal_text(arguments.first()), arguments.len() > 1) {
            let texts = arguments.iter().skip(1).map(|text| self.lower(text)).collect::<Result<Vec<_>, _>>()?;
            return Ok(pl::concat_str(texts, separator, true));
        }
        Ok(elementwise("concat_ws", self.all(arguments)?, pl::DataType::String, |inputs| {
            let texts = (1..inputs.len()).map(|i| inputs.text(i)).collect::<PolarsResult<Vec<_>>>()?;
            let mut columns: Vec<_> = texts.iter().map(pl::StringChunked::iter).collect();
            text_rows(inputs.text(0)?.iter(), |separator, out| {
                let mut first = true;
                for column in &mut columns {
                    let text = column.next().flatten();
                    let (Some(separator), Some(text)) = (separator, text) else { continue };
                    if !first {
                        out.push_str(separator);
                    }
                    out.push_str(text);
                    first = false;
                }
                Ok(separator.is_some())
            })
        }))
    }

    /// `trim`, `ltrim`, `rtrim`.
    pub(super) fn trim(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let characters = match arguments.len() {
            0 | 1 => Some(" "),
            _ => literal_text(arguments.get(1)),
        };
        if let (Some(characters), Some(text)) = (characters.filter(|c| !c.is_empty()), arguments.first()) {
            let text = self.lower(text)?.str();
            return Ok(match function {
                Function::TrimStart => text.strip_chars_start(pl::lit(characters)),
                Function::TrimEnd => text.strip_chars_end(pl::lit(characters)),
                _ => text.strip_chars(pl::lit(characters)),
            });
        }
        self.two_texts_to_text(function, arguments, move |text, characters, out| {
            let drop = |c: char| characters.contains(c);
            out.push_str(match function {
                Function::TrimStart => text.trim_start_matches(drop),
                Function::TrimEnd => text.trim_end_matches(drop),
                _ => text.trim_matches(drop),
            });
        })
    }

    /// `contains`, `starts_with`, `ends_with`, by Polars when the other text is a constant.
    pub(super) fn text_test(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        if let (Some(text), Some(search)) = (arguments.first(), literal_text(arguments.get(1))) {
            let (text, search) = (self.lower(text)?.str(), pl::lit(search));
            return Ok(match function {
                Function::StartsWith => text.starts_with(search),
                Function::EndsWith => text.ends_with(search),
                _ => text.contains_literal(search),
            });
        }
        Ok(elementwise(function.name(), self.all(arguments)?, pl::DataType::Boolean, move |inputs| {
            let (text, search) = (inputs.text(0)?, inputs.text(1)?);
            boolean_rows(text.iter().zip(search.iter()), |(text, search)| {
                let (Some(text), Some(search)) = (text, search) else { return Ok(None) };
                Ok(Some(match function {
                    Function::StartsWith => text.starts_with(search),
                    Function::EndsWith => text.ends_with(search),
                    _ => text.contains(search),
                }))
            })
        }))
    }

    /// `replace(text, search, replacement)`.
    pub(super) fn replace(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let constants = (literal_text(arguments.get(1)), literal_text(arguments.get(2)));
        if let (Some(text), (Some(search), Some(replacement))) = (arguments.first(), constants) {
            let text = self.lower(text)?;
            if search.is_empty() {
                return Ok(text);
            }
            return Ok(text.str().replace_all(pl::lit(search), pl::lit(replacement), true));
        }
        Ok(elementwise("replace", self.all(arguments)?, pl::DataType::String, |inputs| {
            let (text, search, replacement) = (inputs.text(0)?, inputs.text(1)?, inputs.text(2)?);
            text_rows(text.iter().zip(search.iter()).zip(replacement.iter()), |((text, search), replacement), out| {
                let (Some(text), Some(search), Some(replacement)) = (text, search, replacement) else {
                    return Ok(false);
                };
                if search.is_empty() {
                    out.push_str(text);
                } else {
                    out.push_str(&text.replace(search, replacement));
                }
                Ok(true)
            })
        }))
    }

    /// `translate(text, from, to)`.
    pub(super) fn translate(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("translate", self.all(arguments)?, pl::DataType::String, |inputs| {
            let (text, from, to) = (inputs.text(0)?, inputs.text(1)?, inputs.text(2)?);
            text_rows(text.iter().zip(from.iter()).zip(to.iter()), |((text, from), to), out| {
                let (Some(text), Some(from), Some(to)) = (text, from, to) else { return Ok(false) };
                for c in text.chars() {
                    match from.chars().position(|wanted| wanted == c) {
                        None => out.push(c),
                        Some(place) => out.extend(to.chars().nth(place)),
                    }
                }
                Ok(true)
            })
        }))
    }

    /// `initcap(text)`.
    pub(super) fn init_cap(&self, argument: &Expr) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("initcap", vec![self.lower(argument)?], pl::DataType::String, |inputs| {
            text_rows(inputs.text(0)?.iter(), |text, out| {
                let Some(text) = text else { return Ok(false) };
                let mut inside = false;
                for c in text.chars() {
                    if inside {
                        out.extend(c.to_lowercase());
                    } else {
                        out.extend(c.to_uppercase());
                    }
                    inside = c.is_alphanumeric();
                }
                Ok(true)
            })
        }))
    }

    /// `substring(text, start, length)`, `left` and `right`: a run of characters.
    pub(super) fn run_of_text(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
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
    pub(super) fn position(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
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
    pub(super) fn repeat(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
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
    pub(super) fn pad(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
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
    pub(super) fn split_part(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
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
    pub(super) fn split(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
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

    /// `ascii(text)`: the code point of the first character.
    pub(super) fn ascii(&self, argument: &Expr) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("ascii", vec![self.lower(argument)?], pl::DataType::Int64, |inputs| {
            integer_rows(inputs.text(0)?.iter(), |text| {
                Ok(text.map(|text| text.chars().next().map_or(0, |c| i64::from(u32::from(c)))))
            })
        }))
    }

    /// `chr(code)`.
    pub(super) fn chr(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("chr", self.guarded_inputs(arguments)?, pl::DataType::String, |inputs| {
            text_rows(inputs.integer(0)?.iter(), |code, out| {
                let Some(code) = code else { return Ok(false) };
                let c = u32::try_from(code).ok().and_then(char::from_u32);
                out.push(c.ok_or_else(|| failure(format!("{code} is no code point of a character")))?);
                Ok(true)
            })
        }))
    }

    /// Distances and similarities of two texts.
    pub(super) fn text_distance(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let inputs = self.all(arguments)?;
        if function == Function::JaroWinkler {
            return Ok(elementwise(function.name(), inputs, pl::DataType::Float64, |inputs| {
                let (a, b) = (inputs.text(0)?, inputs.text(1)?);
                float_rows(a.iter().zip(b.iter()), |(a, b)| {
                    let (Some(a), Some(b)) = (a, b) else { return Ok(None) };
                    // Nothing is similar to an empty text.
                    Ok(Some(if a.is_empty() || b.is_empty() { 0.0 } else { strsim::jaro_winkler(a, b) }))
                })
            }));
        }
        let distance: fn(&str, &str) -> usize = match function {
            Function::DamerauLevenshtein => strsim::damerau_levenshtein,
            _ => strsim::levenshtein,
        };
        Ok(elementwise(function.name(), inputs, pl::DataType::Int64, move |inputs| {
            let (a, b) = (inputs.text(0)?, inputs.text(1)?);
            integer_rows(a.iter().zip(b.iter()), |(a, b)| {
                let (Some(a), Some(b)) = (a, b) else { return Ok(None) };
                Ok(i64::try_from(distance(a, b)).ok())
            })
        }))
    }

    fn two_texts_to_text(
        &self,
        function: Function,
        arguments: &[Expr],
        write: impl Fn(&str, &str, &mut String) + Send + Sync + 'static,
    ) -> Result<pl::Expr, EngineError> {
        Ok(elementwise(function.name(), self.all(arguments)?, pl::DataType::String, move |inputs: &Inputs| {
            let (first, second) = (inputs.text(0)?, inputs.text(1)?);
            text_rows(first.iter().zip(second.iter()), |(first, second), out| {
                let (Some(first), Some(second)) = (first, second) else { return Ok(false) };
                write(first, second, out);
                Ok(true)
            })
        }))
    }
}

/// A column of lists of text; `row` fills in the elements and says whether there is a list (else null).
pub(super) fn text_lists<T>(
    rows: impl Iterator<Item = T>,
    mut row: impl FnMut(T, &mut Vec<Option<String>>) -> bool,
) -> PolarsResult<Series> {
    let height = rows.size_hint().0;
    let mut builder = pl::ListStringChunkedBuilder::new(pl::PlSmallStr::EMPTY, height, height);
    let mut found = Vec::new();
    for item in rows {
        found.clear();
        if row(item, &mut found) {
            let texts: pl::StringChunked = found.iter().map(Option::as_deref).collect();
            builder.append_series(&texts.into_series())?;
        } else {
            builder.append_null();
        }
    }
    Ok(builder.finish().into_series())
}

fn literal_text(argument: Option<&Expr>) -> Option<&str> {
    match argument.map(|argument| &argument.kind) {
        Some(ExprKind::Literal(Literal::String(text))) => Some(text),
        _ => None,
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
            (i64::MIN, Some(i64::MAX), ""),
            (i64::MAX, Some(i64::MAX), ""),
        ];
        for (start, length, wanted) in cases {
            assert_eq!(substring("hello", start, length), wanted, "substring('hello', {start}, {length:?})");
        }
        assert_eq!(substring("hé🙂x", 2, Some(2)), "é🙂");
    }
}
