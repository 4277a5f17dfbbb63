//! Expectations that compare the rows with those of the last good run of the pipeline.

use super::aggregates::level;
use super::options::{Level, Steady, SteadyMean, SteadyQuantile, SteadyRows};
use super::scope::{Draft, Drift, Limit, Measure, Scope, quoted, refuse, share, shown};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Expr};
use crate::stages::inputs;

fn draft(name: String, columns: Vec<String>, key: String, numbers: Vec<Expr>, limit: Limit) -> Vec<Draft> {
    vec![Draft { name, columns, measure: Measure::Drift(Drift { key, numbers, shares: None, limit }) }]
}

pub(super) fn rows(options: &SteadyRows, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let read = |bound: &Option<crate::definition::Node>| bound.as_ref().map(share).transpose();
    let (both, drop, rise) = (read(&options.at_most)?, read(&options.drop)?, read(&options.rise)?);
    if both.or(drop).or(rise).is_none() {
        return Err(vec![Diagnostic::definition("`steady_rows` needs `at_most`, `drop` or `rise`")]);
    }
    let unlimited = f64::INFINITY;
    let limit = Limit::Relative { drop: drop.or(both).unwrap_or(unlimited), rise: rise.or(both).unwrap_or(unlimited) };
    let mut words = Vec::new();
    words.extend(options.at_most.iter().map(|bound| format!("{} either way", shown(bound))));
    words.extend(options.drop.iter().map(|bound| format!("{} down", shown(bound))));
    words.extend(options.rise.iter().map(|bound| format!("{} up", shown(bound))));
    let count = scope.value("count(*)", &crate::definition::Spanned::nowhere(()).place)?;
    let name = format!("the number of rows moves by at most {}", words.join(" and "));
    Ok(draft(name, Vec::new(), "rows".to_owned(), vec![count], limit))
}

pub(super) fn nulls(options: &Steady, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&options.column)?;
    let sql = format!("count_if({} is null) / count(*)", quoted(&field.name));
    let numbers = vec![scope.value(&sql, &options.column.place)?];
    let limit = Limit::Absolute(share(&options.at_most)?);
    let name = format!("the share of nulls of {} moves by at most {}", field.name, shown(&options.at_most));
    let key = format!("nulls {}", field.name);
    Ok(draft(name, vec![field.name], key, numbers, limit))
}

pub(super) fn mean(options: &SteadyMean, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.number(&options.column)?;
    let place = &options.column.place;
    let column = quoted(&field.name);
    let numbers =
        vec![scope.value(&format!("mean({column})"), place)?, scope.value(&format!("stddev_samp({column})"), place)?];
    let (limit, words) = match (&options.at_most, &options.deviations) {
        (Some(bound), None) => {
            let bound_share = share(bound)?;
            (Limit::Relative { drop: bound_share, rise: bound_share }, shown(bound))
        }
        (None, Some(deviations)) if deviations.value.is_finite() && deviations.value >= 0.0 => {
            (Limit::Deviations(deviations.value), format!("{} standard deviations", deviations.value))
        }
        (None, Some(deviations)) => return Err(refuse("`deviations` must be 0 or larger", &deviations.place)),
        _ => return Err(refuse("`steady_mean` needs either `at_most` or `deviations`", place)),
    };
    let name = format!("the mean of {} moves by at most {words}", field.name);
    let key = format!("mean {}", field.name);
    Ok(draft(name, vec![field.name], key, numbers, limit))
}

pub(super) fn quantile(options: &SteadyQuantile, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.number(&options.column)?;
    let q = level(&options.q)?;
    let sql = format!("quantile_cont({}, {q:?})", quoted(&field.name));
    let bound = share(&options.at_most)?;
    let numbers = vec![scope.value(&sql, &options.column.place)?];
    let name = format!("the {q} quantile of {} moves by at most {}", field.name, shown(&options.at_most));
    let key = format!("quantile {q} {}", field.name);
    Ok(draft(name, vec![field.name], key, numbers, Limit::Relative { drop: bound, rise: bound }))
}

pub(super) fn shares(options: &Steady, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&options.column)?;
    if field.data_type.is_float() || matches!(field.data_type, DataType::Decimal(..) | DataType::Datetime(_)) {
        let message = format!(
            "column `{}` holds {}, which has too many values to compare one by one",
            field.name, field.data_type
        );
        return Err(vec![
            Diagnostic::definition(message)
                .at(&options.column.place)
                .help("derive a column of bins above: `derive: {band: \"floor(amount / 100)\"}`"),
        ]);
    }
    let Some(value) = inputs::shown(&field) else {
        return Err(refuse(format!("column `{}` holds {}", field.name, field.data_type), &options.column.place));
    };
    let index = share(&options.at_most)?;
    let name = format!("the shares of {} are stable (index at most {index})", field.name);
    let key = format!("shares {}", field.name);
    let drift = Drift { key, numbers: Vec::new(), shares: Some(value), limit: Limit::Stability(index) };
    Ok(vec![Draft { name, columns: vec![field.name], measure: Measure::Drift(drift) }])
}

pub(super) fn schema(level: &Level, _: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let limit = Limit::Columns { order: *level == Level::Order, additions: *level == Level::Additions };
    let name = match level {
        Level::Columns => "the columns and their types are those of the last run",
        Level::Order => "the columns, their types and their order are those of the last run",
        Level::Additions => "no column of the last run is gone or changed its type",
    };
    Ok(draft(name.to_owned(), Vec::new(), "columns".to_owned(), Vec::new(), limit))
}
