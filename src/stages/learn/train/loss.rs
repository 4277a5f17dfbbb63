//! Losses as they are written.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::definition::Ordered;
use crate::diagnostic::{Class, Diagnostic, nearest};
use crate::nn::{LossKind, LossSpec};
use crate::tensor::{Target, TargetKind};

/// How wrong a prediction is.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Mean squared error, for numbers.
    Mse,
    /// Mean absolute error, for numbers: unusual rows count less.
    Mae,
    /// Squared near 0, absolute beyond `delta` (Huber 1964), for numbers.
    Huber(Huber),
    /// Cross-entropy for any target of classes.
    CrossEntropy(CrossEntropy),
    /// Cross-entropy of yes and no, for binary targets and labels.
    BinaryCrossEntropy(CrossEntropy),
    /// Cross-entropy of one class of several, for category targets.
    CategoricalCrossEntropy(CrossEntropy),
    /// Cross-entropy that counts easy rows less (Lin et al. 2017), for classes of which one is rare.
    Focal(Focal),
    /// The Poisson deviance, for targets of the kind `count`.
    Poisson,
}

/// Options of the Huber loss.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Huber {
    /// Where it turns from squared to absolute, in standard deviations of the target; above 0.
    delta: f64,
}

impl Default for Huber {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

/// Options of cross-entropy.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropy {
    /// The share of certainty that is taken from the true class and spread over all, from 0 to below 1.
    label_smoothing: f64,
    /// How much a row of each class counts: `balanced`, or `{yes: 5}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    class_weights: Option<ClassWeights>,
}

/// Options of the focal loss.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Focal {
    /// How strongly easy rows are discounted; 0 or above.
    gamma: f64,
    /// How much a row of each class counts: `balanced`, or `{yes: 5}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    class_weights: Option<ClassWeights>,
}

impl Default for Focal {
    fn default() -> Self {
        Self { gamma: 2.0, class_weights: None }
    }
}

/// How much a row of each class counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ClassWeights {
    /// All classes the same together, however many rows each has: `n / (k n_class)`.
    Balanced,
    /// By name; classes that are not named count 1.
    Given(Ordered<f64>),
}

struct WeightsVisitor;

impl<'de> Visitor<'de> for WeightsVisitor {
    type Value = ClassWeights;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`balanced`, or a weight for each class: `{yes: 5}`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<ClassWeights, E> {
        if word == "balanced" { Ok(ClassWeights::Balanced) } else { Err(E::unknown_variant(word, &["balanced"])) }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClassWeights, A::Error> {
        Ordered::deserialize(MapAccessDeserializer::new(map)).map(ClassWeights::Given)
    }
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WeightsVisitor)
    }
}

impl Serialize for ClassWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Balanced => serializer.serialize_str("balanced"),
            Self::Given(weights) => weights.serialize(serializer),
        }
    }
}

impl JsonSchema for ClassWeights {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClassWeights".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "const": "balanced" },
            { "type": "object", "additionalProperties": { "type": "number", "minimum": 0 } },
        ] })
    }
}

