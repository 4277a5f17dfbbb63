//! Days and times as people write them, and the order of day and month.

use super::layout::{Layout, Moment};

/// Which of day, month and year comes first where only numbers stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayOrder {
    /// `31/12/2024`
    DayFirst,
    /// `12/31/2024`
    MonthFirst,
    /// `24-12-31`
    YearFirst,
}

impl DayOrder {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::DayFirst => "the day comes first",
            Self::MonthFirst => "the month comes first",
            Self::YearFirst => "the year comes first",
        }
    }
}

const ORDERS: [DayOrder; 3] = [DayOrder::DayFirst, DayOrder::MonthFirst, DayOrder::YearFirst];

/// Layouts of days with the order they belong to; none: they mean the same in every order.
const DAYS: [(&str, Option<DayOrder>); 46] = {
    const D: Option<DayOrder> = Some(DayOrder::DayFirst);
    const M: Option<DayOrder> = Some(DayOrder::MonthFirst);
    const Y: Option<DayOrder> = Some(DayOrder::YearFirst);
    [
        ("%Y-%m-%d", None),
        ("%Y/%m/%d", None),
        ("%Y.%m.%d", None),
        ("%Y %m %d", None),
        ("%Y%m%d", None),
        ("%Y-%j", None),
        ("%G-W%V-%u", None),
        ("%GW%V%u", None),
        ("%d/%m/%Y", D),
        ("%d-%m-%Y", D),
        ("%d.%m.%Y", D),
        ("%d %m %Y", D),
        ("%d/%m/%y", D),
        ("%d-%m-%y", D),
        ("%d.%m.%y", D),
        ("%m/%d/%Y", M),
        ("%m-%d-%Y", M),
        ("%m.%d.%Y", M),
        ("%m %d %Y", M),
        ("%m/%d/%y", M),
        ("%m-%d-%y", M),
        ("%m.%d.%y", M),
        ("%y/%m/%d", Y),
        ("%y-%m-%d", Y),
        ("%y.%m.%d", Y),
        ("%d %b %Y", None),
        ("%d %B %Y", None),
        ("%d-%b-%Y", None),
        ("%d/%b/%Y", None),
        ("%d.%b.%Y", None),
        ("%d%b%Y", None),
        ("%d-%b-%y", None),
        ("%d %b %y", None),
        ("%d. %B %Y", None),
        ("%b %d, %Y", None),
        ("%B %d, %Y", None),
        ("%b %d %Y", None),
        ("%B %d %Y", None),
        ("%b-%d-%Y", None),
        ("%Y-%b-%d", None),
        ("%Y %b %d", None),
        ("%a, %d %b %Y", None),
        ("%a %d %b %Y", None),
        ("%a %b %d %Y", None),
        ("%A, %d %B %Y", None),
        ("%A, %B %d, %Y", None),
    ]
};

/// Layouts of times behind a day; the second is whether they name an offset from UTC.
const TIMES: [(&str, bool); 22] = [
    (" %H:%M", false),
    (" %H:%M:%S", false),
    (" %H:%M:%S.%f", false),
    ("T%H:%M", false),
    ("T%H:%M:%S", false),
    ("T%H:%M:%S.%f", false),
    (", %H:%M", false),
    (", %H:%M:%S", false),
    (" %I:%M %p", false),
    (" %I:%M:%S %p", false),
    (" %I:%M%p", false),
    (", %I:%M %p", false),
    (", %I:%M:%S %p", false),
    (" %H.%M", false),
    ("T%H:%M:%SZ", true),
    ("T%H:%M:%S.%fZ", true),
    (" %H:%M:%S%z", true),
    ("T%H:%M:%S%z", true),
    ("T%H:%M:%S.%f%z", true),
    (" %H:%M:%S.%f%z", true),
    (" %H:%M:%S %z", true),
    ("T%H%M%SZ", true),
];

/// How the days of a column are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// Layouts, the most frequent first; the first that reads a text is meant.
    pub layouts: Vec<String>,
    /// The same layouts with day and month exchanged, where the order is asked; empty elsewhere.
    pub exchanged: Vec<String>,
    /// Whether some values have a time.
    pub times: bool,
    /// Whether the times name their offset from UTC.
    pub instants: bool,
    /// The order of day and month, where it is asked.
    pub order: Option<DayOrder>,
}

