//! The key of the colours, above the drawing.

use super::scene::{Anchor, Rounded, Shape, Text};
use super::theme::Ink;
use super::typography::{Weight, clean, shorten, width};

const SIZE: f64 = 12.5;
/// The height of a row of the key.
const ROW: f64 = 20.0;
/// The most rows; what does not fit is counted.
const MOST_ROWS: usize = 3;
const SWATCH: f64 = 11.0;
const NAME: f64 = 180.0;
/// The distance between two entries.
const BETWEEN: f64 = 18.0;

/// How an entry is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swatch {
    Square,
    Line,
    Dot,
}

/// One colour and what it stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Clean text.
    pub(super) name: String,
    pub(super) ink: Ink,
    pub(super) opacity: f64,
    pub(super) swatch: Swatch,
}

/// What the key shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Key {
    #[default]
    None,
    /// Colours of series.
    Entries { title: String, entries: Vec<Entry> },
    /// Steps of a scale, from the least to the most.
    Ramp { title: String, inks: Vec<Ink>, low: String, high: String },
}

/// The shapes of a key, from its upper left corner at the origin, and its height.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Drawn {
    pub(super) shapes: Vec<Shape>,
    pub(super) height: f64,
}

impl Key {
    /// Lays the key out from `left` to `right`, beginning at `top`.
    pub(super) fn draw(&self, left: f64, right: f64, top: f64) -> Drawn {
        match self {
            Key::None => Drawn::default(),
            Key::Entries { title, entries } => draw_entries(title, entries, (left, right), top),
            Key::Ramp { title, inks, low, high } => draw_ramp(title, inks, (low, high), (left, right), top),
        }
    }
}

fn label(x: f64, top: f64, text: &str, fill: Ink, tooltip: Option<String>) -> Shape {
    let at = (x, top + ROW / 2.0 + Text::middle(SIZE));
    Shape::Text(Text { tooltip, ..Text::new(at, text, SIZE, Anchor::Start, fill) })
}

fn square(left: f64, top: f64, width: f64, ink: Ink, opacity: f64, rounded: Rounded) -> Shape {
    Shape::Rectangle {
        left,
        top: top + (ROW - SWATCH) / 2.0,
        width,
        height: SWATCH,
        rounded,
        radius: 2.5,
        fill: ink,
        opacity,
        tooltip: None,
    }
}

fn draw_entries(title: &str, entries: &[Entry], (left, right): (f64, f64), top: f64) -> Drawn {
    let mut drawn = Drawn { shapes: Vec::new(), height: ROW };
    let mut x = left;
    if !title.is_empty() {
        let title = shorten(&clean(title), SIZE, Weight::Regular, NAME.min(right - left));
        drawn.shapes.push(label(x, top, &title.shown, Ink::Muted, title.full));
        x += width(&title.shown, SIZE, Weight::Regular) + 14.0;
    }
    let mut row = 0;
    for (index, entry) in entries.iter().enumerate() {
        let more = format!("and {} more", entries.len() - index);
        // In the last row there has to be room for the count of those that follow.
        let reserve = |row: usize| {
            if row + 1 == MOST_ROWS && index + 1 < entries.len() {
                width(&more, SIZE, Weight::Regular) + BETWEEN
            } else {
                0.0
            }
        };
        let fitted = |room: f64| shorten(&entry.name, SIZE, Weight::Regular, NAME.min(room - SWATCH - 6.0));
        let mut name = fitted(right - left);
        let needed = |name: &str| SWATCH + 6.0 + width(name, SIZE, Weight::Regular);
        if x + needed(&name.shown) + reserve(row) > right && x > left {
            if row + 1 == MOST_ROWS {
                drawn.shapes.push(label(x, top + ROW * row as f64, &more, Ink::Muted, None));
                break;
            }
            row += 1;
            x = left;
        }
        if x == left {
            name = fitted(right - left - reserve(row));
        }
        let y = top + ROW * row as f64;
        drawn.shapes.push(match entry.swatch {
            Swatch::Square => square(x, y, SWATCH, entry.ink, entry.opacity, Rounded::All),
            Swatch::Line => {
                let middle = y + ROW / 2.0;
                let points = vec![(x, middle), (x + SWATCH + 2.0, middle)];
                Shape::Polyline { points, stroke: entry.ink, width: 2.5, opacity: entry.opacity }
            }
            Swatch::Dot => {
                let centre = (x + SWATCH / 2.0, y + ROW / 2.0);
                Shape::Dots { centres: vec![centre], radius: 4.5, fill: entry.ink, opacity: 1.0 }
            }
        });
        drawn.shapes.push(label(x + SWATCH + 6.0, y, &name.shown, Ink::Text, name.full));
        x += needed(&name.shown) + BETWEEN;
    }
    drawn.height = ROW * (row + 1) as f64;
    drawn
}

