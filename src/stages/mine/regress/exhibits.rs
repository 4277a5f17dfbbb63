//! What a person looks at.

use super::Family;
use super::coefficients::Coefficient;
use super::design::Term;
use super::fit::{Drawn, Fit, Fitted};
use super::judge::Judged;
use super::rows::Plan;
use crate::chart::{Axis, Figure, Interval, Line, Mark, Positions, Reference, Scale, Scatter, Series};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::statistics::distributions::{chi_squared, normal};
use crate::statistics::regression::Errors;

/// Coefficients that the table shows at most.
const SHOWN: usize = 60;
/// Coefficients that the figure shows at most.
const DRAWN: usize = 40;
/// Groups of the figure of observed by expected shares.
const GROUPS: usize = 10;

pub(super) fn of(plan: &Plan, fit: &Fit, judged: &[Judged]) -> Vec<Exhibit> {
    let mut exhibits = vec![metrics(plan, fit)];
    exhibits.push(model(plan, fit));
    exhibits.push(coefficients(plan, fit));
    exhibits.extend(forest(plan, fit));
    exhibits.extend(parts(judged));
    exhibits.extend(figures(plan, fit));
    exhibits.extend(checks(plan, fit));
    exhibits.push(influential(plan, fit));
    exhibits
}

fn metrics(plan: &Plan, fit: &Fit) -> Exhibit {
    // A model that fits without an error has no finite likelihood.
    let number =
        |name: &str, value: Option<f64>| Metric::new(name, value.filter(|value| value.is_finite()), Format::Number);
    #[expect(clippy::cast_precision_loss, reason = "rows")]
    let rows = |rows: u64| Metric::new("rows", rows as f64, Format::Integer);
    let mut metrics = Vec::new();
    match &fit.fitted {
        Fitted::Linear(linear) => {
            metrics.push(rows(linear.rows));
            metrics.push(number("R\u{b2}", linear.r_squared()));
            metrics.push(number("adjusted R\u{b2}", linear.adjusted_r_squared()));
            metrics.push(number("residual standard deviation", Some(linear.variance().sqrt())));
            if let Some((f, above, below, p)) = linear.f_test() {
                metrics.push(number("F", Some(f)).note(format!(
                    "{} and {} degrees of freedom, {}",
                    digits::fixed(above, 0),
                    digits::fixed(below, 0),
                    digits::p_value(p)
                )));
            }
            metrics.push(number("log likelihood", Some(linear.log_likelihood())));
            metrics.push(number("AIC", Some(linear.aic())));
            metrics.push(number("BIC", Some(linear.bic())));
            metrics.push(number("condition number", linear.solution.condition));
        }
        Fitted::Generalized { fit: found, null_log_likelihood } => {
            metrics.push(rows(found.rows));
            if let Some(null) = null_log_likelihood {
                metrics.push(number("pseudo R\u{b2}", Some(1.0 - found.log_likelihood / null)).note("McFadden"));
                #[expect(clippy::cast_precision_loss, reason = "columns")]
                let degrees = found.columns() as f64 - 1.0;
                let statistic = 2.0 * (found.log_likelihood - null);
                if degrees > 0.0 {
                    let p = chi_squared::sf(statistic.max(0.0), degrees);
                    metrics.push(
                        number("likelihood ratio", Some(statistic))
                            .note(format!("{degrees} degrees of freedom, {}", digits::p_value(p))),
                    );
                }
            }
            metrics.push(number("deviance", Some(found.deviance)));
            metrics.push(number("log likelihood", Some(found.log_likelihood)));
            metrics.push(number("AIC", Some(found.aic())));
            metrics.push(number("BIC", Some(found.bic())));
            if plan.family == Family::Poisson {
                metrics.push(number("dispersion", Some(found.dispersion())).note("1 when counts vary as Poisson's do"));
            }
        }
    }
    let title = match plan.family {
        Family::Linear => format!("Linear model of `{}`", plan.target.name),
        Family::Logistic => format!("Logistic model of `{}`", plan.target.name),
        Family::Poisson => format!("Poisson model of `{}`", plan.target.name),
    };
    Exhibit::Metrics { title, metrics }
}

