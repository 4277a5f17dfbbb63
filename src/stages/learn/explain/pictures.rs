//! Where a model looks in images and sounds: the picture, and beside it maps of what counts.

use ndarray::Array2;

use crate::chart::{Axis, ColourScale, Figure, Heatmap, Mark};
use crate::diagnostic::Diagnostic;
use crate::exhibit::Exhibit;
use crate::explanation::Rows;
use crate::explanation::grad_cam::resize;
use crate::explanation::saliency::{SmoothOptions, smooth_gradients};
use crate::tensor::audio::AudioKind;
use crate::tensor::{BlockKind, Encoder, Feature};

use super::model::Explained;
use super::words;

/// The most cells of a side that are drawn, and the fewest: fewer would carry numbers.
const MOST: usize = 64;
const FEWEST: usize = 21;
/// The width of a figure of which three stand side by side.
const WIDTH: u32 = 256;

/// A block of images or of sounds.
#[derive(Debug, Clone)]
pub(super) struct Pictures {
    pub(super) block: usize,
    pub(super) column: String,
    height: usize,
    width: usize,
    channels: usize,
    /// Of a sound, whose frames stand one after the other, what time and the numbers of a frame are.
    axes: Option<[String; 2]>,
}

/// The images and sounds that a model reads.
pub(super) fn pictures(encoder: &Encoder) -> Vec<Pictures> {
    let found = encoder.blocks().iter().enumerate().filter_map(|(block, of)| {
        let (height, width, channels) = match (of.kind, of.shape.as_slice()) {
            (BlockKind::Image | BlockKind::Audio, [height, width, channels]) => (*height, *width, *channels),
            (BlockKind::Image | BlockKind::Audio, [height, width]) => (*height, *width, 1),
            (BlockKind::Audio, [length]) => (*length, 1, 1),
            _ => return None,
        };
        let axes = (of.kind == BlockKind::Audio).then(|| axes(encoder, &of.name, height));
        Some(Pictures { block, column: of.name.clone(), height, width, channels, axes })
    });
    found.collect()
}

/// What lies along a sound of so many frames, and along a frame.
fn axes(encoder: &Encoder, column: &str, frames: usize) -> [String; 2] {
    let sound = encoder.features().iter().find_map(|feature| match feature {
        Feature::Audio(sound) if sound.name() == column => Some(sound.encoder()),
        _ => None,
    });
    let Some(sound) = sound else { return ["time".to_owned(), String::new()] };
    let time = format!("time, 0 to {} s", words::number(sound.seconds(frames.saturating_sub(1))));
    let options = sound.options();
    let along = match (sound.hertz().as_slice(), options.kind) {
        ([low, .., high], _) => format!("frequency, {low:.0} to {high:.0} Hz"),
        (_, AudioKind::Mfcc) => format!("cepstral coefficient, 1 to {}", options.bands()),
        _ => String::new(),
    };
    [time, along]
}

impl Pictures {
    /// The picture of a row itself.
    pub(super) fn picture(&self, rows: &Rows, row: usize, title: String) -> Option<Exhibit> {
        let values = rows.blocks().get(self.block).filter(|block| row < block.nrows())?.row(row).to_vec();
        Some(self.exhibit(&self.mean(&values), title, "as the model reads it"))
    }

    /// How strongly the output hangs on each place: the size of smoothed derivatives.
    ///
    /// Errors: those of the model.
    pub(super) fn saliency(
        &self,
        model: &Explained<'_>,
        rows: &Rows,
        row: usize,
        output: usize,
        seed: u64,
    ) -> Result<Exhibit, Diagnostic> {
        let options = SmoothOptions { seed, ..SmoothOptions::default() };
        let found = smooth_gradients(model, &rows.take(&[row]), self.block, output, &options);
        let sizes: Vec<f32> = found.map_err(super::work::failed)?.iter().map(|slope| slope.abs()).collect();
        let subtitle = format!("derivatives, mean of {} noisy copies", options.copies);
        Ok(self.exhibit(&self.mean(&sizes), "Saliency".to_owned(), &subtitle))
    }

    /// Where the last layer that has places saw the output; none where there is no such layer.
    ///
    /// Errors: those of the model.
    pub(super) fn grad_cam(
        &self,
        model: &Explained<'_>,
        rows: &Rows,
        row: usize,
        output: usize,
        is_no: bool,
    ) -> Result<Option<Exhibit>, Diagnostic> {
        let Some(map) = model.map(&rows.take(&[row]), output, is_no).map_err(super::work::failed)? else {
            return Ok(None);
        };
        let subtitle = format!("where the last layer of {} x {} places saw it", map.nrows(), map.ncols());
        let map = resize(&map, self.height, self.width);
        Ok(Some(self.exhibit(&map, "Grad-CAM".to_owned(), &subtitle)))
    }

    /// The mean over the channels: `[height, width]`.
    fn mean(&self, values: &[f32]) -> Array2<f32> {
        let (width, channels) = (self.width, self.channels.max(1));
        Array2::from_shape_fn((self.height, width), |(y, x)| {
            let first = (y * width + x) * channels;
            values.get(first..first + channels).map_or(0.0, |place| place.iter().sum::<f32>() / channels as f32)
        })
    }

    fn exhibit(&self, map: &Array2<f32>, title: String, subtitle: &str) -> Exhibit {
        // Of a sound time runs to the right and low frequencies are below.
        let upright = if self.axes.is_some() { map.t().slice(ndarray::s![..;-1, ..]).to_owned() } else { map.clone() };
        let side = |length: usize| {
            if length < FEWEST { length * FEWEST.div_ceil(length.max(1)) } else { length.min(MOST) }
        };
        let (height, width) = (side(upright.nrows()), side(upright.ncols()));
        let shown = scaled(&upright, height, width);
        let values = shown.rows().into_iter().map(|row| row.iter().map(|v| Some(f64::from(*v))).collect());
        let (rows, columns) = (vec![""; height], vec![""; width]);
        let heatmap = Heatmap::new(rows, columns, values.collect(), ColourScale::Sequential);
        let mut figure = Figure::new(title, Mark::Heatmap(heatmap));
        figure.subtitle = subtitle.to_owned();
        figure.width = WIDTH;
        if let Some([time, along]) = &self.axes {
            figure.x = Axis::labelled(time);
            figure.y = Axis::labelled(along);
        }
        Exhibit::Figure(Box::new(figure))
    }
}

/// Each cell the mean of those that fall into it, or the one into which it falls.
fn scaled(map: &Array2<f32>, height: usize, width: usize) -> Array2<f32> {
    let (from_height, from_width) = map.dim();
    let range = |at: usize, to: usize, from: usize| {
        let first = at * from / to.max(1);
        first..((at + 1) * from / to.max(1)).max(first + 1).min(from)
    };
    Array2::from_shape_fn((height, width), |(y, x)| {
        let part = map.slice(ndarray::s![range(y, height, from_height), range(x, width, from_width)]);
        part.mean().unwrap_or(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_made_smaller_by_means_and_larger_by_copies() {
        let map = ndarray::array![[1.0, 3.0], [5.0, 7.0]];
        assert_eq!(scaled(&map, 1, 1), ndarray::array![[4.0]]);
        assert_eq!(scaled(&map, 1, 2), ndarray::array![[3.0, 5.0]]);
        assert_eq!(scaled(&map, 2, 4), ndarray::array![[1.0, 1.0, 3.0, 3.0], [5.0, 5.0, 7.0, 7.0]]);
    }
}
