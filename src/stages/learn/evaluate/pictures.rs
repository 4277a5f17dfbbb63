//! Curves and pictures by the kind of the target.

mod residuals;

use super::judged::{Evidence, Opinion};
use super::rows::failed;
use super::truth::Truth;
use super::verdict::{Rules, Verdict};
use crate::chart::{Axis, Figure, Line, Mark, NumberFormat, Points, Positions, Reference, Series};
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::stages::learn::figures;
use crate::statistics::evaluation::{Calibration, ClassScores, ConfusionMatrix, Ranking};
use crate::tensor::Target;

/// Points along a curve.
const POINTS: usize = 200;
/// Classes up to which the confusion matrix is drawn, and shown as a table.
const DRAWN: usize = 40;
const TABLED: usize = 12;
/// Classes that are listed at most.
const LISTED: usize = 60;

/// The pictures of a target.
///
/// Errors: what models say is not finite.
pub(super) fn all(
    target: &Target,
    evidence: &Evidence,
    verdict: &Verdict,
    rules: &Rules,
) -> Result<Vec<Exhibit>, Diagnostic> {
    let Some(network) = evidence.opinions.first() else { return Ok(Vec::new()) };
    let best = verdict
        .comparison
        .as_ref()
        .and_then(|comparison| evidence.opinions.iter().find(|opinion| opinion.model == comparison.baseline));
    let threshold = verdict.thresholds.first().copied().unwrap_or(0.5);
    match &evidence.truth {
        Truth::Binary(truth) => binary(target, truth, evidence, network, best, threshold, rules),
        Truth::Classes(truth, _) => classes(target, truth, network),
        Truth::Labels(truth) => Ok(vec![labels(target, truth, network, threshold)]),
        Truth::Numbers(truth) => Ok(residuals::numbers(target, truth, network)),
    }
}

fn binary(
    target: &Target,
    truth: &[bool],
    evidence: &Evidence,
    network: &Opinion,
    best: Option<&Opinion>,
    threshold: f64,
    rules: &Rules,
) -> Result<Vec<Exhibit>, Diagnostic> {
    let mut exhibits = Vec::new();
    let shown: Vec<&Opinion> = std::iter::once(network).chain(best).collect();
    let mut rankings = Vec::new();
    for opinion in &shown {
        let scores: Vec<f64> = opinion.outputs.iter().copied().collect();
        rankings.push((opinion.model.as_str(), Ranking::new(truth, &scores).map_err(|error| failed(&error))?));
    }
    let yes = target.names().get(1).map_or("yes", String::as_str);
    let trues = truth.iter().filter(|truth| **truth).count() as f64 / truth.len().max(1) as f64;
    exhibits.extend(roc(&rankings));
    exhibits.extend(precision_recall(&rankings, trues));
    let calibrated = evidence
        .opinions
        .iter()
        .find(|opinion| opinion.model != network.model && super::exhibits::is_network(&opinion.model));
    let opinions: Vec<&Opinion> = std::iter::once(network).chain(calibrated).chain(best).collect();
    exhibits.extend(reliability(truth, &opinions, rules)?);
    exhibits.extend(gains(&rankings, yes));
    let truth: Vec<u32> = truth.iter().map(|truth| u32::from(*truth)).collect();
    let predicted: Vec<u32> = network.outputs.iter().map(|p| u32::from(*p >= threshold)).collect();
    exhibits.extend(confusion(target.names(), &truth, &predicted)?);
    Ok(exhibits)
}

/// A curve: its name and its points, x and y.
type Curve = (String, Vec<(f64, f64)>);

/// A square figure of shares over shares; curves are given as points and drawn over common positions, with a dot at each of their
/// own points where these are few.
fn shares(title: String, labels: [&str; 2], curves: &[Curve], has_dots: bool) -> Figure {
    let mut grid: Vec<f64> = (0..=POINTS).map(|i| i as f64 / POINTS as f64).collect();
    if has_dots {
        // Lines have their corners at the dots, whatever lies in between.
        grid.extend(curves.iter().flat_map(|(_, points)| points.iter().map(|(x, _)| *x)));
        grid.sort_by(f64::total_cmp);
        grid.dedup();
    }
    let x = Positions::Number(grid.iter().map(|x| Some(*x)).collect());
    let series = curves.iter().map(|(name, points)| Series::new(name, grid.iter().map(|x| between(points, *x))));
    let mut line = Line::new(x, series.collect());
    if has_dots {
        let dots = |(series, (name, points)): (usize, &Curve)| Points {
            name: name.clone(),
            series,
            x: Positions::Number(points.iter().map(|(x, _)| Some(*x)).collect()),
            y: points.iter().map(|(_, y)| Some(*y)).collect(),
        };
        line.points = curves.iter().enumerate().map(dots).collect();
    }
    let mut figure = Figure::new(title, Mark::Line(line));
    let axis = |label| Axis { format: NumberFormat::Percent, min: Some(0.0), max: Some(1.0), ..Axis::labelled(label) };
    figure.x = axis(labels[0]);
    figure.y = axis(labels[1]);
    (figure.width, figure.height) = (480, Some(420));
    figure
}

