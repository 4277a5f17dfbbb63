//! What a column holds, once all of its rows went by.

use rustc_hash::FxHashMap;

use super::column::{Column, Held, scale_of};
use super::document::{
    ColumnProfile, Estimate, Meaning, NumberProfile, PROBABILITIES, TextClasses, TextProfile, TimeProfile, TopValue,
    share,
};
use super::{meaning, sentinels};
use crate::batch;
use crate::expression::{DataType, Literal};
use crate::notation::{self, TextKind, Verdict};
use crate::stages::prepare::clean::auto;
use crate::statistics::histogram::{Bins, Histogram, Scale};
use crate::statistics::profile::{Classes, Numbers, Texts};
use crate::statistics::quantiles::Quantiles;

/// Kept texts by which a column is judged.
const JUDGED: usize = 5_000;
/// Texts, shapes, gaps that are shown.
const SHOWN: usize = 10;

/// A profile with what a comparison needs beside it.
pub(super) struct Finished {
    pub(super) profile: ColumnProfile,
    /// Of numbers and times.
    pub(super) quantiles: Option<Quantiles>,
    /// Kept values with their counts, the most frequent first.
    pub(super) values: Vec<(String, u64)>,
    /// Whether those are all.
    pub(super) all_values: bool,
}

pub(super) fn finish(column: &Column, top: usize) -> Finished {
    let mut profile = ColumnProfile {
        name: column.field.name.clone(),
        r#type: column.field.data_type.to_string(),
        meaning: Meaning::Opaque,
        because: String::new(),
        rows: column.rows,
        nulls: column.nulls,
        distinct: Estimate { count: 0, exact: true, standard_error: 0.0 },
        top: Vec::new(),
        numbers: None,
        times: None,
        texts: None,
    };
    let (mut quantiles, mut values, mut all_values) = (None, Vec::new(), true);
    let mut verdict = None;
    match &column.values {
        Held::Numbers(numbers) => {
            profile.distinct = estimate(numbers.distinct());
            let shown = |value: f64| shown(value, &column.field.data_type);
            let kept = numbers.tally().top(1_000);
            profile.top = kept
                .iter()
                .take(top)
                .map(|slot| TopValue { value: shown(slot.payload), count: slot.count, error: slot.error })
                .collect();
            all_values = numbers.tally().is_exact() && numbers.tally().len() <= kept.len();
            values = kept.iter().map(|slot| (shown(slot.payload), slot.count)).collect();
            let sorted = numbers.quantiles();
            if column.field.data_type != DataType::Boolean {
                profile.numbers = Some(number_profile(numbers, &sorted, &column.field.data_type));
            }
            if matches!(column.field.data_type, DataType::Date | DataType::Datetime(_)) {
                profile.times = time_profile(column, &sorted);
            }
            quantiles = Some(sorted);
        }
        Held::Texts(texts) => {
            profile.distinct = estimate(texts.distinct());
            let kept = texts.top(JUDGED);
            profile.top = kept
                .iter()
                .take(top)
                .map(|(text, slot)| TopValue {
                    value: ended(text, slot.payload.is_cut()),
                    count: slot.count,
                    error: slot.error,
                })
                .collect();
            all_values = texts.is_exact() && kept.len() as u64 == profile.distinct.count;
            values = kept.iter().take(1_000).map(|(text, slot)| ((*text).to_owned(), slot.count)).collect();
            all_values &= values.len() == kept.len();
            if texts.count() > 0 {
                let judged = judge(&kept);
                profile.texts = Some(text_profile(texts, &kept, &judged, &column.field.name));
                verdict = Some(judged);
            }
        }
        Held::Opaque => {}
    }
    (profile.meaning, profile.because) = meaning::of(column, &profile, verdict.as_ref());
    Finished { profile, quantiles, values, all_values }
}

fn estimate((count, standard_error): (u64, f64)) -> Estimate {
    Estimate { count, exact: standard_error == 0.0, standard_error }
}

fn ended(text: &str, is_cut: bool) -> String {
    if is_cut { format!("{text}…") } else { text.to_owned() }
}

/// A number as people read it in a column of that type.
pub(super) fn shown(value: f64, data_type: &DataType) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates")]
    let whole = (value * scale_of(data_type)).round() as i64;
    match data_type {
        DataType::Boolean => (value != 0.0).to_string(),
        DataType::Date => i32::try_from(whole)
            .map_or_else(|_| format!("day {whole}"), |days| batch::literal_text(&Literal::Date(days))),
        DataType::Datetime(Some(zone)) => batch::zoned(whole, zone).map_or_else(
            || batch::literal_text(&Literal::Datetime(whole)),
            |time| time.strftime("%Y-%m-%d %H:%M:%S%:z").to_string(),
        ),
        DataType::Datetime(None) => batch::literal_text(&Literal::Datetime(whole)),
        DataType::Time => {
            let seconds = whole / 1_000_000_000;
            format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
        }
        DataType::Duration | DataType::Interval => format!("{value} s"),
        // Beyond, and far below 1, digits say less than powers of ten.
        _ if value != 0.0 && !(1e-5..1e16).contains(&value.abs()) => format!("{value:e}"),
        _ => value.to_string(),
    }
}

