//! What a person looks at.

use super::answer::Answer;
use super::pairs::Compared;
use super::{Method, Settings, compute, figures, words};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Table, Tone};
use crate::statistics::hypothesis::Alternative;
use crate::statistics::hypothesis::proportions::wilson;

/// Groups and comparisons of groups that the report shows.
const SHOWN: usize = 20;
/// Categories of the second column that the table of counts shows.
const ACROSS: usize = 6;

/// Verdicts first, then numbers, then pictures.
pub(super) fn of(answers: &[Answer], settings: &Settings) -> Vec<Exhibit> {
    let mut exhibits: Vec<Exhibit> = Vec::new();
    for answer in answers {
        exhibits.push(Exhibit::note(Tone::Info, story(answer, answers.len() > 1, settings)));
        exhibits.extend(answer.notes.iter().map(|note| Exhibit::note(Tone::Warning, note.clone())));
    }
    exhibits.push(table(answers, settings));
    exhibits.extend(figures::effects(answers, settings));
    for answer in answers {
        exhibits.extend(counts(answer));
        exhibits.extend(figures::residuals(answer));
        exhibits.extend(groups(answer, settings));
        exhibits.extend(figures::spreads(answer));
        exhibits.extend(comparisons(answer));
        exhibits.extend(figures::comparisons(answer, settings));
    }
    exhibits
}

/// The verdict, the test and why it was taken, and what was left out.
fn story(answer: &Answer, several: bool, settings: &Settings) -> String {
    let mut text = if several && answer.result.is_ok() { format!("{}: ", answer.question.name) } else { String::new() };
    text += &words::verdict(answer, settings);
    text += &format!(" By {}", words::with_article(answer.method));
    if let Ok(tested) = &answer.result
        && let Some(how) = &tested.how
    {
        text += &format!(" ({how})");
    }
    if let Some(why) = &answer.why {
        text += &format!(", chosen because {why}");
    }
    text += &format!("; {}", digits::rows(answer.used()));
    if answer.left_out > 0 {
        text += &format!(", {} left out because a value is missing or infinite", digits::rows(answer.left_out));
    }
    text += ".";
    let also = answer.result.iter().flat_map(|tested| &tested.also);
    if let Some((low, high)) = also.filter(|share| share.name == "share (Wilson)").find_map(|share| share.interval) {
        text += &format!(" The interval is exact; Wilson's is {} to {}.", words::number(low), words::number(high));
    }
    if answer.without_power {
        text += " Power is not computed for this test.";
    }
    if let (Some(power), Some((effect, target))) = (answer.power, settings.power) {
        text += &format!(
            " An effect of {} would be found with a probability of {}",
            words::written(effect),
            probability(power)
        );
        if let Some(needed) = answer.needed {
            text += &format!("; for {} it takes {}", digits::percent(target), digits::rows(needed));
        }
        text += ".";
    }
    text
}

/// A probability that is not said to be certain.
fn probability(power: f64) -> String {
    if power > 0.999 { "more than 99.9 %".to_owned() } else { digits::percent((power * 1000.0).round() / 1000.0) }
}

