//! What a person looks at: which pairs were compared, what was learned, how single pairs came to their weight, which entities there are.

mod clusters;
mod pairs;

use clusters::Clusters;
use pairs::{histogram, unlinkable, waterfalls};

use super::work::{Learned, Linked, verdict};
use crate::chart::{Axis, Bar, Figure, Line, Mark, NumberFormat, Orientation, Positions, Series};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::similarity::linkage::estimate::{self, Parameters};
use crate::similarity::linkage::judge::Verdict;
use crate::similarity::linkage::records::{Side, Sides};

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
