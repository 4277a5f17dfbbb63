//! What a column holds, judged by all of its values that were seen.

use std::collections::HashMap;

use super::days::{self, DayOrder, Days};
use super::numbers::{self, Marks, Numbers};
use super::words;

/// Different texts that are kept; a column with more of them is judged by these.
const DISTINCT: usize = 50_000;
/// Bytes of a text that could be a number, a day or a word.
const LENGTH: usize = 64;
/// Examples that a verdict keeps.
const EXAMPLES: usize = 5;

/// The values of a column: its different texts with their counts.
#[derive(Debug, Clone, Default)]
pub struct Values {
    texts: HashMap<String, u64>,
    nulls: u64,
    /// Values that are too long to be anything but text, and those beyond the different ones that are kept.
    long: u64,
    left_out: u64,
    untrimmed: u64,
    long_example: Option<String>,
}

impl Values {
    /// Takes one value into account.
    pub fn add(&mut self, value: Option<&str>) {
        self.add_times(value, 1);
    }

    /// Takes a value into account that was seen so many times.
    pub fn add_times(&mut self, value: Option<&str>, times: u64) {
        let Some(text) = value else {
            self.nulls += times;
            return;
        };
        let trimmed = text.trim();
        self.untrimmed += if trimmed.len() != text.len() { times } else { 0 };
        if trimmed.len() > LENGTH {
            self.long += times;
            self.long_example.get_or_insert_with(|| trimmed.chars().take(LENGTH).collect());
        } else if let Some(count) = self.texts.get_mut(trimmed) {
            *count += times;
        } else if self.texts.len() < DISTINCT {
            self.texts.insert(trimmed.to_owned(), times);
        } else {
            self.left_out += times;
        }
    }

    /// Values that were seen, nulls included.
    pub fn seen(&self) -> u64 {
        self.nulls + self.long + self.left_out + self.texts.values().sum::<u64>()
    }
}

/// How a column is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The share of the values that must be of one kind before the column is said to hold that kind.
    pub at_least: f64,
    /// The order of day and month, where somebody knows it.
    pub order: Option<DayOrder>,
}

impl Default for Options {
    fn default() -> Self {
        Self { at_least: 0.95, order: None }
    }
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Holds {
    /// No value was seen.
    Nothing,
    /// Text.
    Text,
    /// Words for true and false.
    Boolean {
        /// Those for true, in lower case.
        yes: Vec<String>,
        /// Those for false, in lower case.
        no: Vec<String>,
    },
    /// Numbers.
    Numbers(Numbers),
    /// Days, or days with times.
    Days(Days),
}

/// A question that no value answers, and what is assumed.
#[derive(Debug, Clone, PartialEq)]
pub enum Undecided {
    /// The order of day and month.
    Order(DayOrder),
    /// The marks; the others would do as well.
    Marks(Marks),
}

/// What a column holds, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What it is.
    pub holds: Holds,
    /// Values that were seen, without nulls.
    pub values: u64,
    /// Nulls that were nulls before.
    pub nulls: u64,
    /// Values that are what the column holds.
    pub fits: u64,
    /// Texts that mean null, with their counts, the most frequent first.
    pub null_tokens: Vec<(String, u64)>,
    /// Values that are neither, with their counts, the most frequent first; a few of them.
    pub misfits: Vec<(String, u64)>,
    /// How many there are.
    pub misfit: u64,
    /// Values with white space around them.
    pub untrimmed: u64,
    /// Why it is that, in a sentence.
    pub because: String,
    /// What is assumed.
    pub undecided: Option<Undecided>,
    /// What a person should look at: sentinels, numbers that could be days.
    pub remarks: Vec<String>,
}

