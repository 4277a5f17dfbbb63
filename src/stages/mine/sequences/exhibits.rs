//! What a person sees of the sequences.

use super::products::{Judged, words};
use super::read::{Dictionary, LeftOut, Rows};
use super::{Kind, Sequences};
use crate::chart::{Axis, Bar, ColourScale, Figure, Heatmap, Mark, NumberFormat, Orientation, Series};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::mining::sequences::{Method, Mined, next_event_rules};

/// Rules or patterns that the report shows.
const SHOWN: usize = 25;
/// Patterns in the bars.
const BARS: usize = 15;
/// Events in the map of what comes after what.
const MAPPED: usize = 14;

/// What there is to show.
pub(super) struct Shown<'a> {
    pub(super) options: &'a Sequences,
    pub(super) rows: &'a Rows,
    pub(super) mined: &'a Mined,
    pub(super) names: &'a Dictionary,
    pub(super) judged: Option<&'a Judged>,
}

impl Shown<'_> {
    pub(super) fn exhibits(&self) -> Vec<Exhibit> {
        let mut exhibits = vec![self.metrics(), self.how()];
        exhibits.extend(self.rules());
        exhibits.extend(self.map());
        exhibits.extend(self.bars());
        exhibits.extend(self.patterns());
        exhibits
    }

    /// What should be heard of without looking at the report.
    pub(super) fn remarks(&self) -> Vec<String> {
        left_out(self.rows.left_out, self.options).into_iter().collect()
    }

    fn metrics(&self) -> Exhibit {
        let sequences = &self.rows.sequences;
        let mut lengths: Vec<usize> = sequences.lengths().collect();
        lengths.sort_unstable();
        let count = |value: usize| value as f64;
        let longest = lengths.last().copied().unwrap_or(0);
        let mut metrics = vec![
            Metric::new("sequences", self.mined.sequences as f64, Format::Integer),
            Metric::new("events", count(sequences.events()), Format::Integer),
            Metric::new("different events", count(self.names.len()), Format::Integer)
                .note(format!("{} are frequent", digits::whole(self.mined.frequent_events as u64))),
        ];
        if let Some(median) = lengths.get(lengths.len() / 2) {
            let longest = format!("the longest has {}", digits::whole(longest as u64));
            metrics.push(Metric::new("events in the median sequence", count(*median), Format::Integer).note(longest));
        }
        let patterns = match self.options.kind.value {
            Kind::All => "frequent patterns",
            Kind::Closed => "closed patterns",
            Kind::Maximal => "maximal patterns",
        };
        metrics.push(Metric::new(patterns, count(self.mined.patterns.len()), Format::Integer));
        if let Some(judged) = self.judged {
            let possible = format!("of {} possible ones", digits::whole(judged.possible as u64));
            metrics.push(Metric::new("rules", count(judged.rules.len()), Format::Integer).note(possible));
            if judged.held_out.is_some() {
                let confirmed = judged
                    .rules
                    .iter()
                    .filter(|judged| judged.held_out.is_some_and(|held| held.confirmed == Some(true)))
                    .count();
                metrics.push(Metric::new("confirmed rules", count(confirmed), Format::Integer));
            }
        }
        Exhibit::Metrics { title: "Mined".to_owned(), metrics }
    }

    /// What was looked for, and how.
    fn how(&self) -> Exhibit {
        let mined = self.mined;
        let method = match mined.method {
            Method::CmSpam => "CM-SPAM (bitmaps)",
            Method::PrefixSpan | Method::Auto => "PrefixSpan (pattern growth)",
        };
        let mut text = format!(
            "A pattern counts once for each sequence that holds it; frequent are those in at least {} of {} sequences. Searched by {method}: {}.",
            digits::whole(mined.minimum),
            digits::whole(mined.sequences),
            mined.reason,
        );
        let limit = |name: &str, node: &Option<crate::definition::Node>| {
            node.as_ref().and_then(crate::definition::Node::spelling).map(|written| format!("{name} {written}"))
        };
        let options = self.options;
        let limits: Vec<String> = [
            limit("a gap of at least", &options.min_gap),
            limit("a gap of at most", &options.max_gap),
            limit("a span of at most", &options.max_span),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !limits.is_empty() {
            let mut written = [&options.min_gap, &options.max_gap, &options.max_span].into_iter().flatten();
            let unit = if written.all(|node| node.as_text().is_none()) { "Limits in positions" } else { "Limits" };
            text += &format!(" {unit}: {}.", limits.join(", "));
        }
        if self.rows.ties > 0 {
            let ties = digits::whole(self.rows.ties);
            let rule = if options.together { "they happened at once" } else { "they follow it as in the input" };
            text += &format!(" Rows with the order of the row before: {ties}; {rule}.");
        }
        let tone = if mined.sequences == 0 { Tone::Warning } else { Tone::Info };
        if mined.sequences == 0 {
            text = "There is no sequence: no row has a key, an order and an event.".to_owned();
        }
        Exhibit::note(tone, text)
    }

    fn rules(&self) -> Option<Exhibit> {
        let judged = self.judged?;
        let held_out = judged.held_out.is_some();
        let row = |judged: &super::products::Judgement| {
            let rule = &judged.rule;
            let mut cells = vec![
                Cell::text(words(&rule.prefix, self.names)),
                Cell::text(self.names.name(rule.next)),
                Cell::number(rule.confidence()),
                Cell::text(of(rule.counts.both, rule.counts.antecedent)),
                Cell::number(rule.lift()),
                Cell::number(judged.p_adjusted),
            ];
            if let Some(held) = &judged.held_out {
                cells.push(Cell::number(held.confidence()));
                cells.push(Cell::text(match held.confirmed {
                    None => "not tested",
                    Some(true) => "yes",
                    Some(false) => "no",
                }));
            }
            cells
        };
        let mut columns = vec![
            Column::new("after"),
            Column::new("comes"),
            Column::formatted("confidence", Format::Percent),
            Column::new("sequences"),
            Column::new("lift"),
            Column::formatted("p (adjusted)", Format::PValue),
        ];
        if held_out {
            columns.push(Column::formatted("held out", Format::Percent));
            columns.push(Column::new("confirmed"));
        }
        let correction = self.options.rules.as_ref().map_or("", |rules| rules.correction.name());
        let mut note = format!(
            "Confidence: the share of the sequences with the left side that go on with the right side. Lift: that share over the share of all sequences that hold the right side. p: Fisher's exact test, one-sided, {correction} over {} rules; sequences are taken as independent. Lift and p are empty where the left side holds the event already.",
            digits::whole(judged.possible as u64),
        );
        if let (Some(number), Some(confirm)) = (judged.held_out, &self.options.confirm) {
            note += &format!(
                " Held out: the confidence in the {} sequences of `{}`; confirmed: its adjusted p there is at most {}.",
                digits::whole(number),
                confirm.on.value,
                confirm.alpha.value,
            );
        }
        note.extend(more(judged.rules.len(), "rules").map(|more| format!(" {more}")));
        let rows = judged.rules.iter().take(SHOWN).map(row).collect();
        let title = "What comes next, by confidence".to_owned();
        Some(Exhibit::Table(Table { title, columns, rows, note: Some(note) }))
    }

    /// What share of the sequences with one event go on with another.
    fn map(&self) -> Option<Exhibit> {
        if self.options.kind.value != Kind::All || self.options.top.is_some() {
            return None;
        }
        let mined = self.mined;
        let mut events: Vec<u32> = mined
            .patterns
            .iter()
            .filter(|pattern| pattern.length() == 1)
            .filter_map(|pattern| pattern.elements().first().and_then(|element| element.first()).copied())
            .take(MAPPED)
            .collect();
        events.sort_by(|a, b| self.names.name(*a).cmp(self.names.name(*b)));
        let mut values = vec![vec![None; events.len()]; events.len()];
        let place = |event: u32| events.iter().position(|other| *other == event);
        for rule in next_event_rules(&mined.patterns, mined.sequences) {
            let [first] = rule.prefix.as_slice() else { continue };
            let ([first], Some(column)) = (first.as_slice(), place(rule.next)) else { continue };
            if let Some(cell) = place(*first).and_then(|row| values.get_mut(row)).and_then(|row| row.get_mut(column)) {
                *cell = Some(rule.confidence());
            }
        }
        if events.len() < 2 || values.iter().flatten().all(Option::is_none) {
            return None;
        }
        let labels = || events.iter().map(|event| self.names.name(*event));
        let mut heatmap = Heatmap::new(labels(), labels(), values, ColourScale::Sequential);
        heatmap.format = NumberFormat::Percent;
        let mut figure = Figure::new("What comes after what", Mark::Heatmap(heatmap));
        figure.subtitle = "Share of the sequences with the row's event in which the column's event follows".to_owned();
        figure.x = Axis::labelled("then");
        figure.y = Axis::labelled("first");
        let all = mined.frequent_events;
        let which = match all > MAPPED {
            true => format!("The {MAPPED} most frequent of {} frequent events. ", digits::whole(all as u64)),
            false => String::new(),
        };
        figure.note = format!("{which}Empty: the pair is not frequent.");
        Some(Exhibit::Figure(Box::new(figure)))
    }

    fn bars(&self) -> Option<Exhibit> {
        let several: Vec<(String, f64)> = self.several().take(BARS).map(|(name, _, _, share)| (name, share)).collect();
        if several.len() < 2 {
            return None;
        }
        let series = Series::new("share of sequences", several.iter().map(|(_, share)| Some(*share)));
        let mut bar = Bar::new(several.iter().map(|(name, _)| name.clone()), vec![series]);
        bar.orientation = Orientation::Horizontal;
        let mut figure = Figure::new("The most frequent patterns of several events", Mark::Bar(bar));
        figure.subtitle = format!("Share of {} sequences", digits::whole(self.mined.sequences));
        figure.y.format = NumberFormat::Percent;
        Some(Exhibit::Figure(Box::new(figure)))
    }

    /// Patterns of several events: (in words, events, sequences, share).
    fn several(&self) -> impl Iterator<Item = (String, usize, u64, f64)> {
        let all = self.mined.sequences as f64;
        self.mined.patterns.iter().filter(|pattern| pattern.length() > 1).map(move |pattern| {
            (words(&pattern.elements(), self.names), pattern.length(), pattern.count, pattern.count as f64 / all)
        })
    }

    fn patterns(&self) -> Option<Exhibit> {
        if self.judged.is_some_and(|judged| judged.possible > 0) {
            return None;
        }
        let several: Vec<Vec<Cell>> = self
            .several()
            .take(SHOWN)
            .map(|(name, length, count, share)| {
                vec![Cell::text(name), Cell::count(length as u64), Cell::count(count), Cell::number(share)]
            })
            .collect();
        if several.is_empty() {
            let text = "No pattern of several events is frequent; a smaller `min_support` finds rarer ones.";
            return Some(Exhibit::note(Tone::Warning, text));
        }
        let columns = vec![
            Column::new("pattern"),
            Column::formatted("events", Format::Integer),
            Column::formatted("sequences", Format::Integer),
            Column::formatted("support", Format::Percent),
        ];
        let number = self.mined.patterns.iter().filter(|pattern| pattern.length() > 1).count();
        let note = more(number, "patterns");
        let title = "Most frequent patterns of several events".to_owned();
        Some(Exhibit::Table(Table { title, columns, rows: several, note }))
    }
}

fn more(all: usize, what: &str) -> Option<String> {
    let more = all.saturating_sub(SHOWN) as u64;
    (more > 0).then(|| format!("{} more {what} are in the stage's table.", digits::whole(more)))
}

/// `204 of 384`, in one line.
fn of(part: u64, all: u64) -> String {
    format!("{}\u{a0}of\u{a0}{}", digits::whole(part), digits::whole(all))
}

/// Rows that are in no sequence, in a sentence.
fn left_out(rows: LeftOut, options: &Sequences) -> Option<String> {
    let by: Vec<&str> = options.by.iter().map(|name| name.value.as_str()).collect();
    let parts: Vec<String> = [
        (rows.key, by.join("` or `")),
        (rows.order, options.order.value.clone()),
        (rows.event, options.event.value.clone()),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, column)| format!("{} because `{column}` is missing", digits::rows(number)))
    .collect();
    (!parts.is_empty()).then(|| format!("Left out: {}.", parts.join(", ")))
}
