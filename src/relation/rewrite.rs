//! Relations made from relations: parts replaced, taps taken out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{FileFormat, FileScan, Join, NamedExpr, Relation, Scan, ScanSource, SortKey, Tap};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Function, Literal};

/// What stages learned or made, by the keys under which relations name it.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bindings {
    /// Learned constants by `stage.what.column`.
    pub literals: BTreeMap<String, Literal>,
    /// Tables made by stages, as Parquet files, by `stage.what`.
    pub artifacts: BTreeMap<String, std::path::PathBuf>,
    /// Files that were converted before they can be read, by the fingerprint of the scan that named them.
    pub files: BTreeMap<String, PreparedFiles>,
}

/// Files that a stage converted, in the place of those that were named.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PreparedFiles {
    /// The converted files.
    pub paths: Vec<std::path::PathBuf>,
    /// Their names as the user knows them, in the same order.
    pub names: Vec<String>,
    /// How they are read.
    pub format: FileFormat,
}

impl PreparedFiles {
    /// The scan of these files; a column of file names shows the names that the user knows.
    fn scan(&self, scan: &Scan, files: &FileScan) -> Relation {
        let prepared = FileScan { paths: self.paths.clone(), format: self.format.clone(), ..files.clone() };
        let relation = Relation::Scan(Scan { source: ScanSource::Files(prepared), schema: scan.schema.clone() });
        let Some(filename) = &files.filename else { return relation };
        let columns = scan.schema.fields().iter().map(|field| {
            let value = Expr::column(&field.name, field.data_type.clone());
            let expr = if field.name == *filename { self.original_name(value) } else { value };
            NamedExpr { name: field.name.clone(), expr }
        });
        let columns = columns.collect();
        Relation::Project { input: Arc::new(relation), columns }
    }

    fn original_name(&self, value: Expr) -> Expr {
        let is = |path: &std::path::PathBuf| {
            let path = Expr::string(path.display().to_string());
            Expr::binary(BinaryOperator::Equal, value.clone(), path, DataType::Boolean)
        };
        let pairs = self.paths.iter().zip(&self.names);
        let branches = pairs.map(|(path, name)| (is(path), Expr::string(name))).collect();
        let kind = ExprKind::Case { branches, otherwise: Some(Box::new(value.clone())) };
        Expr::new(kind, DataType::String)
    }
}

