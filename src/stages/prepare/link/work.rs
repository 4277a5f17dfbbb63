//! The work of a linkage: read, block, learn, score, connect, write.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use rustc_hash::FxHashMap;

use super::columns::{Compared, Key, Rule};
use super::exhibits::{self, Told};
use super::model::Linkage;
use super::read::{self, Layout, Read, Source};
use super::{Link, results};
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::Schema;
use crate::memory::MemoryManager;
use crate::similarity::linkage::MISSING;
use crate::similarity::linkage::blocking::{self, Blocks};
use crate::similarity::linkage::comparison::Comparison;
use crate::similarity::linkage::dictionary::Dictionary;
use crate::similarity::linkage::entities::Entities;
use crate::similarity::linkage::estimate::{self, Estimated, Parameters, Session};
use crate::similarity::linkage::judge;
use crate::similarity::linkage::records::{Records, Side, Sides};
use crate::similarity::linkage::score::{self, Comparer, Scored, Scorer};
use crate::stages::Product;
use crate::stages::work::{Change, Outcome, Progress, StageCounts, Work, WorkContext};

/// Pairs taken at random for `u`.
const RANDOM: u64 = 500_000;
/// Pairs of each rule from which `m` is learned.
const OF_RULE: u64 = 100_000;
/// Pairs for each record up to which a chosen rule may go, and all of them together.
const CHOSEN: (f64, f64) = (8.0, 60.0);
/// The match probability from which pairs are kept to draw precision and recall.
const JUDGED_FROM: f64 = 0.001;

/// Files that are written for the user.
pub(super) struct Paths {
    pub(super) pairs: Option<PathBuf>,
    pub(super) mergers: Option<PathBuf>,
    pub(super) save: Option<PathBuf>,
}

pub(super) struct LinkWork {
    pub(super) options: Link,
    pub(super) id: String,
    pub(super) key: String,
    /// The columns of the product.
    pub(super) schema: Schema,
    pub(super) sides: Sides,
    pub(super) compared: Vec<Compared>,
    pub(super) rules: Option<Vec<Rule>>,
    pub(super) model: Option<Linkage>,
    pub(super) sources: Vec<Source>,
    /// Whether the file of known entities is not there yet.
    pub(super) no_file: bool,
    pub(super) paths: Paths,
}

/// Everything that is known once pairs were scored.
pub(super) struct Linked<'a> {
    pub(super) records: &'a Records,
    pub(super) layout: Layout,
    pub(super) comparisons: &'a [Comparison],
    pub(super) rules: &'a [Rule],
    pub(super) blocks: &'a Blocks,
    pub(super) scorer: &'a Scorer<'a>,
    /// Scored pairs, the heaviest first, with whether they are linked.
    pub(super) pairs: &'a [Scored],
    pub(super) linked: &'a [bool],
    /// For each rule the pairs that no earlier rule gave.
    pub(super) seen: &'a [u64],
    pub(super) entities: &'a Entities,
    /// Names of known entities.
    pub(super) names: &'a Dictionary,
    /// Known records that a new record with their id takes the place of.
    pub(super) replaced: &'a [bool],
}

impl Work for LinkWork {
    fn passes(&self, _: usize) -> usize {
        // Once to compare the rows, and once to write them with their entities.
        2
    }

