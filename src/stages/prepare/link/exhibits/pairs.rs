//! The weights of pairs: how single ones came about, how all of them are distributed, which rows no pair could have linked.

use super::{Told, size};
use crate::chart::{Axis, Figure, Histogram, Line, Mark, NumberFormat, Positions, Scale, Series, Step, Waterfall};
use crate::digits;
use crate::exhibit::Exhibit;
use crate::similarity::linkage::estimate;
use crate::similarity::linkage::score::Scored;
use crate::stages::prepare::link::work::Linked;

/// Records whose weight with themselves is looked at.
const WITH_THEMSELVES: usize = 100_000;
/// Pairs among which an example of a clear difference is looked for.
const LOOKED_AT: usize = 2_000;

/// How a clear match, a pair near the threshold and a clear difference came to their weights.
pub(super) fn waterfalls(linked: &Linked<'_>, told: &Told<'_>) -> Vec<Exhibit> {
    let threshold = estimate::weight(told.threshold);
    let links = linked.pairs.partition_point(|pair| pair.weight >= threshold);
    let clear = linked.pairs.get(links / 4).filter(|_| links > 0);
    let near = linked
        .pairs
        .iter()
        .min_by(|one, other| (one.weight - threshold).abs().total_cmp(&(other.weight - threshold).abs()))
        .filter(|near| clear.is_none_or(|clear| (clear.left, clear.right) != (near.left, near.right)));
    let different = different(linked);
    let named = [
        ("A clear match", clear.copied()),
        ("The pair nearest to the threshold", near.copied()),
        ("A clear difference", different),
    ];
    named.into_iter().filter_map(|(title, pair)| Some(waterfall(linked, title, &pair?))).collect()
}

/// The lightest of the first pairs of the rule with most pairs.
fn different(linked: &Linked<'_>) -> Option<Scored> {
    let counts = linked.blocks.counts();
    let rule = (0..counts.len()).max_by_key(|rule| counts.get(*rule).map_or(0, |count| count.pairs))?;
    let mut first: Vec<(u32, u32)> = Vec::new();
    let visit = |part: crate::similarity::linkage::blocking::Part<'_>| {
        let mut pairs = Vec::new();
        part.for_each(|left, right| {
            if pairs.len() < LOOKED_AT {
                pairs.push((left, right));
            }
        });
        pairs
    };
    linked.blocks.visit(linked.records, rule, visit, |pairs| {
        first.extend(pairs);
        false
    });
    let scored = first.into_iter().map(|(left, right)| {
        let (weight, pattern) = linked.scorer.pair(left, right);
        Scored { left, right, weight, pattern, rule: u16::try_from(rule).unwrap_or(0) }
    });
    scored.min_by(|one, other| one.weight.total_cmp(&other.weight)).filter(|pair| pair.weight < 0.0)
}

fn waterfall(linked: &Linked<'_>, title: &str, pair: &Scored) -> Exhibit {
    let mut steps = Vec::new();
    for (at, comparison) in linked.comparisons.iter().enumerate() {
        let value = |record: u32| linked.records.value(record, at).map_or("missing", |value| value).to_owned();
        let (ours, theirs) = (value(pair.left), value(pair.right));
        let (weight, rare) = linked.scorer.part(at, pair.left, pair.right, pair.pattern);
        let values = if ours == theirs { ours } else { format!("{ours} / {theirs}") };
        steps.push(Step::new(format!("{}: {values}", comparison.name), weight));
        if rare != 0.0 {
            steps.push(Step::new(format!("{}: how rare it is", comparison.name), rare));
        }
    }
    let start = Step::new("before anything is compared", linked.scorer.prior());
    let end = Step::new("match weight", start.value + steps.iter().map(|step| step.value).sum::<f64>());
    let probability = estimate::probability(pair.weight);
    let mut figure = Figure::new(title, Mark::Waterfall(Waterfall { start, steps, end }));
    figure.subtitle =
        format!("Match weight {} bits, probability {}", digits::fixed(pair.weight, 1), shown(probability));
    figure.y = Axis::labelled("Match weight, bits");
    Exhibit::Figure(Box::new(figure))
}