/// Judges a column.
///
/// Cost: some ten readings as a number and some fifty as a day of each different text.
pub fn judge(values: &Values, options: Options) -> Verdict {
    let mut tokens: Vec<(String, u64)> = Vec::new();
    let mut rest: Vec<(&str, u64)> = Vec::new();
    for (text, count) in &values.texts {
        if words::is_null(text) {
            tokens.push((text.clone(), *count));
        } else {
            rest.push((text, *count));
        }
    }
    // The order of a hash map is no order: everything below must not depend on it.
    rest.sort_unstable();
    frequent_first(&mut tokens);
    let others = values.long + values.left_out;
    let count: u64 = rest.iter().map(|(_, count)| count).sum::<u64>() + others;
    let token_count: u64 = tokens.iter().map(|(_, count)| count).sum();
    let mut verdict = Verdict {
        holds: Holds::Text,
        values: count + token_count,
        nulls: values.nulls,
        fits: count,
        null_tokens: tokens,
        misfits: Vec::new(),
        misfit: 0,
        untrimmed: values.untrimmed,
        because: "the values are text".to_owned(),
        undecided: None,
        remarks: Vec::new(),
    };
    if count == 0 {
        verdict.holds = Holds::Nothing;
        verdict.because = if token_count > 0 { "all values mean null" } else { "no value was seen" }.to_owned();
        return verdict;
    }
    let enough = |fits: u64| share(fits, count) >= options.at_least;
    let numbers = numbers::find(&rest).filter(|found| enough(found.fits));
    let days = days::find(&rest, options.order, 1.0 - options.at_least)
        .filter(|found| enough(found.fits) || found.objection.is_some() && enough(found.read));
    let booleans = booleans(&rest).filter(|(_, _, fits)| enough(*fits));
    match (booleans, days, numbers) {
        (Some((yes, no, fits)), _, _) if fits == count || enough(fits) => {
            let is = |text: &str| yes.iter().chain(&no).any(|word| *word == text.to_lowercase());
            misfits(&mut verdict, &rest, values, &is);
            verdict.because = format!("the values are {} and {}", yes.join(", "), no.join(", "));
            verdict.holds = Holds::Boolean { yes, no };
        }
        (_, Some(found), numbers) if numbers.as_ref().is_none_or(|numbers| is_days_rather(&found, numbers, &rest)) => {
            if let Some(objection) = found.objection {
                verdict.because = objection;
            } else {
                let is = |text: &str| found.days.day(text).is_some();
                misfits(&mut verdict, &rest, values, &is);
                verdict.undecided =
                    found.assumed.then(|| Undecided::Order(found.days.order.unwrap_or(DayOrder::DayFirst)));
                verdict.because = found.because;
                if found.days.layouts.iter().any(|layout| layout.contains("%y")) {
                    verdict
                        .remarks
                        .push("years of two digits below 69 are taken for 20.., the others for 19..".to_owned());
                }
                verdict.holds = Holds::Days(found.days);
            }
        }
        (_, _, Some(found)) => {
            if let Some(objection) = found.objection {
                verdict.because = objection;
            } else {
                let is = |text: &str| found.numbers.value(text).is_some();
                misfits(&mut verdict, &rest, values, &is);
                verdict.undecided = found.rival.map(Undecided::Marks);
                verdict.because = found.because;
                verdict.remarks = suggestions(&found.numbers, &rest);
                verdict.holds = Holds::Numbers(found.numbers);
            }
        }
        _ => {}
    }
    if verdict.holds == Holds::Text {
        settle_text(&mut verdict);
    }
    verdict
}

/// Among words only tokens that are no words mean null; the others are told.
fn settle_text(verdict: &mut Verdict) {
    let (strong, weak): (Vec<_>, Vec<_>) =
        std::mem::take(&mut verdict.null_tokens).into_iter().partition(|(text, _)| words::is_strong_null(text));
    verdict.null_tokens = strong;
    if let Some((text, count)) = weak.first() {
        verdict.fits += weak.iter().map(|(_, count)| count).sum::<u64>();
        verdict.remarks.push(format!("`{text}` ({count} times) may mean null"));
    }
}

fn misfits(verdict: &mut Verdict, rest: &[(&str, u64)], values: &Values, is: &dyn Fn(&str) -> bool) {
    let mut wrong: Vec<(String, u64)> =
        rest.iter().filter(|(text, _)| !is(text)).map(|(text, count)| ((*text).to_owned(), *count)).collect();
    if let Some(text) = &values.long_example {
        wrong.push((format!("{text}…"), values.long));
    }
    verdict.misfit = wrong.iter().map(|(_, count)| count).sum();
    verdict.fits -= verdict.misfit;
    frequent_first(&mut wrong);
    wrong.truncate(EXAMPLES);
    verdict.misfits = wrong;
}

