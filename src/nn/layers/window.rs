//! Windows that slide over an image or a sequence: where they lie, and how many there are.

use serde::{Deserialize, Serialize};

/// Something for the height and for the width.
pub type Pair = [usize; 2];

/// What surrounds the input, so that windows reach over its border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Nothing: windows lie inside.
    #[default]
    Valid,
    /// So many zeros that the output is `ceil(input / stride)` long; where their number is odd, the larger half comes
    /// after, as in Keras.
    Same,
    /// This many zeros on both sides, of the height and of the width.
    Of(Pair),
}

/// One direction of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// How far before the input the first window begins.
    pub(super) before: usize,
}

impl Axis {
    /// A window of `kernel` places, `dilation` apart, that moves by `stride` over `input` places.
    ///
    /// Errors: the reason in words, where a number is 0 or the window is longer than what it slides over.
    pub(super) fn new(
        what: &str,
        input: usize,
        [kernel, stride, dilation]: [usize; 3],
        padding: PaddingOf,
    ) -> Result<Self, String> {
        for (name, value) in [("window", kernel), ("stride", stride), ("dilation", dilation)] {
            if value == 0 {
                return Err(format!("the {name} of {what} must be at least 1, it is 0"));
            }
        }
        let too_large = || format!("the window of {what} is too large");
        let reach = (kernel - 1).checked_mul(dilation).and_then(|r| r.checked_add(1)).ok_or_else(too_large)?;
        if let PaddingOf::Both(size) = padding
            && size >= reach
        {
            return Err(format!(
                "a padding of {size} in {what} gives windows of nothing but padding, it must be below {reach}"
            ));
        }
        let (before, after) = padding.around(input, stride, reach);
        let padded = input.checked_add(before).and_then(|s| s.checked_add(after)).ok_or_else(too_large)?;
        let Some(room) = padded.checked_sub(reach) else {
            return Err(format!("the window of {what} reaches over {reach} places, there are {padded}"));
        };
        Ok(Self { input, output: room / stride + 1, kernel, stride, dilation, before })
    }

    /// The place in the input that the place `k` of window `window` looks at; `None` in the padding.
    #[inline(always)]
    pub(super) fn place(&self, window: usize, k: usize) -> Option<usize> {
        let place = (window * self.stride + k * self.dilation).checked_sub(self.before)?;
        (place < self.input).then_some(place)
    }
}

/// The padding of one direction.
#[derive(Debug, Clone, Copy)]
pub(super) enum PaddingOf {
    Valid,
    Same,
    Both(usize),
}

impl PaddingOf {
    /// How many places it adds before and after, for windows that reach over `reach` places.
    fn around(self, input: usize, stride: usize, reach: usize) -> (usize, usize) {
        match self {
            Self::Valid => (0, 0),
            Self::Both(size) => (size, size),
            Self::Same => {
                let output = input.div_ceil(stride);
                let total = (output.saturating_sub(1) * stride).saturating_add(reach).saturating_sub(input);
                (total / 2, total - total / 2)
            }
        }
    }
}

impl Padding {
    /// How many places it adds before and after, along the height (0) or the width (1), for a window that can be built.
    pub(crate) fn around(self, axis: usize, input: usize, [kernel, stride, dilation]: [usize; 3]) -> (usize, usize) {
        self.of(axis).around(input, stride, (kernel - 1) * dilation + 1)
    }

    /// For the height (0) or the width (1).
    pub(super) fn of(self, axis: usize) -> PaddingOf {
        match self {
            Self::Valid => PaddingOf::Valid,
            Self::Same => PaddingOf::Same,
            Self::Of(sizes) => PaddingOf::Both(sizes[axis.min(1)]),
        }
    }
}

/// A window over the height and the width of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) height: Axis,
    pub(super) width: Axis,
    pub(super) channels: usize,
}

impl Window {
    /// How many numbers an image of the input has.
    pub(super) fn input_size(&self) -> usize {
        self.height.input * self.width.input * self.channels
    }

    /// How many windows there are.
    pub(super) fn count(&self) -> usize {
        self.height.output * self.width.output
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn axis(input: usize, numbers: [usize; 3], padding: PaddingOf) -> Result<Axis, String> {
        Axis::new("a test", input, numbers, padding)
    }

    #[test]
    fn lengths_are_those_of_the_formula() {
        let length = |input, numbers, padding| axis(input, numbers, padding).unwrap().output;
        assert_eq!(length(28, [3, 1, 1], PaddingOf::Valid), 26);
        assert_eq!(length(28, [3, 2, 1], PaddingOf::Valid), 13);
        assert_eq!(length(28, [3, 1, 2], PaddingOf::Valid), 24);
        assert_eq!(length(28, [5, 1, 1], PaddingOf::Same), 28);
        assert_eq!(length(28, [4, 3, 1], PaddingOf::Same), 10);
        assert_eq!(length(28, [3, 2, 1], PaddingOf::Both(1)), 14);
    }

    #[test]
    fn windows_that_do_not_fit_are_refused() {
        let refused = |input, numbers, padding| axis(input, numbers, padding).unwrap_err();
        assert_eq!(refused(5, [0, 1, 1], PaddingOf::Valid), "the window of a test must be at least 1, it is 0");
        assert_eq!(refused(5, [3, 1, 3], PaddingOf::Valid), "the window of a test reaches over 7 places, there are 5");
        let padding = refused(5, [3, 1, 1], PaddingOf::Both(3));
        assert_eq!(padding, "a padding of 3 in a test gives windows of nothing but padding, it must be below 3");
        assert_eq!(refused(5, [usize::MAX, 1, 3], PaddingOf::Valid), "the window of a test is too large");
    }

    proptest! {
        #[test]
        fn no_window_lies_in_the_padding_alone_and_none_is_left_out(
            input in 1usize..12, kernel in 1usize..5, stride in 1usize..4, dilation in 1usize..3, same in any::<bool>(),
        ) {
            let padding = if same { PaddingOf::Same } else { PaddingOf::Both(kernel / 2) };
            if let Ok(axis) = axis(input, [kernel, stride, dilation], padding) {
                let reach = (kernel - 1) * dilation + 1;
                let after = if same { usize::MAX } else { kernel / 2 };
                // The last window begins before the end of the input, and one more would not fit.
                let last = (axis.output - 1) * stride;
                prop_assert!(last < input + axis.before);
                if same {
                    prop_assert_eq!(axis.output, input.div_ceil(stride));
                } else {
                    prop_assert!(last + reach <= axis.before + input + after);
                    prop_assert!(last + stride + reach > axis.before + input + after);
                }
                for window in 0..axis.output {
                    for k in 0..kernel {
                        let expected = (window * stride + k * dilation) as isize - axis.before as isize;
                        let inside = (0..input as isize).contains(&expected).then_some(expected as usize);
                        prop_assert_eq!(axis.place(window, k), inside);
                    }
                }
            }
        }
    }
}
