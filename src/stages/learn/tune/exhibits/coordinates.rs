//! All trials as lines through their options, to the value that came out.

use super::{Shown, capital, digits};
use crate::chart::{Figure, Legend, Mark, Parallel, ParallelAxis, ParallelLine};
use crate::exhibit::Exhibit;
use crate::stages::learn::tune::space::Dimension;
use crate::tuning::{Attempt, Domain};

/// Options that are drawn at most, the most important ones.
const AXES: usize = 8;
/// Values of a list that have a word each.
const WORDS: usize = 8;

/// The figure; none when fewer than two options or two trials can be compared. `ranked` has the most important option first.
pub(super) fn figure(shown: &Shown<'_>, ranked: Option<&[(usize, f64, f64)]>) -> Option<Exhibit> {
    let attempts: Vec<&Attempt> =
        shown.comparable().into_iter().filter(|attempt| attempt.loss.is_some_and(f64::is_finite)).collect();
    let mut drawn: Vec<usize> = match ranked {
        Some(ranked) => ranked.iter().map(|(at, ..)| *at).take(AXES).collect(),
        None => (0..shown.dimensions.len().min(AXES)).collect(),
    };
    // The most important one stands beside the value.
    drawn.reverse();
    let options: Vec<(usize, &Dimension)> =
        drawn.into_iter().filter_map(|at| Some((at, shown.dimensions.get(at)?))).collect();
    if attempts.len() < 2 || options.len() < 2 {
        return None;
    }
    let losses: Vec<f64> = attempts.iter().filter_map(|attempt| attempt.loss).collect();
    let (least, most) = (
        losses.iter().copied().fold(f64::INFINITY, f64::min),
        losses.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    let judge = &shown.work.judge;
    // Of values, not of losses: what is high is high, whether that is good or bad.
    let (ends, is_gain) = ((judge.turned(least), judge.turned(most)), judge.turned(1.0) < 0.0);
    let place_of_loss = |loss: f64| {
        let share = if most > least { (loss - least) / (most - least) } else { 0.5 };
        if is_gain { 1.0 - share } else { share }
    };
    // Ranks, because one bad trial would make all others look alike.
    let mut ranked_losses = losses.clone();
    ranked_losses.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "counts of trials")]
    let strength = |loss: f64| {
        let better = ranked_losses.partition_point(|other| *other < loss);
        1.0 - better as f64 / (ranked_losses.len() - 1).max(1) as f64
    };
    let mut axes: Vec<ParallelAxis> = options.iter().map(|(_, dimension)| axis(dimension)).collect();
    let (low, high) = if is_gain { (ends.1, ends.0) } else { ends };
    axes.push(ParallelAxis {
        name: shown.metric().to_owned(),
        ticks: if most > least { vec![(0.0, digits(low)), (1.0, digits(high))] } else { vec![(0.5, digits(low))] },
    });
    let lines = attempts.iter().map(|attempt| {
        let loss = attempt.loss.unwrap_or(f64::NAN);
        let mut places: Vec<Option<f64>> = options
            .iter()
            .map(|(at, dimension)| attempt.point.get(*at).map(|value| place(dimension, *value)))
            .collect();
        places.push(Some(place_of_loss(loss)));
        let number = attempt.configuration + 1;
        ParallelLine {
            name: format!("trial {number}: {} {}", shown.metric(), digits(judge.turned(loss))),
            places,
            strength: strength(loss),
            is_marked: attempt.configuration == shown.best.configuration,
        }
    });
    let ends = ("worst trial".to_owned(), "best trials".to_owned());
    let mark = Parallel { axes, lines: lines.collect(), ends };
    let mut figure = Figure::new(format!("From options to {}", shown.metric()), Mark::Parallel(mark));
    figure.subtitle = format!("each line is a trial; n = {}, the best one is in the second colour", attempts.len());
    figure.legend = Legend { title: capital("rank"), ..Legend::default() };
    figure.height = Some(440);
    if shown.dimensions.len() > AXES {
        figure.note = format!("{AXES} of {} options.", shown.dimensions.len());
    }
    Some(Exhibit::Figure(Box::new(figure)))
}

/// The axis of an option on the scale on which it was searched.
fn axis(dimension: &Dimension) -> ParallelAxis {
    let ends = dimension.ends();
    let shown: Vec<f64> =
        if ends.len() > WORDS { ends.first().into_iter().chain(ends.last()).copied().collect() } else { ends };
    ParallelAxis {
        name: dimension.steps.last().map_or_else(|| dimension.name().to_owned(), |step| step.name.clone()),
        ticks: shown.into_iter().map(|value| (place(dimension, value), dimension.text(value))).collect(),
    }
}

/// Where a value stands between the ends of its domain, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "counts of choices")]
fn place(dimension: &Dimension, value: f64) -> f64 {
    match dimension.domain {
        Domain::Choices(count) => value / (count.max(2) - 1) as f64,
        Domain::Real { low, high, log: true } | Domain::Steps { low, high, log: true, .. } => {
            (value / low).ln() / (high / low).ln()
        }
        Domain::Real { low, high, .. } | Domain::Steps { low, high, .. } => (value - low) / (high - low),
    }
}
