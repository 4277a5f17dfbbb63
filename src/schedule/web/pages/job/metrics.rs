//! What is followed over runs: how long they took, and the numbers that they left, each as a line.

use std::collections::BTreeSet;

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::super::super::super::store::{Result, Run, RunFilter, RunState, Store};
use super::super::moment;
use crate::chart::{Axis, Figure, Line, Mark, NumberFormat, Positions, Series, SvgColours};
use crate::exhibit::Format;
use crate::report::{format, text};

/// How many runs are followed.
const RUNS: usize = 100;
/// The most numbers beside the duration.
const MOST: usize = 11;
/// Names that come first, in this order.
const FIRST: [&str; 4] = ["rows", "quality", "accuracy", "error"];

/// A number over runs, the earliest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Followed {
    name: String,
    format: Format,
    /// The run's end in microseconds, and the number.
    points: Vec<(i64, Option<f64>)>,
}

/// The numbers of the last runs that ended well.
pub(super) fn look(store: &Store, job: &str) -> Result<Vec<Followed>> {
    let good = RunFilter { job: Some(job.to_owned()), state: Some(RunState::Succeeded), ..RunFilter::default() };
    Ok(follow(&store.runs(&good, None, RUNS)?.items))
}

/// The numbers of runs that come the latest first.
pub(super) fn follow(runs: &[Run]) -> Vec<Followed> {
    let ended: Vec<(i64, &Run)> =
        runs.iter().rev().filter_map(|run| Some((run.ended?.as_microsecond(), run))).collect();
    if ended.is_empty() {
        return Vec::new();
    }
    let took = |run: &Run| Some(moment::seconds(run.started?, run.ended?));
    let duration = Followed {
        name: "Duration".to_owned(),
        format: Format::Seconds,
        points: ended.iter().map(|(at, run)| (*at, took(run))).collect(),
    };
    // A number that is 0 in every run says nothing: `stages_failed` of runs that ended well.
    let tells = |value: &Value| value.as_f64().is_some_and(|number| number != 0.0);
    let names: BTreeSet<&str> = ended
        .iter()
        .flat_map(|(_, run)| run.metrics.iter().filter(|(_, value)| tells(value)).map(|(name, _)| name.as_str()))
        .collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.retain(|name| *name != "seconds");
    names.sort_by_key(|name| FIRST.iter().position(|first| name.contains(first)).unwrap_or(FIRST.len()));
    let others = names.into_iter().take(MOST).map(|name| {
        let points: Vec<_> =
            ended.iter().map(|(at, run)| (*at, run.metrics.get(name).and_then(Value::as_f64))).collect();
        Followed { name: name.to_owned(), format: format_of(name, &points), points }
    });
    std::iter::once(duration).chain(others).collect()
}

/// How a number is written, told from its name and its values: a share is one that is called like one and lies between 0 and 1.
pub(in super::super) fn format_of(name: &str, points: &[(i64, Option<f64>)]) -> Format {
    let values = || points.iter().filter_map(|(_, value)| *value);
    let called = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if called(&["seconds", "duration"]) {
        Format::Seconds
    } else if called(&["bytes", "memory"]) {
        Format::Bytes
    } else if called(&["accuracy", "quality", "share", "precision", "recall", "rate"])
        && values().all(|value| (0.0..=1.0).contains(&value))
    {
        Format::Percent
    } else if values().all(|value| value.fract() == 0.0) {
        Format::Integer
    } else {
        Format::Number
    }
}

/// A figure for each number; with one run there is no line yet, so the numbers stand as they are.
pub(super) fn charts(followed: &[Followed]) -> Markup {
    let most = followed.iter().map(|each| each.points.len()).max().unwrap_or_default();
    html! {
        @match most {
            0 => p.quiet { "No run has ended well yet: there is nothing to follow." },
            1 => dl.tiles { @for each in followed { (tile(each)) } },
            _ => {
                div.figures { @for each in followed { (chart(each)) } }
                p.remark { "The last " (most) " runs that ended well, by the time at which they ended." }
            }
        }
    }
}

fn tile(followed: &Followed) -> Markup {
    let value = followed.points.iter().find_map(|(_, value)| *value);
    html! {
        div.tile {
            dt { (text::line(&words(&followed.name), 60)) }
            dd { span.value { (value.map_or_else(|| format::NOTHING.to_owned(), |value| format::value(value, followed.format))) } }
        }
    }
}

fn chart(followed: &Followed) -> Markup {
    let last = followed.points.iter().rev().find_map(|(_, value)| *value);
    let name = text::line(&words(&followed.name), 60);
    let (scale, unit) = unit(followed);
    let values = followed.points.iter().map(|(_, value)| value.map(|value| value / scale));
    let line = Line::new(
        Positions::Time(followed.points.iter().map(|(at, _)| Some(*at)).collect()),
        vec![Series::new(name.clone(), values)],
    );
    let figure = Figure {
        subtitle: last.map(|value| format!("now {}", format::value(value, followed.format))).unwrap_or_default(),
        y: Axis {
            format: if followed.format == Format::Percent { NumberFormat::Percent } else { NumberFormat::Auto },
            ..Axis::labelled(unit)
        },
        width: 440,
        height: Some(250),
        ..Figure::new(name.clone(), Mark::Line(line))
    };
    match figure.to_svg(SvgColours::Variables) {
        // The chart escapes its texts itself.
        Ok(svg) => html! { figure.drawing.small { (PreEscaped(svg)) } },
        Err(error) => html! { p.note { (name) " cannot be drawn: " (text::line(&error.to_string(), 200)) } },
    }
}

/// By what values are divided on the axis, and the unit that they then have.
fn unit(followed: &Followed) -> (f64, &'static str) {
    let most = followed.points.iter().filter_map(|(_, value)| *value).fold(0.0_f64, f64::max);
    match followed.format {
        Format::Seconds if most >= 7_200.0 => (3_600.0, "hours"),
        Format::Seconds if most >= 120.0 => (60.0, "minutes"),
        Format::Seconds => (1.0, "seconds"),
        Format::Bytes if most >= 2_147_483_648.0 => (1_073_741_824.0, "GiB"),
        Format::Bytes => (1_048_576.0, "MiB"),
        _ => (1.0, ""),
    }
}

/// `rows_out` as `Rows out`.
fn words(name: &str) -> String {
    let plain = name.replace(['_', '.'], " ");
    let mut letters = plain.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_by_what_they_are() {
        let of = |name: &str, value: f64| format_of(name, &[(0, Some(value)), (1, None)]);
        assert_eq!(of("accuracy", 0.9), Format::Percent);
        assert_eq!(of("learning_rate", 12.5), Format::Number);
        assert_eq!(of("rows_out", 12.0), Format::Integer);
        assert_eq!(of("peak_memory", 12.5), Format::Bytes);
        assert_eq!(of("seconds", 1.0), Format::Seconds);
    }

    #[test]
    fn without_runs_nothing_is_drawn() {
        assert!(charts(&follow(&[])).into_string().contains("nothing to follow"));
    }
}
