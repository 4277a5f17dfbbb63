//! What a person looks at.

use super::pairs::{Measure, Pair};
use super::{CorrelateWork, Method};
use crate::chart::{Axis, ColourScale, Figure, Heatmap, Interval, Mark, Reference};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Table, Tone};
use crate::statistics::multiplicity::Correction;

/// Pairs that are shown at most.
const SHOWN: usize = 20;
/// Columns up to which the matrix is drawn.
const DRAWN: usize = 40;
/// Below this an adjusted p-value counts as small in the sentence that sums up.
const SMALL: f64 = 0.05;
/// Rows from which on the sentence reminds of sizes.
const MANY_ROWS: u64 = 10_000;

impl CorrelateWork {
    /// `Pearson's r`, or `Pearson's r, Cramér's V, correlation ratio` of `auto`.
    fn measures(&self) -> Vec<Measure> {
        let mut found: Vec<Measure> = Vec::new();
        for pair in &self.pairs {
            if !found.iter().any(|measure| measure.word() == pair.measure.word()) {
                found.push(pair.measure);
            }
        }
        found
    }

    fn name(&self) -> String {
        let names: Vec<&str> = self.measures().iter().map(|measure| measure.name()).collect();
        let text = names.join(", ");
        let mut letters = text.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    }

    pub(super) fn exhibits(&self, pairs: &[Pair]) -> Vec<Exhibit> {
        let mut exhibits = vec![self.summary(pairs)];
        exhibits.extend(self.heatmap(pairs));
        exhibits.extend(self.forest(pairs));
        exhibits.push(self.table(pairs));
        let meanings: Vec<&str> = self.measures().iter().map(|measure| measure.meaning()).collect();
        exhibits.push(Exhibit::note(Tone::Info, meanings.join(" ")));
        exhibits
    }

    fn summary(&self, pairs: &[Pair]) -> Exhibit {
        let told = pairs.iter().filter(|pair| pair.coefficient.is_some()).count() as u64;
        let small = pairs.iter().filter(|pair| pair.adjusted.is_some_and(|p| p < SMALL)).count() as u64;
        let rows = pairs.iter().map(|pair| pair.rows).max().unwrap_or(0);
        let adjusted = match self.options.correction {
            Correction::None => "a p-value below 0.05 (not adjusted for their number)".to_owned(),
            correction => {
                format!("a p-value below 0.05 after the correction of {} for their number", correction.name())
            }
        };
        let noun = if told == 1 { "pair" } else { "pairs" };
        let mut text = format!("{} of {} {noun} have {adjusted}.", digits::whole(small), digits::whole(told));
        if let Some(strongest) = pairs.first().filter(|pair| pair.coefficient.is_some()) {
            text += &format!(
                " The strongest is `{}` with `{}`: {} {:.3}.",
                strongest.a,
                strongest.b,
                strongest.measure.name(),
                strongest.coefficient.unwrap_or_default()
            );
        }
        if rows >= MANY_ROWS {
            text +=
                &format!(" With {} even weak dependence has a small p-value: look at its size.", digits::rows(rows));
        }
        let undefined = pairs.len() as u64 - told;
        if undefined > 0 {
            let verb = if undefined == 1 { "pair is" } else { "pairs are" };
            text += &format!(" {} {verb} not defined; the stage's table says why.", digits::whole(undefined));
        }
        Exhibit::note(Tone::Info, text)
    }

