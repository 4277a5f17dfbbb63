//! The model card: what a person should know before using the model, as Markdown (Mitchell et al. 2019, *Model Cards for Model
//! Reporting*, FAT*).

use std::fmt::Write as _;
use std::path::Path;

use super::judgement::{Judgement, Score};
use super::survey::Survey;
use super::{Bundle, Source, TargetField};
use crate::definition;
use crate::digits;
use crate::expression::DataType;
use crate::nn::Summary;
use crate::tensor::{Domain, Held, TargetKind};

/// Columns, classes, files, layers that are listed at most.
const LISTED: usize = 40;

/// The card. `summary` is that of the network.
pub(super) fn text(bundle: &Bundle, summary: &Summary, domain: &Domain, judgement: Option<&Judgement>) -> String {
    let mut text = String::new();
    let targets: Vec<String> = bundle.targets.iter().map(|target| format!("`{}`", line(&target.field.name))).collect();
    // Writing to a text cannot fail.
    let _ = writeln!(text, "# Model `{}`: foretells {}\n", line(&bundle.name), targets.join(", "));
    for target in &bundle.targets {
        let _ = writeln!(text, "{}\n", asked(target));
    }
    judged(&mut text, bundle, judgement);
    learned(&mut text, bundle);
    reads(&mut text, bundle, domain);
    network(&mut text, bundle, summary);
    limits(&mut text, bundle, judgement);
    uses(&mut text, bundle);
    text
}

fn asked(target: &TargetField) -> String {
    let column = line(&target.field.name);
    let names = || {
        let names: Vec<String> = target.names.iter().take(LISTED).map(|name| format!("`{}`", line(name))).collect();
        let more = target.names.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", names.join(", "))
    };
    match target.kind {
        TargetKind::Binary | TargetKind::Category => {
            format!("It gives each row a class of `{column}` and its probability: {}.", names())
        }
        TargetKind::MultiLabel => format!("It gives each row any of the labels of `{column}`: {}.", names()),
        TargetKind::Number => format!("It gives each row a number: `{column}`, in its unit."),
        TargetKind::Count => format!("It gives each row the expected count `{column}`."),
    }
}

fn judged(text: &mut String, bundle: &Bundle, judgement: Option<&Judgement>) {
    text.push_str("## How good it is\n\n");
    let Some(judgement) = judgement else {
        text.push_str(
            "Nobody has said: this is the model as it was trained. `evaluate: {save: out/model}` saves one with its judgement.\n\n",
        );
        let kept = bundle.training.epochs.iter().find(|epoch| epoch.epoch == bundle.training.kept_epoch);
        if let (Some(validation), Some(part)) =
            (kept.and_then(|epoch| epoch.validation.as_ref()), &bundle.training.validated_on)
        {
            let chosen = if bundle.training.epoch_chosen_on_validation {
                ", which chose the epoch that was kept, so that this is a little too kind"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "While it learned, it was watched on the part `{}`{chosen}: loss {}, {} {}.\n",
                line(part),
                digits::fixed(validation.loss, 4),
                line(&validation.metric_name),
                digits::fixed(validation.metric, 4)
            );
        }
        return;
    };
    let place = judgement.part.as_ref().map_or("all rows".to_owned(), |part| format!("the part `{}`", line(part)));
    let _ =
        writeln!(text, "Stage `{}` judged it on {place}: {}.\n", line(&judgement.stage), digits::rows(judgement.rows));
    if judgement.on_training_rows {
        text.push_str("**The model had learned from these rows**: expect it to do worse on others.\n\n");
    }
    scores(text, &judgement.scores);
    baselines(text, judgement);
    for note in &judgement.notes {
        let _ = writeln!(text, "- {}", line(note));
    }
    if !judgement.notes.is_empty() {
        text.push('\n');
    }
    for (target, temperature) in &judgement.temperatures {
        let _ = writeln!(
            text,
            "Probabilities of `{}` are calibrated: logits are divided by a temperature of {}.\n",
            line(target),
            digits::fixed(*temperature, 4)
        );
    }
    for (target, threshold) in &judgement.thresholds {
        let said = if *threshold > 1.0 {
            format!(
                "Yes is never predicted of `{}`: that was best on the rows on which the threshold was chosen.",
                line(target)
            )
        } else {
            format!("Yes of `{}` is predicted from a probability of {} on.", line(target), digits::fixed(*threshold, 4))
        };
        let _ = writeln!(text, "{said} `predict` does the same, unless another `threshold` is written.\n");
    }
}

