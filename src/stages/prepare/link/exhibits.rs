//! What a person looks at: which pairs were compared, what was learned, how single pairs came to their weight, which entities there are.

use std::collections::BTreeMap;

use super::work::{Learned, Linked, verdict};
use crate::chart::{
    Axis, Bar, Figure, Histogram, Line, Mark, NumberFormat, Orientation, Positions, Scale, Series, Step, Waterfall,
};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::similarity::linkage::estimate::{self, Parameters};
use crate::similarity::linkage::judge::Verdict;
use crate::similarity::linkage::records::{Side, Sides};
use crate::similarity::linkage::score::Scored;

/// Entities that are shown.
const SHOWN: usize = 8;
/// Rows of an entity that are shown.
const MEMBERS: usize = 5;
/// Records whose weight with themselves is looked at.
const WITH_THEMSELVES: usize = 100_000;
/// Pairs among which an example of a clear difference is looked for.
const LOOKED_AT: usize = 2_000;

/// What the exhibits need beside the result.
pub(super) struct Told<'a> {
    pub(super) parameters: &'a Parameters,
    pub(super) learned: Option<&'a Learned>,
    pub(super) sides: Sides,
    pub(super) threshold: f64,
}

/// All exhibits, what matters most first.
pub(super) fn all(linked: &Linked<'_>, told: &Told<'_>) -> Vec<Exhibit> {
    let clusters = Clusters::new(linked);
    let judged = verdict(linked, told.sides);
    let mut exhibits = vec![summary(linked, told, &clusters)];
    if let Some((entities, curve)) = &judged {
        exhibits.push(judgement(*entities));
        exhibits.extend(precision_recall(curve));
    }
    exhibits.extend(warnings(linked, told, &clusters));
    exhibits.extend(rules(linked));
    exhibits.extend(weights(linked, told));
    exhibits.push(parameters(linked, told));
    exhibits.extend(waterfalls(linked, told));
    exhibits.extend(histogram(linked, told));
    exhibits.extend(unlinkable(linked, told));
    exhibits.extend(clusters.sizes());
    exhibits.extend(clusters.examples(linked));
    exhibits.extend(mergers(linked));
    exhibits
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
fn float(count: u64) -> f64 {
    count as f64
}

fn size(count: usize) -> f64 {
    float(count as u64)
}

/// The entities by their first record.
struct Clusters {
    /// For each size how many entities have it.
    sizes: BTreeMap<u64, u64>,
    /// The largest entities: size and first record.
    largest: Vec<(u64, u32)>,
    /// A few of the smaller entities of more than one row.
    typical: Vec<(u64, u32)>,
}

impl Clusters {
    fn new(linked: &Linked<'_>) -> Self {
        let mut counts = vec![0_u32; linked.records.len()];
        for (root, replaced) in linked.entities.roots().iter().zip(linked.replaced) {
            if let Some(count) = counts.get_mut(*root as usize).filter(|_| !replaced) {
                *count += 1;
            }
        }
        let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
        let mut largest: Vec<(u64, u32)> = Vec::new();
        let mut typical = Vec::new();
        for (count, root) in counts.iter().map(|count| u64::from(*count)).zip(0_u32..).filter(|(count, _)| *count > 0) {
            *sizes.entry(count).or_default() += 1;
            if largest.len() < SHOWN || largest.last().is_some_and(|least| least.0 < count) {
                largest.push((count, root));
                largest.sort_by_key(|(count, root)| (std::cmp::Reverse(*count), *root));
                largest.truncate(SHOWN);
            }
            if count > 1 && typical.len() < SHOWN {
                typical.push((count, root));
            }
        }
        largest.retain(|(count, _)| *count > 1);
        Self { sizes, largest, typical }
    }

    fn entities(&self) -> u64 {
        self.sizes.values().sum()
    }

    fn sizes(&self) -> Option<Exhibit> {
        if self.sizes.keys().all(|size| *size == 1) {
            return None;
        }
        let mut shown: Vec<(String, f64)> = Vec::new();
        let mut more = 0;
        for (size, count) in &self.sizes {
            match size {
                1..=9 => shown.push((size.to_string(), float(*count))),
                _ => more += count,
            }
        }
        if more > 0 {
            shown.push(("10 or more".to_owned(), float(more)));
        }
        let (names, counts): (Vec<_>, Vec<_>) = shown.into_iter().unzip();
        let bar = Bar::new(names, vec![Series::new("", counts.into_iter().map(Some))]);
        let mut figure = Figure::new("How many rows entities have", Mark::Bar(bar));
        figure.x = Axis::labelled("Rows of the entity");
        figure.y = Axis::labelled("Entities");
        Some(Exhibit::Figure(Box::new(figure)))
    }

    /// Tables of single entities with their rows.
    fn examples(&self, linked: &Linked<'_>) -> Vec<Exhibit> {
        let wanted: Vec<(&str, &[(u64, u32)])> = match self.largest.first() {
            Some((3.., _)) => vec![("Largest entities", &self.largest), ("Examples of entities", &self.typical)],
            _ => vec![("Examples of entities", &self.typical)],
        };
        // One pass over the records finds the members of all entities that are shown.
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (_, root) in wanted.iter().flat_map(|(_, entities)| entities.iter()) {
            members.insert(*root, Vec::new());
        }
        for ((root, replaced), record) in linked.entities.roots().iter().zip(linked.replaced).zip(0_u32..) {
            if let Some(members) = members.get_mut(root).filter(|members| members.len() < MEMBERS && !replaced) {
                members.push(record);
            }
        }
        wanted
            .into_iter()
            .filter(|(_, entities)| !entities.is_empty())
            .map(|(title, entities)| {
                let mut columns = vec![Column::new("entity"), Column::formatted("rows", Format::Integer)];
                columns.extend(linked.layout.id.map(|_| Column::new("id")));
                columns.extend(linked.comparisons.iter().map(|one| Column::new(one.name.clone())));
                let mut rows = Vec::new();
                for (count, root) in entities {
                    let name = linked.entities.name(*root, linked.records, linked.names);
                    for (at, record) in members.get(root).into_iter().flatten().enumerate() {
                        let mut row = match at {
                            0 => vec![Cell::text(name.clone()), Cell::count(*count)],
                            _ => vec![Cell::Empty, Cell::Empty],
                        };
                        let value = |column: usize| Cell::optional(linked.records.value(*record, column));
                        row.extend(linked.layout.id.map(value));
                        row.extend((0..linked.comparisons.len()).map(value));
                        rows.push(row);
                    }
                }
                let cut = entities.iter().any(|(count, _)| *count > MEMBERS as u64);
                let note = cut.then(|| format!("At most {MEMBERS} rows of each are shown."));
                Exhibit::Table(Table { title: title.to_owned(), columns, rows, note })
            })
            .collect()
    }
}

fn summary(linked: &Linked<'_>, told: &Told<'_>, clusters: &Clusters) -> Exhibit {
    let rows: u64 = clusters.sizes.iter().map(|(size, count)| size * count).sum();
    let links = linked.linked.iter().filter(|linked| **linked).count();
    let largest = clusters.sizes.keys().next_back().copied().unwrap_or(0);
    let mut metrics = vec![
        Metric::new("rows", float(rows), Format::Integer),
        Metric::new("entities", float(clusters.entities()), Format::Integer),
        Metric::new("pairs compared", float(linked.seen.iter().sum()), Format::Integer),
        Metric::new("pairs linked", size(links), Format::Integer)
            .note(format!("match probability from {}", told.threshold)),
        Metric::new("rows of the largest entity", float(largest), Format::Integer),
    ];
    if let Some(learned) = told.learned {
        metrics.push(Metric::new(
            "matches expected among the pairs",
            learned.estimated.matches.round(),
            Format::Integer,
        ));
    }
    let known = linked.records.sides().iter().filter(|side| **side == Side::Known).count();
    if known > 0 {
        metrics.push(Metric::new("known rows", size(known), Format::Integer));
        metrics.push(Metric::new("entities merged", size(linked.entities.mergers().len()), Format::Integer));
    }
    Exhibit::Metrics { title: "Linked".to_owned(), metrics }
}

fn judgement(verdict: Verdict) -> Exhibit {
    let percent = |name: &str, value: f64| Metric::new(name, value, Format::Percent);
    let metrics = vec![
        Metric::new("F1", verdict.f1(), Format::Number),
        percent("precision", verdict.precision()),
        percent("recall", verdict.recall()),
        Metric::new("pairs that belong together", float(verdict.wanted), Format::Integer),
        Metric::new("wrongly together", float(verdict.wrong), Format::Integer),
        Metric::new("not found", float(verdict.wanted - verdict.right), Format::Integer),
    ];
    Exhibit::Metrics { title: "Entities against the truth".to_owned(), metrics }
}

fn precision_recall(curve: &[(f64, Verdict)]) -> Option<Exhibit> {
    let step = curve.len().div_ceil(400).max(1);
    let last = curve.len().checked_sub(1)?;
    let points: Vec<&(f64, Verdict)> =
        curve.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last).map(|(_, point)| point).collect();
    let best = curve.iter().max_by(|one, other| one.1.f1().total_cmp(&other.1.f1()))?;
    let x = Positions::Number(points.iter().map(|(weight, _)| Some(*weight)).collect());
    let of =
        |name: &str, of: fn(&Verdict) -> f64| Series::new(name, points.iter().map(|(_, verdict)| Some(of(verdict))));
    let series = vec![of("precision", Verdict::precision), of("recall", Verdict::recall), of("F1", Verdict::f1)];
    let title = format!("F1 of pairs would be highest, {:.4}, from a weight of {:.1} on", best.1.f1(), best.0);
    let mut figure = Figure::new(title, Mark::Line(Line::new(x, series)));
    figure.subtitle = "Pairs linked from each match weight on, against the truth".to_owned();
    figure.x = Axis::labelled("Match weight, bits");
    figure.y = Axis { format: NumberFormat::Percent, ..Axis::default() };
    Some(Exhibit::Figure(Box::new(figure)))
}

