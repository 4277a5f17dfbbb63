//! What `tensors` shows: what became of each column, the targets, the rows of each part, the inputs of the network.

use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table};
use crate::tensor::{
    Becomes, BlockKind, Encoder, Feature, Form, MeanScale, Number, Scaling, Smoothing, Target, TargetMean,
};

/// Classes, features and parts that are shown at most.
const SHOWN: usize = 60;
/// Values of a vocabulary that are named.
const NAMED: usize = 8;

/// The rows of one part.
pub(super) struct PartRows {
    pub(super) part: String,
    pub(super) rows: u64,
    /// For each target.
    pub(super) with_target: Vec<u64>,
    pub(super) groups: u64,
    pub(super) short_groups: u64,
    pub(super) windows: u64,
}

impl PartRows {
    pub(super) fn new(part: String, targets: usize) -> Self {
        Self { part, rows: 0, with_target: vec![0; targets], groups: 0, short_groups: 0, windows: 0 }
    }

    /// Counts a group of so many rows with a time.
    pub(super) fn group(&mut self, rows: u64, window: u64, horizon: u64) {
        if rows == 0 {
            return;
        }
        let windows = (rows + 1).saturating_sub(window + horizon);
        self.groups += 1;
        self.short_groups += u64::from(windows == 0);
        self.windows += windows;
    }
}

pub(super) fn all(encoder: &Encoder, parts: &[PartRows]) -> Vec<Exhibit> {
    let mut exhibits = vec![features(encoder)];
    exhibits.extend(encoder.targets().iter().map(target));
    exhibits.push(rows(encoder, parts));
    exhibits.push(blocks(encoder));
    exhibits.extend(encoder.features().iter().filter_map(facts));
    exhibits
}

/// What a person should hear of even without looking at the report.
pub(super) fn remarks(encoder: &Encoder) -> Vec<String> {
    let mut remarks = Vec::new();
    for feature in encoder.features() {
        let (failed, rows, failures) = match feature {
            Feature::Image(image) => (image.failed(), image.rows(), image.failures()),
            Feature::Audio(audio) => (audio.failed(), audio.rows(), audio.failures()),
            Feature::TargetMean(means) => {
                if means.has_more() {
                    remarks.push(format!(
                        "`{}` has more different values than means are learned of: the later ones have the mean of all rows.",
                        means.name()
                    ));
                }
                continue;
            }
            Feature::Vector(vector) => {
                let number = vector.numbers().iter().filter(|number| says_nothing(number).is_some()).count() as u64;
                if number > 0 {
                    let (name, all) = (vector.name(), digits::whole(vector.numbers().len() as u64));
                    let number = digits::whole(number);
                    remarks.push(format!("{number} of the {all} places of `{name}` tell no training rows apart."));
                }
                continue;
            }
            Feature::Number(number) => {
                remarks.extend(says_nothing(number).map(|why| format!("`{}` {why}.", number.name())));
                continue;
            }
            _ => continue,
        };
        if failed > 0 {
            let (name, rows) = (feature.name(), digits::rows(rows));
            let named: Vec<String> = failures.iter().map(|(row, reason)| format!("row {row}: {reason}")).collect();
            let more = if failed > failures.len() as u64 { "; .." } else { "" };
            remarks.push(format!(
                "`{name}` cannot be decoded in {} of {rows} of training: left out ({}{more}).",
                digits::whole(failed),
                named.join("; ")
            ));
        }
    }
    remarks
}

/// Why a column of numbers tells no rows apart.
fn says_nothing(number: &Number) -> Option<&'static str> {
    match (number.range(), number.scaling()) {
        (None, _) => Some("has no value in the training rows"),
        (Some((low, high)), _) if low == high => Some("has a single value in the training rows"),
        (_, Scaling::Bins { borders }) if borders.len() <= 2 => {
            Some("falls into a single interval, which says nothing: cut it with `by: width`, or choose another scale")
        }
        _ => None,
    }
}