/// What simple models reached on the same rows, beside the network.
fn baselines(text: &mut String, judgement: &Judgement) {
    /// Metrics that are told: the first ones of the network.
    const METRICS: usize = 6;
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| digits::fixed(value, 4));
    let mut targets: Vec<Option<&String>> = Vec::new();
    for baseline in &judgement.baselines {
        if !targets.contains(&baseline.target.as_ref()) {
            targets.push(baseline.target.as_ref());
        }
    }
    for target in targets {
        let own: Vec<&Score> =
            judgement.scores.iter().filter(|score| score.target.as_ref() == target).take(METRICS).collect();
        let of = target.map(|target| format!(" for `{}`", line(target))).unwrap_or_default();
        let _ = writeln!(text, "Beside simple models{of}, on the same rows:\n");
        let row = |text: &mut String, model: &str, values: &mut dyn Iterator<Item = String>| {
            let _ = writeln!(text, "| {} | {} |", cell(model), values.collect::<Vec<_>>().join(" | "));
        };
        row(text, "model", &mut own.iter().map(|score| cell(&score.name)));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(own.len()));
        row(text, "network", &mut own.iter().map(|score| number(score.value)));
        for baseline in judgement.baselines.iter().filter(|baseline| baseline.target.as_ref() == target).take(LISTED) {
            let value = |score: &&Score| {
                let found = baseline.scores.iter().find(|(name, _)| *name == score.name);
                number(found.and_then(|(_, value)| *value))
            };
            row(text, &baseline.model, &mut own.iter().map(value));
        }
        text.push('\n');
    }
}

fn scores(text: &mut String, scores: &[Score]) {
    if scores.is_empty() {
        return;
    }
    let several = scores.iter().any(|score| score.target.is_some());
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| digits::fixed(value, 4));
    if several {
        text.push_str("| target ");
    }
    text.push_str("| metric | value | 95 % | simple model |\n");
    text.push_str(if several { "|---|---|---:|---|---:|\n" } else { "|---|---:|---|---:|\n" });
    for score in scores {
        if several {
            let _ = write!(text, "| {} ", cell(score.target.as_deref().unwrap_or("")));
        }
        let interval = score.interval.map_or_else(
            || "-".to_owned(),
            |(low, high)| format!("{} to {}", digits::fixed(low, 4), digits::fixed(high, 4)),
        );
        let _ = writeln!(
            text,
            "| {} | {} | {interval} | {} |",
            cell(&score.name),
            number(score.value),
            number(score.baseline)
        );
    }
    text.push('\n');
}

fn learned(text: &mut String, bundle: &Bundle) {
    let training = &bundle.training;
    text.push_str("## What it learned from\n\n");
    let targets: Vec<String> = bundle.targets.iter().map(|target| format!("`{}`", line(&target.field.name))).collect();
    let _ = writeln!(text, "{} with a value of {}.\n", digits::rows(training.rows), targets.join(" and "));
    if !bundle.sources.is_empty() {
        text.push_str("| file | fingerprint |\n|---|---|\n");
        for Source { path, fingerprint } in bundle.sources.iter().take(LISTED) {
            let _ = writeln!(text, "| `{}` | `{}` |", cell(path), cell(fingerprint));
        }
        let more = bundle.sources.len().saturating_sub(LISTED);
        if more > 0 {
            let _ = writeln!(text, "| and {more} more | |");
        }
        text.push('\n');
    }
    if let Some(survey) = &bundle.survey {
        rows_and_period(text, survey);
    }
    let _ = writeln!(
        text,
        "Fingerprint of the training (its rows, what was done to them, and the options): `{}`.\n",
        line(&training.fingerprint)
    );
}

/// The rows by part, and the period of each.
fn rows_and_period(text: &mut String, survey: &Survey) {
    text.push_str("All rows of its table, those without a value of what is foretold too:\n\n| part | rows |");
    for column in &survey.dates {
        let _ = write!(text, " earliest `{0}` | latest `{0}` |", cell(column));
    }
    let _ = writeln!(text, "\n|---|---:|{}", "---|---|".repeat(survey.dates.len()));
    for part in survey.parts.iter().take(LISTED) {
        let name = match (&part.part, survey.parts.len()) {
            (Some(part), _) => format!("`{}`", cell(part)),
            (None, 1) => "all".to_owned(),
            (None, _) => "none".to_owned(),
        };
        let _ = write!(text, "| {name} | {} |", digits::whole(part.rows));
        for period in &part.periods {
            let (from, to) = period.as_ref().map_or(("-", "-"), |(from, to)| (from, to));
            let _ = write!(text, " {} | {} |", cell(from), cell(to));
        }
        text.push('\n');
    }
    text.push('\n');
}