/// What was fitted to which rows, in words.
fn model(plan: &Plan, fit: &Fit) -> Exhibit {
    let survey = &fit.design.survey;
    let mut text = digits::rows(survey.used);
    if survey.seen > survey.used {
        text += &format!(" of {}; the others lack a value", digits::whole(survey.seen));
    }
    text += ". ";
    for (term, (field, _)) in fit.design.terms.iter().zip(&plan.terms) {
        if let Term::Category { base, levels, .. } = term {
            text += &format!("`{}` is compared with `{base}` ({} levels). ", field.name, levels.len() + 1);
        }
    }
    text += match plan.errors {
        Errors::Classic if plan.family == Family::Linear => "Standard errors assume errors of one variance.",
        Errors::Classic => "Standard errors assume the variance of the model.",
        Errors::Clustered => "Standard errors allow rows of a cluster to depend on each other.",
        Errors::Hc0 | Errors::Hc1 | Errors::Hc2 | Errors::Hc3 => {
            "Standard errors hold whatever the variance of each row (robust)."
        }
    };
    if plan.errors == Errors::Clustered {
        text += &format!(" There are {} clusters.", digits::whole(fit.checks.clusters));
    }
    if let Fitted::Generalized { fit, .. } = &fit.fitted {
        text += &format!(" Newton's method converged after {} steps.", fit.steps);
    }
    if let Some(exposure) = &plan.exposure {
        text += &format!(" Counts are by `{}`.", exposure.name);
    }
    if let Some(offset) = &plan.offset {
        text += &format!(" `{}` is added with a coefficient of 1.", offset.name);
    }
    if let Some(weights) = &plan.weights {
        text += &format!(" Rows are weighted by `{}`; residuals are times the root of the weight.", weights.name);
    }
    Exhibit::note(Tone::Info, text)
}

fn label(coefficient: &Coefficient) -> String {
    match &coefficient.level {
        Some(level) => format!("{} = {level}", coefficient.term),
        None => coefficient.term.clone(),
    }
}

/// The table of coefficients. Base levels are told above it; remarks have a column where there are any others.
fn coefficients(plan: &Plan, fit: &Fit) -> Exhibit {
    let is_ratio = plan.family != Family::Linear;
    let told: Vec<&Coefficient> =
        fit.coefficients.iter().filter(|coefficient| !coefficient.is_base || coefficient.is_only_level).collect();
    let with_remarks = told.iter().any(|coefficient| coefficient.remark.is_some());
    let rows = told.iter().take(SHOWN).map(|coefficient| {
        let [estimate, error, statistic, p, low, high, ratio, ratio_low, ratio_high, standardized, vif] =
            coefficient.numbers();
        let mut row = vec![Cell::text(label(coefficient))];
        row.extend([estimate, error, statistic, p].map(Cell::number));
        if is_ratio {
            // The intercept's are odds or a rate, no ratio of two.
            row.extend(
                [ratio, ratio_low, ratio_high].map(|value| Cell::number(value.filter(|_| coefficient.unit.is_some()))),
            );
        } else {
            row.extend([low, high, standardized].map(Cell::number));
        }
        row.push(Cell::number(vif));
        if with_remarks {
            row.push(Cell::optional(coefficient.remark.clone()));
        }
        row
    });
    let (statistic, from) = (if is_ratio { "z" } else { "t" }, format!("{} from", digits::percent(plan.confidence)));
    let mut columns: Vec<Column> = ["term", "estimate", "std. error", statistic].map(Column::new).to_vec();
    columns.push(Column::formatted("p-value", Format::PValue));
    columns.extend(match plan.family {
        Family::Linear => [from, "to".to_owned(), "standardized".to_owned()].map(Column::new),
        Family::Logistic => ["odds ratio".to_owned(), from, "to".to_owned()].map(Column::new),
        Family::Poisson => ["rate ratio".to_owned(), from, "to".to_owned()].map(Column::new),
    });
    columns.push(Column::new("VIF"));
    if with_remarks {
        columns.push(Column::new("remark"));
    }
    let left_out = told.len().saturating_sub(SHOWN) as u64;
    let note = (left_out > 0).then(|| format!("{} more are in the stage's table.", digits::whole(left_out)));
    Exhibit::Table(Table { title: "Coefficients".to_owned(), columns, rows: rows.collect(), note })
}

