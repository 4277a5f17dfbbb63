//! Expectations of combinations of values.

use super::options::PairSet;
use super::rows::{listed, refs, several};
use super::scope::{Draft, Scope, quoted, refuse, sql_literal};
use crate::diagnostic::Findings;

/// The columns equal one of the lists of values; a null in one of them passes.
pub(super) fn pairs_in(set: &PairSet, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let (fields, place) = several(&set.columns, scope)?;
    if set.values.is_empty() {
        return Err(refuse("`values` is empty", &place));
    }
    let mut choices = Vec::with_capacity(set.values.len());
    for values in &set.values {
        if values.len() != fields.len() {
            let at = values.first().map_or(&place, |value| &value.place);
            let message = format!("there are {} columns, but {} values", fields.len(), values.len());
            return Err(refuse(message, at));
        }
        let equal = fields
            .iter()
            .zip(values)
            .map(|(field, value)| Ok(format!("{} = {}", quoted(&field.name), sql_literal(value)?)));
        choices.push(format!("({})", equal.collect::<Result<Vec<_>, Findings>>()?.join(" and ")));
    }
    let number = set.values.len();
    let name = format!("{} are one of {number} combinations", listed(&fields));
    scope.rows(name, &refs(&fields), &choices.join(" or "), &place)
}