/// The value of a curve at a place, linear between its points (the upper one where it rises steeply); none outside of them.
fn between(points: &[(f64, f64)], x: f64) -> Option<f64> {
    let after = points.partition_point(|point| point.0 <= x);
    let before = points.get(after.checked_sub(1)?)?;
    match points.get(after) {
        _ if before.0 == x => Some(before.1),
        Some(next) => Some(before.1 + (next.1 - before.1) * (x - before.0) / (next.0 - before.0)),
        None => None,
    }
}

/// A pale line from corner to corner, to compare with.
fn diagonal(figure: &mut Figure) {
    if let Mark::Line(line) = &mut figure.mark
        && let Positions::Number(places) = &line.x
    {
        line.background = vec![places.clone()];
    }
}

fn roc(rankings: &[(&str, Ranking)]) -> Option<Exhibit> {
    let mut curves = Vec::new();
    let mut areas = Vec::new();
    for (model, ranking) in rankings {
        let points = ranking.roc_curve(POINTS * 2)?;
        curves.push((
            (*model).to_owned(),
            points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect(),
        ));
        areas.push(format!("{model} {:.3}", ranking.roc_auc()?));
    }
    let mut figure = shares("ROC curve".to_owned(), ["false positive rate", "true positive rate"], &curves, false);
    diagonal(&mut figure);
    figure.subtitle = format!("area: {}; pale: chance, 0.5", areas.join(", "));
    Some(figures::exhibit(figure))
}

fn precision_recall(rankings: &[(&str, Ranking)], trues: f64) -> Option<Exhibit> {
    let mut curves = Vec::new();
    let mut areas = Vec::new();
    for (model, ranking) in rankings {
        let points = ranking.recall_curve(POINTS * 2)?;
        let mut points: Vec<(f64, f64)> = points.iter().map(|p| (p.recall, p.precision)).collect();
        // Of points with the same recall the most precise one.
        points.dedup_by(|next, kept| next.0 == kept.0);
        curves.push(((*model).to_owned(), points));
        areas.push(format!("{model} {:.3}", ranking.average_precision()?));
    }
    let mut figure = shares("Precision and recall".to_owned(), ["recall", "precision"], &curves, false);
    figure.subtitle = format!("average precision: {}", areas.join(", "));
    figure.references.push(Reference::y(trues, "share of yes"));
    Some(figures::exhibit(figure))
}

fn gains(rankings: &[(&str, Ranking)], yes: &str) -> Option<Exhibit> {
    let mut curves = Vec::new();
    for (model, ranking) in rankings {
        let mut points = vec![(0.0, 0.0)];
        points.extend(ranking.gains_curve(POINTS * 2)?.iter().map(|p| (p.taken, p.found)));
        curves.push(((*model).to_owned(), points));
    }
    let mut figure = shares(
        "Cumulative gains".to_owned(),
        ["share of rows, likeliest first", "share of yes among them"],
        &curves,
        false,
    );
    diagonal(&mut figure);
    let first = rankings.first().and_then(|(_, ranking)| ranking.gain_at(0.1))?;
    figure.subtitle =
        format!("the first tenth holds {:.0} % of the rows with {yes}: a lift of {:.1}", first * 100.0, first * 10.0);
    Some(figures::exhibit(figure))
}

/// The share that came true over the mean probability, by bin.
fn reliability(truth: &[bool], opinions: &[&Opinion], rules: &Rules) -> Result<Option<Exhibit>, Diagnostic> {
    let mut curves = Vec::new();
    let mut errors = Vec::new();
    for opinion in opinions {
        let p: Vec<f64> = opinion.outputs.iter().copied().collect();
        let calibration = Calibration::new(truth, &p, rules.binning, rules.bins).map_err(|error| failed(&error))?;
        let points = calibration.bins.iter().filter_map(|bin| Some((bin.mean_probability?, bin.true_share?)));
        curves.push((opinion.model.clone(), points.collect()));
        errors.extend(calibration.expected_error.map(|error| format!("{} {:.1} %", opinion.model, error * 100.0)));
    }
    let labels = ["predicted probability", "share that came true"];
    let mut figure = shares("Reliability".to_owned(), labels, &curves, true);
    diagonal(&mut figure);
    figure.subtitle = format!("a dot is a bin; expected calibration error: {}; pale: perfect", errors.join(", "));
    Ok(Some(figures::exhibit(figure)))
}

