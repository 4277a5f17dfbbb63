//! Identifiers become columns.

use sqlparser::ast::Ident;

use super::Binder;
use crate::diagnostic::nearest;
use crate::expression::{Expr, ExpressionError, Span};

impl Binder<'_> {
    /// A quoted name is a column of exactly that name. Another name is first looked for exactly, then in any case, and must
    /// then be the only one.
    pub(super) fn column(&mut self, name: &Ident) -> Option<Expr> {
        let span = Span::from(self.syntax.places().range(name.span));
        if let Some(field) = self.schema.field(&name.value) {
            return Some(Expr { span, ..Expr::column(&field.name, field.data_type.clone()) });
        }
        let lower = name.value.to_lowercase();
        let mut alike = self.schema.fields().iter().filter(|field| field.name.to_lowercase() == lower);
        if name.quote_style.is_none()
            && let Some(field) = alike.next()
        {
            let Some(other) = alike.next() else {
                return Some(Expr { span, ..Expr::column(&field.name, field.data_type.clone()) });
            };
            let error = ExpressionError::new(format!("`{}` can be two columns", name.value), span)
                .label(format!("`{}` or `{}`", field.name, other.name))
                .help("write the name in double quotes, exactly as the column is called");
            self.report(error);
            return None;
        }
        let error = ExpressionError::new(format!("unknown column `{}`", name.value), span);
        let error = match nearest(&name.value, self.schema.names()) {
            Some(near) => error.label(format!("did you mean `{near}`?")),
            None if name.quote_style.is_some() => {
                error.help("double quotes name a column; text stands in single quotes")
            }
            None if self.schema.is_empty() => error.help("there are no columns here"),
            None => error.help(format!("the columns are {}", listed(self.schema.names()))),
        };
        self.report(error);
        None
    }

    /// `a.b` is no column, unless one is called just that.
    pub(super) fn qualified(&mut self, parts: &[Ident]) -> Option<Expr> {
        let name = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
        let place = parts
            .iter()
            .map(|part| Span::from(self.syntax.places().range(part.span)))
            .fold(Span::default(), Span::union);
        let error = ExpressionError::new(format!("`{name}` is a name with a point"), place);
        let last = parts.last().map(|part| part.value.as_str()).unwrap_or_default();
        let error = if self.schema.contains(&name) {
            error.help(format!("write the column as \"{name}\", in double quotes"))
        } else if self.schema.contains(last) {
            error.help(format!("columns have no table before them: write {last}"))
        } else {
            error.help("columns have no table before them, and parts of structs cannot be taken")
        };
        self.report(error);
        None
    }
}

/// The first few names.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = names.collect();
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