/// A probability with as many digits as it takes to tell it from 0 and 1.
fn shown(probability: f64) -> String {
    match probability {
        _ if probability > 0.999_999 => "over 0.999999".to_owned(),
        _ if probability < 0.000_001 => "under 0.000001".to_owned(),
        _ if (0.001..0.999).contains(&probability) => format!("{probability:.3}"),
        _ => format!("{probability:.6}"),
    }
}

/// How the weights of the compared pairs are distributed.
pub(super) fn histogram(linked: &Linked<'_>, told: &Told<'_>) -> Option<Exhibit> {
    let learned = told.learned?;
    let weighed: Vec<(f64, f64)> = learned
        .sessions
        .iter()
        .flat_map(|session| &session.patterns)
        .filter(|count| count.new > 0.0)
        .map(|count| (told.parameters.weight(count.pattern), count.new))
        .collect();
    let low = weighed.iter().map(|(weight, _)| *weight).fold(f64::INFINITY, f64::min).floor();
    let high = weighed.iter().map(|(weight, _)| *weight).fold(f64::NEG_INFINITY, f64::max).ceil();
    if !(low.is_finite() && high > low) {
        return None;
    }
    let width = ((high - low) / 60.0).ceil().max(1.0);
    let mut edges = vec![low];
    while edges.last().is_some_and(|last| *last < high) {
        edges.push(edges.last().copied().unwrap_or(low) + width);
    }
    let mut counts = vec![0.0; edges.len() - 1];
    for (weight, pairs) in weighed {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most as many as there are bins"
        )]
        let bin = (((weight - low) / width) as usize).min(counts.len() - 1);
        if let Some(count) = counts.get_mut(bin) {
            *count += pairs;
        }
    }
    let mark = Mark::Histogram(Histogram::new(edges, counts.into_iter().map(|count| (count > 0.0).then_some(count))));
    let mut figure = Figure::new("Match weights of the compared pairs", mark);
    let threshold = estimate::weight(told.threshold);
    figure.subtitle =
        format!("Pairs from {} bits on are linked; the rarity of values is not in it", digits::fixed(threshold, 1));
    figure.x = Axis::labelled("Match weight, bits");
    figure.y = Axis { label: "Pairs".to_owned(), scale: Scale::Log, ..Axis::default() };
    let sampled = learned
        .sessions
        .iter()
        .zip(linked.blocks.counts())
        .any(|(session, count)| session.patterns.iter().any(|one| one.pairs.fract() != 0.0) && count.pairs > 0);
    if sampled {
        figure.note = "Rules with many pairs are counted in a sample of them.".to_owned();
    }
    Some(Exhibit::Figure(Box::new(figure)))
}

/// Which share of the rows could not even be linked with a copy of themselves, by threshold.
pub(super) fn unlinkable(linked: &Linked<'_>, told: &Told<'_>) -> Vec<Exhibit> {
    let step = linked.records.len().div_ceil(WITH_THEMSELVES).max(1);
    let sample = (0..linked.records.len()).step_by(step).filter_map(|record| u32::try_from(record).ok());
    let mut weights: Vec<f64> = sample.map(|record| linked.scorer.with_itself(record)).collect();
    weights.sort_by(f64::total_cmp);
    if weights.is_empty() {
        return Vec::new();
    }
    let share = |weight: f64| size(weights.partition_point(|own| *own < weight)) / size(weights.len());
    let at: Vec<f64> = (-20..=60).map(|half| f64::from(half) / 2.0).collect();
    let x = Positions::Number(at.iter().map(|weight| Some(*weight)).collect());
    let line = Line::new(x, vec![Series::new("", at.iter().map(|weight| Some(share(*weight))))]);
    let now = share(estimate::weight(told.threshold));
    let title = match now {
        0.0 => "Every row says enough to be linked".to_owned(),
        _ => format!("{:.1} % of the rows say too little to be linked with anything", now * 100.0),
    };
    let mut figure = Figure::new(title, Mark::Line(line));
    figure.subtitle = "Share of rows whose weight with a copy of themselves is below a threshold".to_owned();
    figure.x = Axis::labelled("Threshold, match weight in bits");
    figure.y = Axis { format: NumberFormat::Percent, ..Axis::default() };
    vec![Exhibit::Figure(Box::new(figure))]
}
