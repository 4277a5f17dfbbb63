//! Syntax to typed tree: names become columns and functions, types are checked, coercions become casts.

mod calls;
mod literals;
mod names;
mod operators;
mod refused;
mod types;
mod windows;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use std::ops::Range;

use sqlparser::ast;

use super::coercion::without_interval;
use super::{DataType, Expr, ExprKind, ExpressionError, Function, Schema, Syntax, compose, parse};

/// Deepest nesting of a typed tree.
const MAX_DEPTH: usize = 200;
/// Deepest nesting of syntax, which is bound recursively: at most 1 MiB of stack.
const MAX_NESTING: usize = 160;
/// Most nodes of a typed tree.
const MAX_NODES: usize = 20_000;

/// Binds syntax to the columns of a table.
///
/// Errors: everything that was found, in the order of the text.
pub fn bind(syntax: &Syntax, schema: &Schema) -> Result<Expr, Vec<ExpressionError>> {
    let mut binder = Binder { syntax, schema, errors: Vec::new(), depth: 0, nodes: 0, inside: Inside::Nothing };
    let bound = binder.expr(syntax.root());
    let whole = 0..syntax.text().len();
    match bound {
        Some(expr) if binder.errors.is_empty() => {
            let expr = without_interval(expr).map_err(|error| vec![error])?;
            let depth = depth(&expr);
            if depth > MAX_DEPTH {
                let message = format!("the expression is {depth} levels deep; at most {MAX_DEPTH} are allowed");
                return Err(vec![ExpressionError::new(message, whole)]);
            }
            Ok(expr)
        }
        _ => {
            if binder.errors.is_empty() {
                binder.errors.push(ExpressionError::new("the expression cannot be understood", whole));
            }
            binder.errors.sort_by_key(|error| (error.span.start, error.span.end));
            Err(binder.errors)
        }
    }
}

/// Parses and binds: any expression, with or without aggregates and window functions.
///
/// Errors: everything that was found.
pub fn compile(text: &str, schema: &Schema) -> Result<Expr, Vec<ExpressionError>> {
    let syntax = parse(text).map_err(|error| vec![error])?;
    bind(&syntax, schema)
}

/// As [`compile`], for a value per row: window functions are allowed, aggregates are not.
///
/// Errors: everything that was found.
pub fn compile_scalar(text: &str, schema: &Schema) -> Result<Expr, Vec<ExpressionError>> {
    let expr = compile(text, schema)?;
    let errors: Vec<ExpressionError> = aggregates(&expr, false)
        .map(|(name, span)| {
            ExpressionError::new(format!("`{name}` looks at many rows, but a value per row is needed here"), span)
                .help("write `over ()` behind it for the value of all rows beside each row, or use an aggregate stage")
        })
        .collect();
    if errors.is_empty() { Ok(expr) } else { Err(errors) }
}

/// As [`compile_scalar`], for a condition: it must be boolean and has no window functions.
///
/// Errors: everything that was found.
pub fn compile_predicate(text: &str, schema: &Schema) -> Result<Expr, Vec<ExpressionError>> {
    let expr = compile_scalar(text, schema)?;
    let windows: Vec<ExpressionError> = aggregates(&expr, true)
        .map(|(name, span)| {
            ExpressionError::new(format!("`{name}` over a window cannot stand in a condition"), span)
                .help("derive a column with it first and test that column")
        })
        .collect();
    if !windows.is_empty() {
        return Err(windows);
    }
    compose::as_boolean(expr, "a condition").map_err(|mut error| {
        error.message = error.message.replace("`a condition` needs a boolean", "a condition is boolean");
        vec![error]
    })
}

/// As [`compile`], for a value of many rows: columns stand inside aggregates only.
///
/// Errors: everything that was found.
pub fn compile_aggregate(text: &str, schema: &Schema) -> Result<Expr, Vec<ExpressionError>> {
    compile_aggregate_by(text, schema, &[])
}

/// As [`compile_aggregate`], where the columns that are grouped by may also stand alone.
///
/// Errors: everything that was found.
pub fn compile_aggregate_by(text: &str, schema: &Schema, keys: &[&str]) -> Result<Expr, Vec<ExpressionError>> {
    let expr = compile(text, schema)?;
    let mut errors = Vec::new();
    bare_columns(&expr, keys, &mut errors);
    if errors.is_empty() { Ok(expr) } else { Err(errors) }
}

