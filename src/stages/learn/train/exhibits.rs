//! What `train` shows: how it went, the learning curves, what was decided, the layers.

use super::work::{Finished, epoch_seconds};
use crate::chart::{Axis, Figure, Line, Mark, Points, Positions, Scale, Series};
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::nn::Trained;
use crate::nn::training::{Ended, EpochRecord, Validation};
use crate::stages::learn::loader::Rows;
use crate::tensor::{Encoder, Target};

/// What there is to show.
pub(super) struct Shown<'a> {
    pub(super) finished: &'a Finished,
    pub(super) encoder: &'a Encoder,
    pub(super) rows: &'a Rows,
    pub(super) validation: Option<(&'a Rows, &'a str)>,
    /// Why the model cannot be applied to new rows.
    pub(super) refused: Option<&'a str>,
}

pub(super) fn all(shown: &Shown<'_>) -> Vec<Exhibit> {
    let trained = &shown.finished.trained;
    let mut exhibits = vec![metrics(shown), losses(shown)];
    exhibits.extend(metric_curve(shown));
    exhibits.extend(rate_curve(trained));
    exhibits.extend(found_rate(shown.finished));
    exhibits.extend(decisions(shown));
    exhibits.extend(targets(trained));
    exhibits.push(layers(trained));
    exhibits.extend(left_out(shown));
    exhibits.extend(shown.refused.map(|reason| {
        Exhibit::note(Tone::Warning, format!("The model cannot be applied to new rows by `predict`: {reason}."))
    }));
    exhibits
}