/// What is known of a column as days.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) days: Days,
    /// Values that are days under the chosen layouts.
    pub(super) fits: u64,
    /// Values that are days under some layout of any order.
    pub(super) read: u64,
    /// No value tells the order of day and month.
    pub(super) assumed: bool,
    pub(super) because: String,
    /// Why the column should stay text although its values are days.
    pub(super) objection: Option<String>,
}

/// A layout of a text: places in the two tables; no time.
type Place = (usize, Option<usize>);

/// Every layout that reads the text, with the day that it gives.
fn layouts_of(text: &str) -> Vec<(Place, i64)> {
    let text = text.trim();
    let mut found = Vec::new();
    let worth = text.len() >= 6 && text.len() <= 48 && text.bytes().filter(u8::is_ascii_digit).count() >= 3;
    if !worth {
        return found;
    }
    for (at, (layout, _)) in DAYS.iter().enumerate() {
        let mut moment = Moment::default();
        let Some(rest) = Layout(layout).prefix(text, &mut moment) else { continue };
        let Some(day) = moment.days() else { continue };
        if rest.is_empty() {
            found.push(((at, None), day));
            continue;
        }
        // A day written without marks or names is one only when nothing follows or a `T` does.
        let bare = *layout == "%Y%m%d";
        for (time_at, (time, _)) in TIMES.iter().enumerate() {
            if bare && !time.starts_with('T') {
                continue;
            }
            let mut moment = Moment::default();
            if Layout(time).prefix(rest, &mut moment).is_some_and(str::is_empty) {
                found.push(((at, Some(time_at)), day));
            }
        }
    }
    found
}

fn order_of(place: Place) -> Option<DayOrder> {
    DAYS.get(place.0).and_then(|(_, order)| *order)
}

fn is_instant(place: Place) -> bool {
    place.1.and_then(|time| TIMES.get(time)).is_some_and(|(_, instant)| *instant)
}

fn text_of(place: Place) -> String {
    let day = DAYS.get(place.0).map_or("", |(layout, _)| layout);
    let time = place.1.and_then(|time| TIMES.get(time)).map_or("", |(layout, _)| layout);
    format!("{day}{time}")
}

fn exchanged(layout: &str) -> String {
    layout.replace("%d", "\u{0}").replace("%m", "%d").replace('\u{0}', "%m")
}

/// A text with its count and the layouts that read it.
type Read<'t> = (&'t str, u64, Vec<(Place, i64)>);

