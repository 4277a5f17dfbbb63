//! Expectations of time: nothing from the future, nothing stale.

use super::options::{Age, Columns};
use super::scope::{Draft, Measure, Scope, age, fails, quoted};
use crate::diagnostic::Findings;
use crate::expression::{BinaryOperator, DataType, Expr, Field};

/// `value operator clock - age`.
fn compared(value: Expr, operator: BinaryOperator, age: i64, field: &Field, scope: &mut Scope<'_>) -> Expr {
    let moment = scope.moment(age, &field.data_type);
    Expr::binary(operator, value, moment, DataType::Boolean)
}

pub(super) fn not_in_future(names: &Columns, scope: &mut Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let mut drafts = Vec::new();
    for name in names.iter() {
        let field = scope.time(name)?;
        let value = Expr::column(&field.name, field.data_type.clone());
        let holds = compared(value, BinaryOperator::LessOrEqual, 0, &field, scope);
        let words = format!("{} is not in the future", field.name);
        drafts.push(Draft { name: words, columns: vec![field.name], measure: Measure::Rows(fails(holds)) });
    }
    Ok(drafts)
}

pub(super) fn not_older_than(options: &Age, scope: &mut Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.time(&options.column)?;
    let age = age(&options.age)?;
    let value = Expr::column(&field.name, field.data_type.clone());
    let holds = compared(value, BinaryOperator::GreaterOrEqual, age, &field, scope);
    let name = format!("{} is not older than {}", field.name, options.age.value);
    Ok(vec![Draft { name, columns: vec![field.name], measure: Measure::Rows(fails(holds)) }])
}

pub(super) fn fresh(options: &Age, scope: &mut Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.time(&options.column)?;
    let age = age(&options.age)?;
    let last = scope.value(&format!("max({})", quoted(&field.name)), &options.column.place)?;
    let holds = compared(last.clone(), BinaryOperator::GreaterOrEqual, age, &field, scope);
    let name = format!("the last {} is not older than {}", field.name, options.age.value);
    let observed = vec![("last".to_owned(), last)];
    Ok(vec![Draft { name, columns: vec![field.name], measure: Measure::Values { observed, holds, missing: false } }])
}
