//! Patterns: `like` and regular expressions.

use polars::prelude as pl;
use regex::Regex;

use super::elementwise::{boolean_rows, elementwise, integer_rows, text_rows};
use super::string::text_lists;
use super::{EngineError, Lowering, constant_integer, constant_text, refuse};
use crate::expression::{Expr, Function};

/// One piece of a `like` pattern.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Text(String),
}

/// `text like pattern`; the frequent shapes need no regular expression.
pub(super) fn like(text: pl::Expr, pattern: &str, ignore_case: bool, escape: Option<char>) -> pl::Expr {
    let pieces = pieces(pattern, escape);
    if !ignore_case {
        match pieces.as_slice() {
            [] => return text.eq(pl::lit("")),
            [Piece::Text(whole)] => return text.eq(pl::lit(whole.as_str())),
            [Piece::Text(start), Piece::Any] => return text.str().starts_with(pl::lit(start.as_str())),
            [Piece::Any, Piece::Text(end)] => return text.str().ends_with(pl::lit(end.as_str())),
            [Piece::Any, Piece::Text(inner), Piece::Any] => {
                return text.str().contains_literal(pl::lit(inner.as_str()));
            }
            _ => {}
        }
    }
    text.str().contains(pl::lit(regular(&pieces, ignore_case)), true)
}

fn pieces(pattern: &str, escape: Option<char>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars();
    let literal = |pieces: &mut Vec<Piece>, c: char| match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push(c),
        _ => pieces.push(Piece::Text(c.to_string())),
    };
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            // An escape at the very end stands for itself.
            literal(&mut pieces, chars.next().unwrap_or(c));
            continue;
        }
        match c {
            '%' if pieces.last() == Some(&Piece::Any) => {}
            '%' => pieces.push(Piece::Any),
            '_' => pieces.push(Piece::One),
            c => literal(&mut pieces, c),
        }
    }
    pieces
}

fn regular(pieces: &[Piece], ignore_case: bool) -> String {
    let mut pattern = String::from(if ignore_case { "(?si)^" } else { "(?s)^" });
    for piece in pieces {
        match piece {
            Piece::Any => pattern.push_str(".*"),
            Piece::One => pattern.push('.'),
            Piece::Text(text) => pattern.push_str(&regex::escape(text)),
        }
    }
    pattern.push('$');
    pattern
}

impl Lowering {
    /// `regexp_matches` and `regexp_full_match`.
    pub(super) fn regexp_test(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let regex = compiled(arguments, 2, function == Function::RegexpFullMatch)?;
        Ok(elementwise(function.name(), vec![self.subject(arguments)?], pl::DataType::Boolean, move |inputs| {
            boolean_rows(inputs.text(0)?.iter(), |text| Ok(text.map(|text| regex.is_match(text))))
        }))
    }

    /// `regexp_extract(text, pattern, group)`: null when nothing matches, empty when the group took no part.
    pub(super) fn regexp_extract(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let regex = compiled(arguments, 3, false)?;
        let group = group(arguments)?;
        Ok(elementwise("regexp_extract", vec![self.subject(arguments)?], pl::DataType::String, move |inputs| {
            text_rows(inputs.text(0)?.iter(), |text, out| {
                let Some(found) = text.and_then(|text| regex.captures(text)) else { return Ok(false) };
                out.push_str(found.get(group).map_or("", |held| held.as_str()));
                Ok(true)
            })
        }))
    }

    /// `regexp_extract_all(text, pattern, group)`.
    pub(super) fn regexp_extract_all(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let regex = compiled(arguments, 3, false)?;
        let group = group(arguments)?;
        let output = pl::DataType::List(Box::new(pl::DataType::String));
        Ok(elementwise("regexp_extract_all", vec![self.subject(arguments)?], output, move |inputs| {
            text_lists(inputs.text(0)?.iter(), |text, found| {
                let Some(text) = text else { return false };
                found
                    .extend(regex.captures_iter(text).map(|held| held.get(group).map(|held| held.as_str().to_owned())));
                true
            })
        }))
    }

