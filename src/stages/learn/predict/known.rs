//! What is known about the model before a run.

use std::path::PathBuf;

use super::Predict;
use super::judged::Judged;
use super::layout::Asked;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::DataType;
use crate::stages::learn::bundle::{self, Bundle, Replay};
use crate::stages::learn::needs;
use crate::stages::{PlanContext, Shape};
use crate::tensor::{BlockKind, TargetKind, TargetSpec};

/// The model as far as it is known before a run.
pub(super) struct Known {
    /// The folder, when it was saved before.
    pub(super) folder: Option<PathBuf>,
    /// Changes when the saved model does.
    pub(super) fingerprint: Option<String>,
    pub(super) targets: Vec<Asked>,
    /// What its inputs are made of.
    pub(super) blocks: Vec<BlockKind>,
    /// What was chosen when a saved model was evaluated.
    pub(super) judged: Judged,
    pub(super) replay: Replay,
}

impl Predict {
    pub(super) fn known(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Known, Findings> {
        let one = |finding: Diagnostic| vec![finding.or_at(&self.model.place)];
        if self.is_folder() {
            let folder = context.path(&self.model.value);
            let bundle = Bundle::read(&folder).map_err(one)?;
            let judgement = bundle.judgement(&folder).map_err(one)?;
            let asked = |target: &bundle::TargetField| Asked {
                column: target.field.name.clone(),
                kind: target.kind,
                data_type: target.field.data_type.clone(),
                names: Some(target.names.clone()),
            };
            return Ok(Known {
                fingerprint: Some(bundle.fingerprint()),
                targets: bundle.targets.iter().map(asked).collect(),
                blocks: bundle.blocks.iter().map(|block| block.kind).collect(),
                judged: judgement.map(|judgement| Judged::saved(&judgement)).unwrap_or_default(),
                replay: bundle.replay(&folder).map_err(one)?,
                folder: Some(folder),
            });
        }
        let model = needs::model(shapes, 1, context.input_ids).map_err(|findings| {
            findings.into_iter().map(|finding| finding.or_at(&self.model.place)).collect::<Findings>()
        })?;
        let tensors = &model.tensors;
        let features = tensors.specification.feature_columns();
        let replay = Replay::of(&tensors.table.relation, &features)
            .map_err(|reason| one(bundle::impossible(&model.stage, &reason)))?;
        let asked = |target: &TargetSpec| {
            let data_type = tensors.table.schema.data_type(&target.column).cloned().unwrap_or(DataType::Null);
            let is_flag = target.kind == TargetKind::Binary && data_type == DataType::Boolean;
            let names = is_flag.then(|| ["false", "true"].map(str::to_owned).to_vec());
            Asked { column: target.column.clone(), kind: target.kind, data_type, names }
        };
        Ok(Known {
            folder: None,
            fingerprint: None,
            targets: tensors.specification.targets.iter().map(asked).collect(),
            blocks: tensors.specification.blocks().iter().map(|block| block.kind).collect(),
            judged: Judged::default(),
            replay,
        })
    }
}
