//! Figures: what to show, as plain data, drawn as SVG or PNG.
//!
//! A [`Figure`] is a [`Mark`] (bars, lines, points, a histogram, a heatmap, a waterfall) with its data, two axes and the words around them. It knows nothing
//! of pixels and can be stored as JSON. Drawing it goes through three rooms: a mark reads its data and plans its axes, a frame lays out title, key,
//! axes and notes around it from measured text, and the scene of shapes that results is written as SVG or painted as a bitmap through plotters.
//!
//! Nothing in a figure is trusted: text is escaped and shortened, values that have no place on an axis are left out and a note in the figure says so, and
//! a figure without data says "no rows". The same figure gives the same bytes.
//!
//! ```
//! use gristmill::chart::{Axis, Bar, Figure, Mark, NumberFormat, Series, SvgColours, Theme};
//!
//! let late = Series::new("late", [Some(0.21), Some(0.34), None]);
//! let bar = Bar::new(["UA", "EV", "HA"], vec![late]);
//! let mut figure = Figure::new("Share of late flights by airline", Mark::Bar(bar));
//! figure.y = Axis { format: NumberFormat::Percent, ..Axis::labelled("Late flights") };
//! let svg = figure.to_svg(SvgColours::Variables)?;
//! let png = figure.to_png(Theme::Dark, 2)?;
//! assert!(svg.starts_with("<svg") && png.starts_with(b"\x89PNG"));
//! # Ok::<(), gristmill::chart::ChartError>(())
//! ```

mod axes;
mod bitmap;
mod dates;
mod error;
mod figure;
mod frame;
mod key;
mod marks;
mod number;
mod png;
mod position;
mod scene;
mod svg;
#[cfg(test)]
mod tests;
mod theme;
mod ticks;
mod typography;

pub use error::ChartError;
pub use figure::{Axis, Figure, Legend, LegendShow, NumberFormat, Reference, ReferenceAxis, Scale};
pub use marks::{
    Arrow, Band, Bar, BoxPlot, ColourScale, Dendrogram, Estimates, Heatmap, Histogram, Interval, Join, Line, Mark,
    Orientation, Parallel, ParallelAxis, ParallelLine, Points, Positions, Scatter, Series, Spread, Step, Waterfall,
};
pub use svg::SvgColours;
pub use theme::{SERIES_COLOURS, Theme};

impl Figure {
    /// Draws the figure as one SVG element. Time grows with the data, size does not: it stays under 300 kB.
    ///
    /// Errors: [`ChartError`] when the size is out of bounds or the data contradict themselves. Missing, infinite or too many values are no errors: the figure
    /// leaves them out and says so.
    pub fn to_svg(&self, colours: SvgColours) -> Result<String, ChartError> {
        Ok(svg::write(&self.scene()?, colours))
    }

    /// Draws the figure as the bytes of a PNG file with `scale` (at least 1) pixels per CSS pixel.
    ///
    /// Errors: those of [`Figure::to_svg`], and [`ChartError::Picture`] when the picture would be too large.
    pub fn to_png(&self, theme: Theme, scale: u32) -> Result<Vec<u8>, ChartError> {
        png::encode(&bitmap::paint(&self.scene()?, theme, scale)?, scale.max(1))
    }

    fn scene(&self) -> Result<scene::Scene, ChartError> {
        let size = |least: u32, found: u32| {
            let most = Figure::MOST;
            if (least..=most).contains(&found) { Ok(()) } else { Err(ChartError::Size { least, most, found }) }
        };
        size(Figure::LEAST_WIDTH, self.width)?;
        size(Figure::LEAST_HEIGHT, self.height.unwrap_or(Figure::LEAST_HEIGHT))?;
        self.mark.draw(self)
    }
}