/// Finds columns outside of aggregates that are no keys, and window functions.
fn bare_columns(expr: &Expr, keys: &[&str], errors: &mut Vec<ExpressionError>) {
    match &expr.kind {
        ExprKind::Aggregate(aggregate) if aggregate.over.is_none() => {}
        ExprKind::Aggregate(aggregate) => {
            let message = format!("`{}` over a window gives a value per row, not per group", aggregate.function.name());
            errors.push(ExpressionError::new(message, expr.span).help("derive a column with it first"));
        }
        ExprKind::Column(name) if !keys.contains(&name.as_str()) => {
            let message = format!("column `{name}` has many values in a group");
            errors.push(
                ExpressionError::new(message, expr.span)
                    .help(format!("aggregate it, such as max({name}), or group by it")),
            );
        }
        _ => {
            for child in expr.children() {
                bare_columns(child, keys, errors);
            }
        }
    }
}

/// Aggregates in the tree, those over a window or the others: their names and places.
fn aggregates(expr: &Expr, over: bool) -> impl Iterator<Item = (&'static str, super::Span)> {
    let mut found = Vec::new();
    expr.visit(&mut |expr| {
        if let ExprKind::Aggregate(aggregate) = &expr.kind
            && aggregate.over.is_some() == over
        {
            found.push((display_name(aggregate.function), expr.span));
        }
    });
    found.into_iter()
}

fn display_name(function: Function) -> &'static str {
    if function == Function::CountAll { "count(*)" } else { function.name() }
}

/// Levels of a tree.
fn depth(expr: &Expr) -> usize {
    let mut deepest = 0;
    let mut open = vec![(expr, 1)];
    while let Some((expr, level)) = open.pop() {
        deepest = deepest.max(level);
        open.extend(expr.children().into_iter().map(|child| (child, level + 1)));
    }
    deepest
}

/// What is being bound around the current node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Aggregate(Function),
    Window(Function),
}

/// Binds one expression and collects what is wrong with it. A part that is wrong gives `None`, and nothing more is said
/// about what stands around it.
struct Binder<'a> {
    syntax: &'a Syntax,
    schema: &'a Schema,
    errors: Vec<ExpressionError>,
    depth: usize,
    nodes: usize,
    inside: Inside,
}

