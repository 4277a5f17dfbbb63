//! `gristmill explain`

use std::fmt::Write as _;
use std::io::Write;

use clap::Args;

use super::pipeline::{self, PipelineArguments};
use super::{Failure, environment};
use crate::diagnostic::{Class, Diagnostic, nearest};
use crate::digits;
use crate::engine::Engine;
use crate::engine::sql::{self, Dialect};
use crate::plan::{Plan, PlannedStage};
use crate::relation::Relation;
use crate::run::estimate::{Estimate, estimate};
use crate::stages::{Shape, TableShape};

/// Explain what a pipeline means, without running it.
///
/// Without a stage: the graph of stages, with the rows, the memory and the disk that each takes at most. With one: its columns and
/// what its rows mean, as a plan, as SQL, as the engine's own plan, or where one of its columns comes from.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    #[command(flatten)]
    pipeline: PipelineArguments,
    /// The stage to explain
    #[arg(value_name = "STAGE")]
    stage: Option<String>,
    /// Print the graph as Mermaid
    #[arg(long, conflicts_with = "stage")]
    mermaid: bool,
    /// Print the rows of the stage as SQL
    #[arg(long, requires = "stage", group = "what")]
    sql: bool,
    /// Print the engine's own plan
    #[arg(long, requires = "stage", group = "what")]
    engine: bool,
    /// Say where a column of the stage comes from
    #[arg(long, value_name = "COLUMN", requires = "stage", group = "what")]
    column: Option<String>,
    /// Tell what a run with this memory takes, such as 4GiB [default: half of what there is]
    #[arg(long, value_name = "SIZE", value_parser = environment::parse_bytes, conflicts_with = "stage")]
    memory: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  gristmill explain pipelines/flights.yaml
  gristmill explain pipelines/flights.yaml --memory 512MiB
  gristmill explain pipelines/flights.yaml --mermaid
  gristmill explain pipelines/flights.yaml ready
  gristmill explain pipelines/flights.yaml ready --sql
  gristmill explain pipelines/flights.yaml ready --column plane_year";

impl Explain {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let memory = environment::memory(self.memory);
        let engine = environment::engine(environment::threads(None), memory);
        let plan = self.pipeline.plan(&engine)?;
        let secrets = plan.pipeline.secrets.clone();
        let text = match &self.stage {
            None if self.mermaid => mermaid(&plan),
            None => graph(&plan, &estimate(&plan, memory)),
            Some(id) => {
                let stage = pipeline::stage(&plan, id)?;
                self.stage(stage, &engine)?
            }
        };
        writeln!(std::io::stdout(), "{}", secrets.mask(text.trim_end()))?;
        Ok(())
    }

    fn stage(&self, stage: &PlannedStage, engine: &dyn Engine) -> Result<String, Failure> {
        let Shape::Table(table) = stage.shape() else {
            let message = format!("`{}` gives {}, not a table", stage.id, stage.shape().noun());
            return Err(Diagnostic::definition(message).into());
        };
        if self.sql {
            return Ok(sql::print_relation(&table.relation, Dialect::DuckDb)?);
        }
        if self.engine {
            let unbound = table.relation.unbound();
            if let Some(key) = unbound.first() {
                let message =
                    format!("the engine's plan of `{}` depends on what is learned in a run (`{key}`)", stage.id);
                return Err(Diagnostic::error(Class::Definition, message)
                    .help("`--sql` shows such values as parameters")
                    .into());
            }
            return Ok(engine.explain(&table.relation)?);
        }
        match &self.column {
            Some(column) => lineage(stage, table, column),
            None => Ok(describe(stage, table)),
        }
    }
}

fn inputs<'a>(stage: &PlannedStage, plan: &'a Plan) -> Vec<&'a PlannedStage> {
    stage.inputs.iter().filter_map(|&at| plan.stages.get(at)).collect()
}

