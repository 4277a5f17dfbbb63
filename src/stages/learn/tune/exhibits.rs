//! What a search shows: the best options, how they were found, and which options mattered.

mod coordinates;
mod tables;

use super::search::{Ended, TuneWork};
use super::space::Dimension;
use crate::chart::{Axis, Bar, Figure, Line, Mark, NumberFormat, Points, Positions, Scale, Scatter, Series};
use crate::exhibit::{Exhibit, Format, Metric, Tone};
use crate::tuning::{Attempt, Domain, History, Observation, Sampler, importance};

/// Options whose values are drawn, the most important first.
const DRAWN: usize = 6;

/// What there is to show.
pub(super) struct Shown<'a> {
    pub(super) work: &'a TuneWork,
    pub(super) dimensions: &'a [Dimension],
    pub(super) history: &'a History,
    pub(super) best: &'a Attempt,
    /// The value of each target with the options as they are written.
    pub(super) written: Option<&'a [f64]>,
    /// Attempts of earlier runs.
    pub(super) resumed: usize,
    /// Attempts that went on from a smaller budget.
    pub(super) continued: usize,
    pub(super) ended: Ended,
}

pub(super) fn all(shown: &Shown<'_>) -> Vec<Exhibit> {
    let important = important(shown);
    let mut exhibits = vec![headline(shown), tables::best(shown)];
    exhibits.extend(tables::by_target(shown));
    exhibits.push(progress(shown));
    exhibits.extend(important.as_ref().map(|important| importances(shown, important)));
    exhibits.extend(coordinates::figure(shown, important.as_deref()));
    exhibits.extend(slices(shown, important.as_deref()));
    exhibits.push(tables::trials(shown));
    exhibits.push(Exhibit::note(Tone::Info, how_judged(shown)));
    exhibits
}

/// In a sentence, for those who do not look at the report.
pub(super) fn remarks(shown: &Shown<'_>) -> Vec<String> {
    let judge = &shown.work.judge;
    let (Some(best), Some(written)) = (shown.best.loss, shown.as_written()) else { return Vec::new() };
    if best < judge.turned(written) {
        return Vec::new();
    }
    let (best, written) = (digits(judge.turned(best)), digits(written));
    vec![format!("no trial is better than the options as they are written: {} {best} against {written}", judge.name())]
}

impl Shown<'_> {
    fn value(&self, attempt: &Attempt) -> Option<f64> {
        attempt.loss.map(|loss| self.work.judge.turned(loss))
    }

    /// The value of the options as they are written.
    fn as_written(&self) -> Option<f64> {
        let written = self.written?;
        self.work.judge.loss(written, Some(written)).ok().map(|loss| self.work.judge.turned(loss))
    }

    fn metric(&self) -> &'static str {
        self.work.judge.name()
    }

    /// Attempts with the largest budget: values of different budgets cannot be compared.
    fn comparable(&self) -> Vec<&Attempt> {
        let rung = self.best.rung;
        self.history.attempts().iter().filter(|attempt| attempt.rung == rung).collect()
    }
}

/// Four significant digits.
fn digits(value: f64) -> String {
    format!("{value:.3e}").parse::<f64>().unwrap_or(value).to_string()
}

