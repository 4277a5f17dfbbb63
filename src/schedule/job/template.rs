//! `${schedule.date}` and the other references within texts.

use std::ops::Range;

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece<'a> {
    /// Stands for itself.
    Literal(&'a str),
    /// `$${`, which stands for `${`.
    Escape,
    /// What is between `${` and `}`, and where both are.
    Reference(&'a str, Range<usize>),
}

/// The pieces of a text in order. A `$` that is followed by anything but `{` or `${` is an ordinary character.
///
/// Errors: where a `${` is that is not closed.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Range<usize>> {
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    let mut pieces = Vec::new();
    let (mut literal, mut at) = (0, 0);
    while let Some(found) = part(at..text.len()).find('$') {
        let start = at + found;
        let rest = part(start..text.len());
        let (piece, end) = if rest.starts_with("$${") {
            (Piece::Escape, start + 3)
        } else if rest.starts_with("${") {
            let close = rest.find('}').ok_or(start..start + 2)?;
            (Piece::Reference(part(start + 2..start + close), start..start + close + 1), start + close + 1)
        } else {
            at = start + 1;
            continue;
        };
        if literal < start {
            pieces.push(Piece::Literal(part(literal..start)));
        }
        pieces.push(piece);
        (literal, at) = (end, end);
    }
    if literal < text.len() {
        pieces.push(Piece::Literal(part(literal..text.len())));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_pieces() {
        assert_eq!(
            pieces("$a ${run.id}$${b}$$ ${}"),
            Ok(vec![
                Piece::Literal("$a "),
                Piece::Reference("run.id", 3..12),
                Piece::Escape,
                Piece::Literal("b}$$ "),
                Piece::Reference("", 20..23),
            ])
        );
        assert_eq!(pieces("é ${x"), Err(3..5));
        assert_eq!(pieces(""), Ok(vec![]));
        assert_eq!(pieces("$"), Ok(vec![Piece::Literal("$")]));
    }
}