/// The layouts that read most of the values.
///
/// `values`: distinct texts with their counts; `given`: the order, when somebody said it; `share`: the part of the values that
/// tell an order which may tell another one before the column contradicts itself.
pub(super) fn find(values: &[(&str, u64)], given: Option<DayOrder>, share: f64) -> Option<Found> {
    let read: Vec<Read<'_>> = values
        .iter()
        .map(|(text, count)| (*text, *count, layouts_of(text)))
        .filter(|(_, _, layouts)| !layouts.is_empty())
        .collect();
    if read.is_empty() {
        return None;
    }
    let in_order = |order: DayOrder, layouts: &[(Place, i64)]| {
        layouts.iter().any(|(place, _)| order_of(*place).is_none_or(|own| own == order))
    };
    let fits_of = |order: DayOrder| -> u64 {
        read.iter().filter(|(_, _, layouts)| in_order(order, layouts)).map(|(_, count, _)| count).sum()
    };
    let fits: Vec<(DayOrder, u64)> = ORDERS.iter().map(|order| (*order, fits_of(*order))).collect();
    let most = fits.iter().map(|(_, fits)| *fits).max()?;
    let asked = read.iter().any(|(_, _, layouts)| layouts.iter().all(|(place, _)| order_of(*place).is_some()));
    let order = given
        .unwrap_or_else(|| fits.iter().find(|(_, fits)| *fits == most).map_or(DayOrder::DayFirst, |(order, _)| *order));
    // Values that only one order reads tell the order.
    let telling = |order: DayOrder| {
        read.iter().filter(move |(_, _, layouts)| {
            in_order(order, layouts) && ORDERS.iter().all(|other| *other == order || !in_order(*other, layouts))
        })
    };
    let count_telling = |order: DayOrder| -> u64 { telling(order).map(|(_, count, _)| count).sum() };
    let rivals: Vec<DayOrder> =
        fits.iter().filter(|(other, fits)| *other != order && *fits == most).map(|(other, _)| *other).collect();
    let differs = |other: DayOrder| {
        read.iter().any(|(_, _, layouts)| {
            let day = |wanted: DayOrder| {
                layouts.iter().find(|(place, _)| order_of(*place) == Some(wanted)).map(|(_, day)| *day)
            };
            matches!((day(order), day(other)), (Some(a), Some(b)) if a != b)
        })
    };
    let assumed = given.is_none() && asked && rivals.iter().any(|other| differs(*other));
    let mut objection = None;
    if given.is_none() && asked {
        let own = count_telling(order);
        let other = ORDERS.iter().filter(|other| **other != order).max_by_key(|other| count_telling(**other));
        if let Some(other) = other
            && let against = count_telling(*other)
            && against > 0
            && exceeds(against, own + against, share)
        {
            let example = |order| telling(order).next().map_or("", |(text, ..)| *text);
            objection = Some(format!(
                "the days contradict each other: {} in {own} values (`{}`), but {} in {against} (`{}`)",
                order.words(),
                example(order),
                other.words(),
                example(*other)
            ));
        }
    }
    let (places, covered) = cover(&read, order);
    let instants = places.iter().filter(|place| is_instant(**place)).count();
    if instants > 0 && instants < places.len() && objection.is_none() {
        objection = Some("some values name their offset from UTC and some do not".to_owned());
    }
    let because = match (asked, given.is_some(), telling(order).next()) {
        (true, true, _) => format!("{}, as stated", order.words()),
        (true, false, _) if assumed => {
            format!("no value tells the order of day and month; it is assumed that {}", order.words())
        }
        (true, false, Some((text, ..))) => format!("{}: `{text}` makes no sense otherwise", order.words()),
        _ => "the values are days".to_owned(),
    };
    let layouts: Vec<String> = places.iter().map(|place| text_of(*place)).collect();
    let days = Days {
        exchanged: if asked && order != DayOrder::YearFirst {
            layouts.iter().map(|layout| exchanged_if_asked(layout)).collect()
        } else {
            Vec::new()
        },
        times: places.iter().any(|place| place.1.is_some()),
        instants: instants > 0,
        order: asked.then_some(order),
        layouts,
    };
    let all = read.iter().map(|(_, count, _)| count).sum();
    Some(Found { days, fits: covered, read: all, assumed, because, objection })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a sample are small")]
fn exceeds(part: u64, whole: u64, share: f64) -> bool {
    part as f64 > whole as f64 * share
}

/// Layouts with names of months or the year in front are the same in every order.
fn exchanged_if_asked(layout: &str) -> String {
    let asks = layout.starts_with("%d") && layout.get(3..5) == Some("%m") || layout.starts_with("%m");
    if asks { exchanged(layout) } else { layout.to_owned() }
}

/// The fewest layouts, taken greedily, that read every value of the order; at most eight. Also the values that they read.
fn cover(read: &[Read<'_>], order: DayOrder) -> (Vec<Place>, u64) {
    let mut open: Vec<(u64, Vec<Place>)> = read
        .iter()
        .map(|(_, count, layouts)| {
            let own = |place: &Place| order_of(*place).is_none_or(|own| own == order);
            (*count, layouts.iter().map(|(place, _)| *place).filter(own).collect())
        })
        .collect();
    let (mut chosen, mut covered) = (Vec::new(), 0);
    while chosen.len() < 8 {
        let mut counts: std::collections::BTreeMap<Place, u64> = std::collections::BTreeMap::new();
        for (count, places) in &open {
            for place in places {
                *counts.entry(*place).or_default() += count;
            }
        }
        // Of two layouts that read as many values, the earlier in the table is the plainer one.
        let Some((place, count)) = counts.into_iter().max_by_key(|(place, count)| (*count, std::cmp::Reverse(*place)))
        else {
            break;
        };
        chosen.push(place);
        covered += count;
        open.retain(|(_, places)| !places.contains(&place));
    }
    (chosen, covered)
}

impl Days {
    /// Days since 1970-01-01 of a text, if one of the layouts reads it.
    pub fn day(&self, text: &str) -> Option<i64> {
        self.layouts.iter().find_map(|layout| Layout(layout).day(text))
    }
}