fn features(encoder: &Encoder) -> Exhibit {
    let shown = encoder.features().iter().flat_map(described).take(SHOWN);
    let columns = vec![
        Column::new("column"),
        Column::new("becomes"),
        Column::formatted("inputs", Format::Integer),
        Column::new("learned"),
        Column::formatted("rare", Format::Integer),
        Column::formatted("missing", Format::Integer),
    ];
    let left_out = encoder.features().len().saturating_sub(SHOWN);
    let more = if left_out > 0 { format!(" {left_out} more columns are not shown.") } else { String::new() };
    let note = format!("{} inputs in all, learned from {} training rows.{more}", encoder.width(), encoder.rows());
    Exhibit::Table(Table { title: "Features".to_owned(), columns, rows: shown.collect(), note: Some(note) })
}

fn described(feature: &Feature) -> Vec<Vec<Cell>> {
    let row = |name: &str, becomes: String, learned: String, rare: Cell| {
        vec![
            Cell::text(name),
            Cell::text(becomes),
            Cell::count(feature.width() as u64),
            Cell::text(learned),
            rare,
            Cell::count(feature.missing()),
        ]
    };
    let name = feature.name();
    match feature {
        Feature::Number(column) => {
            let (becomes, learned) = number(column);
            vec![row(name, becomes, learned, Cell::Empty)]
        }
        Feature::Vector(vector) => {
            let numbers = vector.numbers();
            let becomes = numbers.first().map(|first| number(first).0).unwrap_or_default();
            let learned = format!("for each of {} places", digits::whole(numbers.len() as u64));
            vec![row(name, format!("list: {becomes}"), learned, Cell::Empty)]
        }
        Feature::TargetMean(means) => {
            let columns: Vec<String> = means.columns().iter().take(NAMED).map(|column| column.name()).collect();
            let more = if means.width() > NAMED { ", .." } else { "" };
            let smoothing = match means.options().smoothing {
                Smoothing::Auto => "smoothed by the variances".to_owned(),
                Smoothing::Rows(rows) => format!("smoothed by {} rows", short(rows)),
            };
            let scaled = if means.options().scale == MeanScale::Standard { ", scaled" } else { "" };
            let becomes = format!("category: {}{more}{scaled}", columns.join(", "));
            let values = digits::whole(means.values().len() as u64);
            let learned = format!("{values} values, {smoothing}, {} folds", means.options().folds);
            vec![row(name, becomes, learned, Cell::count(means.rare()))]
        }
        Feature::Category(category) => {
            let becomes = match category.becomes() {
                Becomes::OneHot => "category, one-hot".to_owned(),
                Becomes::Embedding { dimension } => format!("category, a vector of {dimension}"),
                Becomes::Hash { signed: true, .. } => "category, hashed with sign".to_owned(),
                Becomes::Hash { .. } => "category, hashed".to_owned(),
            };
            let rare = if category.vocabulary().is_empty() { Cell::Empty } else { Cell::count(category.rare()) };
            vec![row(name, becomes, words(category.vocabulary()), rare)]
        }
        Feature::Date(date) => {
            let mut parts: Vec<&str> = date.cycles().iter().map(|cycle| cycle.name()).collect();
            parts.extend(date.position().map(|_| "moment"));
            let range =
                date.position().and_then(Number::range).map(|(from, to)| format!("{} to {}", day(from), day(to)));
            vec![row(name, format!("date: {}", parts.join(", ")), range.unwrap_or_default(), Cell::Empty)]
        }
        Feature::Text(text) => {
            let words: Vec<String> = text.encoder().vocabulary().words().iter().map(|word| word.text.clone()).collect();
            vec![row(name, "text".to_owned(), self::words(&words), Cell::Empty)]
        }
        Feature::Image(image) => vec![row(name, "image".to_owned(), pairs(&image.encoder().describe()), Cell::Empty)],
        Feature::Audio(audio) => vec![row(name, "sound".to_owned(), pairs(&audio.encoder().describe()), Cell::Empty)],
        Feature::Sequence(sequence) => {
            let window = sequence.spec().window;
            let of = |column: &Number| {
                let (becomes, learned) = number(column);
                vec![
                    Cell::text(column.name()),
                    Cell::text(format!("sequence: {becomes}")),
                    Cell::count((window * column.width()) as u64),
                    Cell::text(learned),
                    Cell::Empty,
                    Cell::count(column.missing()),
                ]
            };
            sequence.numbers().iter().map(of).collect()
        }
    }
}

