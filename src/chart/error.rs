//! Why a figure could not be drawn.

/// Why a figure could not be drawn.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChartError {
    /// The figure is too small to hold a label or too large to be a picture.
    #[error("a figure is {least} to {most} pixels wide and high, not {found}")]
    Size {
        /// The smallest width and height.
        least: u32,
        /// The largest width and height.
        most: u32,
        /// The width or height that was asked for.
        found: u32,
    },
    /// Two lists that belong together have different lengths.
    #[error("{what}: {found} where {expected} are needed")]
    Length {
        /// What has the wrong length, such as ``the values of series `late` ``.
        what: String,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// More than a figure can show, where leaving some out would mislead.
    #[error("{found} {what} are more than the {limit} that a figure can show; {advice}")]
    TooMany {
        /// What there is too much of, such as `bins`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
        /// What the caller can do about it.
        advice: &'static str,
    },
    /// The edges of a histogram do not rise.
    #[error("the edges of a histogram must be finite and rise: edge {index} is {edge}")]
    Edges {
        /// Which edge, counted from 1.
        index: usize,
        /// Its value.
        edge: f64,
    },
    /// The steps of a waterfall do not lead from its start to its stated end.
    #[error("the steps do not add up: from {start} they lead to {computed}, and the end is stated as {stated}")]
    Ledger {
        /// The first value.
        start: f64,
        /// The start and all its changes.
        computed: f64,
        /// The end that the caller states.
        stated: f64,
    },
    /// The bitmap would need more memory than a picture is worth.
    #[error("a picture of {width} x {height} pixels is larger than the {limit} pixels that are drawn; lower its scale")]
    Picture {
        /// Width in pixels of the file.
        width: u64,
        /// Height in pixels of the file.
        height: u64,
        /// The largest number of pixels.
        limit: u64,
    },
    /// The embedded typeface cannot be read, so this binary is damaged.
    #[error("the embedded typeface cannot be read")]
    Typeface,
    /// The bitmap backend refused a shape.
    #[error("the picture could not be drawn: {0}")]
    Draw(String),
    /// The PNG could not be compressed.
    #[error("the picture could not be encoded as PNG: {0}")]
    Encode(String),
}