fn warnings(linked: &Linked<'_>, told: &Told<'_>, clusters: &Clusters) -> Vec<Exhibit> {
    let mut notes = Vec::new();
    let mut warn = |text: String| notes.push(Exhibit::note(Tone::Warning, text));
    if let Some(learned) = told.learned {
        if !learned.estimated.converged {
            warn(format!("The estimates still moved after {} rounds; take them with care.", learned.estimated.rounds));
        }
        let unlearned: Vec<&str> = linked
            .comparisons
            .iter()
            .zip(&told.parameters.comparisons)
            .filter(|(_, one)| !one.learned)
            .map(|(comparison, _)| comparison.name.as_str())
            .collect();
        if !unlearned.is_empty() {
            warn(format!(
                "Nothing could be learned about matches that differ in {}, because every blocking rule makes the pairs agree in it: usual \
                 values stand in. Add a rule without it.",
                unlearned.join(", ")
            ));
        }
    }
    let largest = clusters.largest.first().map_or(0, |(count, _)| *count);
    if largest > 50 {
        warn(format!(
            "The largest entity has {largest} rows. Look at it: a chain of weak links, or a value that stands for nothing?"
        ));
    }
    notes
}

fn rules(linked: &Linked<'_>) -> Vec<Exhibit> {
    let mut links = vec![0_u64; linked.rules.len()];
    for (pair, is_linked) in linked.pairs.iter().zip(linked.linked) {
        if let Some(links) = links.get_mut(usize::from(pair.rule)).filter(|_| *is_linked) {
            *links += 1;
        }
    }
    let counts = linked.blocks.counts();
    let rows =
        linked.rules.iter().zip(counts).zip(linked.seen.iter().zip(&links)).map(|((rule, count), (new, links))| {
            let largest = count.largest.first();
            let key = largest.map(|(record, ..)| {
                let values: Vec<&str> =
                    rule.looks_at.iter().filter_map(|at| linked.records.value(*record, *at)).collect();
                values.join(" + ")
            });
            vec![
                Cell::text(rule.name.clone()),
                Cell::count(count.pairs),
                Cell::count(*new),
                Cell::count(*links),
                Cell::optional(key.filter(|key| !key.is_empty())),
                largest.map_or(Cell::Empty, |(_, rows, _)| Cell::count(*rows)),
            ]
        });
    let columns = vec![
        Column::new("rule"),
        Column::formatted("pairs", Format::Integer),
        Column::formatted("of them new", Format::Integer),
        Column::formatted("of them linked", Format::Integer),
        Column::new("largest key"),
        Column::formatted("its rows", Format::Integer),
    ];
    let table = Exhibit::table("Blocking rules", columns, rows.collect());
    let names: Vec<&str> = linked.rules.iter().map(|rule| rule.name.as_str()).collect();
    let values = counts.iter().zip(linked.seen);
    let new = Series::new("new", values.clone().map(|(_, new)| Some(float(*new))));
    let again = Series::new("found before", values.map(|(count, new)| Some(float(count.pairs.saturating_sub(*new)))));
    let bar = Bar { stacked: true, orientation: Orientation::Horizontal, ..Bar::new(names, vec![new, again]) };
    let mut figure = Figure::new("Pairs that each blocking rule gives", Mark::Bar(bar));
    figure.y = Axis::labelled("Pairs");
    vec![Exhibit::Figure(Box::new(figure)), table]
}

