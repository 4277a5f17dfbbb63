//! Expectations that need another table, or the rows a second time: uniqueness, foreign keys, reconciliation.

use super::options::{Columns, Reference, SameRows, SameTotal};
use super::rows::{listed, refs};
use super::scope::{Draft, Lookup, Measure, Scope, quoted, refuse, surely};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{self, DataType, Expr, Field, Function, supertype};
use crate::stages::inputs;

/// Rows fail whose values occur more than once, among the rows that count and within the groups of `by`.
pub(super) fn unique(names: &Columns, scope: &mut Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let fields = scope.columns(names)?;
    for (field, name) in fields.iter().zip(names.iter()) {
        if !inputs::is_key(&field.data_type) || field.data_type == DataType::Binary {
            let message =
                format!("column `{}` holds {}, whose values cannot be told apart", field.name, field.data_type);
            return Err(refuse(message, &name.place));
        }
    }
    if fields.is_empty() {
        return Err(vec![Diagnostic::definition("`unique` names no column")]);
    }
    let name = format!("{} is unique", listed(&fields));
    let columns = fields.iter().map(|field| field.name.clone()).collect();
    let mut keys = fields;
    let groups: Vec<Field> = scope.by.iter().filter(|group| !keys.contains(group)).cloned().collect();
    keys.extend(groups);
    let only = scope.only.clone();
    let repeated = scope.look_up(Lookup::Repeated { keys, only });
    Ok(vec![Draft { name, columns, measure: Measure::Rows(repeated.is_null().not()) }])
}

/// Columns here and there, with the type in which they are compared.
type Pairs = Vec<(Field, Field, DataType)>;

/// The columns here and there, with the types in which they are compared, and the position of the other input.
fn pairs(options: &Reference, scope: &Scope<'_>) -> Result<(Pairs, usize), Findings> {
    let ours = scope.columns(&options.columns)?;
    let other = scope.other(&options.stage)?;
    let names = options.to.as_ref().unwrap_or(&options.columns);
    let theirs = inputs::columns(&other.table.schema, names, other.id)?;
    if ours.len() != theirs.len() || ours.is_empty() {
        let message = format!("{} columns cannot refer to {}", ours.len(), theirs.len());
        return Err(refuse(message, &options.stage.place));
    }
    let mut pairs = Vec::new();
    for ((one, two), name) in ours.into_iter().zip(theirs).zip(names.iter()) {
        let common = supertype(&one.data_type, &two.data_type).filter(inputs::is_key);
        let Some(common) = common else {
            let message = format!(
                "`{}` holds {} and `{}` of `{}` {}, which cannot be compared",
                one.name, one.data_type, two.name, other.id, two.data_type
            );
            return Err(vec![Diagnostic::definition(message).at(&name.place).help("cast one of them above")]);
        };
        pairs.push((one, two, common));
    }
    Ok((pairs, other.position))
}

/// Whether the values occur there, as a condition that is never null, and whether all of them are known.
fn found(options: &Reference, scope: &mut Scope<'_>) -> Result<(Vec<Field>, Expr, Expr), Findings> {
    let (pairs, input) = pairs(options, scope)?;
    let ours: Vec<Field> = pairs.iter().map(|(one, _, _)| one.clone()).collect();
    let known = ours
        .iter()
        .map(|field| Expr::column(&field.name, field.data_type.clone()).is_null().not())
        .reduce(Expr::and)
        .unwrap_or(Expr::boolean(true));
    let there = surely(scope.look_up(Lookup::Found { input, pairs }));
    Ok((ours, there, known))
}

pub(super) fn references(options: &Reference, scope: &mut Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let (ours, there, known) = found(options, scope)?;
    let name = format!("{} occurs in {}", listed(&ours), options.stage.value);
    let columns = refs(&ours).into_iter().map(|field| field.name.clone()).collect();
    Ok(vec![Draft { name, columns, measure: Measure::Rows(known.and(there.not())) }])
}

pub(super) fn absent_from(options: &Reference, scope: &mut Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let (ours, there, _) = found(options, scope)?;
    let name = format!("{} does not occur in {}", listed(&ours), options.stage.value);
    let columns = refs(&ours).into_iter().map(|field| field.name.clone()).collect();
    Ok(vec![Draft { name, columns, measure: Measure::Rows(there) }])
}

pub(super) fn same_rows_as(options: &SameRows, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let other = scope.other(&options.stage)?;
    let count = || Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64);
    let measure = Measure::Against { own: count(), input: other.position, other: count(), tolerance: 0.0 };
    Ok(vec![Draft { name: format!("there are as many rows as in {}", other.id), columns: Vec::new(), measure }])
}

pub(super) fn same_total_as(options: &SameTotal, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.number(&options.column)?;
    let other = scope.other(&options.stage)?;
    let to: &Spanned<String> = options.to.as_ref().unwrap_or(&options.column);
    let theirs = inputs::column(&other.table.schema, to, other.id).map_err(|finding| vec![finding])?;
    if !theirs.data_type.is_numeric() {
        let message = format!("column `{}` of `{}` holds {}, not numbers", theirs.name, other.id, theirs.data_type);
        return Err(refuse(message, &to.place));
    }
    let sum = format!("cast(sum({}) as double)", quoted(&theirs.name));
    let other_sum = expression::compile_aggregate(&sum, &other.table.schema).map_err(|errors| {
        errors.into_iter().map(|error| Diagnostic::definition(error.message).at(&to.place)).collect::<Findings>()
    })?;
    let own = scope.value(&format!("cast(sum({}) as double)", quoted(&field.name)), &options.column.place)?;
    let name = format!("the sum of {} is that of {} in {}", field.name, theirs.name, other.id);
    let measure = Measure::Against { own, input: other.position, other: other_sum, tolerance: options.tolerance };
    Ok(vec![Draft { name, columns: vec![field.name], measure }])
}