impl Binder<'_> {
    fn expr(&mut self, syntax: &ast::Expr) -> Option<Expr> {
        if self.depth >= MAX_NESTING {
            self.report(ExpressionError::new(
                format!("the expression is nested more than {MAX_NESTING} deep"),
                self.place(syntax),
            ));
            return None;
        }
        self.depth += 1;
        self.nodes += 1;
        let bound = self.dispatch(syntax);
        self.depth -= 1;
        bound
    }

    fn exprs<'s>(&mut self, syntax: impl IntoIterator<Item = &'s ast::Expr>) -> Option<Vec<Expr>> {
        let bound: Vec<Option<Expr>> = syntax.into_iter().map(|syntax| self.expr(syntax)).collect();
        bound.into_iter().collect()
    }

    fn dispatch(&mut self, syntax: &ast::Expr) -> Option<Expr> {
        use ast::Expr as S;
        match syntax {
            S::Identifier(name) => self.column(name),
            S::CompoundIdentifier(parts) => self.qualified(parts),
            S::Value(value) => self.value(value),
            S::TypedString(typed) => self.typed_string(typed),
            S::Interval(interval) => self.interval(interval),
            S::Nested(inner) => {
                let inner = self.expr(inner)?;
                Some(self.spanned_around(inner))
            }
            S::UnaryOp { op, expr } => self.unary(op, expr, syntax),
            S::BinaryOp { .. } => self.chain(syntax),
            S::IsNull(inner) | S::IsUnknown(inner) => self.is_null(inner, false),
            S::IsNotNull(inner) | S::IsNotUnknown(inner) => self.is_null(inner, true),
            S::IsTrue(inner) => self.is_boolean(inner, true, false),
            S::IsNotTrue(inner) => self.is_boolean(inner, true, true),
            S::IsFalse(inner) => self.is_boolean(inner, false, false),
            S::IsNotFalse(inner) => self.is_boolean(inner, false, true),
            S::IsDistinctFrom(left, right) => self.distinct(left, right, true),
            S::IsNotDistinctFrom(left, right) => self.distinct(left, right, false),
            S::In { expr, target: ast::InTarget::List(list), negated, global: false } => {
                self.in_list(expr, list, *negated, syntax)
            }
            S::Between { expr, negated, low, high } => self.between(expr, low, high, *negated),
            S::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_deref(), false, *negated)
            }
            S::ILike { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_deref(), true, *negated)
            }
            S::SimilarTo { negated, expr, pattern, escape_char: None } => {
                self.matches(Function::RegexpFullMatch, expr, pattern, false, *negated)
            }
            S::RLike { negated, expr, pattern, regexp: _ } => {
                self.matches(Function::RegexpMatches, expr, pattern, false, *negated)
            }
            S::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), syntax)
            }
            S::Cast { kind, expr, data_type, format: None } => self.cast(kind, expr, data_type, syntax),
            S::AtTimeZone { timestamp, time_zone } => self.at_time_zone(timestamp, time_zone),
            S::Extract { field, expr, .. } => self.extract(field, expr),
            S::Ceil { expr, field } => self.rounded(Function::Ceil, expr, field, syntax),
            S::Floor { expr, field } => self.rounded(Function::Floor, expr, field, syntax),
            S::Position { expr, r#in } => self.form(Function::Position, &[r#in.as_ref(), expr.as_ref()]),
            S::Substring { expr, substring_from, substring_for, .. } => {
                self.substring(expr, substring_from.as_deref(), substring_for.as_deref())
            }
            S::Trim { expr, trim_where, trim_what, trim_characters } => {
                self.trim(expr, trim_where.as_ref(), trim_what.as_deref(), trim_characters.as_deref())
            }
            S::Array(array) => self.list(array),
            S::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, syntax),
            S::Function(call) => self.function(call),
            other => {
                self.refuse(refused::name(other), self.place(other));
                None
            }
        }
    }

    fn place(&self, syntax: &ast::Expr) -> Range<usize> {
        self.syntax.places().of(syntax)
    }

    /// The same node with the place of the brackets around it.
    fn spanned_around(&self, expr: Expr) -> Expr {
        let span = self.syntax.places().around(expr.span.range());
        Expr { span: span.into(), ..expr }
    }

    fn report(&mut self, error: ExpressionError) {
        self.errors.push(error);
    }

    /// Says that something is no part of the language.
    fn refuse(&mut self, what: &str, place: Range<usize>) {
        self.report(ExpressionError::new(format!("{what} cannot be used in an expression"), place));
    }

    fn check(&mut self, result: Result<Expr, ExpressionError>) -> Option<Expr> {
        match result {
            Ok(expr) => Some(expr),
            Err(error) => {
                self.report(error);
                None
            }
        }
    }

    /// Copies of an expression that the typed tree needs more than once; refused when the tree grows out of bounds, which
    /// nested copies do quickly.
    fn copies(&mut self, expr: &Expr, count: usize) -> Option<Vec<Expr>> {
        let mut size = 0;
        expr.visit(&mut |_| size += 1);
        self.nodes += size * count;
        if self.nodes > MAX_NODES {
            let message = format!("the expression has more than {MAX_NODES} parts when it is written out");
            self.report(ExpressionError::new(message, expr.span).help("derive this part as a column first"));
            return None;
        }
        Some(vec![expr.clone(); count])
    }

    fn negated(expr: Expr, negated: bool) -> Expr {
        let span = expr.span;
        if negated { Expr { span, ..expr.not() } } else { expr }
    }

    fn data_type(&mut self, data_type: &ast::DataType, place: Range<usize>) -> Option<DataType> {
        match types::data_type(data_type) {
            Ok(data_type) => Some(data_type),
            Err(error) => {
                self.report(ExpressionError { span: place, ..error });
                None
            }
        }
    }
}
