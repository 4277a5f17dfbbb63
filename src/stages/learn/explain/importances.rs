//! Permutation importance, and which columns hide each other.

use crate::chart::{Axis, Figure, Interval, Mark, Reference};
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Exhibit, Tone};
use crate::explanation::{
    Group, Importance, PermutationImportance, PermutationOptions, Predictor, permutation_importance,
};
use crate::statistics::correlation::CoMoments;

use super::columns::{Column, Kind};
use super::metric::Metric;
use super::rows::Taken;
use super::words;

/// Columns that are drawn.
const DRAWN: usize = 25;
/// Columns that are compared with each other.
const COMPARED: usize = 12;
/// From this size of correlation on two columns say nearly the same.
const ALIKE: f64 = 0.8;

/// Measures how important the columns are for one target.
///
/// Errors: those of the model, a metric that is not defined for the rows.
pub(super) fn measure(
    model: &dyn Predictor,
    taken: &Taken,
    target: usize,
    columns: &[Column],
    metric: Metric,
    options: &PermutationOptions,
) -> Result<PermutationImportance, Diagnostic> {
    let groups: Vec<Group> = columns.iter().map(|column| column.group.clone()).collect();
    let none = Vec::new();
    let truths = taken.truths.get(target).unwrap_or(&none);
    let measured = |said: ndarray::ArrayView2<'_, f64>| metric.judge(truths, said);
    let options = PermutationOptions { higher_is_better: metric.higher_is_better(), ..*options };
    permutation_importance(model, &taken.rows, &groups, &measured, &options).map_err(|error| match error {
        crate::explanation::Error::Option(_) => Diagnostic::error(
            crate::diagnostic::Class::Data,
            format!("`{}` is not defined for the rows that are looked at: {error}", metric.name()),
        )
        .help("ask for another `metric`, or look at more rows"),
        other => super::work::failed(other),
    })
}

/// The columns by falling importance.
pub(super) fn ranked(importances: &[Importance]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..importances.len()).collect();
    let value = |at: usize| importances.get(at).map_or(f64::NAN, |importance| importance.value);
    order.sort_by(|a, b| value(*b).total_cmp(&value(*a)));
    order
}

/// The importances as a picture.
pub(super) fn figure(found: &PermutationImportance, columns: &[Column], metric: Metric, rows: &str) -> Exhibit {
    let order = ranked(&found.columns);
    let shown = order.iter().take(DRAWN).filter_map(|at| {
        let (column, importance) = (columns.get(*at)?, found.columns.get(*at)?);
        let (low, high) = importance.interval.unzip();
        Some((column.name().to_owned(), Some(importance.value), low, high))
    });
    let mut figure = Figure::new("What the model looks at", Mark::Interval(Interval::new(shown)));
    figure.subtitle = format!(
        "By how much the {} ({} as it is) gets worse when a column is shuffled; {rows}",
        metric.words(),
        words::number(found.baseline)
    );
    figure.y = Axis::labelled(format!("worse {}", metric.words()));
    figure.references = vec![Reference::y(0.0, "")];
    figure.note = "95 % intervals over rows drawn again and over the shuffles.".to_owned();
    if columns.len() > DRAWN {
        figure.note += &format!(" The {DRAWN} most important of {} columns are shown.", columns.len());
    }
    Exhibit::Figure(Box::new(figure))
}

/// What it looks at, in a sentence.
pub(super) fn sentence(found: &PermutationImportance, columns: &[Column], metric: Metric, target: &str) -> Exhibit {
    let order = ranked(&found.columns);
    let counts = |at: &&usize| {
        let importance = found.columns.get(**at);
        importance.is_some_and(|importance| importance.interval.map_or(importance.value, |(low, _)| low) > 0.0)
    };
    let counting: Vec<usize> = order.iter().filter(counts).copied().collect();
    let name = |at: usize| columns.get(at).map_or_else(String::new, |column| format!("`{}`", column.name()));
    let drop = |at: usize| words::number(found.columns.get(at).map_or(0.0, |importance| importance.value));
    let text = match counting.as_slice() {
        [] => format!(
            "Shuffling any single column makes the {} for `{target}` no worse than chance does: the model relies on none of \
             them alone.",
            metric.words()
        ),
        [first, others @ ..] => {
            let idle = columns.len() - counting.len();
            let next: Vec<String> = others.iter().take(3).map(|at| format!("{} ({})", name(*at), drop(*at))).collect();
            let then = if next.is_empty() { String::new() } else { format!(", then {}", words::list(&next)) };
            let rest = match idle {
                0 => String::new(),
                1 => " Without the values of one column it would do as well.".to_owned(),
                more => format!(" Without the values of any one of {more} columns it would do as well."),
            };
            format!(
                "For `{target}` the model looks most at {}: without its values the {} is worse by {}{then}.{rest} \
                 This says what the model looks at, not what causes `{target}`.",
                name(*first),
                metric.words(),
                drop(*first)
            )
        }
    };
    Exhibit::note(Tone::Info, text)
}

/// Columns that say nearly the same, in a remark.
pub(super) fn alike(found: &PermutationImportance, columns: &[Column], taken: &Taken) -> Option<String> {
    let numbers: Vec<usize> = ranked(&found.columns)
        .into_iter()
        .filter(|at| columns.get(*at).is_some_and(|column| matches!(column.kind, Kind::Number | Kind::Time)))
        .take(COMPARED)
        .collect();
    let values = |at: usize| -> Vec<f64> {
        taken.values.get(at).map(|values| values.iter().map(|value| value.number).collect()).unwrap_or_default()
    };
    let mut pairs = Vec::new();
    for (place, &first) in numbers.iter().enumerate() {
        for &second in numbers.iter().skip(place + 1) {
            let mut moments = CoMoments::new();
            moments.extend(&values(first), &values(second));
            let found = moments.correlation().map_or(0.0, |found| found.coefficient);
            if let (true, Some(a), Some(b)) = (found.abs() >= ALIKE, columns.get(first), columns.get(second)) {
                pairs.push((found, format!("`{}` and `{}` (r = {found:.2})", a.name(), b.name())));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let names: Vec<String> = pairs.into_iter().take(4).map(|(_, name)| name).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} say nearly the same: when one is shuffled the model still has the other, so that each looks less \
             important than both are together",
            words::list(&names)
        )
    })
}
