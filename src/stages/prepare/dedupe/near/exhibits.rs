//! What was found: how many clusters, how sure, and what they look like.

use std::collections::BTreeMap;

use super::Search;
use super::clusters::{Clusters, Counted};
use super::texts::Texts;
use crate::chart::{Axis, Figure, Line, Mark, NumberFormat, Positions, Series};
use crate::diagnostic::Diagnostic;
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::similarity::lsh::{Effort, Sets};
use crate::similarity::shingles::overlap;

/// Clusters that are shown, and texts of each.
const CLUSTERS: usize = 6;
const TEXTS: usize = 4;
/// Sizes of clusters that are listed one by one.
const SIZES: usize = 10;
/// Points of the curve.
const POINTS: u32 = 50;

/// Everything that the report shows of a search.
pub(super) fn found(
    search: &Search,
    texts: &Texts,
    clusters: &Clusters,
    counted: &Counted,
    effort: Effort,
) -> Result<Vec<Exhibit>, Diagnostic> {
    let mut exhibits = vec![metrics(search, texts, clusters, counted, effort)];
    if counted.wordless > 0 {
        let text = format!("{} without a word in these columns: nobody's duplicates.", digits::rows(counted.wordless));
        exhibits.push(Exhibit::note(Tone::Info, text));
    }
    exhibits.push(curve(search));
    if !counted.sizes.is_empty() {
        exhibits.push(sizes(counted));
        exhibits.extend(examples(texts, clusters)?);
    }
    Ok(exhibits)
}

#[expect(clippy::cast_precision_loss, reason = "counts that are shown")]
fn metrics(search: &Search, texts: &Texts, clusters: &Clusters, counted: &Counted, effort: Effort) -> Exhibit {
    let count = |name: &str, value: u64| Metric::new(name, value as f64, Format::Integer);
    let all_pairs = search.link == super::Link::Star;
    let mut metrics = vec![
        count("clusters of several rows", counted.sizes.values().sum()),
        count("rows in them", counted.with_a_twin),
        count("rows with the text of another", counted.same),
        count("further near duplicates", counted.near),
        Metric::new("found at the threshold", search.banding.probability(search.threshold), Format::Percent)
            .note(format!("{} bands of {} rows", search.banding.bands, search.banding.rows)),
        count("pairs compared exactly", effort.compared).note(format!(
            "of {} candidates, among {} different sets",
            effort.candidates,
            texts.store.len()
        )),
    ];
    if all_pairs {
        metrics.push(count("similar pairs", clusters.pairs.len() as u64).note("of different sets of shingles"));
    }
    if texts.store.spilled() > 0 {
        metrics.push(Metric::new("sets kept on disk", texts.store.spilled() as f64, Format::Bytes));
    }
    Exhibit::Metrics { title: format!("Near duplicates at a Jaccard similarity of {}", search.threshold), metrics }
}

/// The probability that a pair is compared, by its similarity.
fn curve(search: &Search) -> Exhibit {
    let at = |point: u32| f64::from(point) / f64::from(POINTS);
    let positions = Positions::Number((0..=POINTS).map(|point| Some(at(point))).collect());
    let values: Vec<_> = (0..=POINTS).map(|point| Some(search.banding.probability(at(point)))).collect();
    // Below the threshold a pair may be compared, but it is never taken for a duplicate.
    let taken =
        (0..=POINTS).map(|point| Some(search.banding.probability(at(point))).filter(|_| at(point) >= search.threshold));
    let series = vec![Series::new("compared", values), Series::new("found", taken.collect::<Vec<_>>())];
    let share = 100.0 * search.banding.probability(search.threshold);
    let mut figure = Figure::new(
        format!("A pair at the threshold of {} is found with {share:.1} %", search.threshold),
        Mark::Line(Line::new(positions, series)),
    );
    figure.subtitle = format!(
        "1 - (1 - s^{})^{}: probability that texts of similarity s are compared; all that reach the threshold are duplicates",
        search.banding.rows, search.banding.bands
    );
    figure.x = Axis::labelled("Jaccard similarity of two texts");
    figure.y = Axis { format: NumberFormat::Percent, ..Axis::labelled("Probability") };
    figure.height = Some(280);
    Exhibit::Figure(Box::new(figure))
}

