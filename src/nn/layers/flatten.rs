//! Rows of any shape as flat rows.

use super::super::shape::Shape;
use super::reading::only;
use super::{Backward, Describe, Forward, Layer};
use serde::{Deserialize, Serialize};

/// The same numbers as one flat row: `[height, width, channels]` becomes `[height * width * channels]`. Nothing is
/// copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

#[derive(Debug)]
struct Built(Shape);

impl Describe for Flatten {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let input = only(inputs, "flatten")?;
        let size = input.size().filter(|&size| size > 0);
        let size = size.ok_or_else(|| format!("flatten cannot read rows of shape {input}"))?;
        Ok(Box::new(Built(Shape::features(size))))
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.0
    }

    fn is_view(&self) -> bool {
        true
    }

    fn forward(&self, pass: Forward<'_>) {
        pass.output.copy_from_slice(pass.input);
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Some(gradient) = pass.input_gradient {
            gradient.copy_from_slice(pass.output_gradient);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::numeric_gradient;
    use super::*;

    #[test]
    fn the_numbers_stay_and_so_does_their_gradient() {
        let shape = Shape::image(2, 3, 2);
        let layer = Flatten {}.build(&[&shape]).unwrap();
        assert_eq!(*layer.output(), Shape::features(12));
        numeric_gradient::check(&*layer, &[&shape], 2, 1);
    }
}
