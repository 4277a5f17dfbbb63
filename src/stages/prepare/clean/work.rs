//! What `clean` does when the run comes to it: asks the whole column what the sample left open, counts, sets rows aside.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{EXAMPLES, OnError, auto};
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::engine::{Compression, Target, TargetFormat};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table, Tone};
use crate::expression::{DataType, Expr, Function, Literal, Schema};
use crate::notation::{self, Holds, Values, Verdict};
use crate::relation::{NamedExpr, Relation, keep_columns};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{Product, TableProduct, fit};

/// What the sample leaves open about a column: two readings, of which the whole column decides.
pub(super) struct Asked {
    pub(super) name: String,
    /// The learned constant that chooses `own`; none where the two readings have different types, and only `own` is possible.
    pub(super) key: Option<String>,
    pub(super) own: Expr,
    pub(super) other: Expr,
    pub(super) verdict: Verdict,
}

/// Where rows go that are set aside.
pub(super) struct Rejecting {
    pub(super) path: PathBuf,
    /// The columns after cleaning, and the texts before it.
    pub(super) columns: Vec<NamedExpr>,
    pub(super) bad: Expr,
    /// The columns of the input.
    pub(super) schema: Schema,
}

pub(super) struct CleanWork {
    /// The columns that are cleaned.
    pub(super) watched: Vec<String>,
    /// What was told of columns from the first rows.
    pub(super) verdicts: BTreeMap<String, Verdict>,
    pub(super) asked: Vec<Asked>,
    pub(super) on_error: OnError,
    pub(super) report: bool,
    /// The columns of text of the input.
    pub(super) texts: Vec<String>,
    pub(super) options: notation::Options,
    pub(super) rejects: Option<Rejecting>,
}

impl CleanWork {
    fn unreadable(&self, counts: &StageCounts) -> u64 {
        self.watched.iter().map(|name| counts.counter("cleaned", &format!("unreadable {name}"))).sum()
    }

    /// Asks all rows from which may be learned.
    fn ask(&self, table: &TableProduct, context: &WorkContext<'_>, outcome: &mut Outcome) -> Result<(), Diagnostic> {
        let mut aggregates = Vec::new();
        for (at, asked) in self.asked.iter().enumerate() {
            for (what, yes, no) in [("own", &asked.own, &asked.other), ("other", &asked.other, &asked.own)] {
                let count = Expr::aggregate(Function::CountIf, vec![only(yes, no)], DataType::Int64);
                aggregates.push(NamedExpr { name: format!("{what} {at}"), expr: count });
            }
        }
        let rows = table.training();
        let counts = fit::constants(&rows, aggregates, context)?;
        for (at, asked) in self.asked.iter().enumerate() {
            let count = |what: &str| match counts.get(&format!("{what} {at}")) {
                Some(Literal::Integer(count)) => u64::try_from(*count).unwrap_or(0),
                _ => 0,
            };
            let (own, other) = (count("own"), count("other"));
            let as_in_sample = own >= other;
            if self.contradicts(asked, own, other) {
                let refused = self.contradiction(asked, own, other, &rows, context)?;
                if !self.report {
                    return Err(refused);
                }
                let advice = refused.help.map_or_else(String::new, |help| format!(": {help}"));
                outcome.exhibits.push(Exhibit::note(Tone::Bad, format!("{}{advice}.", refused.message)));
            }
            if let Some(key) = &asked.key {
                outcome.bindings.literals.insert(key.clone(), Literal::Boolean(as_in_sample));
            }
            if let Some(note) = told(asked, own, other) {
                outcome.exhibits.push(note);
            }
        }
        Ok(())
    }

    /// Whether too many values speak against the reading that is chosen.
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
    fn contradicts(&self, asked: &Asked, own: u64, other: u64) -> bool {
        let against = if asked.key.is_some() { own.min(other) } else { other };
        let share = (1.0 - self.options.at_least).max(0.0);
        against > 0 && against as f64 > (own + other) as f64 * share
    }

