//! Text. Positions and lengths count Unicode scalar values.

mod run;
mod translation;

use polars::prelude::{self as pl, IntoSeries, ListBuilderTrait, PolarsResult, Series};

use self::translation::Translation;
use super::elementwise::{Inputs, boolean_rows, elementwise, failure, float_rows, integer_rows, text_rows};
use super::{EngineError, Lowering, constant_text, refuse};
use crate::expression::{Expr, ExprKind, Function, Literal};

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
        let constants = (literal_text(arguments.get(1)), literal_text(arguments.get(2)));
        if let (Some(text), (Some(from), Some(to))) = (arguments.first(), constants) {
            let translation = Translation::new(from, to);
            return Ok(elementwise("translate", vec![self.lower(text)?], pl::DataType::String, move |inputs| {
                text_rows(inputs.text(0)?.iter(), |text, out| {
                    Ok(text.map(|text| translation.write(text, out)).is_some())
                })
            }));
        }
        Ok(elementwise("translate", self.all(arguments)?, pl::DataType::String, |inputs| {
            let (text, from, to) = (inputs.text(0)?, inputs.text(1)?, inputs.text(2)?);
            text_rows(text.iter().zip(from.iter()).zip(to.iter()), |((text, from), to), out| {
                let (Some(text), Some(from), Some(to)) = (text, from, to) else { return Ok(false) };
                Translation::new(from, to).write(text, out);
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

    /// `json_valid(text)`.
    pub(super) fn json_valid(&self, argument: &Expr) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("json_valid", vec![self.lower(argument)?], pl::DataType::Boolean, |inputs| {
            let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            boolean_rows(inputs.text(0)?.iter(), |text| Ok(text.map(is_json)))
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