fn classes(target: &Target, truth: &[u32], network: &Opinion) -> Result<Vec<Exhibit>, Diagnostic> {
    let rows = network.outputs.rows().into_iter();
    let predicted: Vec<u32> = rows.map(|row| super::largest(row.iter().map(|p| *p as f32))).collect();
    let names = target.names();
    let matrix = ConfusionMatrix::new(truth, &predicted, names.len()).map_err(|error| failed(&error))?;
    let mut exhibits = vec![by_class(names, matrix.tally().by_class())];
    exhibits.extend(confusion(names, truth, &predicted)?);
    Ok(exhibits)
}

fn by_class(names: &[String], scores: impl Iterator<Item = ClassScores>) -> Exhibit {
    let mut scored: Vec<(&String, ClassScores)> = names.iter().zip(scores).collect();
    let left_out = scored.len().saturating_sub(LISTED);
    if left_out > 0 {
        scored.sort_by_key(|(_, scores)| std::cmp::Reverse(scores.support));
    }
    let rows = scored.into_iter().take(LISTED).map(|(name, scores)| {
        vec![
            Cell::text(name.clone()),
            Cell::number(scores.precision),
            Cell::number(scores.recall),
            Cell::number(scores.f1),
            Cell::count(scores.support),
            Cell::count(scores.predicted),
        ]
    });
    let note = (left_out > 0).then(|| format!("The {left_out} classes with the fewest rows are not shown."));
    Exhibit::Table(Table { title: "By class".to_owned(), columns: class_columns("class"), rows: rows.collect(), note })
}

fn class_columns(first: &str) -> Vec<Column> {
    vec![
        Column::new(first),
        Column::formatted("precision", Format::Percent),
        Column::formatted("recall", Format::Percent),
        Column::new("F1"),
        Column::formatted("rows", Format::Integer),
        Column::formatted("predicted", Format::Integer),
    ]
}

fn labels(target: &Target, truth: &ndarray::Array2<bool>, network: &Opinion, threshold: f64) -> Exhibit {
    let columns = truth.columns().into_iter().zip(network.outputs.columns());
    let rows = target.names().iter().zip(columns).take(LISTED).map(|(name, (truth, p))| {
        let count = |of: &dyn Fn(bool, bool) -> bool| {
            truth.iter().zip(p).filter(|(t, p)| of(**t, **p >= threshold)).count() as u64
        };
        let (support, predicted, right) = (count(&|t, _| t), count(&|_, p| p), count(&|t, p| t && p));
        let share = |whole: u64, part: u64| (whole > 0).then(|| part as f64 / whole as f64);
        vec![
            Cell::text(name.clone()),
            Cell::number(share(predicted, right)),
            Cell::number(share(support, right)),
            Cell::number(share(support + predicted, 2 * right)),
            Cell::count(support),
            Cell::count(predicted),
        ]
    });
    let left_out = target.names().len().saturating_sub(LISTED);
    let note = (left_out > 0).then(|| format!("{left_out} more labels are not shown."));
    Exhibit::Table(Table { title: "By label".to_owned(), columns: class_columns("label"), rows: rows.collect(), note })
}

/// The confusion matrix as a picture and as a table, as far as it can be read.
fn confusion(names: &[String], truth: &[u32], predicted: &[u32]) -> Result<Vec<Exhibit>, Diagnostic> {
    let matrix = ConfusionMatrix::new(truth, predicted, names.len()).map_err(|error| failed(&error))?;
    let mut exhibits = Vec::new();
    if names.len() <= DRAWN {
        exhibits.push(figures::exhibit(figures::confusion(names, &matrix)));
    }
    if names.len() <= TABLED {
        let rows = names.iter().enumerate().map(|(truth, name)| {
            let counts = (0..names.len()).map(|predicted| Cell::count(matrix.count(truth, predicted)));
            std::iter::once(Cell::text(name.clone())).chain(counts).collect()
        });
        let mut columns = vec![Column::new("true class")];
        columns.extend(names.iter().map(|name| Column::formatted(format!("predicted {name}"), Format::Integer)));
        exhibits.push(Exhibit::table("Confusion matrix, rows", columns, rows.collect()));
    }
    Ok(exhibits)
}
