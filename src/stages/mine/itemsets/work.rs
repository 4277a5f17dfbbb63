//! Baskets are read, mined, and what was found is written, shown and confirmed.

use super::baskets::{self, Baskets, Reader};
use super::exhibits::{self, Mined};
use super::features::Features;
use super::held::Held;
use super::source::Source;
use super::{FILE, Itemsets, tables};
use crate::diagnostic::{Class, Diagnostic};
use crate::mining::itemsets::{ItemsetError, ItemsetOptions, Itemsets as Found, MinSupport, frequent_itemsets_within};
use crate::mining::rules::{Recount, Rules};
use crate::stages::work::{Change, Holding, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{Product, fit};

pub(super) struct ItemsetsWork {
    /// The key of the table of sets or rules.
    pub(super) key: String,
    pub(super) source: Source,
    pub(super) options: Itemsets,
}

impl ItemsetsWork {
    fn mine(&self, baskets: &Baskets, held: &Held<'_>) -> Result<Found, Diagnostic> {
        let wanted = &self.options;
        let min_support = match (&wanted.min_support, &wanted.min_count) {
            (Some(share), _) => MinSupport::Fraction(share.value),
            (None, Some(count)) => MinSupport::Count(count.value),
            (None, None) if wanted.top.is_some() => MinSupport::Count(1),
            (None, None) => MinSupport::Fraction(super::MIN_SUPPORT),
        };
        let options = ItemsetOptions {
            kind: wanted.kind,
            top: wanted.top.as_ref().map(|top| top.value),
            min_support,
            // Rules need the sets below the shortest reported one too.
            min_length: if wanted.rules.is_some() { 1 } else { wanted.min_length.value },
            max_length: wanted.max_length.as_ref().map(|length| length.value),
            max_itemsets: wanted.limit.value as u64,
        };
        let before = held.size();
        let found = frequent_itemsets_within(&baskets.transactions, &options, &|bytes| held.grow(bytes));
        held.settle(before);
        found.map_err(|error| match &error {
            ItemsetError::Refused { .. } => held.refusal(&error.to_string()),
            ItemsetError::Fraction { .. } | ItemsetError::Lengths { .. } => Diagnostic::definition(error.to_string()),
            ItemsetError::TooMany { .. } => Diagnostic::error(Class::Limit, error.to_string()).help(
                "`kind: closed` says the same in fewer sets, `kind: maximal` and `top` show less; `limit` allows more",
            ),
            _ => Diagnostic::error(Class::Limit, error.to_string())
                .help("name fewer columns, or put a `sample` stage in front"),
        })
    }
}

impl Work for ItemsetsWork {
    fn passes(&self, _: usize) -> usize {
        let binned = match &self.source {
            Source::Columns(fields) => fields.iter().any(|field| field.data_type.is_numeric()),
            Source::List(_) | Source::Long { .. } => false,
        };
        1 + usize::from(binned) + usize::from(self.options.confirm.is_some())
    }

    fn holds(&self, rows: u64) -> Option<Holding> {
        baskets::holds(&self.source, rows)
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let rows = table.training();
        let mut reader = Reader::new(self.source.clone(), &rows, self.options.bins.value, context)?;
        let baskets = reader.read(&rows, context)?;
        let held = Held::new(context);
        let found = self.mine(&baskets, &held)?;
        let made = match &self.options.rules {
            Some(rules) => {
                Some(self.long_enough(rules.value.make(&found, &reader.book, self.options.limit.value, &held)?))
            }
            None => None,
        };
        let confirmed = match (&self.options.confirm, &made) {
            (Some(confirm), Some(made)) => {
                if !held.grow(Recount::bytes(&made.rules) as u64 / 2) {
                    return Err(held.refusal("there is no memory to count the rules again"));
                }
                Some(confirm.measure(made, &table.part(confirm.part()), &mut reader, context)?)
            }
            _ => None,
        };
        let book = &reader.book;
        let mined = Mined {
            baskets: self.source.baskets(),
            transactions: baskets.transactions.total(),
            kind: self.options.kind,
            found: &found,
            book,
            rows: fit::learned_from(table),
        };
        let mut outcome = Outcome::default();
        outcome.exhibits.push(mined.metrics(made.as_ref(), confirmed.as_ref()));
        let path = context.artifacts.join(FILE);
        if let (Some(made), Some(rules)) = (&made, &self.options.rules) {
            let rules = &rules.value;
            let adjusted = rules.adjusted(made);
            tables::write_rules(&path, made, &adjusted, confirmed.as_ref(), book)?;
            outcome.exhibits.extend(mined.rules(made, &adjusted, confirmed.as_ref(), rules.correction()));
            let unknown = rules.unknown(book);
            if !unknown.is_empty() {
                let text = format!("no item is called {}: nothing is found for it", unknown.join(", "));
                outcome.remarks.push(text);
            }
        } else {
            tables::write_sets(&path, &found, book)?;
            outcome.exhibits.push(mined.sets());
        }
        if baskets.keyless > 0 {
            let text = format!("{} name no basket and were left out", crate::digits::rows(baskets.keyless));
            outcome.remarks.push(text);
        }
        if let Some(features) = &self.options.features {
            let (sets, counts) = self.chosen(features, &found, made.as_ref());
            features.bind(&self.source, context.id, &sets, book, &mut outcome.bindings);
            outcome.exhibits.push(exhibits::features(features, &sets, book, &counts, mined.baskets));
        }
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        if self.options.features.is_some() {
            return Vec::new();
        }
        let what = if self.options.rules.is_some() { "one row for each rule" } else { "one row for each set" };
        vec![Change::minus("mined", counts.first_input()), Change::plus(what, counts.out)]
    }
}

impl ItemsetsWork {
    fn long_enough(&self, mut made: Rules) -> Rules {
        let before = made.rules.len();
        made.rules.retain(|rule| rule.antecedent.len() + rule.consequent.len() >= self.options.min_length.value);
        made.passed -= before - made.rules.len();
        made
    }

    /// The sets that become features, with how many baskets hold them.
    fn chosen<'a>(&self, features: &Features, found: &'a Found, made: Option<&'a Rules>) -> (Vec<&'a [u32]>, Vec<u64>) {
        let takes = |set: &&[u32]| Features::takes(&self.source, set);
        let mut chosen: Vec<(&[u32], u64)> = Vec::new();
        match made {
            None => {
                let sets = found.iter().filter(|set| set.items.len() > 1).map(|set| (set.items, set.count));
                chosen.extend(sets.filter(|(set, _)| takes(set)).take(features.top()));
            }
            Some(made) => {
                for rule in &made.rules {
                    let set = rule.antecedent.as_slice();
                    if chosen.len() < features.top() && takes(&set) && !chosen.iter().any(|(known, _)| *known == set) {
                        chosen.push((set, rule.counts.antecedent));
                    }
                }
            }
        }
        chosen.into_iter().unzip()
    }
}
