//! What a figure shows: plain data, without any decision about pixels.

use serde::{Deserialize, Serialize};

use super::marks::Mark;

/// What to show: a mark with its data, two axes and the words around them.
///
/// It is plain data: it can be stored beside a run and drawn again, as SVG or PNG, in another theme or size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The headline, best as the finding itself ("Late flights doubled in July"). At most two lines are shown, three in a narrow figure.
    pub title: String,
    /// A second line under the title: what is measured, of which rows. May be empty.
    #[serde(default)]
    pub subtitle: String,
    /// The horizontal axis; in bars and waterfalls the axis of the categories, whichever way the bars lie.
    #[serde(default)]
    pub x: Axis,
    /// The vertical axis; in bars and waterfalls the axis of the values.
    #[serde(default)]
    pub y: Axis,
    /// The kind of drawing, with its data.
    pub mark: Mark,
    /// The key of the colours.
    #[serde(default)]
    pub legend: Legend,
    /// Lines across the drawing at values to compare with: a threshold, zero, the instant of a change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Width in CSS pixels, 200 to 4,000.
    #[serde(default = "Figure::default_width")]
    pub width: u32,
    /// Height in CSS pixels, 120 to 4,000. Without it the mark takes what it needs. A figure grows past this height rather than cut its labels.
    #[serde(default)]
    pub height: Option<u32>,
    /// A footnote, such as the source or what was left out. May be empty.
    #[serde(default)]
    pub note: String,
    /// What the picture shows, for those who do not see it. When empty, a plain sentence about the mark stands in.
    #[serde(default)]
    pub description: String,
}

impl Figure {
    /// The least width in CSS pixels; the least height is 120.
    pub const LEAST_WIDTH: u32 = 200;
    /// The least height in CSS pixels.
    pub const LEAST_HEIGHT: u32 = 120;
    /// The largest width and height in CSS pixels.
    pub const MOST: u32 = 4_000;

    /// A figure with a title and a mark, and everything else as it is by default.
    pub fn new(title: impl Into<String>, mark: Mark) -> Figure {
        Figure {
            title: title.into(),
            subtitle: String::new(),
            x: Axis::default(),
            y: Axis::default(),
            mark,
            legend: Legend::default(),
            references: Vec::new(),
            width: Figure::default_width(),
            height: None,
            note: String::new(),
            description: String::new(),
        }
    }

    fn default_width() -> u32 {
        720
    }
}

/// One axis of a figure.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Axis {
    /// What the axis measures, with its unit ("Delay, minutes"). May be empty.
    #[serde(default)]
    pub label: String,
    /// How values become distances. Categories have no scale, format or bounds. Stacks and waterfalls are always linear, and a note says so where another
    /// scale is asked for.
    #[serde(default)]
    pub scale: Scale,
    /// How numbers are written.
    #[serde(default)]
    pub format: NumberFormat,
    /// The axis reaches down at least to this value. It never cuts data off.
    #[serde(default)]
    pub min: Option<f64>,
    /// The axis reaches up at least to this value. It never cuts data off.
    #[serde(default)]
    pub max: Option<f64>,
}

impl Axis {
    /// An axis with a label.
    pub fn labelled(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), ..Axis::default() }
    }
}

/// A line across the drawing at a value of one of its axes. Marks whose axis has no values (categories) leave it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The axis on which the value stands.
    pub axis: ReferenceAxis,
    /// The value; on a time axis microseconds since 1970-01-01T00:00:00Z. Without a value there is no line.
    pub at: Option<f64>,
    /// A word or two beside the line. May be empty.
    #[serde(default)]
    pub label: String,
}

/// The axis on which the value of a reference line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceAxis {
    /// The axis [`Figure::x`].
    X,
    /// The axis [`Figure::y`].
    Y,
}

impl Reference {
    /// A line at a value of [`Figure::x`].
    pub fn x(at: f64, label: impl Into<String>) -> Reference {
        Reference { axis: ReferenceAxis::X, at: Some(at).filter(|at| at.is_finite()), label: label.into() }
    }

    /// A line at a value of [`Figure::y`].
    pub fn y(at: f64, label: impl Into<String>) -> Reference {
        Reference { axis: ReferenceAxis::Y, at: Some(at).filter(|at| at.is_finite()), label: label.into() }
    }
}

/// How values become distances along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal differences are equal distances.
    #[default]
    Linear,
    /// Equal ratios are equal distances. Zero and negative values have no place on it: they are left out and a note says how many.
    Log,
    /// Values are microseconds since 1970-01-01T00:00:00Z and are written as dates and times in UTC.
    Time,
}

/// How the numbers of an axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberFormat {
    /// Thousands separators up to 999,999, then abbreviations (1.2 M), and powers of ten for the very large and small.
    #[default]
    Auto,
    /// Digits with thousands separators, however long.
    Plain,
    /// Abbreviations from a thousand on: k, M, G, T, P, E.
    Short,
    /// Shares as percentages: 0.25 is 25%.
    Percent,
}

/// The key of the colours.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Legend {
    /// When it is shown.
    #[serde(default)]
    pub show: LegendShow,
    /// What the colours stand for ("Carrier"). May be empty.
    #[serde(default)]
    pub title: String,
}

/// When the key of the colours is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegendShow {
    /// When there is more than one colour and the series are not labelled in the drawing itself.
    #[default]
    Auto,
    /// Always above the drawing.
    Always,
    /// Never.
    Never,
}