fn graph(plan: &Plan, estimates: &[Estimate]) -> String {
    let width = plan.stages.iter().map(|stage| stage.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (stage, told) in plan.stages.iter().zip(estimates) {
        let names: Vec<&str> = inputs(stage, plan).iter().map(|input| input.id.as_str()).collect();
        let from = if names.is_empty() { String::new() } else { format!(" <- {}", names.join(", ")) };
        let gives = match stage.shape() {
            Shape::Table(table) => format!("{} columns", table.schema.len()),
            other => other.noun().to_owned(),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{:width$}  {:12} {gives}{from}{}", stage.id, stage.kind.name, takes(told));
    }
    text
}

/// `; at most 1,000 rows, 2.0 MiB of memory`
fn takes(told: &Estimate) -> String {
    let mut words: Vec<String> = told.rows.map(|rows| format!("{} rows", digits::whole(rows))).into_iter().collect();
    words.extend((told.memory > 0).then(|| format!("{} of memory", digits::bytes(told.memory))));
    words.extend((told.disk > 0).then(|| format!("{} of disk", digits::bytes(told.disk))));
    if words.is_empty() { String::new() } else { format!("; at most {}", words.join(", ")) }
}

fn mermaid(plan: &Plan) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for (at, stage) in plan.stages.iter().enumerate() {
        let label = format!("{} · {}", stage.kind.name, stage.id).replace('"', "#quot;");
        let _ = writeln!(text, "    s{at}[\"{label}\"]");
        for input in &stage.inputs {
            let _ = writeln!(text, "    s{input} --> s{at}");
        }
    }
    text
}

fn describe(stage: &PlannedStage, table: &TableShape) -> String {
    let mut text = format!("{} ({}), line {}\n\ncolumns\n", stage.id, stage.kind.name, stage.definition.place.line());
    let width = table.schema.names().map(str::len).max().unwrap_or(0);
    for field in table.schema.fields() {
        let _ = writeln!(text, "  {:width$}  {}", field.name, field.data_type);
    }
    text.push_str("\nrows\n");
    outline(&table.relation, 1, &mut text);
    text
}

/// The plan as an outline, what happens last first.
fn outline(relation: &Relation, depth: usize, text: &mut String) {
    let line = match relation {
        Relation::Tap { input, tap } if tap.point == "out" => {
            let _ = writeln!(text, "{}stage {}", "  ".repeat(depth), tap.stage);
            return outline(input, depth + 1, text);
        }
        Relation::Tap { input, .. } => return outline(input, depth, text),
        Relation::Scan(scan) => format!("scan {} ({} columns)", scan.source.describe(), scan.schema.len()),
        Relation::Project { columns, .. } => {
            let computed: Vec<&str> = columns
                .iter()
                .filter(|column| !matches!(&column.expr.kind, crate::expression::ExprKind::Column(name) if *name == column.name))
                .map(|column| column.name.as_str())
                .collect();
            match computed.as_slice() {
                [] => format!("project {} columns", columns.len()),
                names => format!("project {} columns, computing {}", columns.len(), names.join(", ")),
            }
        }
        Relation::Filter { predicate, .. } => {
            let condition = sql::print_expression(predicate, Dialect::DuckDb).unwrap_or_default();
            format!("filter {condition}")
        }
        Relation::Join(join) => {
            let keys: Vec<String> = join.on.iter().map(|(ours, theirs)| format!("{ours} = {theirs}")).collect();
            format!("{:?} join on {}", join.kind, keys.join(" and ")).to_lowercase()
        }
        Relation::Union { inputs } => format!("union of {}", inputs.len()),
        Relation::Aggregate { keys, aggregates, .. } => {
            let names = |columns: &[crate::relation::NamedExpr]| {
                columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(", ")
            };
            format!("aggregate {} by {}", names(aggregates), names(keys))
        }
        Relation::Deduplicate { keys, keep, .. } => {
            format!("deduplicate by {}, keep {keep:?}", keys.join(", ")).to_lowercase()
        }
        Relation::Sort { keys, .. } => format!("sort by {} keys", keys.len()),
        Relation::Limit { offset, rows, .. } => format!("limit {rows} rows after {offset}"),
        Relation::RowIndex { name, .. } => format!("number the rows as {name}"),
        Relation::Explode { columns, .. } => format!("a row for each element of {}", columns.join(", ")),
        Relation::Learning { .. } => "rows as they are learned from; new rows are treated apart".to_owned(),
    };
    let _ = writeln!(text, "{}{line}", "  ".repeat(depth));
    for input in relation.inputs() {
        outline(input, depth + 1, text);
    }
}

fn lineage(stage: &PlannedStage, table: &TableShape, column: &str) -> Result<String, Failure> {
    let Some(lineage) = table.relation.lineage(column) else {
        let finding = Diagnostic::definition(format!("`{}` has no column `{column}`", stage.id));
        return Err(match nearest(column, table.schema.names()) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding,
        }
        .into());
    };
    let mut text = format!("{}.{column}\n", stage.id);
    if lineage.origins.is_empty() {
        text.push_str("  depends on no column of a file\n");
    }
    for (file, name) in &lineage.origins {
        let _ = writeln!(text, "  from {file}: {name}");
    }
    if !lineage.stages.is_empty() {
        let _ = writeln!(text, "  through {}", lineage.stages.join(" -> "));
    }
    Ok(text)
}
