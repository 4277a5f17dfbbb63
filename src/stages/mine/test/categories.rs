//! Questions about counts of categories.

use super::answer::Answer;
use super::choose::Choice;
use super::power::plan_power;
use super::question::Question;
use super::read::Counted;
use super::{Method, Settings};
use crate::diagnostic::{Class, Diagnostic};
use crate::statistics::hypothesis::chi_square::{Crosstab, goodness_of_fit};
use crate::statistics::hypothesis::{Alternative, Undefined, fisher};

/// Do two columns go together?
pub(super) fn together(question: &Question, counted: Counted, settings: &Settings) -> Answer {
    let table = Crosstab::new(&counted.counts, counted.columns_named.len());
    let asked = question.method.value;
    let choice = match (&table, asked) {
        (Ok(table), Method::Auto) => {
            let (least, _) = table.sparseness();
            if table.shape() == (2, 2) && least < 5.0 {
                Choice {
                    method: Method::Fisher,
                    why: format!("a count of only {least:.1} is expected in one of the four cells"),
                }
            } else {
                let why = if table.shape() == (2, 2) {
                    "each of the four cells expects at least 5 rows"
                } else {
                    "there are more than two by two categories"
                };
                Choice { method: Method::ChiSquare, why: why.to_owned() }
            }
        }
        (Err(_), Method::Auto) => Choice { method: Method::ChiSquare, why: "counts are compared".to_owned() },
        (_, method) => Choice { method, why: String::new() },
    };
    let mut notes = Vec::new();
    let result = table.and_then(|table| {
        if choice.method == Method::Fisher {
            return match (table.shape(), table.cells().map(|cell| cell.0).collect::<Vec<f64>>().as_slice()) {
                ((2, 2), &[a, b, c, d]) => fisher::fisher([a, b, c, d], question.alternative, settings.confidence),
                ((rows, columns), _) => {
                    Err(Undefined(format!("the table is {rows} by {columns}, and Fisher's exact test is for two by two")))
                }
            };
        }
        let (least, share) = table.sparseness();
        if least < 1.0 || share > 0.2 {
            notes.push(format!(
                "Expected counts are small ({:.0} % of the cells below 5, the least {least:.2}), so the p-value is rough; bring rare categories together.",
                share * 100.0
            ));
        }
        if question.alternative != Alternative::TwoSided {
            notes.push("Chi-square has no sides; `alternative` was not used.".to_owned());
        }
        table.independence(question.yates, settings.confidence)
    });
    let mut answer = Answer::new(question, choice, asked == Method::Auto, result);
    (answer.rows, answer.left_out, answer.notes) = (counted.rows, counted.left_out, notes);
    answer.counted = Some(counted);
    plan_power(&mut answer, settings);
    answer
}

/// Do the categories of a column have these shares?
///
/// Errors: a category that `shares` does not name.
pub(super) fn shares(
    question: &Question,
    counted: Counted,
    shares: Option<&[(String, f64)]>,
    settings: &Settings,
) -> Result<Answer, Diagnostic> {
    let mut counted = counted;
    let expected: Vec<f64> = match shares {
        None => vec![1.0; counted.rows_named.len()],
        Some(shares) => {
            if let Some(name) = counted.rows_named.iter().find(|name| !shares.iter().any(|(known, _)| known == *name)) {
                let message = format!("`shares` says nothing of the category `{name}`, which occurs");
                return Err(Diagnostic::error(Class::Stage, message).at(&question.method.place));
            }
            let count = |name: &String| {
                let at = counted.rows_named.iter().position(|known| known == name);
                at.and_then(|at| counted.counts.get(at)).copied().unwrap_or(0.0)
            };
            counted.counts = shares.iter().map(|(name, _)| count(name)).collect();
            counted.rows_named = shares.iter().map(|(name, _)| name.clone()).collect();
            shares.iter().map(|(_, share)| *share).collect()
        }
    };
    let (n, all): (f64, f64) = (counted.counts.iter().sum(), expected.iter().sum());
    counted.expected = Some(expected.iter().map(|share| share / all * n).collect());
    let result = goodness_of_fit(&counted.counts, &expected, settings.confidence);
    let choice = Choice { method: Method::ChiSquare, why: "counts are compared with given shares".to_owned() };
    let mut answer = Answer::new(question, choice, question.method.value == Method::Auto, result);
    let small = expected.iter().filter(|share| *share / all * n < 5.0).count();
    if small > 0 {
        answer.notes.push(format!(
            "{small} of {} categories expect fewer than 5 rows, so the p-value is rough.",
            expected.len()
        ));
    }
    (answer.rows, answer.left_out) = (counted.rows, counted.left_out);
    answer.counted = Some(counted);
    plan_power(&mut answer, settings);
    Ok(answer)
}
