//! The colours of figures: roles that a theme turns into colours.
//!
//! The eight colours of series were searched for in OKLCH so that the least distance between any two of them, seen with normal sight and with
//! simulated protanopia, deuteranopia and tritanopia (Machado, Oliveira, Fernandes 2009), is as large as possible, and that each has a contrast
//! of at least 3:1 with the paper (WCAG 2.2, criterion 1.4.11). Light and dark have colours of their own with the same order of hues.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// The paper on which a figure is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// White paper.
    #[default]
    Light,
    /// Near-black paper.
    Dark,
}

/// How many different colours series have.
pub const SERIES_COLOURS: usize = 8;
/// How many steps the sequential scale has.
pub(super) const SEQUENTIAL_STEPS: usize = 9;
/// How many steps the diverging scale has; the middle one is neutral.
pub(super) const DIVERGING_STEPS: usize = 11;

/// What a colour stands for. A theme says which colour that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Ink {
    /// The paper.
    Surface,
    /// A quiet area on the paper.
    Panel,
    /// Titles and values.
    Text,
    /// Tick labels, subtitles.
    Muted,
    /// Grid lines.
    Grid,
    /// Axis lines.
    Axis,
    /// Text on a strong step of a scale.
    OnStrong,
    /// A series, counted from 0; past the last colour they begin again.
    Series(usize),
    /// What belongs to no named series.
    Other,
    /// A step of the sequential scale, 0 (least) to 8.
    Sequential(usize),
    /// A step of the diverging scale, 0 (most negative) to 10.
    Diverging(usize),
    /// A gain.
    Rise,
    /// A loss.
    Fall,
    /// A sum.
    Total,
}

const LIGHT_SERIES: [&str; SERIES_COLOURS] =
    ["#3358cb", "#e67013", "#248f75", "#ad0350", "#6f3387", "#2d9cdf", "#434e15", "#c76fae"];
const DARK_SERIES: [&str; SERIES_COLOURS] =
    ["#597bf7", "#f58a1e", "#47c59d", "#d8418f", "#d694fb", "#b6e1ff", "#f8de69", "#6c7635"];
const LIGHT_SEQUENTIAL: [&str; SEQUENTIAL_STEPS] =
    ["#e5f8f9", "#b1e7ed", "#79d4e4", "#49b3d8", "#248fcc", "#216eb6", "#244d9e", "#223779", "#1a2354"];
const DARK_SEQUENTIAL: [&str; SEQUENTIAL_STEPS] =
    ["#1d2638", "#24385f", "#2a4a88", "#2a67ab", "#1f86cd", "#17aada", "#3ecce2", "#7fe5e7", "#b6fbf1"];
const LIGHT_DIVERGING: [&str; DIVERGING_STEPS] = [
    "#772d00", "#a74900", "#cc7334", "#e3a878", "#f0d0b6", "#f5f3f1", "#b8ddf3", "#7dbfeb", "#4c91d8", "#3265b3",
    "#1f3c86",
];
const DARK_DIVERGING: [&str; DIVERGING_STEPS] = [
    "#fdbc6f", "#ea9646", "#cb702a", "#954f23", "#613b27", "#2e2a29", "#2e466a", "#3363a4", "#4289d4", "#59b2ec",
    "#87d7f7",
];

impl Ink {
    /// The text colour that can be read on this step of a scale.
    pub(super) fn text_on(self) -> Ink {
        match self {
            Ink::Sequential(step) if step >= 4 => Ink::OnStrong,
            Ink::Diverging(step) if !(3..=7).contains(&step) => Ink::OnStrong,
            _ => Ink::Text,
        }
    }

    /// The name of the CSS variable that holds the colour.
    pub(super) fn variable(self) -> String {
        let name = match self {
            Ink::Surface => "surface",
            Ink::Panel => "panel",
            Ink::Text => "text",
            Ink::Muted => "muted",
            Ink::Grid => "grid",
            Ink::Axis => "axis",
            Ink::OnStrong => "on-strong",
            Ink::Other => "other",
            Ink::Rise => "rise",
            Ink::Fall => "fall",
            Ink::Total => "total",
            Ink::Series(index) => return format!("--chart-series-{}", index % SERIES_COLOURS + 1),
            Ink::Sequential(step) => return format!("--chart-sequential-{}", step + 1),
            Ink::Diverging(step) => return format!("--chart-diverging-{}", step + 1),
        };
        format!("--chart-{name}")
    }