impl Loss {
    fn name(&self) -> &'static str {
        match self {
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Huber(_) => "huber",
            Self::CrossEntropy(_) => "cross_entropy",
            Self::BinaryCrossEntropy(_) => "binary_cross_entropy",
            Self::CategoricalCrossEntropy(_) => "categorical_cross_entropy",
            Self::Focal(_) => "focal",
            Self::Poisson => "poisson",
        }
    }

    /// Whether a network can learn such a target by it.
    ///
    /// Errors: what would be right.
    pub(super) fn check(&self, name: &str, kind: TargetKind) -> Result<(), Diagnostic> {
        use TargetKind::{Binary, Category, Count, MultiLabel, Number};
        let (fits, right) = match kind {
            Number => (matches!(self, Self::Mse | Self::Mae | Self::Huber(_)), "`mse`, `mae` and `huber` do"),
            Count => (matches!(self, Self::Poisson), "`poisson` does"),
            Binary | MultiLabel => (
                matches!(self, Self::CrossEntropy(_) | Self::BinaryCrossEntropy(_) | Self::Focal(_)),
                "`binary_cross_entropy` and `focal` do",
            ),
            Category => (
                matches!(self, Self::CrossEntropy(_) | Self::CategoricalCrossEntropy(_) | Self::Focal(_)),
                "`categorical_cross_entropy` and `focal` do",
            ),
        };
        if fits {
            return Ok(());
        }
        let what = match kind {
            Number => "a number",
            Count => "a count",
            Binary => "one of two classes",
            MultiLabel => "several labels",
            Category => "one of several classes",
        };
        let message = format!("`{}` does not measure the target `{name}`, which is {what}", self.name());
        let finding = Diagnostic::definition(message);
        let poisson = matches!(self, Self::Poisson) && kind == Number;
        Err(finding.help(if poisson {
            "say `target_kind: count` in `tensors`, for whole numbers from 0"
        } else {
            right
        }))
    }

    fn class_weights(&self) -> Option<&ClassWeights> {
        match self {
            Self::CrossEntropy(of) | Self::BinaryCrossEntropy(of) | Self::CategoricalCrossEntropy(of) => {
                of.class_weights.as_ref()
            }
            Self::Focal(of) => of.class_weights.as_ref(),
            _ => None,
        }
    }

    /// Without what depends on the classes.
    pub(super) fn spec(&self) -> LossSpec {
        let of = |kind| LossSpec { kind: Some(kind), ..LossSpec::default() };
        match self {
            Self::Mse => of(LossKind::Mse),
            Self::Mae => of(LossKind::Mae),
            Self::Huber(huber) => LossSpec { delta: huber.delta, ..of(LossKind::Huber) },
            Self::CrossEntropy(entropy)
            | Self::BinaryCrossEntropy(entropy)
            | Self::CategoricalCrossEntropy(entropy) => {
                LossSpec { label_smoothing: entropy.label_smoothing, ..of(LossKind::CrossEntropy) }
            }
            Self::Focal(focal) => LossSpec { gamma: focal.gamma, ..of(LossKind::Focal) },
            Self::Poisson => of(LossKind::Poisson),
        }
    }

    /// As the network learns by it.
    ///
    /// Errors: at the name of a class that no training row has.
    pub(super) fn of_target(&self, target: &Target) -> Result<LossSpec, Diagnostic> {
        let mut spec = self.spec();
        let (names, counts) = match target {
            Target::Binary(classes) | Target::Category(classes) => (&classes.names, &classes.counts),
            Target::MultiLabel(labels) => (&labels.names, &labels.counts),
            Target::Number(_) | Target::Count(_) => return Ok(spec),
        };
        spec.class_weights = match self.class_weights() {
            None => Vec::new(),
            Some(ClassWeights::Balanced) => balanced(counts),
            Some(ClassWeights::Given(given)) => {
                let mut weights = vec![1.0; names.len()];
                for (name, weight) in given.iter() {
                    let Some(place) = names.iter().position(|known| *known == name.value) else {
                        let message =
                            format!("no training row has the class `{}` of `{}`", name.value, target.column());
                        let finding = Diagnostic::error(Class::Data, message).at(&name.place);
                        return Err(match nearest(&name.value, names.iter().map(String::as_str)) {
                            Some(near) => finding.label(format!("did you mean `{near}`?")),
                            None => finding.help(format!("the classes are {}", shown(names))),
                        });
                    };
                    if let Some(slot) = weights.get_mut(place) {
                        *slot = *weight as f32;
                    }
                }
                weights
            }
        };
        Ok(spec)
    }

    /// Checks the weights of classes as far as they are known without the classes.
    pub(super) fn check_weights(&self) -> Result<(), Diagnostic> {
        let Some(ClassWeights::Given(given)) = self.class_weights() else { return Ok(()) };
        match given.iter().find(|(_, weight)| !(weight.is_finite() && *weight >= 0.0)) {
            Some((name, weight)) => {
                let message =
                    format!("the weight of class `{}` is {weight}; it must be 0 or a number above", name.value);
                Err(Diagnostic::definition(message).at(&name.place))
            }
            None => Ok(()),
        }
    }
}

/// The first names of many.
fn shown(names: &[String]) -> String {
    let mut shown: Vec<&str> = names.iter().take(10).map(String::as_str).collect();
    if names.len() > shown.len() {
        shown.push("..");
    }
    shown.join(", ")
}

/// Weights with which all classes count the same together: `n / (k n_class)`, as in scikit-learn.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn balanced(counts: &[u64]) -> Vec<f32> {
    let (all, classes) = (counts.iter().sum::<u64>() as f64, counts.len() as f64);
    counts.iter().map(|count| (all / (classes * (*count).max(1) as f64)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        // compute_class_weight("balanced", classes=[0, 1, 2], y=[0] * 1 + [1] * 2 + [2] * 9)
        assert_eq!(balanced(&[1, 2, 9]), [4.0, 2.0, 0.444_444_45]);
    }
}