    fn flowing(&self) -> usize {
        usize::MAX
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let layout = Layout::new(&self.options, self.compared.len());
        let rules = self.rules.as_ref().map_or(24, Vec::len);
        let read = read::read(&self.options, &self.sources, layout, rules, products, context)?;
        let records = &read.records;
        let none = Dictionary::default();
        let comparisons: Vec<Comparison> = match &self.model {
            Some(model) => model.comparisons.clone(),
            None => {
                let columns = self.compared.iter().enumerate();
                columns.map(|(at, one)| one.comparison(records.values(at).unwrap_or(&none))).collect()
            }
        };
        let (rules, blocks) = self.block(&read)?;
        self.check_pairs(&rules, &blocks, records)?;
        let comparer = Comparer::new(records, &comparisons, &none);
        let mut prepared = MemoryManager::process().reserve("link");
        prepared.try_grow(comparer.size(rayon::current_num_threads()) as u64)?;
        let (parameters, learned) = self.learn(&comparer, &blocks, &rules, context)?;
        let scorer = Scorer::new(&comparer, &parameters);
        let (pairs, seen) = self.score(&scorer, &blocks, context)?;
        let least = estimate::weight(self.options.threshold.value);
        let linked: Vec<bool> = match self.options.one_to_one.value {
            true => score::one_to_one(&pairs, records, least),
            false => pairs.iter().map(|pair| pair.weight >= least).collect(),
        };
        let names = layout.entity.and_then(|at| records.values(at)).unwrap_or(&none);
        let (known, replaced, same) = known(records, layout);
        let links = pairs.iter().zip(&linked).filter(|(_, linked)| **linked).map(|(pair, _)| (pair.left, pair.right));
        let entities = Entities::new(records.len(), links.chain(same), &known, names);
        let linked = Linked {
            records,
            layout,
            comparisons: &comparisons,
            rules: &rules,
            blocks: &blocks,
            scorer: &scorer,
            pairs: &pairs,
            linked: &linked,
            seen: &seen,
            entities: &entities,
            names,
            replaced: &replaced,
        };
        let mut outcome = Outcome::default();
        self.write(&linked, &read, products, context, &mut outcome)?;
        self.save(&linked, &parameters, context, &mut outcome)?;
        let told = Told {
            parameters: &parameters,
            learned: learned.as_ref(),
            sides: self.sides,
            threshold: self.options.threshold.value,
        };
        outcome.exhibits = exhibits::all(&linked, &told);
        if self.no_file {
            let text = "The file of known entities is not there yet: all rows are new.";
            outcome.exhibits.insert(0, crate::exhibit::Exhibit::note(crate::exhibit::Tone::Info, text));
        }
        outcome.document = serde_json::json!({ "rules": rules.iter().map(|rule| &rule.name).collect::<Vec<_>>(), "parameters": parameters });
        Ok(outcome)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        // What changes is known to the work alone: rows of a file, and known rows that make room.
        Vec::new()
    }
}

/// What was learned, with what it was learned from.
pub(super) struct Learned {
    pub(super) estimated: Estimated,
    pub(super) sessions: Vec<Session>,
}

impl LinkWork {
    /// The blocking rules, written or chosen, with the groups that they make.
    fn block(&self, read: &Read) -> Result<(Vec<Rule>, Blocks), Diagnostic> {
        let records = &read.records;
        let rules = match &self.rules {
            Some(rules) => rules.clone(),
            None => {
                let columns: Vec<usize> = (0..self.compared.len()).collect();
                let chosen = blocking::choose(records, self.sides, &columns, CHOSEN.0, CHOSEN.1);
                let name = |at: &usize| self.compared.get(*at).map_or("", |one| one.name.as_str());
                chosen
                    .into_iter()
                    .map(|columns| Rule {
                        name: columns.iter().map(name).collect::<Vec<_>>().join(" + "),
                        keys: columns.iter().map(|at| Key::Compared(*at)).collect(),
                        looks_at: columns,
                        others: Vec::new(),
                    })
                    .collect()
            }
        };
        let mut texts = read.keys.iter();
        let keys: Vec<Vec<u64>> = rules
            .iter()
            .map(|rule| {
                let keys: Vec<std::borrow::Cow<'_, [u64]>> = rule
                    .keys
                    .iter()
                    .map(|key| match key {
                        Key::Compared(at) => blocking::column_keys(records, *at).into(),
                        Key::Text(_) => texts.next().map_or(&[][..], Vec::as_slice).into(),
                    })
                    .collect();
                blocking::all_of(&keys.iter().map(AsRef::as_ref).collect::<Vec<_>>())
            })
            .collect();
        let blocks = Blocks::new(records, self.sides, &keys);
        Ok((rules, blocks))
    }

    /// Refuses more pairs than may be compared, before any is.
    fn check_pairs(&self, rules: &[Rule], blocks: &Blocks, records: &Records) -> Result<(), Diagnostic> {
        let all = blocks.counts().iter().fold(0_u64, |sum, count| sum.saturating_add(count.pairs));
        if all <= self.options.max_pairs.value {
            return Ok(());
        }
        let largest = rules.iter().zip(blocks.counts()).max_by_key(|(_, count)| count.pairs);
        let Some((rule, count)) = largest else { return Ok(()) };
        let example = |(record, rows, pairs): &(u32, u64, u64)| {
            let values: Vec<String> = rule
                .keys
                .iter()
                .map(|key| match key {
                    Key::Compared(at) => records.value(*record, *at).unwrap_or("").to_owned(),
                    Key::Text(text) => format!("{} of one value", text.value),
                })
                .collect();
            format!("{} ({rows} rows, {pairs} pairs)", values.join(" + "))
        };
        let keys: Vec<String> = count.largest.iter().take(3).map(example).collect();
        let message = format!(
            "the blocking rules give {all} pairs, and at most {} may be compared: `{}` alone gives {}, most of them with {}",
            self.options.max_pairs.value,
            rule.name,
            count.pairs,
            keys.join(", ")
        );
        let help = "add a column to that rule, make its largest values null, or raise `max_pairs`";
        Err(Diagnostic::error(Class::Limit, message).at(&self.options.max_pairs.place).help(help))
    }