    fn heatmap(&self, pairs: &[Pair]) -> Option<Exhibit> {
        if self.options.with.is_some() || self.fields.len() > DRAWN || self.fields.len() < 3 {
            return None;
        }
        let names: Vec<String> = self.fields.iter().map(|field| field.name.clone()).collect();
        let is_information = self.options.method == Method::MutualInformation;
        let own = if is_information { None } else { Some(1.0) };
        let mut values: Vec<Vec<Option<f64>>> = vec![vec![None; names.len()]; names.len()];
        let place = |name: &str| names.iter().position(|other| other == name);
        let mut set = |i: usize, j: usize, value: Option<f64>| {
            if let Some(cell) = values.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = value;
            }
        };
        (0..names.len()).for_each(|at| set(at, at, own));
        for pair in pairs {
            if let (Some(i), Some(j)) = (place(&pair.a), place(&pair.b)) {
                set(i, j, pair.coefficient);
                set(j, i, pair.coefficient);
            }
        }
        let colours =
            if is_information { ColourScale::Sequential } else { ColourScale::Diverging { bound: Some(1.0) } };
        let heatmap = Heatmap::new(names.clone(), names, values, colours);
        let mut figure = Figure::new("Which columns depend on each other", Mark::Heatmap(heatmap));
        figure.subtitle = match self.options.method {
            Method::MutualInformation => "Mutual information in nats".to_owned(),
            Method::Auto => format!("{}; by the types of each pair", self.name()),
            _ => self.name(),
        };
        Some(Exhibit::Figure(Box::new(figure)))
    }

    fn forest(&self, pairs: &[Pair]) -> Option<Exhibit> {
        let shown: Vec<&Pair> = pairs.iter().filter(|pair| pair.coefficient.is_some()).take(SHOWN).collect();
        if shown.len() < 2 {
            return None;
        }
        let label = |pair: &Pair| {
            if self.options.with.is_some() { pair.b.clone() } else { format!("{} \u{b7} {}", pair.a, pair.b) }
        };
        let estimates = shown.iter().map(|pair| {
            (label(pair), pair.coefficient, pair.interval.map(|(low, _)| low), pair.interval.map(|(_, high)| high))
        });
        let title = match &self.options.with {
            Some(with) => format!("What goes with `{}`", with.value),
            None => "Strongest pairs".to_owned(),
        };
        let mut figure = Figure::new(title, Mark::Interval(Interval::new(estimates)));
        figure.subtitle = format!("with intervals of {} confidence", digits::percent(self.settings.confidence));
        let unit = if self.options.method == Method::MutualInformation { ", nats" } else { "" };
        figure.y = Axis::labelled(format!("{}{unit}", self.name()));
        figure.references = vec![Reference::y(0.0, "")];
        Some(Exhibit::Figure(Box::new(figure)))
    }

    fn table(&self, pairs: &[Pair]) -> Exhibit {
        let several = self.measures().len() > 1;
        let rows = pairs.iter().take(SHOWN).map(|pair| {
            let mut row = vec![Cell::text(pair.a.clone()), Cell::text(pair.b.clone())];
            if several {
                row.push(Cell::text(pair.measure.name()));
            }
            row.extend([
                Cell::number(pair.coefficient),
                Cell::number(pair.interval.map(|(low, _)| low)),
                Cell::number(pair.interval.map(|(_, high)| high)),
                Cell::number(pair.p_value),
                Cell::number(pair.adjusted),
                Cell::count(pair.rows),
                Cell::optional(pair.remark.clone()),
            ]);
            row
        });
        let mut columns = vec![Column::new("column"), Column::new("column")];
        if several {
            columns.push(Column::new("measure"));
        }
        let from = format!("{} from", digits::percent(self.settings.confidence));
        columns.extend([if several { "size".to_owned() } else { self.name() }, from, "to".to_owned()].map(Column::new));
        columns.push(Column::formatted("p-value", Format::PValue));
        columns.push(Column::formatted("p adjusted", Format::PValue));
        columns.push(Column::formatted("rows", Format::Integer));
        columns.push(Column::new("remark"));
        let left_out = pairs.len().saturating_sub(SHOWN) as u64;
        let verb = if left_out == 1 { "weaker pair is" } else { "weaker pairs are" };
        let note = (left_out > 0).then(|| format!("{} {verb} in the stage's table.", digits::whole(left_out)));
        Exhibit::Table(Table { title: "Strongest pairs".to_owned(), columns, rows: rows.collect(), note })
    }
}
