//! Judging class targets.

use std::num::NonZeroUsize;

use super::figures;
use super::judged::Judged;
use super::verdict::{Score, Verdict};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::statistics::evaluation::{
    Calibration, ClassScores, ConfusionMatrix, Error, MajorityBaseline, Ranking, brier_score, log_loss,
};
use crate::tensor::Classes;

/// Points of a curve that is drawn.
const POINTS: usize = 400;
const BINS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9);
/// Classes up to which the confusion matrix is drawn, and shown as a table.
const DRAWN: usize = 40;
const TABLED: usize = 12;
/// Classes that are shown at most.
const SHOWN: usize = 60;

/// A binary target.
pub(super) fn binary(classes: &Classes, judged: &Judged, threshold: f64) -> Result<Verdict, Error> {
    let truth: Vec<bool> = judged.classes.iter().map(|class| *class == 1).collect();
    let probabilities = &judged.outputs;
    let predicted: Vec<u32> = probabilities.iter().map(|p| u32::from(*p >= threshold)).collect();
    let matrix = ConfusionMatrix::new(&judged.classes, &predicted, 2)?;
    let majority = MajorityBaseline::new(&[classes.majority()], &judged.classes);
    let simplest = ConfusionMatrix::new(&judged.classes, &vec![classes.majority(); truth.len()], 2)?;
    let (yes, simplest_yes) = (matrix.scores(1), simplest.scores(1));
    let ranking = Ranking::new(&truth, probabilities)?;
    let constant = vec![classes.share(1); truth.len()];
    let constant_ranking = Ranking::new(&truth, &constant)?;
    let calibration = Calibration::new(&truth, probabilities, BINS)?;
    let scores = vec![
        Score::share("accuracy", matrix.accuracy(), majority.and_then(|baseline| baseline.accuracy)),
        Score::number("ROC AUC", ranking.roc_auc(), constant_ranking.roc_auc()),
        Score::share("precision", yes.precision, simplest_yes.precision),
        Score::share("recall", yes.recall, simplest_yes.recall),
        Score::number("F1", yes.f1, simplest_yes.f1),
        Score::share("balanced accuracy", matrix.balanced_accuracy(), simplest.balanced_accuracy()),
        Score::number("average precision", ranking.average_precision(), constant_ranking.average_precision()),
        Score::number("log loss", log_loss(&truth, probabilities)?, log_loss(&truth, &constant)?),
        Score::number("Brier score", brier_score(&truth, probabilities)?, brier_score(&truth, &constant)?),
        Score::number("expected calibration error", calibration.expected_error, None),
    ];
    let mut exhibits = confusion(&classes.names, &matrix);
    exhibits.extend(roc_curve(&ranking).map(figures::exhibit));
    exhibits.push(figures::exhibit(calibration_curve(&calibration)));
    Ok(Verdict { scores, exhibits })
}

fn roc_curve(ranking: &Ranking) -> Option<crate::chart::Figure> {
    let points: Vec<(f64, f64)> =
        ranking.roc_curve(POINTS)?.iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect();
    let title = match ranking.roc_auc() {
        Some(area) => format!("ROC curve, area {area:.3}"),
        None => "ROC curve".to_owned(),
    };
    let labels = ["false positive rate", "true positive rate"];
    Some(figures::shares(title, labels, &points, ["model", "chance"], |x| x))
}

fn calibration_curve(calibration: &Calibration) -> crate::chart::Figure {
    let points: Vec<(f64, f64)> =
        calibration.bins.iter().filter_map(|bin| Some((bin.mean_probability?, bin.true_share?))).collect();
    let labels = ["predicted probability", "share that came true"];
    let mut figure = figures::shares("Calibration".to_owned(), labels, &points, ["model", "perfect"], |x| x);
    figure.subtitle = "What came true among the rows of each tenth of probability".to_owned();
    figure
}

/// A category target.
pub(super) fn several(classes: &Classes, judged: &Judged) -> Result<Verdict, Error> {
    let matrix = ConfusionMatrix::new(&judged.classes, &judged.predicted, classes.names.len())?;
    let majority = classes.majority();
    let simplest = ConfusionMatrix::new(&judged.classes, &vec![majority; judged.len()], classes.names.len())?;
    let baseline = MajorityBaseline::new(&[majority], &judged.classes).and_then(|baseline| baseline.accuracy);
    let f1 = |averages: Option<crate::statistics::evaluation::Averages>| averages.map(|averages| averages.f1);
    let mean = |sum: f64| (!judged.is_empty()).then(|| sum / judged.len() as f64);
    let scores = vec![
        Score::share("accuracy", matrix.accuracy(), baseline),
        Score::number("macro F1", f1(matrix.macro_average()), f1(simplest.macro_average())),
        Score::number("micro F1", f1(matrix.micro_average()), f1(simplest.micro_average())),
        Score::share("balanced accuracy", matrix.balanced_accuracy(), simplest.balanced_accuracy()),
        Score::number("log loss", mean(judged.log_loss), mean(judged.baseline_log_loss)),
    ];
    let mut exhibits = vec![by_class(&classes.names, &matrix)];
    exhibits.extend(confusion(&classes.names, &matrix));
    Ok(Verdict { scores, exhibits })
}

fn by_class(names: &[String], matrix: &ConfusionMatrix) -> Exhibit {
    let mut scored: Vec<(&String, ClassScores)> = names.iter().zip(matrix.by_class()).collect();
    let left_out = scored.len().saturating_sub(SHOWN);
    if left_out > 0 {
        scored.sort_by_key(|(_, scores)| std::cmp::Reverse(scores.support));
    }
    let rows = scored.into_iter().take(SHOWN).map(|(name, scores)| {
        vec![
            Cell::text(name.clone()),
            Cell::number(scores.precision),
            Cell::number(scores.recall),
            Cell::number(scores.f1),
            Cell::count(scores.support),
            Cell::count(scores.predicted),
        ]
    });
    let columns = vec![
        Column::new("class"),
        Column::formatted("precision", Format::Percent),
        Column::formatted("recall", Format::Percent),
        Column::new("F1"),
        Column::formatted("rows", Format::Integer),
        Column::formatted("predicted", Format::Integer),
    ];
    let note = (left_out > 0).then(|| format!("The {left_out} classes with the fewest rows are not shown."));
    Exhibit::Table(Table { title: "By class".to_owned(), columns, rows: rows.collect(), note })
}

/// The confusion matrix as a table and as a picture, as far as it can be read.
fn confusion(names: &[String], matrix: &ConfusionMatrix) -> Vec<Exhibit> {
    let mut exhibits = Vec::new();
    if names.len() <= DRAWN {
        exhibits.push(figures::exhibit(figures::confusion(names, |truth, predicted| matrix.count(truth, predicted))));
    }
    if names.len() <= TABLED {
        let rows = names.iter().enumerate().map(|(truth, name)| {
            let counts = (0..names.len()).map(|predicted| Cell::count(matrix.count(truth, predicted)));
            std::iter::once(Cell::text(name.clone())).chain(counts).collect()
        });
        let mut columns = vec![Column::new("true class")];
        columns.extend(names.iter().map(|name| Column::formatted(format!("predicted {name}"), Format::Integer)));
        exhibits.push(Exhibit::table("Confusion matrix", columns, rows.collect()));
    }
    exhibits
}
