//! The options held against the columns that there are.

use super::rows::Plan;
use super::{ErrorKind, Family, Regress};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::expression::{DataType, Field, Schema};
use crate::stages::inputs;
use crate::statistics::regression::Errors;

impl Regress {
    /// The plan of a model.
    pub(super) fn checked(&self, schema: &Schema, id: &str) -> Result<Plan, Findings> {
        let mut findings = Findings::new();
        let target = inputs::column(schema, &self.target, id).map_err(|finding| vec![finding])?.clone();
        let features = inputs::columns(schema, self.features.as_slice(), id)?;
        let categories = match &self.categories {
            Some(names) => inputs::columns(schema, names.as_slice(), id)?,
            None => Vec::new(),
        };
        for (field, name) in categories.iter().zip(self.categories.iter().flat_map(|names| names.as_slice())) {
            if !features.contains(field) {
                let message = format!("column `{}` is not among the `features`", field.name);
                findings.push(Diagnostic::definition(message).at(&name.place));
            }
        }
        let target_ok = match self.family {
            Family::Logistic if target.data_type == DataType::String => true,
            _ => target.data_type.is_numeric() || target.data_type == DataType::Boolean,
        };
        if !target_ok {
            let message = format!("column `{}` holds {}, not numbers", target.name, target.data_type);
            findings.push(Diagnostic::definition(message).at(&self.target.place));
        }
        match (&self.positive, target.data_type == DataType::String && self.family == Family::Logistic) {
            (None, true) => {
                let message = format!("column `{}` holds texts: which one counts as yes?", target.name);
                findings.push(Diagnostic::definition(message).at(&self.target.place).help("name it with `positive`"));
            }
            (Some(positive), false) => {
                let message = "`positive` belongs to a logistic model of a column of texts";
                findings.push(Diagnostic::definition(message).at(&positive.place));
            }
            _ => {}
        }
        let mut terms = Vec::new();
        for (field, name) in features.iter().zip(self.features.as_slice()) {
            if field.name == target.name {
                findings.push(Diagnostic::definition("the target cannot explain itself").at(&name.place));
            }
            let is_category = categories.contains(field) || field.data_type == DataType::String;
            let fits = if is_category {
                inputs::is_key(&field.data_type) && inputs::shown(field).is_some()
            } else {
                field.data_type.is_numeric() || field.data_type == DataType::Boolean
            };
            if !fits {
                let message = format!(
                    "column `{}` holds {}, which is neither a number nor a category",
                    field.name, field.data_type
                );
                findings.push(
                    Diagnostic::definition(message)
                        .at(&name.place)
                        .help("make numbers of it with `derive`, or name it in `categories`"),
                );
            }
            terms.push((field.clone(), is_category));
        }
        let base = self.bases(&terms, &mut findings);
        let optional = |name: &Option<Spanned<String>>, findings: &mut Findings| -> Option<Field> {
            let name = name.as_ref()?;
            inputs::column(schema, name, id).map_err(|finding| findings.push(finding)).ok().cloned()
        };
        let exposure = optional(&self.exposure, &mut findings);
        if let (Some(written), Some(field)) = (&self.exposure, &exposure) {
            if self.family != Family::Poisson {
                findings.push(Diagnostic::definition("`exposure` belongs to `family: poisson`").at(&written.place));
            }
            if !field.data_type.is_numeric() {
                let message = format!("column `{}` holds {}, not numbers", field.name, field.data_type);
                findings.push(Diagnostic::definition(message).at(&written.place));
            }
            if !self.intercept {
                findings.push(Diagnostic::definition("`exposure` needs the intercept").at(&written.place));
            }
        }
        let offset = optional(&self.offset, &mut findings);
        if let Some(written) = self.offset.as_ref().filter(|_| self.family == Family::Linear) {
            let message = "`offset` belongs to logistic and Poisson models";
            let help = "subtract it from the target with `derive`";
            findings.push(Diagnostic::definition(message).at(&written.place).help(help));
        }
        let weights = optional(&self.weights, &mut findings);
        for (written, field) in [(&self.offset, &offset), (&self.weights, &weights)] {
            if let (Some(written), Some(field)) = (written, field)
                && !field.data_type.is_numeric()
            {
                let message = format!("column `{}` holds {}, not numbers", field.name, field.data_type);
                findings.push(Diagnostic::definition(message).at(&written.place));
            }
        }
        let cluster = optional(&self.cluster, &mut findings);
        if let (Some(written), Some(field)) = (&self.cluster, &cluster)
            && (!inputs::is_key(&field.data_type) || inputs::shown(field).is_none())
        {
            let message = format!("column `{}` holds {}, which makes no clusters", field.name, field.data_type);
            findings.push(Diagnostic::definition(message).at(&written.place));
        }
        let errors = self.error_kind(&mut findings);
        let confidence = self.confidence.as_ref().map_or(0.95, |confidence| confidence.value);
        if let Some(written) = self.confidence.as_ref().filter(|_| !(confidence > 0.0 && confidence < 1.0)) {
            findings
                .push(Diagnostic::definition("`confidence` must lie between 0 and 1, such as 0.95").at(&written.place));
        }
        let most_levels = self.most_levels.as_ref().map_or(100, |most| most.value);
        if let Some(written) = self.most_levels.as_ref().filter(|_| !(2..=400).contains(&most_levels)) {
            findings.push(Diagnostic::definition("`most_levels` must be from 2 to 400").at(&written.place));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Plan {
            target,
            terms,
            family: self.family,
            positive: self.positive.as_ref().map(|positive| positive.value.clone()),
            base,
            most_levels: most_levels as usize,
            intercept: self.intercept,
            exposure,
            offset,
            weights,
            errors,
            cluster,
            confidence,
            seed: self.seed,
        })
    }

    /// The base level that was named for each feature, by its position.
    fn bases(&self, terms: &[(Field, bool)], findings: &mut Findings) -> Vec<Option<String>> {
        let mut found = vec![None; terms.len()];
        for (name, level) in self.base.iter().flat_map(|base| &base.0) {
            match terms.iter().position(|(field, is_category)| *is_category && field.name == name.value) {
                Some(at) => found[at] = Some(level.value.clone()),
                None => {
                    let mut finding =
                        Diagnostic::definition(format!("`{}` is no category among the `features`", name.value))
                            .at(&name.place);
                    let names = terms.iter().filter(|term| term.1).map(|term| term.0.name.as_str());
                    if let Some(near) = nearest(&name.value, names) {
                        finding = finding.label(format!("did you mean `{near}`?"));
                    }
                    findings.push(finding);
                }
            }
        }
        found
    }

    fn error_kind(&self, findings: &mut Findings) -> Errors {
        let Some(written) = &self.errors else {
            return if self.cluster.is_some() { Errors::Clustered } else { Errors::Classic };
        };
        match written.value {
            ErrorKind::Clustered if self.cluster.is_none() => {
                findings
                    .push(Diagnostic::definition("`errors: clustered` needs the column `cluster`").at(&written.place));
            }
            kind if kind != ErrorKind::Clustered && self.cluster.is_some() => {
                findings.push(
                    Diagnostic::definition("`cluster` has a meaning only for `errors: clustered`").at(&written.place),
                );
            }
            _ => {}
        }
        written.value.errors()
    }
}
