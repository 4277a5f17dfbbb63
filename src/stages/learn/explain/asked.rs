//! What was asked for, checked against what the model reads and foretells.

use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::stages::Split;
use crate::tensor::{self, BlockKind, Specification};

use super::Explain;
use super::metric::Metric;
use super::options::{Method, Rows};
use super::rows::{ROW_BYTES, VALUE_BYTES, WorstOf};

/// The most columns whose dependence is shown.
const MOST_COLUMNS: usize = 20;

impl Explain {
    /// The part that is looked at; none: all rows.
    pub(super) fn part(&self, split: Option<&Split>) -> Result<Option<String>, Diagnostic> {
        let Some(split) = split else {
            return match &self.on {
                None => Ok(None),
                Some(part) => {
                    let message = format!("there is no part `{}`: the rows are not divided", part.value);
                    Err(Diagnostic::definition(message)
                        .at(&part.place)
                        .help("leave `on` out, or `split` the rows above"))
                }
            };
        };
        match &self.on {
            None => Ok(split.parts.last().cloned()),
            Some(part) if split.parts.contains(&part.value) => Ok(Some(part.value.clone())),
            Some(part) => {
                let finding = Diagnostic::definition(format!("there is no part `{}`", part.value)).at(&part.place);
                Err(match nearest(&part.value, split.parts.iter().map(String::as_str)) {
                    Some(near) => finding.label(format!("did you mean `{near}`?")),
                    None => finding.help(format!("the parts are {}", split.parts.join(", "))),
                })
            }
        }
    }

    /// The methods, in the order in which they are shown.
    pub(super) fn methods(&self, specification: &Specification) -> Result<Vec<Method>, Findings> {
        let blocks = specification.blocks();
        let has = |kind: BlockKind| blocks.iter().any(|block| block.kind == kind);
        let pictures = has(BlockKind::Image) || has(BlockKind::Audio);
        let sequence = specification.sequence.as_ref();
        let several = specification.features.len() + sequence.map_or(0, |spec| spec.columns.len()) > 1;
        let flat = has(BlockKind::Table) || has(BlockKind::Category);
        let suits = |method: Method| match method {
            Method::Permutation => Ok(()),
            Method::Shap if several || sequence.is_some() => Ok(()),
            Method::Shap => Err("the model reads one column alone, which moves every prediction"),
            Method::Dependence | Method::Counterfactuals if flat => Ok(()),
            Method::Dependence => {
                Err("the model has no feature of numbers, categories or dates beside texts and the like")
            }
            Method::Counterfactuals => {
                Err("rows are compared by numbers, categories and dates, and the model has none")
            }
            Method::Occlusion if has(BlockKind::Text) || sequence.is_some() => Ok(()),
            Method::Occlusion => Err("it explains texts and sequences, and the model has none"),
            Method::IntegratedGradients if has(BlockKind::Text) => Ok(()),
            Method::IntegratedGradients => Err("it explains texts, and the model has none"),
            Method::Saliency | Method::GradCam if pictures => Ok(()),
            Method::Saliency | Method::GradCam => Err("it explains images and sounds, and the model has none"),
        };
        let Some(asked) = &self.methods else {
            // Words are explained one way, and one text alone is not shuffled.
            let usual = |method: &Method| match method {
                Method::Occlusion => sequence.is_some(),
                Method::Permutation => several || flat || sequence.is_some(),
                _ => true,
            };
            return Ok(Method::ALL.into_iter().filter(|method| suits(*method).is_ok() && usual(method)).collect());
        };
        let mut findings = Findings::new();
        if asked.is_empty() {
            findings.push(Diagnostic::definition("`methods` names no method"));
        }
        for method in asked.iter() {
            if let Err(reason) = suits(method.value) {
                let message = format!("`{}` does not suit the model: {reason}", method.value.name());
                findings.push(Diagnostic::definition(message).at(&method.place));
            }
        }
        let named = |method: &Method| asked.iter().any(|asked| asked.value == *method);
        if findings.is_empty() { Ok(Method::ALL.into_iter().filter(named).collect()) } else { Err(findings) }
    }

    /// The columns whose dependence is shown.
    pub(super) fn columns(
        &self,
        specification: &Specification,
        methods: &[Method],
    ) -> Result<Option<Vec<String>>, Findings> {
        let Some(columns) = &self.columns else { return Ok(None) };
        let mut findings = Findings::new();
        if let Some(first) = columns.first().filter(|_| !methods.contains(&Method::Dependence) && !methods.is_empty()) {
            let message = "`columns` belongs to the method `dependence`, which is not asked for";
            findings.push(Diagnostic::definition(message).at(&first.place));
        }
        let features = specification.feature_columns();
        let flat = |column: &String| specification.features.iter().any(|feature| feature.column == *column);
        for (at, column) in columns.iter().enumerate() {
            let is_twice = columns.iter().take(at).any(|earlier| earlier.value == column.value);
            if is_twice {
                let message = format!("column `{}` is named twice", column.value);
                findings.push(Diagnostic::definition(message).at(&column.place));
            } else if !features.contains(&column.value) {
                let message = format!("`{}` is no feature of the model", column.value);
                let finding = Diagnostic::definition(message).at(&column.place);
                findings.push(match nearest(&column.value, features.iter().map(String::as_str)) {
                    Some(near) => finding.label(format!("did you mean `{near}`?")),
                    None => finding.help(format!("its features are {}", features.join(", "))),
                });
            } else if !flat(&column.value) {
                let message = format!("`{}` belongs to the sequence: there is no dependence along it", column.value);
                let help = "`shap` and `occlusion` say which of its columns and steps count";
                findings.push(Diagnostic::definition(message).at(&column.place).help(help));
            }
        }
        if let Some(column) = columns.get(MOST_COLUMNS) {
            let message = format!("the dependence of at most {MOST_COLUMNS} columns is shown");
            findings.push(Diagnostic::definition(message).at(&column.place));
        }
        if findings.is_empty() {
            Ok(Some(columns.iter().map(|column| column.value.clone()).collect()))
        } else {
            Err(findings)
        }
    }

