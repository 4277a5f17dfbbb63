//! `${name}` and `${env:NAME}` inside of texts.

use std::ops::Range;

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Stands for itself.
    Literal(Range<usize>),
    /// `$${`, which stands for `${`.
    Escape(Range<usize>),
    /// `${name}`, the range with its braces.
    Parameter(String, Range<usize>),
    /// `${env:NAME}`, the range with its braces.
    Environment(String, Range<usize>),
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// `${` without `}`; where it opens.
    Open(Range<usize>),
    /// Something else than a name between the braces.
    Name(Range<usize>),
}

/// The pieces of a text in order; a text without parameters is one literal (none when it is empty).
///
/// A `$` that is followed by anything but `{` or `${` is an ordinary character.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Fault> {
    let mut pieces = Vec::new();
    let (mut literal, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('$')) {
        let start = at + found;
        let rest = text.get(start..).unwrap_or_default();
        let piece = if rest.starts_with("$${") {
            Piece::Escape(start..start + 3)
        } else if rest.starts_with("${") {
            reference(rest, start)?
        } else {
            at = start + 1;
            continue;
        };
        if literal < start {
            pieces.push(Piece::Literal(literal..start));
        }
        at = piece.range().end;
        literal = at;
        pieces.push(piece);
    }
    if literal < text.len() {
        pieces.push(Piece::Literal(literal..text.len()));
    }
    Ok(pieces)
}

/// Whether there is nothing to put in.
pub(super) fn is_plain(text: &str) -> bool {
    !text.contains("${")
}

/// Writes a text so that it reads as itself.
pub(super) fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

impl Piece {
    pub(super) fn range(&self) -> Range<usize> {
        match self {
            Piece::Literal(range)
            | Piece::Escape(range)
            | Piece::Parameter(_, range)
            | Piece::Environment(_, range) => range.clone(),
        }
    }
}

fn reference(rest: &str, start: usize) -> Result<Piece, Fault> {
    let close = rest.find('}').ok_or(Fault::Open(start..start + 2))?;
    let range = start..start + close + 1;
    let name = rest.get(2..close).unwrap_or_default();
    match name.strip_prefix("env:") {
        Some(variable) if is_name(variable) => Ok(Piece::Environment(variable.into(), range)),
        None if is_name(name) => Ok(Piece::Parameter(name.into(), range)),
        _ => Err(Fault::Name(range)),
    }
}

/// A letter or `_`, then letters, digits, `_` and `-`.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_falls_into_pieces() {
        assert_eq!(pieces("").unwrap(), []);
        assert_eq!(pieces("a$b$").unwrap(), [Piece::Literal(0..4)]);
        assert_eq!(pieces("${x}").unwrap(), [Piece::Parameter("x".into(), 0..4)]);
        assert_eq!(
            pieces("a ${x}$${y}${env:Z}").unwrap(),
            [
                Piece::Literal(0..2),
                Piece::Parameter("x".into(), 2..6),
                Piece::Escape(6..9),
                Piece::Literal(9..11),
                Piece::Environment("Z".into(), 11..19),
            ]
        );
    }

    #[test]
    fn what_is_not_a_name_is_a_fault() {
        assert_eq!(pieces("a ${x"), Err(Fault::Open(2..4)));
        for text in ["${}", "${ x }", "${1}", "${env:}", "${a.b}", "${x:y}", "${é}"] {
            assert_eq!(pieces(text), Err(Fault::Name(0..text.len())), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// Escaping is undone by reading.
        #[test]
        fn an_escaped_text_reads_as_itself(text in "[a${}é]{0,12}") {
            let escaped = escape(&text);
            let mut read = String::new();
            for piece in pieces(&escaped).unwrap() {
                match piece {
                    Piece::Literal(range) => read.push_str(&escaped[range]),
                    Piece::Escape(_) => read.push_str("${"),
                    other => panic!("{other:?} in {escaped}"),
                }
            }
            prop_assert_eq!(read, text);
        }
    }
}