fn number_profile(numbers: &Numbers, quantiles: &Quantiles, data_type: &DataType) -> NumberProfile {
    let moments = numbers.moments();
    let fences = quantiles.quantile(0.25).zip(quantiles.quantile(0.75));
    let beyond = |factor: f64| {
        let Some((first, third)) = fences.filter(|(first, third)| third > first) else { return 0 };
        let reach = factor * (third - first);
        quantiles.count_below(first - reach) + (quantiles.count() - quantiles.count_at_most(third + reach))
    };
    let whole = numbers.whole() == numbers.count();
    let scale = if whole && !matches!(data_type, DataType::Datetime(_) | DataType::Duration) {
        Scale::Integer
    } else {
        Scale::Real
    };
    let histogram = Histogram::from_quantiles(quantiles, Bins::Count(30), scale);
    let order = numbers.order();
    let direction = if order.is_rising() {
        Some("rising")
    } else if order.is_falling() {
        Some("falling")
    } else {
        None
    };
    let order = direction
        .map(|direction| if order.is_strict() { format!("strictly {direction}") } else { direction.to_owned() });
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    NumberProfile {
        count: numbers.count(),
        nan: numbers.nan(),
        infinite: numbers.infinite(),
        zeros: numbers.zeros(),
        negative: numbers.negative(),
        mean: finite(moments.mean()),
        sd: moments.standard_deviation(),
        skewness: moments.skewness(),
        kurtosis: moments.kurtosis(),
        sum: finite(Some(moments.sum())),
        min: finite(moments.min()),
        max: finite(moments.max()),
        quantiles: PROBABILITIES.map(|p| finite(quantiles.quantile(p))).to_vec(),
        rank_error: quantiles.rank_error(),
        outliers: beyond(1.5),
        far_outliers: beyond(3.0),
        edges: histogram.edges().to_vec(),
        counts: histogram.counts().to_vec(),
        order,
        sentinels: sentinels::of(numbers, quantiles, data_type),
    }
}

fn time_profile(column: &Column, quantiles: &Quantiles) -> Option<TimeProfile> {
    let (first, last) = (quantiles.min()?, quantiles.max()?);
    let told = |value: f64| shown(value, &column.field.data_type);
    let mut profile =
        TimeProfile { first: told(first), last: told(last), days: None, missing_days: None, gaps: Vec::new() };
    let Some(days) = &column.days else { return Some(profile) };
    let mut days: Vec<i64> = days.iter().copied().collect();
    days.sort_unstable();
    let mut gaps: Vec<(i64, i64)> = days
        .windows(2)
        .filter_map(|pair| match pair {
            [before, after] if after - before > 1 => Some((before + 1, after - 1)),
            _ => None,
        })
        .collect();
    let missing: i64 = gaps.iter().map(|(from, to)| to - from + 1).sum();
    gaps.sort_by_key(|(from, to)| (from - to, *from));
    let day = |day: i64| {
        i32::try_from(day).map_or_else(|_| format!("day {day}"), |day| batch::literal_text(&Literal::Date(day)))
    };
    profile.days = Some(days.len() as u64);
    profile.missing_days = u64::try_from(missing).ok();
    profile.gaps = gaps.iter().take(5).map(|(from, to)| (day(*from), day(*to))).collect();
    Some(profile)
}

type Kept<'a> = [(&'a str, crate::statistics::profile::Slot<crate::statistics::profile::TextValue>)];

fn judge(kept: &Kept<'_>) -> Verdict {
    let mut values = notation::Values::default();
    kept.iter().for_each(|(text, slot)| values.add_times(Some(text), slot.count));
    notation::judge(&values, notation::Options::default())
}