    fn contradiction(
        &self,
        asked: &Asked,
        own: u64,
        other: u64,
        rows: &Arc<Relation>,
        context: &WorkContext<'_>,
    ) -> Result<Diagnostic, Diagnostic> {
        let example = |yes: &Expr, no: &Expr| -> Result<String, Diagnostic> {
            let wanted = Relation::Filter { input: rows.clone(), predicate: only(yes, no) };
            let column = NamedExpr { name: asked.name.clone(), expr: Expr::column(&asked.name, DataType::String) };
            let texts = Relation::Project { input: wanted.into(), columns: vec![column] };
            let found = context.collect(&Relation::Limit { input: texts.into(), offset: 0, rows: 1 })?;
            let text =
                found.iter().find_map(|rows| rows.columns().first().and_then(|column| batch::display(column, 0)));
            Ok(text.map_or_else(String::new, |text| format!(" (`{}`)", crate::files::shown(&text))))
        };
        let (name, with_own, with_other) =
            (&asked.name, example(&asked.own, &asked.other)?, example(&asked.other, &asked.own)?);
        let (what, help) = match &asked.verdict.holds {
            Holds::Days(days) => (
                format!(
                    "{own} values of column `{name}` can only be read as {}{with_own}, {other} only as {}{with_other}",
                    days.layouts.join(" or "),
                    days.exchanged.join(" or ")
                ),
                format!(
                    "nobody can say what the other values mean; state the order with `day_first`, or the layouts: `columns: {{{name}: {{date: \"%d/%m/%Y\"}}}}`"
                ),
            ),
            _ => (
                format!(
                    "in the first rows no value of column `{name}` told its marks, but {other} values further down contradict what was \
                     assumed{with_other}"
                ),
                format!("state them: `columns: {{{name}: {{number: {{strict: true, decimal: comma}}}}}}`"),
            ),
        };
        Ok(Diagnostic::error(Class::Data, what).help(help))
    }

    /// Looks at every text and judges the columns anew.
    fn look(&self, table: &TableProduct, context: &WorkContext<'_>) -> Result<Exhibit, Diagnostic> {
        let mut values = vec![Values::default(); self.texts.len()];
        context.stream(&keep_columns(&table.relation, &self.texts), &mut |rows| {
            auto::add(&mut values, &self.texts, &rows);
            Ok(true)
        })?;
        let verdicts = auto::judge(&values, &self.texts, self.options);
        let listed: Vec<_> = verdicts.iter().collect();
        let note = "Told from all rows. Nothing was changed: paste the rules under `clean: {columns: ..}`.";
        Ok(auto::exhibit("What the columns of text hold".to_owned(), &listed, note.to_owned()))
    }

    fn set_aside(
        &self,
        rejecting: &Rejecting,
        table: &TableProduct,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Diagnostic> {
        let both = Relation::Project { input: table.relation.clone(), columns: rejecting.columns.clone() };
        let wrong = Relation::Filter { input: both.into(), predicate: rejecting.bad.clone() };
        let as_before = rejecting.schema.fields().iter().map(|field| {
            let before = format!("{}{}", super::BEFORE, field.name);
            let is_cleaned = rejecting.columns.iter().any(|column| column.name == before);
            let from = if is_cleaned { before } else { field.name.clone() };
            NamedExpr { name: field.name.clone(), expr: Expr::column(from, field.data_type.clone()) }
        });
        let rows = Relation::Project { input: wrong.into(), columns: as_before.collect() };
        let rows = rows.bind(&outcome.bindings).map_err(|key| {
            Diagnostic::error(Class::Stage, format!("`{key}` was not learned before rows were set aside"))
        })?;
        let format = TargetFormat::Parquet { compression: Compression::default(), row_group_size: None };
        let target = Target { path: rejecting.path.clone(), format, partition_by: Vec::new() };
        outcome.outputs.push(context.write(&rows, &target)?);
        Ok(())
    }

    fn proposals(&self) -> Option<Exhibit> {
        let told: Vec<(&String, &Verdict)> = self.verdicts.iter().collect();
        if told.is_empty() {
            return None;
        }
        let note = format!("Told from the first {}; the counts of all rows stand below.", digits::rows(auto::ROWS));
        Some(auto::exhibit("What the columns of text hold".to_owned(), &told, note))
    }
}

/// A value that one reading reads and the other does not.
fn only(yes: &Expr, no: &Expr) -> Expr {
    yes.clone().is_null().not().and(no.clone().is_null())
}

/// What the whole column said, where a person should hear of it.
fn told(asked: &Asked, own: u64, other: u64) -> Option<Exhibit> {
    let name = &asked.name;
    let against = own.min(other);
    let mut text = match (&asked.verdict.holds, own, other) {
        (_, 0, 0) => format!("Column {name}: {}.", asked.verdict.because),
        (Holds::Days(days), ..) => {
            let layouts = if own >= other { &days.layouts } else { &days.exchanged };
            format!("Column {name}: {} values tell that days are written {}.", own.max(other), layouts.join(" or "))
        }
        _ => return None,
    };
    if against > 0 {
        text.push_str(&format!(" {against} values say otherwise and count as unreadable."));
    }
    let tone = if own + other == 0 || against > 0 { Tone::Warning } else { Tone::Info };
    Some(Exhibit::note(tone, text))
}

impl Work for CleanWork {
    fn passes(&self, _: usize) -> usize {
        usize::from(!self.asked.is_empty()) + usize::from(self.report) + usize::from(self.rejects.is_some())
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let mut outcome = Outcome::default();
        let Some(Product::Table(table)) = products.first() else { return Ok(outcome) };
        if !self.asked.is_empty() {
            self.ask(table, context, &mut outcome)?;
        }
        if self.report {
            outcome.exhibits.push(self.look(table, context)?);
        } else {
            outcome.exhibits.extend(self.proposals());
        }
        if let Some(rejecting) = &self.rejects {
            self.set_aside(rejecting, table, context, &mut outcome)?;
        }
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let rejected = counts.counter("cleaned", "rejected");
        if rejected == 0 { Vec::new() } else { vec![Change::minus("unreadable", rejected)] }
    }

