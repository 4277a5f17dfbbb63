//! A column on both sides: the distances, and what they amount to.

use std::collections::BTreeMap;

use super::side::{Brief, Column, Known};
use super::{Kind, Limits, MOVED};
use crate::digits::{self, fixed};
use crate::statistics::drift::{
    BEYOND_CHANCE, Empirical, homogeneity, jensen_shannon, kolmogorov_smirnov, wasserstein,
};
use crate::statistics::stability::stability_index;

/// What became of a column, the most serious first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Gone,
    TypeChanged,
    Drifted,
    New,
    Moved,
    Unclear,
    NotCompared,
    Stable,
}

impl Verdict {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::TypeChanged => "type changed",
            Self::Drifted => "drifted",
            Self::New => "new",
            Self::Moved => "moved",
            Self::Unclear => "unclear",
            Self::NotCompared => "not compared",
            Self::Stable => "stable",
        }
    }

    /// Whether somebody should hear of it.
    pub(super) fn is_serious(self) -> bool {
        matches!(self, Self::Gone | Self::TypeChanged | Self::Drifted)
    }
}

/// A column on both sides.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) before: Option<Brief>,
    pub(super) now: Option<Brief>,
    pub(super) psi: Option<f64>,
    pub(super) jensen_shannon: Option<f64>,
    pub(super) ks: Option<f64>,
    pub(super) wasserstein: Option<f64>,
    pub(super) chi_squared: Option<f64>,
    pub(super) p_value: Option<f64>,
    pub(super) p_adjusted: Option<f64>,
    /// The p-value of a chi-squared test over the counts from which index and distance come.
    by_chance: Option<f64>,
    pub(super) verdict: Verdict,
    /// Why, in a few words; empty when nothing has happened.
    pub(super) reason: String,
}

impl Compared {
    fn blank(column: &Column, before: Option<Brief>, now: Option<Brief>, verdict: Verdict) -> Self {
        Self {
            name: column.name.clone(),
            kind: column.kind,
            before,
            now,
            psi: None,
            jensen_shannon: None,
            ks: None,
            wasserstein: None,
            chi_squared: None,
            p_value: None,
            p_adjusted: None,
            by_chance: None,
            verdict,
            reason: String::new(),
        }
    }

    /// A column that was not there before.
    pub(super) fn new_column(column: &Column) -> Self {
        let reason = "it was not there before".to_owned();
        Self { reason, ..Self::blank(column, None, Some(column.brief), Verdict::New) }
    }

    /// A column that is not there any more.
    pub(super) fn gone(column: &Column) -> Self {
        let reason = "it is not there any more".to_owned();
        Self { reason, ..Self::blank(column, Some(column.brief), None, Verdict::Gone) }
    }

    /// A column that is on both sides.
    pub(super) fn of(before: &Column, now: &Column, bins: usize) -> Self {
        let mut found = Self::blank(now, Some(before.brief), Some(now.brief), Verdict::Stable);
        if before.brief.values() == 0 || now.brief.values() == 0 {
            // What a column without values would hold is anybody's guess, so its type says nothing.
            found.verdict = Verdict::NotCompared;
            found.reason = match (before.brief.values(), now.brief.values()) {
                (0, 0) => "it has no values on either side".to_owned(),
                (0, _) => "it had no values".to_owned(),
                _ => "it has no values".to_owned(),
            };
            return found;
        }
        // Whole numbers may become others, and days instants; true and false are not texts.
        if before.kind != now.kind || now.kind == Kind::Category && before.data_type != now.data_type {
            found.verdict = Verdict::TypeChanged;
            found.reason = format!("it was {} and is {}", before.data_type, now.data_type);
            return found;
        }
        match (&before.values, &now.values) {
            (Known::Numbers(earlier), Known::Numbers(later)) => found.compare_numbers(earlier, later, bins),
            (Known::Texts { counts: earlier, others: rest }, Known::Texts { counts: later, others }) => {
                found.compare_texts((earlier, *rest), (later, *others));
            }
            (Known::Uncounted, _) | (_, Known::Uncounted) => {
                found.verdict = Verdict::NotCompared;
                found.reason = format!("values of type {} cannot be compared", now.data_type);
            }
            _ => match (before.values.lengths(), now.values.lengths()) {
                (Some(earlier), Some(later)) => {
                    found.kind = Kind::Length;
                    found.compare_numbers(&earlier, &later, bins);
                }
                _ => {
                    found.verdict = Verdict::NotCompared;
                    found.reason = "it has more than 10,000 different values now, and had fewer".to_owned();
                }
            },
        }
        found
    }

    fn compare_numbers(&mut self, before: &Empirical, now: &Empirical, bins: usize) {
        let edges = before.edges(bins);
        // Of a column with one value there is no edge: the bins are that value, what is below it and what is above.
        let counts: Vec<(u64, u64)> = match before.iter().next() {
            Some((only, _)) if edges.is_empty() => three(before, only).into_iter().zip(three(now, only)).collect(),
            _ => before.binned(&edges).into_iter().zip(now.binned(&edges)).collect(),
        };
        self.psi = stability_index(&counts);
        self.jensen_shannon = jensen_shannon(&counts);
        self.by_chance = homogeneity(&counts).map(|test| test.p_value);
        self.wasserstein = wasserstein(before, now);
        if let Some(test) = kolmogorov_smirnov(before, now) {
            self.ks = Some(test.statistic);
            self.p_value = Some(test.p_value);
        }
    }