fn draw_ramp(title: &str, inks: &[Ink], (low, high): (&str, &str), (left, right): (f64, f64), top: f64) -> Drawn {
    const STEP: f64 = 14.0;
    const GAP: f64 = 7.0;
    let wide = |text: &str| width(text, SIZE, Weight::Regular);
    let title = shorten(&clean(title), SIZE, Weight::Regular, NAME.min(right - left));
    let ends = wide(low) + wide(high) + 2.0 * GAP;
    let steps = inks.len().max(1) as f64;
    let mut shapes = Vec::new();
    let (mut x, mut y) = (left, top);
    if !title.shown.is_empty() && !title.shown.starts_with('…') {
        let after = x + wide(&title.shown) + 12.0;
        shapes.push(label(x, y, &title.shown, Ink::Muted, title.full));
        // Where the scale does not fit beside its title, it stands under it.
        if after + ends + STEP * steps > right {
            y += ROW;
        } else {
            x = after;
        }
    }
    let step = STEP.min((right - x - ends) / steps).max(2.0);
    shapes.push(label(x, y, low, Ink::Text, None));
    x += wide(low) + GAP;
    for ink in inks {
        shapes.push(square(x, y, step, *ink, 1.0, Rounded::None));
        x += step;
    }
    shapes.push(label(x + GAP, y, high, Ink::Text, None));
    Drawn { shapes, height: y - top + ROW }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: usize) -> Key {
        let entry = |i| Entry {
            name: format!("a series named {i}"),
            ink: Ink::Series(i),
            opacity: 1.0,
            swatch: Swatch::Square,
        };
        Key::Entries { title: "Carrier".into(), entries: (0..names).map(entry).collect() }
    }

    fn texts(drawn: &Drawn) -> Vec<&str> {
        drawn
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Text(text) => Some(text.content.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn entries_flow_into_rows() {
        assert_eq!(entries(3).draw(0.0, 700.0, 0.0).height, ROW);
        let drawn = entries(6).draw(0.0, 400.0, 0.0);
        assert!(drawn.height > ROW, "{}", drawn.height);
        assert_eq!(texts(&drawn).len(), 7);
    }

    #[test]
    fn a_scale_of_colours_fits_into_a_narrow_figure() {
        let inks: Vec<Ink> = (0..9).map(Ink::Sequential).collect();
        let ramp =
            |title: &str| Key::Ramp { title: title.into(), inks: inks.clone(), low: "−1".into(), high: "1".into() };
        let end = |drawn: &Drawn| {
            let right = |shape: &Shape| match shape {
                Shape::Text(text) => text.at.0 + width(&text.content, SIZE, Weight::Regular),
                Shape::Rectangle { left, width, .. } => left + width,
                _ => 0.0,
            };
            drawn.shapes.iter().map(right).fold(0.0, f64::max)
        };
        assert_eq!(ramp("Correlation").draw(10.0, 700.0, 0.0).height, ROW);
        let narrow = ramp("Correlation of the two columns").draw(10.0, 190.0, 0.0);
        assert_eq!(narrow.height, 2.0 * ROW);
        assert!(end(&narrow) <= 190.0, "{}", end(&narrow));
    }

    #[test]
    fn entries_that_do_not_fit_are_counted() {
        let drawn = entries(40).draw(0.0, 400.0, 0.0);
        let shown = texts(&drawn).len() - 2;
        assert_eq!(drawn.height, ROW * 3.0);
        assert_eq!(texts(&drawn).last().copied(), Some(format!("and {} more", 40 - shown).as_str()));
    }
}