impl Relation {
    /// The relation with other inputs, in the order of [`Relation::inputs`].
    fn map_inputs(&self, map: &mut impl FnMut(&Arc<Relation>) -> Arc<Relation>) -> Relation {
        let mut copy = self.clone();
        match &mut copy {
            Self::Scan(_) => {}
            Self::Project { input, .. }
            | Self::Filter { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Deduplicate { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::RowIndex { input, .. }
            | Self::Explode { input, .. }
            | Self::Tap { input, .. } => *input = map(input),
            Self::Learning { rows, replay } => {
                *rows = map(rows);
                *replay = map(replay);
            }
            Self::Join(join) => {
                join.left = map(&join.left);
                join.right = map(&join.right);
            }
            Self::Union { inputs } => *inputs = inputs.iter().map(map).collect(),
        }
        copy
    }

    /// The relation with every expression changed by `change`.
    fn change_expressions(&mut self, change: &mut impl FnMut(&mut Expr)) {
        let columns = |columns: &mut Vec<NamedExpr>, change: &mut dyn FnMut(&mut Expr)| {
            columns.iter_mut().for_each(|column| change(&mut column.expr));
        };
        let keys = |keys: &mut Vec<SortKey>, change: &mut dyn FnMut(&mut Expr)| {
            keys.iter_mut().for_each(|key| change(&mut key.expr));
        };
        match self {
            Self::Project { columns: named, .. } => columns(named, change),
            Self::Filter { predicate, .. } => change(predicate),
            Self::Aggregate { keys, aggregates, .. } => {
                columns(keys, change);
                columns(aggregates, change);
            }
            Self::Deduplicate { order_by, .. } => keys(order_by, change),
            Self::Sort { keys: by, .. } => keys(by, change),
            Self::Tap { tap, .. } => {
                let mut copy = Tap::clone(tap);
                columns(&mut copy.counters, change);
                for sample in &mut copy.samples {
                    change(&mut sample.when);
                    columns(&mut sample.columns, change);
                }
                *tap = Arc::new(copy);
            }
            Self::Scan(_)
            | Self::Join(_)
            | Self::Union { .. }
            | Self::Limit { .. }
            | Self::RowIndex { .. }
            | Self::Explode { .. }
            | Self::Learning { .. } => {}
        }
    }

    /// The relation without taps: what it means.
    pub fn without_taps(&self) -> Relation {
        match self {
            Self::Tap { input, .. } => input.without_taps(),
            other => other.map_inputs(&mut |input| Arc::new(input.without_taps())),
        }
    }

    /// The relation with the taps of one stage left out, because they counted already.
    pub fn without_taps_of(&self, counted: &dyn Fn(&Tap) -> bool) -> Relation {
        match self {
            Self::Tap { input, tap } if counted(tap) => input.without_taps_of(counted),
            other => other.map_inputs(&mut |input| Arc::new(input.without_taps_of(counted))),
        }
    }

    /// The relation with rows that are held somewhere in the place of the tap that counted them.
    pub fn replace_taps(&self, replace: &dyn Fn(&Tap) -> Option<Arc<Relation>>) -> Arc<Relation> {
        if let Self::Tap { tap, .. } = self
            && let Some(held) = replace(tap)
        {
            return held;
        }
        Arc::new(self.map_inputs(&mut |input| input.replace_taps(replace)))
    }

    /// The relation with every scan replaced for which `replace` has something better.
    pub fn replace_scans(&self, replace: &mut dyn FnMut(&Scan) -> Option<Arc<Relation>>) -> Arc<Relation> {
        if let Self::Scan(scan) = self {
            return replace(scan).unwrap_or_else(|| Arc::new(self.clone()));
        }
        Arc::new(self.map_inputs(&mut |input| input.replace_scans(replace)))
    }

    /// The relation with learned constants and made tables in the places that name them.
    ///
    /// Errors: the first key that nothing was bound to.
    pub fn bind(&self, bindings: &Bindings) -> Result<Arc<Relation>, String> {
        let mut missing = None;
        let bound = self.bind_into(bindings, &mut missing);
        missing.map_or(Ok(bound), Err)
    }

    fn bind_into(&self, bindings: &Bindings, missing: &mut Option<String>) -> Arc<Relation> {
        let mut relation = self.map_inputs(&mut |input| input.bind_into(bindings, missing));
        relation.change_expressions(&mut |root| {
            root.visit_mut(&mut |expr| {
                if let ExprKind::Fitted(key) = &expr.kind {
                    match bindings.literals.get(key) {
                        Some(literal) => expr.kind = ExprKind::Literal(literal.clone()),
                        None => *missing = Some(key.clone()),
                    }
                }
            });
        });
        if let Self::Scan(scan) = &relation
            && let ScanSource::Files(files) = &scan.source
            && let Some(prepared) = bindings.files.get(&files.fingerprint)
        {
            return Arc::new(prepared.scan(scan, files));
        }
        if let Self::Scan(scan) = &mut relation
            && let ScanSource::Artifact(key) = &scan.source
        {
            match bindings.artifacts.get(key) {
                Some(path) => {
                    scan.source = ScanSource::Files(FileScan {
                        paths: vec![path.clone()],
                        format: FileFormat::Parquet,
                        file_schema: scan.schema.clone(),
                        filename: None,
                        rows: None,
                        fingerprint: String::new(),
                    });
                }
                None => *missing = Some(key.clone()),
            }
        }
        Arc::new(relation)
    }

    /// The keys of learned constants and made tables that the relation names.
    pub fn unbound(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut copy = self.clone();
        copy.collect_unbound(&mut keys);
        keys.sort();
        keys.dedup();
        keys
    }

    fn collect_unbound(&mut self, keys: &mut Vec<String>) {
        if let Self::Scan(Scan { source: ScanSource::Artifact(key), .. }) = self {
            keys.push(key.clone());
        }
        self.change_expressions(&mut |root| {
            root.visit(&mut |expr| {
                if let ExprKind::Fitted(key) = &expr.kind {
                    keys.push(key.clone());
                }
            });
        });
        for input in self.inputs() {
            input.clone().collect_unbound(keys);
        }
    }

    /// The relation that computes only `columns` for rows as they come: nodes that drop, order or merge rows are left out.
    ///
    /// This is what a saved model replays on new rows: what was done to a row, not which rows were chosen. A join keeps its
    /// left rows; an inner join becomes a left one.
    ///
    /// Errors: what cannot be replayed row by row (an aggregate, a union), in words.
    pub fn per_row(&self, columns: &[String]) -> Result<Arc<Relation>, String> {
        let needed = |exprs: &[&NamedExpr]| -> Vec<String> {
            let mut names: Vec<String> =
                exprs.iter().flat_map(|column| column.expr.columns()).map(str::to_owned).collect();
            names.sort();
            names.dedup();
            names
        };
        match self {
            Self::Scan(scan) => {
                let fields = scan.schema.fields().iter().filter(|field| columns.contains(&field.name)).cloned();
                let schema = crate::expression::Schema::new(fields.collect()).unwrap_or_default();
                Ok(Arc::new(Self::Scan(Scan { source: scan.source.clone(), schema })))
            }
            Self::Tap { input, tap } if tap.point == Tap::GOLDEN => input.per_merged_row(columns),
            Self::Filter { input, .. }
            | Self::Deduplicate { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::Tap { input, .. } => input.per_row(columns),
            Self::Project { input, columns: named } => {
                let kept: Vec<&NamedExpr> = named.iter().filter(|column| columns.contains(&column.name)).collect();
                if let Some(column) = kept.iter().find(|column| column.expr.has_window()) {
                    return Err(format!("column `{}` looks at other rows (a window function)", column.name));
                }
                let input = input.per_row(&needed(&kept))?;
                Ok(Arc::new(Self::Project { input, columns: kept.into_iter().cloned().collect() }))
            }
            Self::Join(join) => {
                let take: Vec<(String, String)> =
                    join.take.iter().filter(|(_, ours)| columns.contains(ours)).cloned().collect();
                let mut left: Vec<String> =
                    columns.iter().filter(|name| !take.iter().any(|(_, ours)| ours == *name)).cloned().collect();
                if take.is_empty() {
                    return join.left.per_row(&left);
                }
                let mut right: Vec<String> = take.iter().map(|(theirs, _)| theirs.clone()).collect();
                let asof = join.asof.iter().map(|asof| (&asof.left, &asof.right));
                for (ours, theirs) in join.on.iter().map(|(ours, theirs)| (ours, theirs)).chain(asof) {
                    left.push(ours.clone());
                    right.push(theirs.clone());
                }
                left.sort();
                left.dedup();
                let right = keep_columns(&join.right.without_taps(), &right);
                let kind = if join.kind == super::JoinKind::Asof { join.kind } else { super::JoinKind::Left };
                let left = join.left.per_row(&left)?;
                Ok(Arc::new(Self::Join(Box::new(Join { left, right, kind, take, ..Join::clone(join) }))))
            }
            Self::Learning { replay, .. } => replay.per_row(columns),
            Self::Explode { input, columns: exploded, .. } if !columns.iter().any(|name| exploded.contains(name)) => {
                input.per_row(columns)
            }
            Self::Explode { .. } => Err("a row becomes one for each element of a list".to_owned()),
            Self::RowIndex { input, name } if !columns.contains(name) => input.per_row(columns),
            Self::RowIndex { name, .. } => Err(format!("column `{name}` is the number of the row")),
            Self::Aggregate { .. } => Err("the rows are aggregates of other rows".to_owned()),
            Self::Union { .. } => Err("the rows come from a union of tables".to_owned()),
        }
    }
}

impl Relation {
    /// [`Relation::per_row`] of an aggregate that merges rows which mean the same thing: a row alone stays as it is.
    fn per_merged_row(&self, columns: &[String]) -> Result<Arc<Relation>, String> {
        let Self::Aggregate { input, keys, aggregates } = self else { return self.per_row(columns) };
        let stays = |column: &NamedExpr| match &column.expr.kind {
            ExprKind::Aggregate(aggregate) => {
                matches!(aggregate.function, Function::ArgMin | Function::Mode | Function::Min | Function::Max)
                    && aggregate.arguments.first().is_some_and(|value| is_column(value, &column.name))
            }
            _ => is_column(&column.expr, &column.name),
        };
        let made = keys.iter().chain(aggregates).find(|column| columns.contains(&column.name) && !stays(column));
        match made {
            Some(column) => Err(format!("column `{}` is computed from all rows that mean the same thing", column.name)),
            None => input.per_row(columns),
        }
    }
}

fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, ExprKind::Column(column) if column == name)
}

/// The relation with only these of its columns.
pub fn keep_columns(relation: &Relation, names: &[String]) -> Arc<Relation> {
    let columns = relation
        .schema()
        .fields()
        .iter()
        .filter(|field| names.contains(&field.name))
        .map(|field| NamedExpr {
            name: field.name.clone(),
            expr: Expr::column(field.name.clone(), field.data_type.clone()),
        })
        .collect();
    Arc::new(Relation::Project { input: Arc::new(relation.clone()), columns })
}