/// What a number becomes, and what was learned for it.
fn number(number: &Number) -> (String, String) {
    let text = short;
    match number.scaling() {
        Scaling::Linear { form: Form::Raw, .. } => ("number, as it is".to_owned(), String::new()),
        Scaling::Linear { center, scale, form } => {
            let becomes = match form {
                Form::Log1p => "number, signed logarithm, scaled",
                Form::Smooth => "number, scaled, softly clipped at 3",
                Form::Plain | Form::Raw => "number, scaled",
            };
            (becomes.to_owned(), format!("center {}, scale {}", text(*center), text(*scale)))
        }
        Scaling::Quantile { references, normal } => {
            let becomes = if *normal { "number, as normal quantile" } else { "number, as share below" };
            let median = references.get(references.len() / 2).copied().unwrap_or(0.0);
            (becomes.to_owned(), format!("{} quantiles, median {}", references.len(), text(median)))
        }
        Scaling::Bins { borders } => (format!("number, in {}", intervals(borders)), ends(borders)),
        Scaling::Piecewise { borders } => {
            (format!("number, piecewise linear in {}", intervals(borders)), ends(borders))
        }
    }
}

/// Four digits, as a power of ten where that is shorter.
fn short(value: f64) -> String {
    let size = value.abs();
    if size >= 1e7 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.3e}");
    }
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    rounded.to_string()
}

fn intervals(borders: &[f64]) -> String {
    match borders.len().saturating_sub(1) {
        1 => "1 interval".to_owned(),
        several => format!("{several} intervals"),
    }
}

fn ends(borders: &[f64]) -> String {
    let shown: Vec<String> = borders.iter().take(NAMED).map(|border| short(*border)).collect();
    let more = if borders.len() > NAMED { ", .." } else { "" };
    format!("borders {}{more}", shown.join(", "))
}

fn words(words: &[String]) -> String {
    let mut named: Vec<&str> = words.iter().take(NAMED).map(String::as_str).collect();
    let more = format!("{} more", digits::whole(words.len().saturating_sub(NAMED) as u64));
    if words.len() > NAMED {
        named.push(&more);
    }
    named.join(", ")
}

fn pairs(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ")
}