fn text_profile(texts: &Texts, kept: &Kept<'_>, verdict: &Verdict, name: &str) -> TextProfile {
    let (shortest, longest) = texts.length_range().unwrap_or((0, 0));
    let count = texts.count().max(1);
    #[expect(clippy::cast_precision_loss, reason = "a mean that is shown with four digits")]
    let mean = |sum: u128| sum as f64 / count as f64;
    let lengths = texts.lengths();
    #[expect(clippy::cast_precision_loss, reason = "lengths up to 1,024")]
    let counted = lengths.iter().enumerate().map(|(length, count)| (length as f64, *count));
    let histogram = Histogram::from_quantiles(&Quantiles::of_counts(counted), Bins::Count(20), Scale::Integer);
    let (min, max) = texts.range().unwrap_or_default();
    let kinds = texts.kinds();
    let mut kinds: Vec<(String, u64)> = TextKind::ALL
        .iter()
        .zip(kinds)
        .filter(|(kind, count)| **kind != TextKind::Plain && *count > 0)
        .map(|(kind, count)| (format!("{kind:?}").to_lowercase(), count))
        .collect();
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let (variants, variant_count) = variants(kept);
    let holds = match verdict.holds {
        notation::Holds::Nothing | notation::Holds::Text => None,
        _ => Some(auto::words_for(verdict)),
    };
    let alone = |classes: &[Classes]| texts.only(classes);
    TextProfile {
        shortest: shortest as u64,
        longest: longest as u64,
        mean_length: mean(texts.characters()),
        mean_words: mean(u128::from(texts.words().0)),
        min: min.to_owned(),
        max: max.to_owned(),
        edges: histogram.edges().to_vec(),
        counts: histogram.counts().to_vec(),
        classes: TextClasses {
            blank: texts.with(Classes::BLANK),
            untrimmed: texts.with(Classes::UNTRIMMED),
            digits_only: alone(&[Classes::DIGIT]),
            letters_only: alone(&[Classes::LOWER, Classes::UPPER]),
            alphanumeric: alone(&[Classes::LOWER, Classes::UPPER, Classes::DIGIT]),
            beyond_ascii: texts.with(Classes::BEYOND_ASCII),
            control: texts.with(Classes::CONTROL),
            damaged: texts.with(Classes::DAMAGED),
        },
        kinds,
        shapes: shapes(kept),
        rules: auto::line(name, verdict),
        holds,
        null_tokens: verdict.null_tokens.iter().take(SHOWN).cloned().collect(),
        misfits: verdict.misfits.iter().take(SHOWN).cloned().collect(),
        misfit: verdict.misfit,
        variants,
        variant_count,
    }
}

/// The shapes of the kept texts: runs of digits, capitals and small letters become one sign.
fn shapes(kept: &Kept<'_>) -> Vec<TopValue> {
    let mut counts: FxHashMap<String, u64> = FxHashMap::default();
    for (text, slot) in kept {
        *counts.entry(shape(text)).or_insert(0) += slot.count;
    }
    let mut shapes: Vec<TopValue> =
        counts.into_iter().map(|(value, count)| TopValue { value, count, error: 0 }).collect();
    shapes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    shapes.truncate(SHOWN);
    shapes
}

fn shape(text: &str) -> String {
    let mut shape = String::new();
    for character in text.chars() {
        let sign = match character {
            '0'..='9' => '9',
            c if c.is_uppercase() => 'A',
            c if c.is_alphabetic() => 'a',
            c if c.is_whitespace() => ' ',
            c => c,
        };
        if !(shape.ends_with(sign) && matches!(sign, '9' | 'A' | 'a' | ' ')) {
            shape.push(sign);
        }
        if shape.chars().count() >= 24 {
            shape.push('…');
            break;
        }
    }
    shape
}

/// Texts that differ in case and white space only, the most frequent spelling first; and how many spellings are too many.
fn variants(kept: &Kept<'_>) -> (Vec<(String, Vec<String>)>, u64) {
    let mut groups: FxHashMap<String, Vec<(&str, u64)>> = FxHashMap::default();
    for (text, slot) in kept.iter().filter(|(text, slot)| !slot.payload.is_cut() && !text.trim().is_empty()) {
        let folded = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        groups.entry(folded).or_default().push((text, slot.count));
    }
    let mut found: Vec<Vec<(&str, u64)>> = groups.into_values().filter(|group| group.len() > 1).collect();
    found.sort_by(|a, b| {
        let rows = |group: &[(&str, u64)]| group.iter().map(|(_, count)| count).sum::<u64>();
        rows(b).cmp(&rows(a)).then_with(|| a.first().cmp(&b.first()))
    });
    let many = found.iter().map(|group| group.len() as u64 - 1).sum();
    let shown = found.into_iter().take(SHOWN).filter_map(|group| {
        let (first, others) = group.split_first()?;
        Some((first.0.to_owned(), others.iter().take(SHOWN).map(|(text, _)| (*text).to_owned()).collect()))
    });
    (shown.collect(), many)
}

/// The share of kept rows that have the most frequent shape.
pub(super) fn first_shape_share(texts: &TextProfile, values: u64) -> f64 {
    texts.shapes.first().map_or(0.0, |shape| share(shape.count, values))
}