    /// The numbers of the targets that are explained.
    pub(super) fn targets(&self, specification: &Specification) -> Result<Vec<usize>, Findings> {
        let all = &specification.targets;
        let Some(targets) = &self.targets else { return Ok((0..all.len()).collect()) };
        let mut findings = Findings::new();
        if targets.is_empty() {
            findings.push(Diagnostic::definition("`targets` names no target"));
        }
        let mut found = Vec::new();
        for target in targets.iter() {
            match place_of(target, specification) {
                Ok(at) if found.contains(&at) => {
                    let message = format!("the target `{}` is named twice", target.value);
                    findings.push(Diagnostic::definition(message).at(&target.place));
                }
                Ok(at) => found.push(at),
                Err(finding) => findings.push(finding),
            }
        }
        found.sort_unstable();
        if findings.is_empty() { Ok(found) } else { Err(findings) }
    }

    pub(super) fn lines(&self, methods: &[Method]) -> Result<(), Diagnostic> {
        let Some(ice) = self.ice.as_ref().filter(|_| !methods.is_empty() && !methods.contains(&Method::Dependence))
        else {
            return Ok(());
        };
        let message = "`ice` belongs to the method `dependence`, which is not asked for";
        Err(Diagnostic::definition(message).at(&ice.place))
    }

    pub(super) fn metric(&self, specification: &Specification, targets: &[usize]) -> Result<(), Findings> {
        let Some(metric) = &self.metric else { return Ok(()) };
        let mut asked = targets.iter().filter_map(|at| specification.targets.get(*at));
        let wrong = asked.find(|target| !metric.value.suits(target.kind));
        match wrong {
            None => Ok(()),
            Some(target) => {
                let (name, column) = (metric.value.name(), &target.column);
                let suiting: Vec<&str> =
                    Metric::ALL.into_iter().filter(|metric| metric.suits(target.kind)).map(Metric::name).collect();
                let message = format!("`{name}` does not judge the target `{column}`");
                let help = format!("it is judged by {}", suiting.join(", "));
                Err(vec![Diagnostic::definition(message).at(&metric.place).help(help)])
            }
        }
    }

    pub(super) fn bounds(&self) -> Result<(), Findings> {
        let bounds = [
            ("sample", &self.sample, 20, 1_000_000),
            ("background", &self.background, 1, 10_000),
            ("repeats", &self.repeats, 1, 1_000),
        ];
        let wrong = bounds.into_iter().filter(|(_, given, least, most)| !(*least..=*most).contains(&given.value));
        let findings: Findings = wrong
            .map(|(name, given, least, most)| {
                let message = format!("`{name}` is from {least} to {most}, not {}", given.value);
                Diagnostic::definition(message).at(&given.place)
            })
            .collect();
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }
}

/// The number of a target.
///
/// Errors: the model foretells something else.
fn place_of(target: &Spanned<String>, specification: &Specification) -> Result<usize, Diagnostic> {
    let names = || specification.targets.iter().map(|target| target.column.as_str());
    names().position(|name| name == target.value).ok_or_else(|| {
        let message = format!("`{}` is no target of the model", target.value);
        let finding = Diagnostic::definition(message).at(&target.place);
        match nearest(&target.value, names()) {
            Some(near) => finding.label(format!("did you mean `{near}`?")),
            None => finding.help(format!("its targets are {}", names().collect::<Vec<_>>().join(", "))),
        }
    })
}

/// About what the model is wrong of the worst rows.
pub(super) fn worst_of(rows: &Rows, specification: &Specification, targets: &[usize]) -> Result<WorstOf, Diagnostic> {
    match (rows, targets) {
        (Rows::Worst(_, Some(target)), _) => place_of(target, specification).map(WorstOf::Target),
        (_, [only]) => Ok(WorstOf::Target(*only)),
        (_, several) => Ok(WorstOf::Sum(several.to_vec())),
    }
}

/// Numbers that a category becomes of which nothing is known yet.
const CATEGORIES: usize = 16;

/// What a row takes in memory, as far as it is known before rows are read.
pub(super) fn row_bytes(specification: &Specification) -> u64 {
    let numbers: usize = specification.blocks().iter().map(tensor::Block::size).sum();
    let is_category = |feature: &&tensor::FeatureSpec| matches!(feature.kind, tensor::FeatureKind::Category(_));
    let categories = specification.features.iter().filter(is_category).count();
    let inputs = (numbers + categories * CATEGORIES) * size_of::<f32>();
    VALUE_BYTES as u64 * specification.feature_columns().len() as u64 + inputs as u64 + ROW_BYTES
}