/// A metric as people read it: the network knows the standardized number only.
fn shown_metric(target: &Target, metric: f64) -> (f64, Format, &'static str) {
    match target {
        Target::Number(number) => (metric * number.scale, Format::Number, "mean absolute error"),
        Target::Count(_) => (metric, Format::Number, "mean absolute error"),
        Target::MultiLabel(_) => (metric, Format::Percent, "share of right labels"),
        Target::Binary(_) | Target::Category(_) => (metric, Format::Percent, "accuracy"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
fn metrics(shown: &Shown<'_>) -> Exhibit {
    let (finished, trained) = (shown.finished, &shown.finished.trained);
    let kept = trained.history.iter().find(|epoch| epoch.epoch == trained.kept_epoch);
    let learned: f64 = trained.history.iter().map(|epoch| epoch.rows_per_second).sum();
    let mut metrics = vec![
        Metric::new("epochs", trained.history.len() as f64, Format::Integer),
        Metric::new("kept epoch", trained.kept_epoch as f64, Format::Integer),
        Metric::new("training loss", kept.map(|epoch| epoch.loss), Format::Number),
    ];
    if let Some(validation) = kept.and_then(|epoch| epoch.validation.as_ref()) {
        metrics.push(Metric::new("validation loss", validation.loss, Format::Number));
        let (value, format, name) = shown_metric(shown.encoder.target(), validation.metric);
        metrics.push(if format == Format::Percent {
            Metric::new(format!("validation {name}"), value, format)
        } else {
            Metric::new("validation error", value, format).note(name)
        });
    }
    metrics.extend([
        Metric::new("parameters", trained.network.parameter_count() as f64, Format::Integer),
        Metric::new("training rows", shown.rows.len() as f64, Format::Integer),
        Metric::new("rows a second", learned / trained.history.len().max(1) as f64, Format::Integer),
        Metric::new("time of an epoch", epoch_seconds(&trained.history), Format::Seconds),
        Metric::new("time", finished.seconds, Format::Seconds),
    ]);
    let early = trained.ended == Ended::EarlyStopped;
    let title = if early { "Training, stopped early" } else { "Training" };
    Exhibit::Metrics { title: title.to_owned(), metrics }
}

#[expect(clippy::cast_precision_loss, reason = "a few epochs")]
fn epochs(history: &[EpochRecord]) -> Positions {
    Positions::Number(history.iter().map(|epoch| Some(epoch.epoch as f64)).collect())
}

/// A dot at the epoch whose weights are kept.
#[expect(clippy::cast_precision_loss, reason = "a few epochs")]
fn kept_dot(trained: &Trained, series: usize, of: impl Fn(&EpochRecord) -> Option<f64>) -> Vec<Points> {
    let kept = trained.history.iter().find(|epoch| epoch.epoch == trained.kept_epoch);
    let value = kept.and_then(of);
    value
        .map(|value| Points {
            name: "kept epoch".to_owned(),
            series,
            x: Positions::Number(vec![Some(trained.kept_epoch as f64)]),
            y: vec![Some(value)],
        })
        .into_iter()
        .collect()
}

fn losses(shown: &Shown<'_>) -> Exhibit {
    let trained = &shown.finished.trained;
    let history = &trained.history;
    let mut series = vec![Series::new("training", history.iter().map(|epoch| Some(epoch.loss)))];
    let validated = |epoch: &EpochRecord| epoch.validation.as_ref().map(|validation| validation.loss);
    if let Some((_, part)) = shown.validation {
        series.push(Series::new(part, history.iter().map(validated)));
    }
    let last = series.len() - 1;
    let mut line = Line::new(epochs(history), series);
    line.points = kept_dot(trained, last, |epoch| if last == 0 { Some(epoch.loss) } else { validated(epoch) });
    let mut figure = Figure::new("Loss by epoch", Mark::Line(line));
    figure.x = Axis::labelled("epoch");
    figure.y = Axis::labelled("loss");
    figure.note = format!("The weights of epoch {} are kept.", trained.kept_epoch);
    if let Some(done) = shown.finished.resumed {
        figure.note += &format!(" Epochs up to {done} were learned in an earlier run.");
    }
    Exhibit::Figure(Box::new(figure))
}

/// The metric of the first target on the validation part.
fn metric_curve(shown: &Shown<'_>) -> Option<Exhibit> {
    let (_, part) = shown.validation?;
    let (trained, target) = (&shown.finished.trained, shown.encoder.target());
    let value = |epoch: &EpochRecord| Some(shown_metric(target, epoch.validation.as_ref()?.metric).0);
    let (_, format, name) = shown_metric(target, 0.0);
    let series = Series::new(part, trained.history.iter().map(value));
    let mut line = Line::new(epochs(&trained.history), vec![series]);
    line.points = kept_dot(trained, 0, value);
    let title = format!("{} of {} by epoch", capital(name), target.column());
    let mut figure = Figure::new(title, Mark::Line(line));
    figure.x = Axis::labelled("epoch");
    figure.y = Axis::labelled(name);
    if format == Format::Percent {
        figure.y.format = crate::chart::NumberFormat::Percent;
    }
    Some(Exhibit::Figure(Box::new(figure)))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The learning rate, where it changes.
fn rate_curve(trained: &Trained) -> Option<Exhibit> {
    let history = &trained.history;
    let first = history.first()?.learning_rate;
    if history.iter().all(|epoch| epoch.learning_rate == first) {
        return None;
    }
    let series = Series::new("learning rate", history.iter().map(|epoch| Some(epoch.learning_rate)));
    let mut figure =
        Figure::new("Learning rate at the end of each epoch", Mark::Line(Line::new(epochs(history), vec![series])));
    figure.x = Axis::labelled("epoch");
    figure.y = Axis::labelled("learning rate");
    Some(Exhibit::Figure(Box::new(figure)))
}

/// How the learning rate was found.
fn found_rate(finished: &Finished) -> Option<Exhibit> {
    let found = finished.header.found.as_ref()?;
    let (rate, points) = (found.learning_rate, &found.points);
    let x = Positions::Number(points.iter().map(|point| Some(point.learning_rate)).collect());
    let series = Series::new("loss", points.iter().map(|point| Some(point.smoothed)));
    let mut line = Line::new(x, vec![series]);
    let at = points.iter().find(|point| point.learning_rate == rate);
    line.points.extend(at.map(|point| Points {
        name: "found".to_owned(),
        series: 0,
        x: Positions::Number(vec![Some(rate)]),
        y: vec![Some(point.smoothed)],
    }));
    let mut figure = Figure::new(format!("A learning rate of {rate:.2e} was found"), Mark::Line(line));
    figure.x = Axis::labelled("learning rate");
    figure.x.scale = Scale::Log;
    figure.y = Axis::labelled("loss, smoothed");
    figure.note = "The rate grew from batch to batch; the one at which the loss fell fastest is taken.".to_owned();
    Some(Exhibit::Figure(Box::new(figure)))
}

/// What was not written but decided.
fn decisions(shown: &Shown<'_>) -> Option<Exhibit> {
    let finished = shown.finished;
    let mut said = Vec::new();
    let options = &finished.options;
    let chosen = if finished.header.batch_size.is_some() { ", chosen by the network and the memory" } else { "" };
    let others = options.batch_sizes.iter().map(|size| format!(", from epoch {} on {}", size.epoch, size.rows));
    said.push(format!("Each step learns {} rows{chosen}{}.", options.batch_size, others.collect::<String>()));
    if let Some((bytes, together)) = shown.rows.spilled() {
        said.push(format!(
            "The training rows did not fit into memory: they were encoded into a file of {} MiB, of which {together} rows \
             from blocks all over it are shuffled together.",
            bytes >> 20
        ));
    }
    Some(Exhibit::note(Tone::Info, said.join(" ")))
}

/// How each of several targets does on the validation part.
fn targets(trained: &Trained) -> Option<Exhibit> {
    let kept = trained.history.iter().find(|epoch| epoch.epoch == trained.kept_epoch)?;
    let Validation { outputs, .. } = kept.validation.as_ref()?;
    if outputs.is_empty() {
        return None;
    }
    let rows = outputs.iter().map(|output| {
        vec![
            Cell::text(output.name.clone()),
            Cell::number(output.loss),
            Cell::text(output.metric_name.clone()),
            Cell::number(output.metric),
        ]
    });
    let columns = ["target", "validation loss", "metric", "value"].map(Column::new).to_vec();
    let note = Some("Errors of numbers are in standard deviations of the target.".to_owned());
    Some(Exhibit::Table(Table { title: "Targets in the kept epoch".to_owned(), columns, rows: rows.collect(), note }))
}

fn layers(trained: &Trained) -> Exhibit {
    let summary = trained.network.summary();
    let inputs = trained.network.spec().inputs.iter().map(|input| {
        let kind = input.tokens.map_or("input".to_owned(), |tokens| format!("input of {tokens} tokens"));
        vec![Cell::text(format!("{} ({kind})", input.name)), Cell::text(input.shape.to_string()), Cell::Empty]
    });
    let layers = summary.layers.iter().map(|layer| {
        vec![
            Cell::text(layer.layer.clone()),
            Cell::text(layer.output.to_string()),
            Cell::count(layer.parameters as u64),
        ]
    });
    let rows = inputs.chain(layers).collect();
    let columns = vec![Column::new("layer"), Column::new("output"), Column::formatted("parameters", Format::Integer)];
    let note = Some(format!("{} parameters in all.", crate::digits::whole(summary.parameters as u64)));
    Exhibit::Table(Table { title: "Network".to_owned(), columns, rows, note })
}

/// A note about rows that were not learned.
fn left_out(shown: &Shown<'_>) -> Option<Exhibit> {
    let columns: Vec<String> = shown.encoder.targets().iter().map(|target| format!("`{}`", target.column())).collect();
    let target = columns.join(" or ");
    let mut remarks = Vec::new();
    let mut say = |rows: &str, read: &Rows| {
        let left_out = read.left_out;
        for (count, reason) in [
            (left_out.missing, format!("without {target}")),
            (left_out.unknown, "of a class that no training row has".to_owned()),
            (left_out.failed, format!("whose content could not be read (first {})", read.unreadable.join("; "))),
            (left_out.unweighted, "without a weight".to_owned()),
        ] {
            if count > 0 {
                remarks.push(format!("{rows} {reason}, left out: {count}."));
            }
        }
    };
    say("training rows", shown.rows);
    if let Some((rows, part)) = shown.validation {
        say(&format!("rows of part {part}"), rows);
    }
    (!remarks.is_empty()).then(|| Exhibit::note(Tone::Info, remarks.join(" ")))
}
