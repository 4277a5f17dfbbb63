//! Convolutions along time for sound.

use super::super::error::Error;
use super::super::graph::InputSpec;
use super::super::head::Head;
use super::super::layers::{Activation, Conv1d, GlobalAveragePool, LayerSpec, MaxPool, Padding};
use super::{Preset, chain, epochs, image, normed, one_cycle, only, refused};

/// For spectrograms `[frames, bands]` three convolutions along time over all bands, with batch norm and ReLU, each but
/// the last followed by a pooling that halves the time, then the mean over time, so that a word counts wherever it
/// stands (time-delay networks: Waibel et al. 1989; the mean: Lin, Chen & Yan 2013). Spectrograms with channels,
/// `[frames, bands, 1]`, are images.
///
/// Errors: an input that is neither.
pub fn audio(inputs: &[InputSpec], outputs: &[(String, Head)], rows: usize) -> Result<Preset, Error> {
    let input = only(inputs, "audio")?;
    let &[frames, _] = input.shape.dimensions() else {
        return match input.shape.dimensions().len() {
            3 => image(inputs, outputs, rows),
            _ => Err(refused(input, "the preset audio reads spectrograms [frames, bands] or [frames, bands, 1]")),
        };
    };
    let mut layers = vec![];
    let mut time = frames;
    for (i, (filters, kernel)) in [(64, 5), (128, 3), (128, 3)].into_iter().enumerate() {
        let same = Padding::Same;
        let conv = Conv1d { padding: same, bias: false, ..Conv1d::new(filters, kernel, Activation::Linear) };
        layers.extend(normed(LayerSpec::Conv1d(conv)));
        if i < 2 && time >= 4 {
            layers.push(LayerSpec::MaxPool(MaxPool::default()));
            layers.push(LayerSpec::dropout(0.2));
            time /= 2;
        }
    }
    layers.push(LayerSpec::GlobalAveragePool(GlobalAveragePool {}));
    layers.push(LayerSpec::dropout(0.3));
    let options = one_cycle(0.003, 0.01, epochs(100_000, rows, 15, 60), 32);
    Ok(Preset { network: chain(input, layers, outputs), options })
}