    /// `regexp_replace(text, pattern, replacement)`: every match.
    pub(super) fn regexp_replace(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let regex = compiled(arguments, 3, false)?;
        let replacement = replacement(constant_text(arguments, 2, "the replacement")?);
        Ok(elementwise("regexp_replace", vec![self.subject(arguments)?], pl::DataType::String, move |inputs| {
            text_rows(inputs.text(0)?.iter(), |text, out| {
                let Some(text) = text else { return Ok(false) };
                out.push_str(&regex.replace_all(text, replacement.as_str()));
                Ok(true)
            })
        }))
    }

    /// `regexp_count(text, pattern)`.
    pub(super) fn regexp_count(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let regex = compiled(arguments, 2, false)?;
        Ok(elementwise("regexp_count", vec![self.subject(arguments)?], pl::DataType::Int64, move |inputs| {
            integer_rows(inputs.text(0)?.iter(), |text| {
                Ok(text.and_then(|text| i64::try_from(regex.find_iter(text).count()).ok()))
            })
        }))
    }

    fn subject(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        match arguments.first() {
            Some(text) => self.lower(text),
            None => Err(refuse("a regular expression needs a text")),
        }
    }
}

/// The pattern, with the options at place `options` if there are any.
fn compiled(arguments: &[Expr], options: usize, whole: bool) -> Result<Regex, EngineError> {
    let pattern = constant_text(arguments, 1, "the regular expression")?;
    let flags = match arguments.len() > options {
        true => inline_flags(constant_text(arguments, options, "the options of the regular expression")?),
        false => String::new(),
    };
    let pattern = if whole { format!(r"{flags}\A(?:{pattern})\z") } else { format!("{flags}{pattern}") };
    Regex::new(&pattern).map_err(|error| refuse(format!("not a regular expression: {error}")))
}

/// Options as an inline group; `g` says what happens anyway, and `c` takes back `i`.
pub(in crate::engine) fn inline_flags(options: &str) -> String {
    let mut flags = String::new();
    for option in options.chars() {
        match option {
            'c' => flags.retain(|flag| flag != 'i'),
            'i' | 's' | 'm' if !flags.contains(option) => flags.push(option),
            _ => {}
        }
    }
    if flags.is_empty() { flags } else { format!("(?{flags})") }
}

fn group(arguments: &[Expr]) -> Result<usize, EngineError> {
    let group = if arguments.len() > 2 { constant_integer(arguments, 2, "the group")? } else { 0 };
    usize::try_from(group).map_err(|_| refuse("a group has a number from 0"))
}

/// `\1` in a replacement as the crate writes it, `${1}`; a dollar has no meaning of its own.
fn replacement(text: &str) -> String {
    let mut written = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '$' => written.push_str("$$"),
            '\\' => match chars.next() {
                Some(digit) if digit.is_ascii_digit() => written.push_str(&format!("${{{digit}}}")),
                Some('$') => written.push_str("$$"),
                Some(other) => written.push(other),
                None => written.push('\\'),
            },
            c => written.push(c),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_pattern_falls_into_pieces() {
        let text = |text: &str| Piece::Text(text.to_owned());
        assert_eq!(pieces("a%%b_", None), vec![text("a"), Piece::Any, text("b"), Piece::One]);
        assert_eq!(pieces("a!%b!!", Some('!')), vec![text("a%b!")]);
        assert_eq!(pieces("", None), vec![]);
        assert_eq!(regular(&pieces("a.%", None), true), r"(?si)^a\..*$");
    }

    #[test]
    fn replacements_name_groups_with_backslashes() {
        assert_eq!(replacement(r"\2\1 costs $5 \\"), r"${2}${1} costs $$5 \");
    }
}