/// The day of a moment in seconds since 1970.
fn day(seconds: f64) -> String {
    jiff::Timestamp::from_second(seconds as i64)
        .map(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
        .unwrap_or_else(|_| short(seconds))
}

/// Values whose means are shown, and columns of means.
const MEANS: (usize, usize) = (20, 6);

/// The means of the most frequent values.
fn means(means: &TargetMean) -> Exhibit {
    let shown = means.columns().len().min(MEANS.1);
    let mut columns = vec![Column::new(means.name()), Column::formatted("training rows", Format::Integer)];
    columns.extend(means.columns().iter().take(shown).map(|column| {
        let format = if column.class.is_some() { Format::Percent } else { Format::Number };
        Column::formatted(column.name(), format)
    }));
    let row = |(at, (value, rows)): (usize, (&str, u64))| {
        let mut cells = vec![Cell::text(value), Cell::count(rows)];
        cells.extend((0..shown).map(|column| means.mean(at, column).map_or(Cell::Empty, Cell::number)));
        cells
    };
    let mut rows: Vec<Vec<Cell>> = means.values().enumerate().take(MEANS.0).map(row).collect();
    let mut all = vec![Cell::text("all rows"), Cell::count(means.rows())];
    all.extend(means.columns().iter().take(shown).map(|column| Cell::number(column.mean)));
    rows.push(all);
    let left_out = means.values().len().saturating_sub(MEANS.0) as u64;
    let more =
        if left_out > 0 { format!(" {} more values are not shown.", digits::whole(left_out)) } else { String::new() };
    let note = format!(
        "Means over all training rows, smoothed towards the last line. A training row takes those of the other {} folds, so \
         its own target does not speak in its input.{more}",
        means.options().folds - 1
    );
    Exhibit::Table(Table { title: format!("Means by {}", means.name()), columns, rows, note: Some(note) })
}

/// What the texts of a column were like, and what the means of a column are.
fn facts(feature: &Feature) -> Option<Exhibit> {
    let text = match feature {
        Feature::Text(text) => text,
        Feature::TargetMean(column) => return Some(means(column)),
        _ => return None,
    };
    let rows = text.encoder().describe().into_iter().map(|(name, value)| vec![Cell::text(name), Cell::text(value)]);
    let columns = vec![Column::new("of the training rows"), Column::new("value")];
    Some(Exhibit::table(format!("Texts of {}", text.name()), columns, rows.collect()))
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn target(target: &Target) -> Exhibit {
    let title = format!("Target {}", target.column());
    let shares = |names: &[String], counts: &[u64], of: &str, all: u64| {
        let rows = names.iter().zip(counts).take(SHOWN).map(|(name, count)| {
            vec![Cell::text(name.clone()), Cell::count(*count), Cell::number(*count as f64 / all.max(1) as f64)]
        });
        let columns = vec![
            Column::new(of),
            Column::formatted("training rows", Format::Integer),
            Column::formatted("share", Format::Percent),
        ];
        let left_out = names.len().saturating_sub(SHOWN);
        let several = if of == "class" { "classes" } else { "labels" };
        let note = (left_out > 0).then(|| format!("{left_out} more {several} are not shown."));
        Exhibit::Table(Table { title: title.clone(), columns, rows: rows.collect(), note })
    };
    match target {
        Target::Number(number) => Exhibit::Metrics {
            title,
            metrics: vec![
                Metric::new("mean of training rows", number.center, Format::Number),
                Metric::new("standard deviation", number.scale, Format::Number),
            ],
        },
        Target::Count(count) => Exhibit::Metrics {
            title,
            metrics: vec![
                Metric::new("mean of training rows", count.mean, Format::Number),
                Metric::new("largest", count.largest, Format::Integer),
            ],
        },
        Target::MultiLabel(labels) => shares(&labels.names, &labels.counts, "label", labels.rows),
        Target::Binary(classes) | Target::Category(classes) => {
            shares(&classes.names, &classes.counts, "class", classes.counts.iter().sum())
        }
    }
}

fn rows(encoder: &Encoder, parts: &[PartRows]) -> Exhibit {
    let has_windows = encoder.sequence().is_some();
    let rows = parts.iter().take(SHOWN).map(|part| {
        let mut cells = vec![Cell::text(part.part.clone()), Cell::count(part.rows)];
        cells.extend(part.with_target.iter().map(|with| Cell::count(part.rows.saturating_sub(*with))));
        if has_windows {
            cells.extend([part.groups, part.short_groups, part.windows].map(Cell::count));
        }
        cells
    });
    let mut columns = vec![Column::new("part"), Column::formatted("rows", Format::Integer)];
    columns.extend(encoder.targets().iter().map(|target| {
        let name = match encoder.targets() {
            [_] => "without target".to_owned(),
            _ => format!("without {}", target.column()),
        };
        Column::formatted(name, Format::Integer)
    }));
    let mut note = None;
    if let Some(sequence) = encoder.sequence() {
        let named = ["groups", "groups too short", "windows"];
        columns.extend(named.map(|name| Column::formatted(name, Format::Integer)));
        let (window, horizon) = (sequence.spec().window, sequence.spec().horizon);
        note = Some(format!(
            "A window has {window} rows of a group; its target stands {horizon} rows after its last one."
        ));
    }
    Exhibit::Table(Table { title: "Rows by part".to_owned(), columns, rows: rows.collect(), note })
}

/// The inputs of the network with their shapes.
fn blocks(encoder: &Encoder) -> Exhibit {
    let rows = encoder.blocks().iter().take(SHOWN).map(|block| {
        let kind = match block.kind {
            BlockKind::Table => "numbers side by side",
            BlockKind::Category => "a category",
            BlockKind::Text => "a text",
            BlockKind::Image => "an image",
            BlockKind::Audio => "a sound",
            BlockKind::Sequence => "rows of a window",
        };
        vec![
            Cell::text(block.name.clone()),
            Cell::text(kind),
            Cell::text(block.shape_text()),
            block.tokens.map_or(Cell::Empty, |tokens| Cell::count(tokens as u64)),
        ]
    });
    let columns = vec![
        Column::new("input"),
        Column::new("what it is"),
        Column::new("shape of a row"),
        Column::formatted("tokens", Format::Integer),
    ];
    Exhibit::table("Inputs of the network", columns, rows.collect())
}