#[expect(clippy::cast_precision_loss, reason = "counts of trials")]
fn headline(shown: &Shown<'_>) -> Exhibit {
    let attempts = shown.history.attempts();
    let failed = attempts.iter().filter(|attempt| attempt.loss.is_none()).count();
    let best = Metric::new(format!("best {}", shown.metric()), shown.value(shown.best), Format::Number);
    let best = match standard_error(&shown.best.folds) {
        Some(error) => best.note(format!("± {} (standard error over {} folds)", digits(error), shown.best.folds.len())),
        None => best.note(format!("trial {}", shown.best.configuration + 1)),
    };
    let mut metrics = vec![
        best,
        Metric::new("as written", shown.as_written(), Format::Number),
        Metric::new("configurations", shown.history.configurations() as f64, Format::Integer),
    ];
    if attempts.len() > shown.history.configurations() {
        metrics.push(Metric::new("trainings", attempts.len() as f64, Format::Integer));
    }
    metrics.push(Metric::new("failed", failed as f64, Format::Integer));
    let seconds = shown.history.seconds();
    let time = Metric::new("time of trials", seconds, Format::Seconds);
    metrics.push(if shown.resumed > 0 { time.note(format!("{} of earlier runs", shown.resumed)) } else { time });
    let title = match shown.ended {
        Ended::Complete => "Search",
        Ended::Exhausted => "Search, everything was tried",
        Ended::Time => "Search, ended by its time",
    };
    Exhibit::Metrics { title: title.to_owned(), metrics }
}

/// Of a mean over folds.
#[expect(clippy::cast_precision_loss, reason = "a few folds")]
fn standard_error(folds: &[f64]) -> Option<f64> {
    let count = folds.len() as f64;
    if folds.len() < 2 {
        return None;
    }
    let mean = folds.iter().sum::<f64>() / count;
    let squares: f64 = folds.iter().map(|loss| (loss - mean).powi(2)).sum();
    Some((squares / (count - 1.0) / count).sqrt())
}

/// The value of each trial, and the best so far.
#[expect(clippy::cast_precision_loss, reason = "counts of trials")]
fn progress(shown: &Shown<'_>) -> Exhibit {
    let judge = &shown.work.judge;
    let comparable = shown.comparable();
    let place = |attempt: &Attempt| Some((attempt.configuration + 1) as f64);
    let mut ordered = comparable.clone();
    ordered.sort_by_key(|attempt| attempt.configuration);
    let mut least = f64::INFINITY;
    let so_far: Vec<Option<f64>> = ordered
        .iter()
        .map(|attempt| {
            least = least.min(attempt.loss.unwrap_or(f64::INFINITY));
            Some(judge.turned(least)).filter(|value| value.is_finite())
        })
        .collect();
    let places = || Positions::Number(ordered.iter().map(|attempt| place(attempt)).collect());
    let mut line = Line::new(places(), vec![Series::new("best so far", so_far)]);
    line.points = vec![Points {
        name: "trial".to_owned(),
        series: 1,
        x: places(),
        y: ordered.iter().map(|attempt| shown.value(attempt)).collect(),
    }];
    let mut figure = Figure::new(format!("{} by trial", capital(shown.metric())), Mark::Line(line));
    figure.x = Axis { format: NumberFormat::Plain, ..Axis::labelled("trial") };
    figure.y = Axis::labelled(shown.metric());
    let failed = ordered.iter().filter(|attempt| attempt.loss.is_none()).count();
    let mut notes = Vec::new();
    if failed > 0 {
        notes.push(format!("{failed} failed and have no dot."));
    }
    if let Some(epochs) = shown.best.budget {
        notes.push(format!("Those of {epochs} epochs, the largest budget."));
    }
    figure.note = notes.join(" ");
    Exhibit::Figure(Box::new(figure))
}

/// The dimensions with their shares and deviations, the most important first.
fn important(shown: &Shown<'_>) -> Option<Vec<(usize, f64, f64)>> {
    let observed: Vec<Observation> = shown
        .comparable()
        .into_iter()
        .map(|attempt| Observation { point: attempt.point.clone(), loss: attempt.loss })
        .collect();
    let found = importance(&shown.work.space, &observed, shown.work.seed)?;
    let mut ranked: Vec<(usize, f64, f64)> =
        found.iter().enumerate().map(|(at, found)| (at, found.share, found.deviation)).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    Some(ranked)
}

