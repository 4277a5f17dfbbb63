//! What is varied: paths become steps into the options of stages, values become domains.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Node, Ordered, Spanned, Step, Value, decode};
use crate::diagnostic::{Diagnostic, Findings, Place, nearest};
use crate::stages::Shape;
use crate::stages::variant::VariantStage;
use crate::tuning::{Domain, Error, Space};

/// What paths begin with.
const STAGES: &str = "stages.";

/// An option that is varied.
#[derive(Debug, Clone)]
pub(super) struct Dimension {
    /// The path as it is written.
    pub(super) path: String,
    /// The stage, and the steps into its options.
    pub(super) stage: String,
    pub(super) steps: Vec<Step>,
    /// Where the values are written.
    pub(super) place: Place,
    pub(super) domain: Domain,
    /// The values of a list.
    choices: Vec<Node>,
    /// Whether numbers are whole.
    whole: bool,
    /// Whether rows are another ones with other values, not only what the tensors make of them.
    pub(super) is_above_tensors: bool,
}

/// Values between two ends.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Between {
    Uniform([f64; 2]),
    Loguniform([f64; 2]),
    Int([i64; 2]),
    Logint([i64; 2]),
    Quantized([f64; 3]),
    Choice(Vec<Node>),
}

impl Dimension {
    /// A value of the domain as it stands in a pipeline file.
    pub(super) fn node(&self, value: f64) -> Node {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the place of a choice, or a whole number"
        )]
        match self.domain {
            Domain::Choices(_) => self.choices.get(value as usize).cloned().unwrap_or_else(|| self.at(Value::Null)),
            _ if self.whole => self.at(Value::Integer(value.round() as i64)),
            // Six digits are copied more easily, and nobody chooses a rate more finely.
            Domain::Real { .. } => self.at(Value::Float(rounded(value, 6))),
            Domain::Steps { .. } => self.at(Value::Float(rounded(value, 12))),
        }
    }

    fn at(&self, value: Value) -> Node {
        Node::new(value, self.place.clone())
    }

    /// The values to be checked before a run: all of a list, the ends of a range.
    pub(super) fn ends(&self) -> Vec<f64> {
        match self.domain {
            Domain::Choices(count) => (0..count as u64).filter_map(|place| self.domain.value(place)).collect(),
            Domain::Real { low, high, .. } | Domain::Steps { low, high, .. } => vec![low, high],
        }
    }

    /// A value in a few words.
    pub(super) fn text(&self, value: f64) -> String {
        let node = self.node(value);
        match node.spelling() {
            Some(text) => text,
            None => crate::definition::to_yaml_line(&serde_json::to_value(&node).unwrap_or_default()),
        }
    }

    /// The path without what all of them share.
    pub(super) fn name(&self) -> &str {
        self.path.strip_prefix(STAGES).unwrap_or(&self.path)
    }
}

/// A number with so many significant digits.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

/// The domains of all.
pub(super) fn space(dimensions: &[Dimension]) -> Result<Space, Error> {
    Space::new(dimensions.iter().map(|dimension| dimension.domain).collect())
}

/// Reads the paths with their values.
pub(super) fn read(over: &Ordered<Node>, base: &[VariantStage], findings: &mut Findings) -> Vec<Dimension> {
    let mut dimensions: Vec<Dimension> = Vec::new();
    if over.is_empty() {
        findings.push(Diagnostic::definition("`over` names nothing that is varied"));
    }
    for (path, values) in over.iter() {
        match dimension(path, values, base) {
            Ok(dimension) => {
                if let Some(other) = dimensions.iter().find(|other| overlap(other, &dimension)) {
                    let message = format!("`{}` and `{}` vary the same option", other.path, dimension.path);
                    findings.push(Diagnostic::definition(message).at(&path.place));
                }
                dimensions.push(dimension);
            }
            Err(mut wrong) => findings.append(&mut wrong),
        }
    }
    dimensions
}

/// Whether one path leads into the other.
fn overlap(a: &Dimension, b: &Dimension) -> bool {
    a.stage == b.stage && a.steps.iter().zip(&b.steps).all(|(a, b)| a.name == b.name)
}

fn dimension(path: &Spanned<String>, values: &Node, base: &[VariantStage]) -> Result<Dimension, Findings> {
    let (stage, steps) = steps(path, base).map_err(|finding| vec![finding])?;
    if stage.kind == "tensors" && steps.first().is_some_and(|step| step.name.starts_with("target")) {
        let message = "what is foretold cannot be varied: models with other targets cannot be compared";
        return Err(vec![Diagnostic::definition(message).at(&path.place)]);
    }
    let (domain, choices, whole) = domain(values)?;
    let is_above_tensors = matches!(stage.product, Shape::Table(_));
    Ok(Dimension {
        path: path.value.clone(),
        stage: stage.id.clone(),
        steps,
        place: values.place.clone(),
        domain,
        choices,
        whole,
        is_above_tensors,
    })
}