fn sizes(counted: &Counted) -> Exhibit {
    let mut rows: Vec<Vec<Cell>> = counted
        .sizes
        .iter()
        .take(SIZES)
        .map(|(size, clusters)| {
            vec![Cell::text(size.to_string()), Cell::count(*clusters), Cell::count(size * clusters)]
        })
        .collect();
    let rest: Vec<(u64, u64)> = counted.sizes.iter().skip(SIZES).map(|(size, clusters)| (*size, *clusters)).collect();
    if let (Some((from, _)), Some((to, _))) = (rest.first(), rest.last()) {
        rows.push(vec![
            Cell::text(format!("{from} to {to}")),
            Cell::count(rest.iter().map(|(_, clusters)| clusters).sum()),
            Cell::count(rest.iter().map(|(size, clusters)| size * clusters).sum()),
        ]);
    }
    let columns = vec![
        Column::new("rows of a cluster"),
        Column::formatted("clusters", Format::Integer),
        Column::formatted("rows", Format::Integer),
    ];
    Exhibit::table("Sizes of clusters", columns, rows)
}

/// Clusters of which several different texts were kept as examples: the largest ones, and the least similar ones.
fn examples(texts: &Texts, clusters: &Clusters) -> Result<Option<Exhibit>, Diagnostic> {
    let mut known: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for &text in texts.examples.keys() {
        if let Some(number) = clusters.number(texts, text as usize) {
            known.entry(number).or_default().push(text);
        }
    }
    let mut shown: Vec<(usize, i64, Vec<u32>)> = known
        .into_iter()
        .filter_map(|(number, mut members)| {
            members.sort_unstable();
            let different = members.iter().filter_map(|text| texts.sets.get(*text as usize));
            let different = different.collect::<std::collections::BTreeSet<_>>().len();
            (different > 1).then_some((different, number, members))
        })
        .collect();
    shown.sort_by_key(|(different, number, _)| (std::cmp::Reverse(*different), *number));
    let mut rows = Vec::new();
    // Every other one of the smaller clusters too: most duplicates are pairs.
    let (large, small): (Vec<_>, Vec<_>) = shown.into_iter().enumerate().partition(|(at, _)| *at < CLUSTERS / 2);
    let step = (small.len() / (CLUSTERS / 2)).max(1);
    let small = small.into_iter().step_by(step).take(CLUSTERS / 2);
    for (at, (_, (_, _, members))) in large.into_iter().chain(small).enumerate() {
        let Some(first) = members.first() else { continue };
        let first_set = texts.sets.get(*first as usize).copied().unwrap_or(u32::MAX);
        for text in members.iter().take(TEXTS) {
            let set = texts.sets.get(*text as usize).copied().unwrap_or(u32::MAX);
            let read = |error: std::io::Error| {
                Diagnostic::error(crate::diagnostic::Class::Output, format!("cannot read an example again: {error}"))
            };
            let (shared, all) =
                overlap(&texts.store.get(first_set).map_err(read)?, &texts.store.get(set).map_err(read)?);
            #[expect(clippy::cast_precision_loss, reason = "sizes of sets")]
            let similarity = (all > 0 && text != first).then(|| shared as f64 / all as f64);
            rows.push(vec![
                Cell::count(at as u64 + 1),
                Cell::count(u64::from(texts.rows.get(*text as usize).copied().unwrap_or(0))),
                Cell::number(similarity),
                Cell::optional(texts.examples.get(text).cloned()),
            ]);
        }
        if members.len() > TEXTS {
            let more = format!("and {} more texts", members.len() - TEXTS);
            rows.push(vec![Cell::count(at as u64 + 1), Cell::Empty, Cell::Empty, Cell::text(more)]);
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let columns = vec![
        Column::formatted("cluster", Format::Integer),
        Column::formatted("rows", Format::Integer),
        Column::new("similarity to the first"),
        Column::new("text"),
    ];
    let note =
        "Large clusters first, then some of the others. A chain may connect texts that are less similar to each other.";
    Ok(Some(Exhibit::Table(Table {
        title: "Clusters of near duplicates".to_owned(),
        columns,
        rows,
        note: Some(note.to_owned()),
    })))
}