fn importances(shown: &Shown<'_>, ranked: &[(usize, f64, f64)]) -> Exhibit {
    let name = |at: usize| shown.dimensions.get(at).map_or_else(String::new, |dimension| dimension.name().to_owned());
    let shares = ranked.iter().map(|(_, share, _)| Some(*share));
    let bar = Bar::new(ranked.iter().map(|(at, ..)| name(*at)), vec![Series::new("share", shares)]);
    let mut figure = Figure::new("Which options mattered", Mark::Bar(bar));
    figure.subtitle =
        format!("share of the variance of {} over what was searched that an option explains alone", shown.metric());
    figure.y = Axis { format: NumberFormat::Percent, min: Some(0.0), ..Axis::labelled("share of the variance") };
    figure.note = "By a random forest on the trials (functional analysis of variance, Hutter et al. 2014). What is left to 100 % are \
                   options that matter only together. Few trials tell little."
        .to_owned();
    Exhibit::Figure(Box::new(figure))
}

/// The value of each trial by the value of an option.
fn slices(shown: &Shown<'_>, ranked: Option<&[(usize, f64, f64)]>) -> Vec<Exhibit> {
    let order: Vec<usize> = match ranked {
        Some(ranked) => ranked.iter().map(|(at, ..)| *at).collect(),
        None => (0..shown.dimensions.len()).collect(),
    };
    let attempts = shown.comparable();
    let tried = |at: usize| attempts.iter().filter_map(move |attempt| Some((*attempt.point.get(at)?, *attempt)));
    let slice = |at: usize| {
        let dimension = shown.dimensions.get(at)?;
        if matches!(dimension.domain, Domain::Choices(_)) {
            return Some(tables::by_choice(shown, dimension, &tried(at).collect::<Vec<_>>()));
        }
        let x = Positions::Number(tried(at).map(|(value, _)| Some(value)).collect());
        let y = tried(at).map(|(_, attempt)| shown.value(attempt)).collect();
        let mut figure = Figure::new(dimension.name().to_owned(), Mark::Scatter(Scatter::new(x, y)));
        figure.x = Axis::labelled(dimension.steps.last().map_or_else(String::new, |step| step.name.clone()));
        if matches!(dimension.domain, Domain::Real { log: true, .. } | Domain::Steps { log: true, .. }) {
            figure.x.scale = Scale::Log;
        }
        figure.y = Axis::labelled(shown.metric());
        (figure.width, figure.height) = (480, Some(320));
        Some(Exhibit::Figure(Box::new(figure)))
    };
    order.into_iter().take(DRAWN).filter_map(slice).collect()
}

fn how_judged(shown: &Shown<'_>) -> String {
    let part = &shown.work.judge.part;
    let judged = match &shown.work.crossing {
        Some(folds) if folds.in_time => format!(
            "Each trial was judged by {} folds that follow each other in time, learning from what lies before each, of the rows outside of part \
             `{part}`: the value is the mean over the folds.",
            folds.count
        ),
        Some(folds) => format!(
            "Each trial was judged by {} folds of the rows outside of part `{part}`: the value is the mean over the folds.",
            folds.count
        ),
        None => format!("Each trial was judged on part `{part}`."),
    };
    let sampler = match &shown.work.sampler {
        Sampler::Random => "Options were drawn by chance.",
        Sampler::Grid => "All combinations were to be tried.",
        Sampler::Tpe(_) => "Options were chosen by a tree-structured Parzen estimator.",
    };
    let promoted = shown.history.attempts().iter().filter(|attempt| attempt.rung > 0).count();
    let rungs = match (promoted, shown.continued) {
        (0, _) => String::new(),
        (_, 0) => {
            " Each rung trained from the beginning: the learning rate depends on the number of epochs.".to_owned()
        }
        (_, continued) => format!(" {continued} trainings went on from where the rung below had left them."),
    };
    let beside = match shown.work.parallel {
        0 | 1 => String::new(),
        parallel => format!(" {parallel} were chosen together and trained side by side."),
    };
    format!(
        "{judged} {sampler}{beside}{rungs} The best of many is a little too good by chance: `evaluate` tells on the test part, which the search has not \
         seen, how good the model is."
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
