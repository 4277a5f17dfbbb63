//! Pictures of tests: effects with their intervals, and the spread of groups.

use super::Settings;
use super::answer::Answer;
use super::pairs::Compared;
use super::read::Group;
use crate::chart::{Axis, BoxPlot, ColourScale, Figure, Heatmap, Interval, Mark, Reference, Scale, Spread};
use crate::digits;
use crate::exhibit::Exhibit;
use crate::statistics::hypothesis::chi_square::Crosstab;

/// Comparisons that are drawn.
const DRAWN: usize = 30;
/// Groups that are drawn.
const BOXES: usize = 40;

/// The effects of all tests that have the same measure, as a forest plot; the estimates where there is one test.
pub(super) fn effects(answers: &[Answer], settings: &Settings) -> Vec<Exhibit> {
    let mut names: Vec<&'static str> = Vec::new();
    let measured: Vec<_> = answers
        .iter()
        .filter_map(|answer| Some((answer, answer.result.as_ref().ok()?.effect?)))
        .filter(|(_, effect)| effect.value.is_finite() && effect.interval.is_some())
        .collect();
    for (_, effect) in &measured {
        if !names.contains(&effect.name) {
            names.push(effect.name);
        }
    }
    let figures = names.into_iter().map(|name| {
        let these = measured.iter().filter(|(_, effect)| effect.name == name);
        let is_ratio = name == "odds ratio";
        let these = these.filter(|(_, effect)| !is_ratio || effect.value > 0.0);
        let mark = Interval::new(these.map(|(answer, effect)| {
            let (low, high) = effect.interval.unwrap_or((f64::NAN, f64::NAN));
            let finite = |end: f64| Some(end).filter(|end| end.is_finite() && (!is_ratio || *end > 0.0));
            (answer.question.name.clone(), Some(effect.value), finite(low), finite(high))
        }));
        let mut figure = Figure::new(format!("How large: {name}"), Mark::Interval(mark));
        figure.subtitle = format!("Effect sizes with {} intervals", digits::percent(settings.confidence));
        figure.y = Axis::labelled(name);
        if is_ratio {
            figure.y.scale = Scale::Log;
        }
        let neutral = if is_ratio { 1.0 } else { 0.0 };
        figure.references.push(Reference::y(neutral, "no effect"));
        Exhibit::Figure(Box::new(figure))
    });
    figures.collect()
}

/// Box plots of the groups.
pub(super) fn spreads(answer: &Answer) -> Option<Exhibit> {
    let is_share =
        answer.groups.iter().all(|group| group.moments.min() >= Some(0.0) && group.moments.max() <= Some(1.0));
    if answer.groups.is_empty() || is_share || answer.result.is_err() {
        return None;
    }
    let mark = BoxPlot::new(answer.groups.iter().take(BOXES).map(|group| (group.name.clone(), spread(group))));
    let mut figure = Figure::new(format!("Spread: {}", answer.question.name), Mark::BoxPlot(mark));
    figure.subtitle = "Box: quartiles and median; dot: mean; whiskers: up to 1.5 interquartile ranges".to_owned();
    figure.y = Axis::labelled(answer.question.measured());
    let rest = answer.groups.len().saturating_sub(BOXES);
    if rest > 0 {
        figure.note = format!("{rest} more groups are not drawn.");
    }
    Some(Exhibit::Figure(Box::new(figure)))
}

fn spread(group: &Group) -> Option<Spread> {
    let quantiles = group.sketch.as_ref()?.quantiles();
    let (q25, median, q75) = (quantiles.quantile(0.25)?, quantiles.quantile(0.5)?, quantiles.quantile(0.75)?);
    let reach = 1.5 * (q75 - q25);
    let (low, high) = quantiles.range_within(q25 - reach, q75 + reach)?;
    Some(Spread { low, q25, median, q75, high, mean: group.moments.mean(), beyond: Vec::new() })
}

/// Differences of pairs with their intervals, the surest first.
pub(super) fn comparisons(answer: &Answer, settings: &Settings) -> Option<Exhibit> {
    let mut drawn: Vec<&Compared> =
        answer.comparisons.iter().filter(|compared| compared.comparison.interval.is_some()).collect();
    if drawn.is_empty() {
        return None;
    }
    drawn.sort_by(|a, b| a.comparison.p_value.total_cmp(&b.comparison.p_value));
    let mark = Interval::new(drawn.iter().take(DRAWN).map(|compared| {
        let (low, high) = compared.comparison.interval.unwrap_or((f64::NAN, f64::NAN));
        let label = format!("{} - {}", compared.first, compared.second);
        (label, Some(compared.comparison.difference), Some(low), Some(high))
    }));
    let mut figure = Figure::new(format!("Differences of pairs: {}", answer.question.name), Mark::Interval(mark));
    let percent = digits::percent(settings.confidence);
    figure.subtitle = format!("{} with {percent} intervals that hold for all pairs at once", answer.compared_by);
    figure.y = Axis::labelled("difference of means");
    figure.references.push(Reference::y(0.0, "no difference"));
    if drawn.len() > DRAWN {
        figure.note = format!("The {DRAWN} surest of {} comparisons.", drawn.len());
    }
    Some(Exhibit::Figure(Box::new(figure)))
}

/// Where counts of two columns differ from what chance would bring.
pub(super) fn residuals(answer: &Answer) -> Option<Exhibit> {
    let counted = answer.counted.as_ref()?;
    let (rows, columns) = (&counted.rows_named, &counted.columns_named);
    let table = Crosstab::new(&counted.counts, columns.len()).ok()?;
    let most = rows.len().max(columns.len());
    if table.shape() != (rows.len(), columns.len()) || !(3..=BOXES).contains(&most) {
        return None;
    }
    let residuals: Vec<Option<f64>> =
        table.cells().map(|cell| Some(cell.2).filter(|value| value.is_finite())).collect();
    let values = residuals.chunks(columns.len()).map(<[Option<f64>]>::to_vec).collect();
    let mark = Heatmap::new(rows.clone(), columns.clone(), values, ColourScale::Diverging { bound: None });
    let mut figure =
        Figure::new(format!("More or fewer than by chance: {}", answer.question.name), Mark::Heatmap(mark));
    figure.subtitle = "Adjusted residuals: beyond −2 and 2 a count is unlike what chance brings".to_owned();
    Some(Exhibit::Figure(Box::new(figure)))
}