    fn is_gate(&self) -> bool {
        self.on_error == OnError::Fail && !self.report
    }

    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        let unreadable = self.unreadable(counts);
        if unreadable == 0 {
            return Vec::new();
        }
        vec![match (self.report, self.on_error) {
            (true, _) => format!("{unreadable} values could not be read; nothing was changed"),
            (false, OnError::Reject) => {
                let rows = counts.counter("cleaned", "rejected");
                format!("{unreadable} values could not be read; their rows were set aside: {rows}")
            }
            _ => format!("{unreadable} values could not be read and became null"),
        }]
    }

    fn judge(&self, counts: &StageCounts) -> Option<Diagnostic> {
        let unreadable = self.unreadable(counts);
        if self.on_error != OnError::Fail || self.report || unreadable == 0 {
            return None;
        }
        let examples: Vec<String> = self
            .watched
            .iter()
            .flat_map(|name| {
                let sample = counts.sample("cleaned", &format!("unreadable {name}"));
                sample.iter().filter_map(move |row| Some(format!("{name} = `{}`", row.first()?.as_deref()?)))
            })
            .take(EXAMPLES)
            .collect();
        let message = format!("{unreadable} values cannot be read, for example {}", examples.join(", "));
        let help = "add a layout or a null token, or count them with `on_error: \"null\"`";
        Some(Diagnostic::error(Class::Data, message).help(help))
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let count = |what: &str, name: &str| counts.counter("cleaned", &format!("{what} {name}"));
        let rows = self.watched.iter().map(|name| {
            let example = counts
                .sample("cleaned", &format!("unreadable {name}"))
                .first()
                .or_else(|| counts.sample("cleaned", &format!("changed {name}")).first());
            let text = |at: usize| {
                example.and_then(|row| row.get(at)).map(|value| match value {
                    Some(value) => format!("\u{201c}{value}\u{201d}"),
                    None => "null".to_owned(),
                })
            };
            vec![
                Cell::text(name.clone()),
                Cell::count(count("changed", name)),
                Cell::count(count("emptied", name)),
                Cell::count(count("unreadable", name)),
                Cell::optional(text(0)),
                Cell::optional(text(1)),
            ]
        });
        let columns = vec![
            Column::new("column"),
            Column::formatted("changed", Format::Integer),
            Column::formatted("became null", Format::Integer),
            Column::formatted("unreadable", Format::Integer),
            Column::new("before"),
            Column::new("after"),
        ];
        let note = Some(
            "Changed counts texts that stay texts; values that became numbers or dates are not counted there."
                .to_owned(),
        );
        let title = if self.report { "What would be cleaned" } else { "Cleaned values" };
        let rows: Vec<Vec<Cell>> = rows.collect();
        if rows.is_empty() {
            return Vec::new();
        }
        vec![Exhibit::Table(Table { title: title.to_owned(), columns, rows, note })]
    }
}