/// Where a part of a path is written.
fn within(path: &Spanned<String>, range: Range<usize>) -> Place {
    let place = &path.place;
    if place.text() != path.value {
        // Quotes or parameters shift the letters.
        return place.clone();
    }
    let start = place.range().start;
    Place::new(place.source(), start + range.start..start + range.end)
}

/// The stage of a path, and the steps after it.
fn steps<'b>(path: &Spanned<String>, base: &'b [VariantStage]) -> Result<(&'b VariantStage, Vec<Step>), Diagnostic> {
    let help = "a path is `stages.<id of a stage>.<option>`, with further steps after dots";
    let refuse = |message: String| Diagnostic::definition(message).at(&path.place);
    let Some(rest) = path.value.strip_prefix(STAGES) else {
        return Err(refuse(format!("`{}` is no path of an option", path.value)).help(help));
    };
    // Ids may have dots themselves: the longest one that fits.
    let fitting = base.iter().filter(|stage| {
        rest == stage.id || rest.strip_prefix(stage.id.as_str()).is_some_and(|rest| rest.starts_with('.'))
    });
    let Some(stage) = fitting.max_by_key(|stage| stage.id.len()) else {
        let (id, _) = rest.split_once('.').unwrap_or((rest, ""));
        let range = STAGES.len()..STAGES.len() + id.len();
        let finding =
            Diagnostic::definition(format!("there is no stage `{id}` above the model")).at(&within(path, range));
        return Err(match nearest(id, base.iter().map(|stage| stage.id.as_str())) {
            Some(near) => finding.label(format!("did you mean `{near}`?")),
            None => {
                let ids: Vec<&str> = base.iter().map(|stage| stage.id.as_str()).collect();
                finding.help(format!("the stages are {}", ids.join(", ")))
            }
        });
    };
    let from = STAGES.len() + stage.id.len() + 1;
    let mut steps = Vec::new();
    let mut at = from;
    for name in path.value.get(from..).unwrap_or_default().split('.') {
        let range: Range<usize> = at..at + name.len();
        at = range.end + 1;
        if !name.is_empty() {
            steps.push(Step { name: name.to_owned(), place: within(path, range) });
        }
    }
    if steps.is_empty() {
        return Err(refuse(format!("`{}` names no option of `{}`", path.value, stage.id)).help(help));
    }
    Ok((stage, steps))
}

fn domain(values: &Node) -> Result<(Domain, Vec<Node>, bool), Findings> {
    let placed = |found: Result<Domain, Error>| {
        found.map_err(|error| vec![Diagnostic::definition(error.to_string()).at(&values.place)])
    };
    let choices = |items: &[Node]| {
        if let Some(twin) =
            items.iter().enumerate().find(|(at, item)| items.iter().take(*at).any(|other| other == *item))
        {
            return Err(vec![Diagnostic::definition("this value stands in the list already").at(&twin.1.place)]);
        }
        Ok((placed(Domain::choices(items.len()))?, items.to_vec(), false))
    };
    if let Value::Sequence(items) = &values.value {
        return choices(items);
    }
    let whole = |[low, high]: [i64; 2], log: bool| {
        let most = 1_i64 << 53;
        if low.checked_abs().is_none_or(|low| low > most) || high.checked_abs().is_none_or(|high| high > most) {
            return Err(vec![Diagnostic::definition("whole numbers beyond 2^53 cannot be varied").at(&values.place)]);
        }
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let domain = placed(Domain::steps(low as f64, high as f64, 1.0, log))?;
        Ok((domain, Vec::new(), true))
    };
    let numbers = |domain| Ok((placed(domain)?, Vec::new(), false));
    let between: Between = decode(values).map_err(|found| {
        let help = "write a list of values, or one of `uniform`, `loguniform`, `int`, `logint`: [low, high], or `quantized`: [low, high, step]";
        found
            .into_iter()
            .map(|finding| if finding.label.is_some() || finding.help.is_some() { finding } else { finding.help(help) })
            .collect::<Findings>()
    })?;
    match between {
        Between::Uniform([low, high]) => numbers(Domain::real(low, high, false)),
        Between::Loguniform([low, high]) => numbers(Domain::real(low, high, true)),
        Between::Quantized([low, high, step]) => numbers(Domain::steps(low, high, step, false)),
        Between::Int(ends) => whole(ends, false),
        Between::Logint(ends) => whole(ends, true),
        Between::Choice(items) => choices(&items),
    }
}