fn reads(text: &mut String, bundle: &Bundle, domain: &Domain) {
    text.push_str("## What it reads\n\n");
    if bundle.inputs.is_empty() {
        text.push_str("It cannot be applied to new rows by `predict`: something was done to the training rows that needs other rows.\n\n");
        return;
    }
    text.push_str(
        "Rows as they were before the pipeline touched them, with these columns:\n\n| column | type |\n|---|---|\n",
    );
    for field in &bundle.inputs {
        let _ = writeln!(text, "| `{}` | {} |", cell(&field.name), kind(&field.data_type));
    }
    text.push_str("\nFrom them come the features of the network; so they were in training:\n\n| feature | type | values | missing |\n|---|---|---|---:|\n");
    for field in &bundle.features {
        let known = domain.columns.iter().find(|column| column.column == field.name);
        let values = known.map_or_else(|| "-".to_owned(), |column| held(&column.held));
        let missing = known.map_or(0, |column| column.missing);
        #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
        let share = digits::percent(missing as f64 / domain.rows.max(1) as f64);
        let _ =
            writeln!(text, "| `{}` | {} | {} | {share} |", cell(&field.name), kind(&field.data_type), cell(&values));
    }
    text.push('\n');
}

/// Values in a few words.
fn held(held: &Held) -> String {
    /// Values that are named.
    const NAMED: usize = 5;
    match held {
        Held::Range(range) => format!("{} to {}", range.text(range.min), range.text(range.max)),
        Held::Values(values) => {
            let named: Vec<&str> = values.counts.iter().take(NAMED).map(|(value, _)| value.as_str()).collect();
            let more = values.counts.len().saturating_sub(NAMED) as u64;
            let others = if values.rest > 0 {
                " and many more".to_owned()
            } else {
                format!(" and {} more", digits::whole(more))
            };
            format!("{}{}", named.join(", "), if more > 0 || values.rest > 0 { others } else { String::new() })
        }
        Held::Presence => "-".to_owned(),
    }
}

fn kind(data_type: &DataType) -> String {
    cell(&data_type.to_string())
}

fn network(text: &mut String, bundle: &Bundle, summary: &Summary) {
    text.push_str("## How it was trained\n\n");
    let options = definition::to_yaml(&bundle.training.options);
    if bundle.training.options.as_object().is_some_and(|options| !options.is_empty()) {
        let _ = writeln!(text, "```yaml\n{}\n```\n", options.trim_end().replace("```", "` ` `"));
    }
    let _ = writeln!(text, "Epoch {} of {} was kept.\n", bundle.training.kept_epoch, bundle.training.epochs.len());
    text.push_str("| layer | output | parameters |\n|---|---|---:|\n");
    for layer in summary.layers.iter().take(LISTED) {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            cell(&layer.layer),
            cell(&layer.output.to_string()),
            digits::whole(layer.parameters as u64)
        );
    }
    let more = summary.layers.len().saturating_sub(LISTED);
    if more > 0 {
        let _ = writeln!(text, "| and {more} more layers | | |");
    }
    let _ = writeln!(text, "| all | | {} |\n", digits::whole(summary.parameters as u64));
}

fn limits(text: &mut String, bundle: &Bundle, judgement: Option<&Judgement>) {
    text.push_str("## Limits\n\n");
    text.push_str("- It knows rows like those that it learned from. `predict` counts values that training did not have; it foretells them all the same.\n");
    text.push_str("- What goes together in its rows need not be cause and effect.\n");
    let has_classes = bundle.targets.iter().any(|target| !target.names.is_empty());
    if has_classes && judgement.is_none_or(|judgement| judgement.temperatures.is_empty()) {
        text.push_str("- Its probabilities are not calibrated: how sure it says it is has not been held against how often it is right.\n");
    }
    if judgement.is_none() {
        text.push_str("- It has not been judged on rows that had no say in its making.\n");
    }
    text.push('\n');
}

fn uses(text: &mut String, bundle: &Bundle) {
    text.push_str("## How to use it\n\n");
    text.push_str(
        "From the folder that holds this file:\n\n```sh\ngristmill predict . rows.csv --out predictions.csv\n```\n\n",
    );
    text.push_str("In a pipeline, where `out/model` is this folder:\n\n```yaml\n- read: {path: rows.csv}\n- predict: {model: out/model}\n- write: {path: out/predictions.parquet}\n```\n\n");
    let _ =
        writeln!(text, "Made by {}; the layout of the folder is number {}.", line(&bundle.created_by), bundle.format);
}

/// A text on one line that does not end the code that it stands in.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                ' '
            } else if c == '`' {
                '\''
            } else {
                c
            }
        })
        .collect()
}

/// A text for a cell of a table.
fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}

/// The name of a file as a person knows it: below the folder of work where it lies there.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    below.unwrap_or(path).display().to_string()
}