fn forest(plan: &Plan, fit: &Fit) -> Option<Exhibit> {
    let is_ratio = plan.family != Family::Linear;
    let usable =
        fit.coefficients.iter().filter(|coefficient| coefficient.unit.is_some() && coefficient.estimate.is_some());
    let shown: Vec<&Coefficient> = usable.take(DRAWN).collect();
    if shown.is_empty() {
        return None;
    }
    let estimates = shown.iter().map(|coefficient| {
        let unit = coefficient.unit.unwrap_or(1.0);
        let scale = |value: f64| if is_ratio { (value * unit).exp() } else { value * unit };
        let low = coefficient.interval.map(|interval| scale(interval.0));
        let high = coefficient.interval.map(|interval| scale(interval.1));
        (label(coefficient), coefficient.estimate.map(scale), low, high)
    });
    let mut figure =
        Figure::new("What each term does, all others being equal", Mark::Interval(Interval::new(estimates)));
    figure.subtitle = format!(
        "One standard deviation more of a number, a level instead of the base; intervals of {} confidence",
        digits::percent(plan.confidence)
    );
    let (axis, neutral) = match plan.family {
        Family::Linear => (format!("Change of {}", plan.target.name), 0.0),
        Family::Logistic => ("Odds ratio".to_owned(), 1.0),
        Family::Poisson => ("Rate ratio".to_owned(), 1.0),
    };
    figure.y = Axis::labelled(axis);
    if is_ratio {
        figure.y.scale = Scale::Log;
    }
    figure.references = vec![Reference::y(neutral, "no effect")];
    Some(Exhibit::Figure(Box::new(figure)))
}

fn parts(judged: &[Judged]) -> Option<Exhibit> {
    let first = judged.first()?;
    let mut columns = vec![
        Column::new("part"),
        Column::formatted("rows", Format::Integer),
        Column::formatted("left out", Format::Integer),
    ];
    columns.extend(first.measures.iter().map(|measure| Column::new(measure.0)));
    let rows = judged.iter().map(|part| {
        let mut row = vec![Cell::text(part.part.clone()), Cell::count(part.rows), Cell::count(part.left_out)];
        row.extend(part.measures.iter().map(|measure| Cell::number(measure.1)));
        row
    });
    let note = "The model learned from the first part only. Rows with a missing value or a level that it does not know are left out.";
    Some(Exhibit::Table(Table {
        title: "Fit on rows that the model did not see".to_owned(),
        columns,
        rows: rows.collect(),
        note: Some(note.to_owned()),
    }))
}

fn figures(plan: &Plan, fit: &Fit) -> Vec<Exhibit> {
    let drawn = &fit.checks.drawn;
    if drawn.len() < 3 {
        return Vec::new();
    }
    let all = fit.design.survey.used;
    let of = if (drawn.len() as u64) < all {
        format!("{} of {}, drawn at random", digits::whole(drawn.len() as u64), digits::rows(all))
    } else {
        digits::rows(all)
    };
    let finish = |mut figure: Figure, x: &str, y: &str| {
        figure.subtitle.clone_from(&of);
        figure.x = Axis::labelled(x);
        figure.y = Axis::labelled(y);
        Exhibit::Figure(Box::new(figure))
    };
    if plan.family == Family::Logistic {
        return vec![finish(calibration(drawn), "Expected share", "Observed share")];
    }
    let positions = Positions::Number(drawn.iter().map(|row| Some(row.fitted)).collect());
    let scatter = Scatter::new(positions, drawn.iter().map(|row| Some(row.residual)).collect());
    let mut residuals = Figure::new("Residuals by fitted value", Mark::Scatter(scatter));
    residuals.references = vec![Reference::y(0.0, "")];
    let kind = if plan.family == Family::Linear { "Residual" } else { "Pearson residual" };
    let mut figures = vec![finish(residuals, &format!("Fitted {}", plan.target.name), kind)];
    if plan.family == Family::Linear {
        figures.push(finish(normal_quantiles(drawn), "Normal quantile", "Studentized residual"));
    }
    figures
}

/// Sorted residuals beside the quantiles that normal ones would have.
#[expect(clippy::cast_precision_loss, reason = "at most 2,000 rows")]
fn normal_quantiles(drawn: &[Drawn]) -> Figure {
    let mut residuals: Vec<f64> = drawn.iter().map(|row| row.studentized).filter(|value| value.is_finite()).collect();
    residuals.sort_by(f64::total_cmp);
    let n = residuals.len() as f64;
    let expected: Vec<f64> = (0..residuals.len()).map(|at| normal::quantile((at as f64 + 0.5) / n)).collect();
    let series = vec![
        Series::new("residuals", residuals.into_iter().map(Some)),
        Series::new("if they were normal", expected.iter().copied().map(Some)),
    ];
    Figure::new(
        "Are the residuals normal?",
        Mark::Line(Line::new(Positions::Number(expected.into_iter().map(Some).collect()), series)),
    )
}