fn weights(linked: &Linked<'_>, told: &Told<'_>) -> Option<Exhibit> {
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (comparison, one) in linked.comparisons.iter().zip(&told.parameters.comparisons) {
        for level in 1..=comparison.len() {
            names.push(format!("{}: {}", comparison.name, comparison.label(level)));
            values.push(Some(one.weight(level)));
        }
    }
    if names.is_empty() {
        return None;
    }
    let bar = Bar { orientation: Orientation::Horizontal, ..Bar::new(names, vec![Series::new("", values)]) };
    let mut figure = Figure::new("What each level of agreement adds to the weight of a pair", Mark::Bar(bar));
    let prior = told.parameters.prior();
    figure.subtitle = format!(
        "log2(m / u), in bits; every pair begins with {}, and one bit more doubles the odds of a match",
        digits::fixed(prior, 1)
    );
    figure.y = Axis::labelled("Match weight, bits");
    Some(Exhibit::Figure(Box::new(figure)))
}

fn parameters(linked: &Linked<'_>, told: &Told<'_>) -> Exhibit {
    let mut rows = Vec::new();
    for (comparison, one) in linked.comparisons.iter().zip(&told.parameters.comparisons) {
        for level in 1..=comparison.len() {
            let at = |values: &[f64]| values.get(level - 1).copied();
            let remark = match (level, comparison.term_frequency, one.learned) {
                (1, _, false) => Some("m is what usually holds"),
                (1, true, true) => Some("with frequencies of values"),
                _ => None,
            };
            rows.push(vec![
                if level == 1 { Cell::text(comparison.name.clone()) } else { Cell::Empty },
                Cell::text(comparison.label(level)),
                Cell::number(at(&one.m)),
                Cell::number(at(&one.u)),
                Cell::number(one.weight(level)),
                Cell::optional(remark),
            ]);
        }
    }
    let columns =
        ["column", "level", "m (among matches)", "u (among others)", "weight", "remark"].map(Column::new).to_vec();
    let prior = format!("The probability that two rows taken at random match is {:.3e}.", told.parameters.lambda);
    let note = match told.learned {
        Some(learned) => format!(
            "{prior} Learned in {} rounds until no probability moved by more than {}; missing values say nothing.",
            learned.estimated.rounds,
            estimate::TOLERANCE
        ),
        None => format!("{prior} Taken from the saved linkage."),
    };
    Exhibit::Table(Table { title: "Parameters".to_owned(), columns, rows, note: Some(note) })
}

/// How a clear match, a pair near the threshold and a clear difference came to their weights.
fn waterfalls(linked: &Linked<'_>, told: &Told<'_>) -> Vec<Exhibit> {
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
fn histogram(linked: &Linked<'_>, told: &Told<'_>) -> Option<Exhibit> {
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
fn unlinkable(linked: &Linked<'_>, told: &Told<'_>) -> Vec<Exhibit> {
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

fn mergers(linked: &Linked<'_>) -> Option<Exhibit> {
    let mergers = linked.entities.mergers();
    if mergers.is_empty() {
        return None;
    }
    let rows = mergers.iter().take(25).map(|merger| {
        vec![
            Cell::text(linked.names.get(merger.from)),
            Cell::text(linked.names.get(merger.into)),
            Cell::count(merger.records),
        ]
    });
    let columns = vec![Column::new("entity"), Column::new("went into"), Column::formatted("its rows", Format::Integer)];
    let note = (mergers.len() > 25).then(|| format!("The first 25 of {}.", mergers.len()));
    Some(Exhibit::Table(Table {
        title: "Known entities that were merged".to_owned(),
        columns,
        rows: rows.collect(),
        note,
    }))
}