    /// The colour in a theme, as `#rrggbb`.
    pub(super) fn hex(self, theme: Theme) -> &'static str {
        let light = theme == Theme::Light;
        let pick = |colours: &'static [&'static str], step: usize| -> &'static str {
            colours.get(step).or(colours.last()).copied().unwrap_or("#808080")
        };
        match self {
            Ink::Surface if light => "#ffffff",
            Ink::Surface => "#14171c",
            Ink::Panel if light => "#f5f7f9",
            Ink::Panel => "#1c2128",
            Ink::Text if light => "#1a212b",
            Ink::Text => "#e8ecf1",
            Ink::Muted if light => "#5b6675",
            Ink::Muted => "#9ba6b4",
            Ink::Grid if light => "#e4e8ed",
            Ink::Grid => "#2b323b",
            Ink::Axis if light => "#98a2af",
            Ink::Axis => "#5d6875",
            Ink::OnStrong if light => "#ffffff",
            Ink::OnStrong => "#0b0e12",
            Ink::Other if light => "#8b95a1",
            Ink::Other => "#7c8794",
            Ink::Rise if light => "#248f75",
            Ink::Rise => "#47c59d",
            Ink::Fall if light => "#d9650c",
            Ink::Fall => "#f58a1e",
            Ink::Total if light => "#3358cb",
            Ink::Total => "#597bf7",
            Ink::Series(index) => pick(if light { &LIGHT_SERIES } else { &DARK_SERIES }, index % SERIES_COLOURS),
            Ink::Sequential(step) => pick(if light { &LIGHT_SEQUENTIAL } else { &DARK_SEQUENTIAL }, step),
            Ink::Diverging(step) => pick(if light { &LIGHT_DIVERGING } else { &DARK_DIVERGING }, step),
        }
    }

    /// The colour in a theme, as red, green and blue.
    pub(super) fn rgb(self, theme: Theme) -> [u8; 3] {
        let digits = self.hex(theme).trim_start_matches('#');
        let value = u32::from_str_radix(digits, 16).unwrap_or(0x80_80_80);
        let [_, red, green, blue] = value.to_be_bytes();
        [red, green, blue]
    }

    fn all() -> impl Iterator<Item = Ink> {
        [
            Ink::Surface,
            Ink::Panel,
            Ink::Text,
            Ink::Muted,
            Ink::Grid,
            Ink::Axis,
            Ink::OnStrong,
            Ink::Other,
            Ink::Rise,
            Ink::Fall,
            Ink::Total,
        ]
        .into_iter()
        .chain((0..SERIES_COLOURS).map(Ink::Series))
        .chain((0..SEQUENTIAL_STEPS).map(Ink::Sequential))
        .chain((0..DIVERGING_STEPS).map(Ink::Diverging))
    }
}

impl Theme {
    /// The CSS declarations of every colour of figures in this theme (`--chart-text:#1a212b;--chart-series-1:...`), for a rule of a page that
    /// shows SVG drawn with [`SvgColours::Variables`](super::SvgColours::Variables).
    pub fn css_variables(self) -> String {
        Ink::all().fold(String::new(), |mut css, ink| {
            // Writing to a String cannot fail.
            let _ = write!(css, "{}:{};", ink.variable(), ink.hex(self));
            css
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2.2 defines it.
    fn luminance(rgb: [f64; 3]) -> f64 {
        0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
    }

    fn linear(ink: Ink, theme: Theme) -> [f64; 3] {
        ink.rgb(theme).map(|byte| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn contrast(a: Ink, b: Ink, theme: Theme) -> f64 {
        let (a, b) = (luminance(linear(a, theme)), luminance(linear(b, theme)));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn multiply(matrix: [[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
    }

    /// Ottosson's OKLab of a linear sRGB colour.
    fn oklab(rgb: [f64; 3]) -> [f64; 3] {
        let cones = multiply(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ],
            rgb.map(|c| c.clamp(0.0, 1.0)),
        );
        multiply(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ],
            cones.map(f64::cbrt),
        )
    }

    /// Machado, Oliveira, Fernandes 2009, severity 1.0.
    const SIGHT: [(&str, [[f64; 3]; 3]); 4] = [
        ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "protanopia",
            [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        ),
        (
            "deuteranopia",
            [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        ),
        (
            "tritanopia",
            [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
        ),
    ];

    #[test]
    fn series_colours_differ_for_every_kind_of_sight() {
        for theme in [Theme::Light, Theme::Dark] {
            for (sight, matrix) in SIGHT {
                let seen: Vec<_> =
                    (0..SERIES_COLOURS).map(|i| oklab(multiply(matrix, linear(Ink::Series(i), theme)))).collect();
                for (i, a) in seen.iter().enumerate() {
                    for (j, b) in seen.iter().enumerate().skip(i + 1) {
                        let distance = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                        assert!(distance > 0.07, "{theme:?} {sight}: series {i} and {j} are {distance:.3} apart");
                    }
                }
            }
        }
    }

    #[test]
    fn marks_and_text_stand_out_from_the_paper() {
        for theme in [Theme::Light, Theme::Dark] {
            for ink in (0..SERIES_COLOURS).map(Ink::Series).chain([Ink::Rise, Ink::Fall, Ink::Total]) {
                assert!(contrast(ink, Ink::Surface, theme) >= 3.0, "{ink:?} on {theme:?}");
            }
            for ink in [Ink::Text, Ink::Muted] {
                assert!(contrast(ink, Ink::Surface, theme) >= 4.5, "{ink:?} on {theme:?}");
            }
        }
    }

    #[test]
    fn text_can_be_read_on_every_step_of_a_scale() {
        for theme in [Theme::Light, Theme::Dark] {
            let steps = (0..SEQUENTIAL_STEPS).map(Ink::Sequential).chain((0..DIVERGING_STEPS).map(Ink::Diverging));
            for ink in steps {
                let found = contrast(ink, ink.text_on(), theme);
                assert!(found >= 3.0, "{ink:?} with {:?} on {theme:?}: {found:.2}", ink.text_on());
            }
        }
    }

    #[test]
    fn the_css_names_every_colour_once() {
        let css = Theme::Light.css_variables();
        assert_eq!(css.matches(':').count(), 11 + SERIES_COLOURS + SEQUENTIAL_STEPS + DIVERGING_STEPS);
        assert!(css.contains("--chart-series-1:#3358cb;"), "{css}");
        assert!(Theme::Dark.css_variables().contains("--chart-surface:#14171c;"));
    }
}
