//! The tables that `trends` makes beside its product, which stages below read with `from: <id>.<name>`.

use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};

/// A side table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Estimates and tests, a row each.
    Tests,
    /// Errors of forecasts.
    Backtest,
    /// Jumps of the level.
    ChangePoints,
    /// Missing periods in a row.
    Gaps,
}

impl Side {
    pub(super) const ALL: [Self; 4] = [Self::Tests, Self::Backtest, Self::ChangePoints, Self::Gaps];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tests => "tests",
            Self::Backtest => "backtest",
            Self::ChangePoints => "change_points",
            Self::Gaps => "gaps",
        }
    }

    pub(super) fn file(self) -> String {
        format!("{}.parquet", self.name())
    }

    /// Its columns after those of the groups.
    pub(super) fn columns(self, time: DataType) -> Vec<Field> {
        let float = |name: &str| Field::new(name, DataType::Float64);
        let text = |name: &str| Field::new(name, DataType::String);
        let whole = |name: &str| Field::new(name, DataType::Int64);
        match self {
            Self::Tests => vec![
                text("test"),
                float("estimate"),
                float("low"),
                float("high"),
                float("statistic"),
                float("p_value"),
                float("p_adjusted"),
                text("remark"),
            ],
            Self::Backtest => vec![
                text("model"),
                Field::new("taken", DataType::Boolean),
                whole("origins"),
                whole("values"),
                float("mae"),
                float("rmse"),
                float("mase"),
                float("smape"),
                float("coverage"),
                float("aicc"),
            ],
            Self::ChangePoints => vec![Field::new("time", time), float("level_before"), float("level_after")],
            Self::Gaps => vec![Field::new("first", time.clone()), Field::new("last", time), whole("periods")],
        }
    }

    /// The stage that reads the table of that name, below a `trends` with so many columns of groups.
    pub(super) fn named(name: &str, groups: usize) -> Option<SideStage> {
        Self::ALL.into_iter().find(|side| side.name() == name).map(|side| SideStage { side, groups })
    }
}

/// A side table as a stage of its own.
pub(super) struct SideStage {
    side: Side,
    groups: usize,
}

impl Stage for SideStage {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut fields: Vec<Field> = table.schema.fields().iter().take(self.groups).cloned().collect();
        let time = table.schema.data_type("time").cloned().unwrap_or(DataType::Date);
        fields.extend(self.side.columns(time));
        let twice = |name: String| vec![Diagnostic::definition(format!("column `{name}` would stand twice"))];
        let schema = Schema::new(fields).map_err(twice)?;
        let source = ScanSource::Artifact(format!("{id}.{}", self.side.name()));
        let scan = Relation::Scan(Scan { source, schema });
        Ok(Planned::relation(TableShape::new(scan, None)).work(SideWork))
    }
}

struct SideWork;

impl Work for SideWork {
    /// Its rows are not those of the product.
    fn flowing(&self) -> usize {
        0
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::plus("made beside the series", counts.out)]
    }
}