fn table(answers: &[Answer], settings: &Settings) -> Exhibit {
    let several = answers.len() > 1;
    let rows = answers.iter().map(|answer| {
        let tested = answer.result.as_ref().ok();
        let effect = tested.and_then(|tested| tested.effect.as_ref());
        let statistic = tested.map(|tested| {
            let degrees: Vec<String> = tested.degrees.iter().map(|degrees| words::number(*degrees)).collect();
            let inside = if degrees.is_empty() { String::new() } else { format!("({})", degrees.join(", ")) };
            format!("{}{inside} = {}", tested.letter, words::number(tested.statistic))
        });
        let interval = effect.and_then(|effect| effect.interval);
        let interval = interval.map(|(low, high)| format!("{} to {}", words::number(low), words::number(high)));
        let mut cells = vec![
            Cell::text(answer.question.name.clone()),
            Cell::text(words::method(answer.method)),
            Cell::optional(statistic),
            Cell::number(tested.map(|tested| tested.p_value)),
        ];
        if several {
            cells.push(Cell::number(answer.adjusted));
        }
        cells.extend([
            Cell::optional(effect.map(|effect| format!("{} {}", effect.name, words::number(effect.value)))),
            Cell::optional(interval),
            Cell::optional(effect.and_then(words::size)),
            Cell::count(answer.used()),
        ]);
        cells
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let mut columns: Vec<Column> = ["hypothesis", "test", "statistic"].map(Column::new).to_vec();
    columns.push(Column::formatted("p-value", Format::PValue));
    if several {
        columns.push(Column::formatted("adjusted p", Format::PValue));
    }
    columns.extend([
        Column::new("size of the effect"),
        Column::new(format!("{} interval", digits::percent(settings.confidence))),
        Column::new("in words"),
        Column::formatted("rows", Format::Integer),
    ]);
    let note = several.then(|| format!("Adjusted for {} tests: {}.", answers.len(), settings.correction.name()));
    Exhibit::Table(Table { title: "Tests".to_owned(), columns, rows, note })
}

/// How often each category, or each pair of categories, occurs.
fn counts(answer: &Answer) -> Option<Exhibit> {
    let counted = answer.counted.as_ref()?;
    let all: f64 = counted.counts.iter().sum();
    let across = counted.columns_named.len().max(1);
    let named = counted.rows_named.iter().zip(counted.counts.chunks(across)).take(SHOWN);
    let (columns, rows): (Vec<Column>, Vec<Vec<Cell>>) = if let Some(expected) = &counted.expected {
        let rows = named.zip(expected).map(|((name, counts), expected)| {
            let count = counts.first().copied().unwrap_or(0.0);
            vec![Cell::text(name.clone()), Cell::number(count), Cell::number(*expected), Cell::number(count / all)]
        });
        let columns = [("rows", Format::Integer), ("expected", Format::Number), ("share", Format::Percent)];
        let columns = columns.map(|(name, format)| Column::formatted(name, format));
        (std::iter::once(Column::new("category")).chain(columns).collect(), rows.collect())
    } else {
        let rows = named.map(|(name, counts)| {
            let sum: f64 = counts.iter().sum();
            let cells = counts.iter().take(ACROSS).map(|count| {
                let share = digits::percent((count / sum * 1000.0).round() / 1000.0);
                Cell::text(format!("{} ({share})", digits::fixed(*count, 0)))
            });
            std::iter::once(Cell::text(name.clone())).chain(cells).chain([Cell::number(sum)]).collect()
        });
        let (a, b) = answer.question.crossed()?;
        let names = counted.columns_named.iter().take(ACROSS).map(|name| Column::new(format!("{b} = {name}")));
        let sum = Column::formatted("rows", Format::Integer);
        (std::iter::once(Column::new(a)).chain(names).chain([sum]).collect(), rows.collect())
    };
    let (down, across) = (counted.rows_named.len().saturating_sub(SHOWN), across.saturating_sub(ACROSS));
    let note = match (down, across) {
        (0, 0) => None,
        (0, across) => Some(format!("{across} more columns are not shown.")),
        (down, 0) => Some(format!("{down} more categories are not shown.")),
        (down, across) => Some(format!("{down} more rows and {across} more columns are not shown.")),
    };
    Some(Exhibit::Table(Table { title: format!("Counts: {}", answer.question.name), columns, rows, note }))
}

/// The groups, by the share of true values where shares were compared.
fn groups(answer: &Answer, settings: &Settings) -> Option<Exhibit> {
    if answer.groups.len() < 2 {
        return None;
    }
    let shares = matches!(answer.method, Method::Proportions | Method::ChiSquare)
        .then(|| compute::shares(&answer.groups).ok())
        .flatten();
    let of_shares = shares.iter().flatten().map(|(yes, n)| {
        let (low, high) = wilson(*yes, *n, Alternative::TwoSided, settings.confidence);
        let interval = format!("{} to {}", words::number(low), words::number(high));
        vec![Cell::count(*yes), Cell::number(*yes as f64 / *n as f64), Cell::text(interval)]
    });
    let of_numbers = answer.groups.iter().map(|group| {
        let quantiles = group.sketch.as_ref().map(crate::statistics::quantiles::QuantileSketch::quantiles);
        vec![
            Cell::number(group.moments.mean()),
            Cell::number(group.moments.standard_deviation()),
            Cell::number(quantiles.and_then(|quantiles| quantiles.quantile(0.5))),
        ]
    });
    let cells: Vec<Vec<Cell>> = if shares.is_some() { of_shares.collect() } else { of_numbers.collect() };
    let rows = answer.groups.iter().zip(cells).take(SHOWN).map(|(group, cells)| {
        let named = [Cell::text(group.name.clone()), Cell::count(group.moments.count())];
        named.into_iter().chain(cells).collect::<Vec<Cell>>()
    });
    let mut columns = vec![Column::new("group"), Column::formatted("rows", Format::Integer)];
    if shares.is_some() {
        columns.push(Column::formatted("true", Format::Integer));
        columns.push(Column::new("share"));
        columns.push(Column::new(format!("{} interval (Wilson)", digits::percent(settings.confidence))));
    } else {
        columns.extend(["mean", "sd", "median"].map(Column::new));
    }
    let rest = answer.groups.len().saturating_sub(SHOWN);
    let note = (rest > 0).then(|| format!("{rest} more groups are not shown."));
    Some(Exhibit::Table(Table {
        title: format!("Groups: {}", answer.question.name),
        columns,
        rows: rows.collect(),
        note,
    }))
}

fn comparisons(answer: &Answer) -> Option<Exhibit> {
    if answer.comparisons.is_empty() {
        return None;
    }
    let ranks = answer.comparisons.iter().all(|compared| compared.comparison.interval.is_none());
    let mut sorted: Vec<&Compared> = answer.comparisons.iter().collect();
    sorted.sort_by(|a, b| a.comparison.p_value.total_cmp(&b.comparison.p_value));
    let rows = sorted.iter().take(SHOWN).map(|compared| {
        let one = &compared.comparison;
        let interval = one.interval.map(|(low, high)| format!("{} to {}", words::number(low), words::number(high)));
        let mut cells =
            vec![Cell::text(format!("{} - {}", compared.first, compared.second)), Cell::number(one.difference)];
        cells.extend(interval.map(Cell::text));
        cells.extend([Cell::number(one.statistic), Cell::number(one.p_value)]);
        cells
    });
    let names: &[&str] = if ranks {
        &["groups", "difference of mean ranks", "z"]
    } else {
        &["groups", "difference of means", "interval", "t"]
    };
    let mut columns: Vec<Column> = names.iter().copied().map(Column::new).collect();
    columns.push(Column::formatted("adjusted p", Format::PValue));
    let rest = answer.comparisons.len().saturating_sub(SHOWN);
    let note = (rest > 0).then(|| format!("{rest} more comparisons are in the stage's table."));
    let title = format!("{} by pairs ({})", answer.question.name, answer.compared_by);
    Some(Exhibit::Table(Table { title, columns, rows: rows.collect(), note }))
}