    fn compare_texts(&mut self, before: (&[(String, u64)], u64), now: (&[(String, u64)], u64)) {
        let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        before.0.iter().for_each(|(text, count)| counts.entry(text).or_default().0 += count);
        // What an earlier run did not keep by name is compared as one: the rest before with the rest now.
        let mut rest = (before.1, now.1);
        for (text, count) in now.0 {
            match counts.get_mut(text.as_str()) {
                Some(pair) => pair.1 += count,
                None if before.1 > 0 => rest.1 += count,
                None => counts.entry(text).or_default().1 += count,
            }
        }
        let mut pairs: Vec<(u64, u64)> = counts.into_values().collect();
        if rest != (0, 0) {
            pairs.push(rest);
        }
        self.psi = stability_index(&pairs);
        self.jensen_shannon = jensen_shannon(&pairs);
        if let Some(test) = homogeneity(&pairs) {
            self.chi_squared = Some(test.statistic);
            self.p_value = Some(test.p_value);
            self.by_chance = self.p_value;
        }
    }

    /// The Wasserstein distance in standard deviations of the earlier values.
    pub(super) fn relative_distance(&self) -> Option<f64> {
        let deviation = self.before?.deviation.filter(|deviation| *deviation > 0.0)?;
        self.wasserstein.map(|distance| distance / deviation)
    }

    /// How far the share of nulls has moved.
    fn null_change(&self) -> Option<f64> {
        Some(self.now?.null_share()? - self.before?.null_share()?)
    }

    /// Passes a verdict by the thresholds.
    pub(super) fn judge(&mut self, limits: &Limits) {
        if !matches!(self.verdict, Verdict::Stable | Verdict::NotCompared) {
            return;
        }
        let above = |value: Option<f64>, limit: Option<f64>, name: &str| {
            let (value, limit) = (value?, limit?);
            (value > limit).then(|| format!("{name} {} is above {limit}", short(value)))
        };
        let of_shares = [
            above(self.psi, Some(limits.psi), "PSI"),
            above(self.jensen_shannon, limits.jensen_shannon, "Jensen-Shannon distance"),
        ];
        let of_shares: Vec<String> = of_shares.into_iter().flatten().collect();
        let is_clear = self.by_chance.is_none_or(|p| p < BEYOND_CHANCE);
        let mut reasons = if is_clear { of_shares.clone() } else { Vec::new() };
        reasons.extend(above(self.ks, limits.ks, "KS"));
        let name = "Wasserstein distance in standard deviations";
        reasons.extend(above(self.relative_distance(), limits.wasserstein, name));
        if let Some(change) = self.null_change().filter(|change| change.abs() > limits.nulls) {
            let direction = if change > 0.0 { "more" } else { "fewer" };
            reasons.push(format!("{} percentage points {direction} nulls", fixed(change.abs() * 100.0, 1)));
        }
        if let (Some(p), Some(limit)) = (self.p_adjusted, limits.p_value)
            && p < limit
        {
            reasons.push(format!("adjusted p-value {p:.1e} is below {limit}"));
        }
        if self.kind == Kind::Length
            && let Some(first) = reasons.first_mut()
        {
            first.insert_str(0, "of the lengths of its texts ");
        }
        if !reasons.is_empty() {
            self.verdict = Verdict::Drifted;
            self.reason = reasons.join(", ");
        } else if !of_shares.is_empty() {
            self.verdict = Verdict::Unclear;
            let p = digits::p_value(self.by_chance.unwrap_or(1.0));
            self.reason = format!("{}, but chance may give as much with so few rows ({p})", of_shares.join(", "));
        } else if let Some(reason) = above(self.psi, Some(MOVED), "PSI").filter(|_| is_clear) {
            self.verdict = Verdict::Moved;
            self.reason = reason;
        }
    }

    /// What the conditions of a job read of it.
    pub(super) fn told(&self) -> serde_json::Value {
        let by_chance = self.by_chance.is_some_and(|p| p >= BEYOND_CHANCE);
        serde_json::json!({ "column": self.name, "psi": self.psi, "verdict": self.verdict.name(), "by_chance": by_chance })
    }

    /// ``column `dep_delay` has drifted: PSI 0.410 is above 0.25``
    pub(super) fn describe(&self) -> String {
        match self.verdict {
            Verdict::Gone => format!("column `{}` is gone", self.name),
            Verdict::TypeChanged => format!("column `{}` has changed its type: {}", self.name, self.reason),
            verdict => format!("column `{}` has {}: {}", self.name, verdict.name(), self.reason),
        }
    }
}

/// How many values lie below, at and above one.
fn three(values: &Empirical, at: f64) -> [u64; 3] {
    let count = |wanted: std::cmp::Ordering| {
        values.iter().filter(|(value, _)| value.partial_cmp(&at) == Some(wanted)).map(|(_, weight)| weight).sum()
    };
    [std::cmp::Ordering::Less, std::cmp::Ordering::Equal, std::cmp::Ordering::Greater].map(count)
}

/// A distance with three digits after the point, or more where it is small.
fn short(value: f64) -> String {
    if value < 0.01 { format!("{value:.1e}") } else { fixed(value, 3) }
}
