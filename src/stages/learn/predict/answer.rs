//! What the network says about a target, as a decision with a confidence.

use ndarray::Array2;

use crate::nn::Head;
use crate::stages::learn::evaluate::largest;
use crate::tensor::Target;

/// What was said about one target of some rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answers {
    pub(super) values: Decided,
    /// `[n]`: the probability of what was decided; of labels that of the least certain one. Empty for numbers.
    pub(super) confidence: Vec<f64>,
    /// `[n, width]`: of yes, of each class or of each label; the numbers in their unit.
    pub(super) outputs: Array2<f64>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Decided {
    /// `[n]`: the numbers of the classes.
    Classes(Vec<u32>),
    /// `[n]`: the numbers of the labels of each row.
    Labels(Vec<Vec<u32>>),
    /// `[n]`: in the unit of the target.
    Numbers(Vec<f64>),
}

/// The answers for the logits `[n, width]` of a head. Logits of classes and labels are divided by `temperature` first (Guo et al. 2017,
/// *On Calibration of Modern Neural Networks*, ICML). `threshold` is the probability from which a yes or a label is decided.
pub(super) fn answers(
    mut logits: Array2<f32>,
    head: Head,
    target: &Target,
    temperature: f64,
    threshold: f64,
) -> Answers {
    let is_number = matches!(target, Target::Number(_) | Target::Count(_));
    if !is_number && temperature != 1.0 {
        logits.mapv_inplace(|logit| (f64::from(logit) / temperature) as f32);
    }
    if let Some(values) = logits.as_slice_mut() {
        head.finish(values);
    }
    let outputs = match target {
        Target::Number(number) => logits.mapv(|value| number.restore(value)),
        _ => logits.mapv(f64::from),
    };
    let first = || outputs.column(0).to_vec();
    let (values, confidence) = match target {
        Target::Number(_) | Target::Count(_) => (Decided::Numbers(first()), Vec::new()),
        Target::Binary(_) => {
            let decided = first().into_iter().map(|p| decide(p, threshold)).map(|(yes, sure)| (u32::from(yes), sure));
            let (classes, confidence) = decided.unzip();
            (Decided::Classes(classes), confidence)
        }
        Target::Category(_) => {
            let chosen = logits.rows().into_iter().map(|row| {
                let class = largest(row.iter().copied());
                (class, row.get(class as usize).map_or(f64::NAN, |p| f64::from(*p)))
            });
            let (classes, confidence) = chosen.unzip();
            (Decided::Classes(classes), confidence)
        }
        Target::MultiLabel(_) => {
            let rows = outputs.rows().into_iter().map(|row| {
                let decided: Vec<(bool, f64)> = row.iter().map(|p| decide(*p, threshold)).collect();
                let sure = decided.iter().map(|(_, sure)| *sure).fold(1.0, f64::min);
                ((0..).zip(decided).filter(|(_, (has, _))| *has).map(|(label, _)| label).collect(), sure)
            });
            let (labels, confidence): (Vec<Vec<u32>>, Vec<f64>) = rows.unzip();
            (Decided::Labels(labels), confidence)
        }
    };
    Answers { values, confidence, outputs }
}

/// Whether a probability means yes, and the probability of what was decided.
fn decide(probability: f64, threshold: f64) -> (bool, f64) {
    let yes = probability >= threshold;
    (yes, if yes { probability } else { 1.0 - probability })
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::tensor::{Classes, Labels, NumberTarget};

    fn classes(names: &[&str]) -> Classes {
        Classes {
            column: "y".to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            counts: vec![1; names.len()],
        }
    }

    #[test]
    fn a_probability_decides_and_says_how_surely() {
        let target = Target::Binary(classes(&["no", "yes"]));
        // The sigmoid of ln 3 is 3/4, that of -ln 4 is 1/5.
        let logits = array![[3f32.ln()], [-(4f32.ln())]];
        let said = answers(logits.clone(), Head::Binary, &target, 1.0, 0.5);
        assert_eq!(said.values, Decided::Classes(vec![1, 0]));
        assert!((said.confidence[0] - 0.75).abs() < 1e-6 && (said.confidence[1] - 0.8).abs() < 1e-6);
        let eager = answers(logits.clone(), Head::Binary, &target, 1.0, 0.2 - 1e-6);
        assert_eq!(eager.values, Decided::Classes(vec![1, 1]));
        // Half the logit: the odds are the root of what they were.
        let cooler = answers(logits, Head::Binary, &target, 2.0, 0.5);
        assert!((cooler.outputs[(0, 0)] - 3f64.sqrt() / (1.0 + 3f64.sqrt())).abs() < 1e-6);
    }

    #[test]
    fn the_most_probable_class_is_chosen_whatever_the_temperature() {
        let target = Target::Category(classes(&["a", "b", "c"]));
        let logits = array![[0f32, 8f32.ln(), 0.0]];
        let said = answers(logits.clone(), Head::Multiclass { classes: 3 }, &target, 1.0, 0.5);
        assert_eq!(said.values, Decided::Classes(vec![1]));
        assert!((said.confidence[0] - 0.8).abs() < 1e-6);
        let cooler = answers(logits, Head::Multiclass { classes: 3 }, &target, 3.0, 0.5);
        assert_eq!(cooler.values, Decided::Classes(vec![1]));
        assert!((cooler.confidence[0] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn labels_are_decided_one_by_one_and_numbers_are_restored() {
        let labels = Labels {
            column: "y".to_owned(),
            names: ["a", "b"].map(str::to_owned).to_vec(),
            counts: vec![1, 1],
            rows: 2,
            separator: None,
        };
        let said = answers(
            array![[3f32.ln(), -(9f32.ln())], [-9f32, -9.0]],
            Head::Multilabel { labels: 2 },
            &Target::MultiLabel(labels),
            1.0,
            0.5,
        );
        assert_eq!(said.values, Decided::Labels(vec![vec![0], vec![]]));
        assert!((said.confidence[0] - 0.75).abs() < 1e-6);
        let number = Target::Number(NumberTarget { column: "y".to_owned(), center: 10.0, scale: 2.0 });
        let said = answers(array![[1.5f32]], Head::Regression { outputs: 1 }, &number, 7.0, 0.5);
        assert_eq!((said.values, said.confidence), (Decided::Numbers(vec![13.0]), vec![]));
    }
}