    fn learn(
        &self,
        comparer: &Comparer<'_>,
        blocks: &Blocks,
        rules: &[Rule],
        context: &WorkContext<'_>,
    ) -> Result<(Parameters, Option<Learned>), Diagnostic> {
        if let Some(model) = &self.model {
            return Ok((model.parameters.clone(), None));
        }
        let comparisons = comparer.comparisons();
        tell(context, 0, None, "learn");
        let random = comparer.random(blocks, RANDOM);
        let mut sessions = Vec::with_capacity(rules.len());
        for (at, rule) in rules.iter().enumerate() {
            check_cancelled(context)?;
            let bound = (0..comparisons.len()).map(|one| rule.looks_at.contains(&one)).collect();
            sessions.push(comparer.session(blocks, at, OF_RULE, bound));
        }
        let levels: Vec<usize> = comparisons.iter().map(Comparison::len).collect();
        let estimated = estimate::estimate(&levels, &random, &sessions);
        Ok((estimated.parameters.clone(), Some(Learned { estimated, sessions })))
    }

    fn score(
        &self,
        scorer: &Scorer<'_>,
        blocks: &Blocks,
        context: &WorkContext<'_>,
    ) -> Result<(Vec<Scored>, Vec<u64>), Diagnostic> {
        let options = &self.options;
        let mut from = options.threshold.value;
        if options.pairs.is_some() {
            from = from.min(options.review.value);
        }
        if options.truth.is_some() {
            from = from.min(JUDGED_FROM);
        }
        let least = estimate::weight(from);
        let most = usize::try_from(context.memory / 4 / size_of::<Scored>() as u64).unwrap_or(usize::MAX);
        let total: u64 = blocks.counts().iter().map(|count| count.pairs).sum();
        let (mut pairs, mut seen, mut done) = (Vec::new(), Vec::new(), 0);
        for rule in 0..blocks.counts().len() {
            let mut of_rule = 0;
            scorer.score_rule(blocks, rule, least, |(found, looked_at)| {
                of_rule += looked_at;
                pairs.extend(found);
                tell(context, done + of_rule, Some(total), "score");
                pairs.len() <= most && !context.cancelled.load(Ordering::Relaxed)
            });
            check_cancelled(context)?;
            if pairs.len() > most {
                let message = format!(
                    "more than {most} pairs have a match probability of at least {from}, which is more than memory holds"
                );
                let help = "raise `threshold` and `review`, compare more columns, or give more with `--memory`";
                return Err(Diagnostic::error(Class::Limit, message).at(&options.threshold.place).help(help));
            }
            done += blocks.counts().get(rule).map_or(0, |count| count.pairs);
            seen.push(of_rule);
        }
        score::sort(&mut pairs);
        Ok((pairs, seen))
    }