/// Observed shares in groups of rows by their expected share.
fn calibration(drawn: &[Drawn]) -> Figure {
    let mut rows: Vec<Drawn> = drawn.to_vec();
    rows.sort_by(|a, b| a.fitted.total_cmp(&b.fitted));
    let size = rows.len().div_ceil(GROUPS).max(1);
    let mean = |part: &[Drawn], of: fn(&Drawn) -> f64| {
        let sum: f64 = part.iter().map(|row| row.weight * of(row)).sum();
        sum / part.iter().map(|row| row.weight).sum::<f64>()
    };
    let expected: Vec<Option<f64>> = rows.chunks(size).map(|part| Some(mean(part, |row| row.fitted))).collect();
    let observed: Vec<Option<f64>> = rows.chunks(size).map(|part| Some(mean(part, |row| row.target))).collect();
    let series = vec![Series::new("observed", observed), Series::new("if the model were right", expected.clone())];
    Figure::new("Do chances come true?", Mark::Line(Line::new(Positions::Number(expected), series)))
}

fn checks(plan: &Plan, fit: &Fit) -> Option<Exhibit> {
    let Fitted::Linear(linear) = &fit.fitted else { return None };
    let mut rows = Vec::new();
    let mut row = |name: &str, value: Option<f64>, p: Option<f64>, text: &str| {
        if value.is_some() {
            rows.push(vec![Cell::text(name), Cell::number(value), Cell::number(p), Cell::text(text)]);
        }
    };
    if let Some((statistic, _, p)) = fit.checks.breusch_pagan {
        let robust = plan.errors != Errors::Classic;
        let text = match (p < 0.05, robust) {
            (true, true) => "the variance of the errors depends on the features; the robust errors allow for it",
            (true, false) => "the variance of the errors depends on the features: take robust errors (`errors: hc3`)",
            (false, _) => "no sign that the variance of the errors depends on the features",
        };
        row("Breusch-Pagan (Koenker)", Some(statistic), Some(p), text);
    }
    if let Some((statistic, p)) = fit.checks.jarque_bera {
        let text = if p < 0.05 {
            "the residuals are not normal; with many rows the coefficients are all the same"
        } else {
            "no sign that the residuals are not normal"
        };
        row("Jarque-Bera", Some(statistic), Some(p), text);
    }
    let watson = fit.checks.durbin_watson;
    let text = match watson {
        Some(value) if value < 1.5 => {
            "residuals are like those of the row before: rows are not independent, errors are too small"
        }
        Some(value) if value > 2.5 => "residuals are opposite to those of the row before",
        _ => "residuals have little to do with those of the row before",
    };
    row("Durbin-Watson (order of the rows)", watson, None, text);
    let condition = linear.solution.condition;
    let text = if condition.is_some_and(|condition| condition > 30.0) {
        "above 30: some columns are nearly combinations of others"
    } else {
        "columns are well apart"
    };
    row("condition number (columns moved to their means)", condition, None, text);
    let vif = fit
        .coefficients
        .iter()
        .filter_map(|coefficient| coefficient.vif)
        .fold(None, |most: Option<f64>, vif| Some(most.map_or(vif, |most| most.max(vif))));
    let text = if vif.is_some_and(|vif| vif > 10.0) {
        "above 10: coefficients of columns that go together are uncertain"
    } else {
        "no column is much told by the others"
    };
    row("largest VIF", vif, None, text);
    let columns = vec![
        Column::new("check"),
        Column::new("value"),
        Column::formatted("p-value", Format::PValue),
        Column::new("what it says"),
    ];
    Some(Exhibit::table("Is the model sound?", columns, rows))
}

fn influential(plan: &Plan, fit: &Fit) -> Exhibit {
    let rows = fit.checks.influential.iter().map(|row| {
        vec![
            Cell::count(row.row + 1),
            Cell::number(row.distance),
            Cell::number(row.leverage),
            Cell::number(row.residual),
            Cell::number(row.studentized),
            Cell::number(row.fitted),
        ]
    });
    let mut columns = vec![Column::formatted("row", Format::Integer)];
    let residual = if plan.family == Family::Linear { "residual" } else { "Pearson residual" };
    columns.extend(["Cook's distance", "leverage", residual, "studentized", "fitted"].map(Column::new));
    let count = digits::rows(fit.checks.high_leverage);
    let note = format!(
        "Rows are counted in the order in which the stage read them. {count} of more than three times the mean leverage."
    );
    Exhibit::Table(Table { title: "Most influential rows".to_owned(), columns, rows: rows.collect(), note: Some(note) })
}
