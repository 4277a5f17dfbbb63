//! What the report shows of sets and rules.

use super::book::Book;
use super::features::Features;
use super::rules::Confirmed;

use crate::chart::{Axis, Figure, Mark, NumberFormat, Positions, Scatter};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::mining::itemsets::{Itemset, Itemsets as Found, Kind};
use crate::mining::rules::{Rule, Rules as Made};
use crate::statistics::multiplicity::Correction;

/// Rules or sets that the report shows.
const SHOWN: usize = 25;
/// Rules that are drawn; more would be a cloud without colours.
const DRAWN: usize = 4_000;

/// What was mined.
pub(super) struct Mined<'a> {
    /// What baskets are called.
    pub(super) baskets: &'static str,
    pub(super) transactions: u64,
    pub(super) kind: Kind,
    pub(super) found: &'a Found,
    pub(super) book: &'a Book,
    /// Where the baskets come from, in words.
    pub(super) rows: String,
}

impl Mined<'_> {
    /// Numbers that matter.
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
    pub(super) fn metrics(&self, made: Option<&Made>, confirmed: Option<&Confirmed>) -> Exhibit {
        let kind = match self.kind {
            Kind::Frequent => "frequent sets",
            Kind::Closed => "closed sets",
            Kind::Maximal => "maximal sets",
        };
        let least = format!("in at least {} {}", digits::whole(self.found.minimum_count()), self.baskets);
        let mut metrics = vec![
            Metric::new(format!("{} mined", self.baskets), self.transactions as f64, Format::Integer)
                .note(self.rows.clone()),
            Metric::new("different items", self.book.len() as f64, Format::Integer),
            Metric::new(kind, self.found.len() as f64, Format::Integer).note(least),
        ];
        if let Some(made) = made {
            let redundant = made.passed - made.rules.len();
            let rules = Metric::new("rules", made.rules.len() as f64, Format::Integer);
            metrics.push(match redundant {
                0 => rules,
                _ => {
                    rules.note(format!("{} more say no more than a more general one", digits::whole(redundant as u64)))
                }
            });
        }
        if let (Some(confirmed), Some(made)) = (confirmed, made) {
            let holding = (0..made.rules.len()).filter(|rule| confirmed.holds(*rule)).count();
            let rows = confirmed.counts.first().map_or(0, |counts| counts.transactions);
            metrics.push(Metric::new("rules confirmed", holding as f64, Format::Integer).note(format!(
                "in the {} {} of part {}",
                digits::whole(rows),
                self.baskets,
                confirmed.part
            )));
        }
        Exhibit::Metrics { title: "Mined".to_owned(), metrics }
    }

    /// The table of sets.
    pub(super) fn sets(&self) -> Exhibit {
        // Single items say how frequent a value is; what occurs together begins with two.
        let pairs: Vec<Itemset<'_>> = self.found.iter().filter(|set| set.items.len() > 1).take(SHOWN).collect();
        let singles = pairs.is_empty();
        let sets = if singles { self.found.iter().take(SHOWN).collect() } else { pairs };
        let rows = sets.iter().map(|set| {
            vec![
                Cell::text(self.book.names(set.items).join(", ")),
                Cell::number(self.found.support(*set)),
                Cell::count(set.count),
            ]
        });
        let columns = vec![
            Column::new("items"),
            Column::formatted("support", Format::Percent),
            Column::formatted(self.baskets, Format::Integer),
        ];
        let what = if singles { "Most frequent items" } else { "Most frequent sets of two and more items" };
        let note = left_out(self.found.len(), sets.len(), "sets");
        Exhibit::Table(Table { title: what.to_owned(), columns, rows: rows.collect(), note })
    }

    /// The table of rules, a rule in words, and the rules as points.
    pub(super) fn rules(
        &self,
        made: &Made,
        adjusted: &[f64],
        confirmed: Option<&Confirmed>,
        correction: Correction,
    ) -> Vec<Exhibit> {
        let Some(first) = made.rules.first() else {
            let text = "No rule passes; lower `min_confidence`, `min_lift` or `min_support`.";
            return vec![Exhibit::note(Tone::Info, text)];
        };
        let mut exhibits = vec![self.table(made, adjusted, confirmed), Exhibit::note(Tone::Info, self.words(first))];
        let tests = match correction {
            Correction::None => "p-values are not adjusted".to_owned(),
            _ => format!(
                "p-values are those of Fisher's exact test, one-sided, and adjusted ({}) for the {} rules that these sets allow",
                correction.name(),
                digits::whole(made.candidates)
            ),
        };
        let text = match confirmed {
            None => format!(
                "{tests}. Rules were chosen by the same {} that they are measured on, so expect a little less of them in new ones; `confirm` measures them on others.",
                self.baskets
            ),
            Some(confirmed) => format!(
                "{tests}. Confirmed are rules whose p-value in part {}, adjusted ({}) for the {} rules measured there, is at most {}.",
                confirmed.part,
                confirmed.correction.name(),
                digits::whole(made.rules.len() as u64),
                confirmed.alpha
            ),
        };
        exhibits.push(Exhibit::note(Tone::Info, text));
        exhibits.push(Exhibit::Figure(Box::new(self.figure(made, confirmed))));
        exhibits
    }

    /// A rule as a sentence.
    fn words(&self, rule: &Rule) -> String {
        let counts = &rule.counts;
        let (when, then) = (self.book.names(&rule.antecedent).join(", "), self.book.names(&rule.consequent).join(", "));
        format!(
            "Read the first rule so: of the {} {} with {when}, {} ({}) also have {then}. Among all {} {} it is {}, so that the rule is right {} times as often as chance (its lift).",
            digits::whole(counts.antecedent),
            self.baskets,
            digits::whole(counts.both),
            digits::percent(counts.confidence()),
            digits::whole(counts.transactions),
            self.baskets,
            digits::percent(counts.consequent_support()),
            digits::fixed(counts.lift(), 2),
        )
    }

    /// A page is wide enough for eight columns: where rules were confirmed, what the other part says stands in place of the
    /// support, which is the number of baskets as a share.
    fn table(&self, made: &Made, adjusted: &[f64], confirmed: Option<&Confirmed>) -> Exhibit {
        let rows = made.rules.iter().take(SHOWN).enumerate().map(|(place, rule)| {
            let counts = &rule.counts;
            let mut row = vec![
                Cell::text(self.book.names(&rule.antecedent).join(", ")),
                Cell::text(self.book.names(&rule.consequent).join(", ")),
                Cell::count(counts.both),
            ];
            if confirmed.is_none() {
                row.push(Cell::number(counts.support()));
            }
            row.push(Cell::number(counts.confidence()));
            row.push(Cell::number(counts.lift()));
            row.push(Cell::number(adjusted.get(place).copied()));
            if let Some(confirmed) = confirmed {
                row.push(Cell::number(confirmed.counts.get(place).map(|counts| counts.confidence())));
                row.push(Cell::text(if confirmed.holds(place) { "yes" } else { "no" }));
            }
            row
        });
        let mut columns =
            vec![Column::new("when"), Column::new("then"), Column::formatted(self.baskets, Format::Integer)];
        if confirmed.is_none() {
            columns.push(Column::formatted("support", Format::Percent));
        }
        columns.push(Column::formatted("confidence", Format::Percent));
        columns.push(Column::new("lift"));
        columns.push(Column::formatted("adjusted p", Format::PValue));
        if let Some(confirmed) = confirmed {
            columns.push(Column::formatted(format!("confidence in {}", confirmed.part), Format::Percent));
            columns.push(Column::new("confirmed"));
        }
        let note = left_out(made.rules.len(), SHOWN, "rules");
        Exhibit::Table(Table { title: "Rules with the highest lift".to_owned(), columns, rows: rows.collect(), note })
    }

    /// Support and confidence of the rules, coloured by lift or by whether they were confirmed.
    fn figure(&self, made: &Made, confirmed: Option<&Confirmed>) -> Figure {
        let rules = made.rules.get(..made.rules.len().min(DRAWN)).unwrap_or_default();
        let values = |of: fn(&crate::mining::rules::Contingency) -> f64| {
            rules.iter().map(|rule| Some(of(&rule.counts)).filter(|value| value.is_finite())).collect::<Vec<_>>()
        };
        let mut points =
            Scatter::new(Positions::Number(values(|counts| counts.support())), values(|counts| counts.confidence()));
        match confirmed {
            Some(confirmed) => {
                points.groups = vec!["confirmed".to_owned(), "not confirmed".to_owned()];
                points.group = (0..rules.len()).map(|rule| Some(u32::from(!confirmed.holds(rule)))).collect();
            }
            None => {
                points.groups = ["lift below 1.5", "1.5 to 2", "2 to 5", "5 and more"].map(str::to_owned).to_vec();
                let class = |lift: f64| [1.5, 2.0, 5.0].iter().filter(|edge| lift >= **edge).count();
                let classes = rules.iter().map(|rule| u32::try_from(class(rule.counts.lift())).ok());
                points.group = classes.collect();
            }
        }
        let mut figure = Figure::new("Rules by support and confidence", Mark::Scatter(points));
        figure.subtitle = format!("A point is a rule; shares of the {} mined", self.baskets);
        figure.x = Axis { format: NumberFormat::Percent, ..Axis::labelled("support") };
        figure.y = Axis { format: NumberFormat::Percent, ..Axis::labelled("confidence") };
        if made.rules.len() > rules.len() {
            figure.note = format!("The {} rules with the highest lift are drawn.", digits::whole(DRAWN as u64));
        }
        figure
    }
}

/// Which set stands behind a feature.
pub(super) fn features(features: &Features, sets: &[&[u32]], book: &Book, counts: &[u64], baskets: &str) -> Exhibit {
    let rows = sets.iter().zip(counts).enumerate().map(|(feature, (set, count))| {
        vec![Cell::text(features.name(feature)), Cell::text(book.names(set).join(", ")), Cell::count(*count)]
    });
    let columns = vec![
        Column::new("column"),
        Column::new("holds when all are there"),
        Column::formatted(baskets, Format::Integer),
    ];
    let missing = features.top() - sets.len();
    let note = (missing > 0).then(|| format!("{missing} more columns were asked for than were found; they are false."));
    Exhibit::Table(Table { title: "Features".to_owned(), columns, rows: rows.collect(), note })
}

fn left_out(all: usize, shown: usize, what: &str) -> Option<String> {
    let more = all.saturating_sub(shown);
    (more > 0).then(|| format!("{} more {what} are in the stage's table.", digits::whole(more as u64)))
}