fn frequent_first(texts: &mut [(String, u64)]) {
    texts.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
}

/// The words of a column of booleans, and how many values they are. A column of one word says nothing, nor do zeros and ones
/// alone, which are numbers.
fn booleans(rest: &[(&str, u64)]) -> Option<(Vec<String>, Vec<String>, u64)> {
    let (mut yes, mut no, mut fits) = (Vec::new(), Vec::new(), 0);
    let mut pairs: HashMap<usize, (u64, u64)> = HashMap::new();
    for (text, count) in rest {
        let found = words::boolean(text);
        if found.is_empty() {
            continue;
        }
        fits += count;
        let mut truths = Vec::new();
        for (pair, truth) in found {
            let counts = pairs.entry(pair).or_default();
            if truth {
                counts.0 += count
            } else {
                counts.1 += count
            }
            truths.push(truth);
        }
        let words = if truths.contains(&true) { &mut yes } else { &mut no };
        words.push(text.to_lowercase());
    }
    for words in [&mut yes, &mut no] {
        words.sort();
        words.dedup();
    }
    let opposites = pairs.values().any(|(yes, no)| *yes > 0 && *no > 0);
    let digits = yes.iter().chain(&no).all(|word| word == "0" || word == "1");
    (opposites && !digits).then_some((yes, no, fits))
}

/// Eight digits that are all days of our time are days; other digits are numbers.
fn is_days_rather(days: &days::Found, numbers: &numbers::Found, rest: &[(&str, u64)]) -> bool {
    if !numbers.numbers.is_plain() || days.fits < numbers.fits {
        return days.fits > numbers.fits;
    }
    let (first, last) = (super::layout::days_from_civil(1900, 1, 1), super::layout::days_from_civil(2100, 1, 1));
    let of_our_time = |text: &str| days.days.day(text).is_some_and(|day| (first..last).contains(&day));
    rest.len() > 1 && rest.iter().all(|(text, _)| of_our_time(text))
}

/// What numbers could mean besides themselves.
fn suggestions(numbers: &Numbers, rest: &[(&str, u64)]) -> Vec<String> {
    let mut values: Vec<(f64, u64)> =
        rest.iter().filter_map(|(text, count)| Some((numbers.value(text)?, *count))).collect();
    values.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut found = Vec::new();
    if let Some((value, count)) = sentinel(&values) {
        found.push(format!("{value} ({count} times) lies far from the others: does it mean null?"));
    }
    let (Some((least, _)), Some((most, _))) = (values.first(), values.last()) else { return found };
    if numbers.whole && values.len() > 1 {
        let within = |low: f64, high: f64| *least >= low && *most <= high;
        if within(9.0e8, 2.2e9) {
            found.push("these could be seconds since 1970: `derive: {when: \"to_timestamp(column)\"}`".to_owned());
        } else if within(9.0e11, 2.2e12) {
            found.push(
                "these could be milliseconds since 1970: `derive: {when: \"to_timestamp(column / 1000)\"}`".to_owned(),
            );
        } else if within(36_526.0, 55_000.0) {
            found.push(
                "these could be days of a spreadsheet: `derive: {day: \"date_add('day', column, date '1899-12-30')\"}`"
                    .to_owned(),
            );
        }
    }
    found
}

/// A value that often stands for null, occurs more than once, and is as far from the others as they are from each other.
fn sentinel(values: &[(f64, u64)]) -> Option<(f64, u64)> {
    let is_known =
        |value: f64| [-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0, 999_999.0].contains(&value);
    let (least, rest) = values.split_first()?;
    let (most, before) = values.split_last()?;
    let far = |value: f64, others: &[(f64, u64)]| {
        let (Some((low, _)), Some((high, _))) = (others.first(), others.last()) else { return false };
        let distance = if value < *low { low - value } else { value - high };
        distance > (high - low).max(1.0)
    };
    if is_known(least.0) && least.1 > 1 && far(least.0, rest) {
        return Some(*least);
    }
    (is_known(most.0) && most.1 > 1 && far(most.0, before)).then_some(*most)
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