    fn write(
        &self,
        linked: &Linked<'_>,
        read: &Read,
        products: &[Product],
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Diagnostic> {
        let kept = self.kept(linked.rules);
        let rows_of = results::RowsOf { schema: &self.schema, only_new: self.options.only_new, kept: &kept };
        results::write_rows(linked, read, &self.sources, &rows_of, products, context)?;
        outcome.bindings.artifacts.insert(self.key.clone(), results::ROWS.into());
        let replaced = linked.replaced.iter().filter(|replaced| **replaced).count() as u64;
        for (source, rows) in self.sources.iter().zip(&read.rows) {
            if source.is_file() && *rows > 0 && !self.options.only_new {
                outcome.changes.push(Change::plus(format!("known in {}", source.name), *rows));
            }
        }
        if replaced > 0 && !self.options.only_new {
            outcome.changes.push(Change::minus("replaced by a row with their id", replaced));
        }
        let with_ids = self.options.id.is_some();
        let review = estimate::weight(self.options.review.value.min(self.options.threshold.value));
        results::write_pairs(linked, read, &self.sources, with_ids, review, context)?;
        outcome.bindings.artifacts.insert(format!("{}.pairs", self.id), results::PAIRS.into());
        results::write_mergers(linked, context)?;
        outcome.bindings.artifacts.insert(format!("{}.mergers", self.id), results::MERGERS.into());
        for (path, file) in [(&self.paths.pairs, results::PAIRS), (&self.paths.mergers, results::MERGERS)] {
            if let Some(path) = path {
                outcome.outputs.push(results::copy(&context.artifacts.join(file), path)?);
            }
        }
        Ok(())
    }

    /// The columns that are saved with a linkage, by their positions in the product: what is compared, looked at by rules, names rows
    /// and entities.
    fn kept(&self, rules: &[Rule]) -> Vec<usize> {
        if self.paths.save.is_none() {
            return Vec::new();
        }
        let last = self.schema.len().saturating_sub(1);
        let is_kept = |name: &str| {
            self.compared.iter().any(|one| one.name == name)
                || self.options.id.as_ref().is_some_and(|id| id.value == name)
                || (self.options.with.is_some() && name == super::SOURCE)
                || rules.iter().any(|rule| rule.others.iter().any(|other| other == name))
        };
        let fields = self.schema.fields().iter().enumerate();
        fields.filter(|(at, field)| *at == last || is_kept(&field.name)).map(|(at, _)| at).collect()
    }

    fn save(
        &self,
        linked: &Linked<'_>,
        parameters: &Parameters,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Diagnostic> {
        let Some(folder) = &self.paths.save else { return Ok(()) };
        let name = |key: &Key| match key {
            Key::Compared(at) => self.compared.get(*at).map(|one| one.name.clone()).unwrap_or_default(),
            Key::Text(text) => text.value.clone(),
        };
        let rules = linked.rules.iter().map(|rule| rule.keys.iter().map(name).collect()).collect();
        let records = linked.records.len() as u64;
        let column = self.options.column.value.clone();
        let linkage = Linkage::new(&self.id, records, column, linked.comparisons.to_vec(), parameters.clone(), rules);
        let known = results::copy(&context.artifacts.join(results::KEPT), &folder.join(results::KEPT))?;
        outcome.outputs.push(known);
        // The description comes last: with it the folder is a linkage.
        outcome.outputs.push(linkage.save(folder)?);
        Ok(())
    }
}

/// For each record the code of its known entity, which known records are replaced, and the pairs of records with one id.
fn known(records: &Records, layout: Layout) -> (Vec<u32>, Vec<bool>, Vec<(u32, u32)>) {
    let all = || 0..u32::try_from(records.len()).unwrap_or(u32::MAX);
    let is_known = |record: u32| records.side(record) == Side::Known;
    let code = |record: u32| {
        let at = layout.entity.filter(|_| is_known(record))?;
        records.codes(record).get(at).copied()
    };
    let known = all().map(|record| code(record).unwrap_or(MISSING)).collect();
    let mut replaced = vec![false; records.len()];
    let mut same = Vec::new();
    if layout.id.is_some() && layout.entity.is_some() {
        let by_key: FxHashMap<u128, u32> =
            all().filter(|record| is_known(*record)).map(|record| (records.key(record), record)).collect();
        for record in all().filter(|record| !is_known(*record)) {
            if let Some(old) = by_key.get(&records.key(record)) {
                same.push((record, *old));
                if let Some(slot) = replaced.get_mut(*old as usize) {
                    *slot = true;
                }
            }
        }
    }
    (known, replaced, same)
}

fn tell(context: &WorkContext<'_>, done: u64, total: Option<u64>, message: &str) {
    (context.progress)(Progress { done, total, unit: "pairs".to_owned(), message: message.to_owned() });
}

fn check_cancelled(context: &WorkContext<'_>) -> Result<(), Diagnostic> {
    match context.cancelled.load(Ordering::Relaxed) {
        true => Err(Diagnostic::error(Class::Interrupted, "interrupted")),
        false => Ok(()),
    }
}

/// Entities and pairs against the truth, where it is named.
pub(super) fn verdict(linked: &Linked<'_>, sides: Sides) -> Option<(judge::Verdict, Vec<(f64, judge::Verdict)>)> {
    let at = linked.layout.truth?;
    let all = 0..u32::try_from(linked.records.len()).unwrap_or(u32::MAX);
    let truth: Vec<u32> = all.map(|record| linked.records.codes(record).get(at).copied().unwrap_or(MISSING)).collect();
    let entities = judge::entities(linked.records, sides, linked.entities.roots(), &truth);
    Some((entities, judge::curve(linked.pairs, &truth, entities.wanted)))
}
