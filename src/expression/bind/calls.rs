//! Calls of functions, and the keywords that stand for one: extract, position, substring, trim, subscripts.

use sqlparser::ast::{self, CeilFloorKind, DateTimeField, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::Binder;
use crate::diagnostic::nearest;
use crate::expression::functions::Yields;
use crate::expression::{BinaryOperator, Expr, ExpressionError, Family, Function, Span, compose, signature};

/// Functions whose value depends on when or where they are computed.
const UNREPEATABLE: [&str; 16] = [
    "now",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "today",
    "get_current_timestamp",
    "transaction_timestamp",
    "random",
    "rand",
    "uuid",
    "gen_random_uuid",
    "setseed",
    "nextval",
    "currval",
];

/// What stands between the brackets of a call.
pub(super) struct Arguments<'a> {
    pub(super) values: Vec<&'a ast::Expr>,
    /// `count(*)`.
    pub(super) star: bool,
    pub(super) distinct: bool,
    pub(super) order_by: &'a [ast::OrderByExpr],
}

impl Binder<'_> {
    pub(super) fn function(&mut self, call: &ast::Function) -> Option<Expr> {
        let name_place = self.syntax.places().of(&call.name);
        let span = Span::from(self.syntax.places().call(name_place.clone()));
        let [ast::ObjectNamePart::Identifier(name)] = call.name.0.as_slice() else {
            self.refuse("a function with a qualified name", name_place);
            return None;
        };
        let arguments = self.arguments(call, span);
        if name.value.eq_ignore_ascii_case("mod") {
            return self.modulo(&arguments?, span);
        }
        let Some(function) = Function::by_name(&name.value) else {
            self.unknown_function(&name.value, name_place);
            return None;
        };
        let arguments = arguments?;
        match function.family() {
            Family::Aggregate | Family::Window => self.aggregate(function, call, &arguments, span),
            _ => self.scalar(function, call, &arguments, span),
        }
    }

    fn unknown_function(&mut self, name: &str, place: std::ops::Range<usize>) {
        let lower = name.to_lowercase();
        let error = if UNREPEATABLE.contains(&lower.as_str()) {
            ExpressionError::new(format!("`{lower}` gives another value each time, so no run could be repeated"), place)
                .help("give the value as a parameter: --set today=2013-12-31 and date '${today}'")
        } else {
            let error = ExpressionError::new(format!("unknown function `{name}`"), place);
            let names = Function::all().iter().flat_map(|function| function.declaration().names.iter().copied());
            match nearest(name, names) {
                Some(near) => error.label(format!("did you mean `{near}`?")),
                None => error.help("`gristmill functions` lists them"),
            }
        };
        self.report(error);
    }

    /// The arguments as far as they are of a known kind.
    fn arguments<'a>(&mut self, call: &'a ast::Function, span: Span) -> Option<Arguments<'a>> {
        let mut found = Arguments { values: Vec::new(), star: false, distinct: false, order_by: &[] };
        if !matches!(call.parameters, FunctionArguments::None) {
            self.refuse("a second list of arguments", span.range());
            return None;
        }
        let list = match &call.args {
            FunctionArguments::None => return Some(found),
            FunctionArguments::Subquery(_) => {
                self.refuse("a subquery", span.range());
                return None;
            }
            FunctionArguments::List(list) => list,
        };
        found.distinct = matches!(list.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct));
        for argument in &list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => found.values.push(expr),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => found.star = true,
                FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => {
                    self.refuse("a named argument", span.range());
                    return None;
                }
                FunctionArg::Unnamed(_) => {
                    self.refuse("`*` outside of count(*)", span.range());
                    return None;
                }
            }
        }
        for clause in &list.clauses {
            match clause {
                ast::FunctionArgumentClause::OrderBy(keys) => found.order_by = keys,
                other => {
                    let clause = other.to_string().to_lowercase();
                    let word = clause.split_whitespace().next().unwrap_or_default();
                    self.refuse(&format!("`{word}` inside a call"), span.range());
                    return None;
                }
            }
        }
        Some(found)
    }

    fn scalar(&mut self, function: Function, call: &ast::Function, arguments: &Arguments, span: Span) -> Option<Expr> {
        let name = function.name();
        let extra = [
            (arguments.star, "`*`"),
            (arguments.distinct, "`distinct`"),
            (!arguments.order_by.is_empty(), "`order by`"),
            (call.filter.is_some(), "`filter`"),
            (call.over.is_some(), "`over`"),
            (call.null_treatment.is_some(), "`ignore nulls`"),
            (!call.within_group.is_empty(), "`within group`"),
        ];
        if let Some((_, what)) = extra.into_iter().find(|(given, _)| *given) {
            self.report(ExpressionError::new(format!("`{name}` looks at one row, so it takes no {what}"), span));
            return None;
        }
        let values = self.exprs(arguments.values.iter().copied())?;
        self.check(compose::call(function, values, span))
    }

    fn modulo(&mut self, arguments: &Arguments, span: Span) -> Option<Expr> {
        let values = self.exprs(arguments.values.iter().copied())?;
        match <[Expr; 2]>::try_from(values) {
            Ok([left, right]) => {
                let remainder = self.check(compose::binary(BinaryOperator::Remainder, left, right))?;
                Some(Expr { span, ..remainder })
            }
            Err(_) => {
                self.report(
                    ExpressionError::new("`mod` takes 2 arguments", span).help("it is mod(x, y), also written x % y"),
                );
                None
            }
        }
    }

    /// A keyword form such as `position(a in b)`: its place is the brackets around its parts.
    pub(super) fn form(&mut self, function: Function, parts: &[&ast::Expr]) -> Option<Expr> {
        let values = self.exprs(parts.iter().copied())?;
        self.form_of(function, values)
    }

    fn form_of(&mut self, function: Function, values: Vec<Expr>) -> Option<Expr> {
        let inner = values.iter().fold(Span::default(), |span, value| span.union(value.span));
        let span = Span::from(self.syntax.places().around(inner.range()));
        self.check(compose::call(function, values, span))
    }

    pub(super) fn rounded(
        &mut self,
        function: Function,
        value: &ast::Expr,
        field: &CeilFloorKind,
        syntax: &ast::Expr,
    ) -> Option<Expr> {
        match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => self.form(function, &[value]),
            CeilFloorKind::DateTimeField(_) => {
                self.refuse(&format!("`{} .. to`", function.name()), self.place(syntax));
                None
            }
            CeilFloorKind::Scale(_) => {
                self.report(
                    ExpressionError::new(format!("`{}` takes one argument", function.name()), self.place(syntax))
                        .help("round(x, digits) takes a number of digits"),
                );
                None
            }
        }
    }

    /// `extract(year from x)`.
    pub(super) fn extract(&mut self, field: &DateTimeField, value: &ast::Expr) -> Option<Expr> {
        let bound = self.expr(value);
        let inner = bound.as_ref().map_or_else(|| self.place(value), |expr| expr.span.range());
        let place = self.syntax.places().around(inner);
        let written = field.to_string().trim_matches('\'').to_lowercase();
        let Some(function) = extracted(&written) else {
            self.report(signature::unknown_part(&written, place.into()));
            return None;
        };
        self.check(compose::call(function, vec![bound?], place.into()))
    }

    pub(super) fn substring(
        &mut self,
        text: &ast::Expr,
        from: Option<&ast::Expr>,
        length: Option<&ast::Expr>,
    ) -> Option<Expr> {
        let mut values = vec![self.expr(text)];
        values.push(match from {
            Some(from) => self.expr(from),
            None => Some(Expr::integer(1)),
        });
        if let Some(length) = length {
            values.push(self.expr(length));
        }
        let values: Option<Vec<Expr>> = values.into_iter().collect();
        self.form_of(Function::Substring, values?)
    }

    /// `trim(both 'x' from text)` and `trim(text, 'x')`.
    pub(super) fn trim(
        &mut self,
        text: &ast::Expr,
        side: Option<&ast::TrimWhereField>,
        what: Option<&ast::Expr>,
        characters: Option<&[ast::Expr]>,
    ) -> Option<Expr> {
        let function = match side {
            Some(ast::TrimWhereField::Leading) => Function::TrimStart,
            Some(ast::TrimWhereField::Trailing) => Function::TrimEnd,
            Some(ast::TrimWhereField::Both) | None => Function::Trim,
        };
        let parts: Vec<&ast::Expr> = std::iter::once(text).chain(what).chain(characters.unwrap_or_default()).collect();
        self.form(function, &parts)
    }

    /// `list[1]`, `list[2:3]`.
    pub(super) fn access(&mut self, root: &ast::Expr, chain: &[ast::AccessExpr], syntax: &ast::Expr) -> Option<Expr> {
        let mut value = self.expr(root)?;
        for link in chain {
            value = match link {
                ast::AccessExpr::Subscript(ast::Subscript::Index { index }) => {
                    let index = self.expr(index)?;
                    let span = value.span.union(index.span);
                    self.check(compose::call(Function::ListElement, vec![value, index], span))?
                }
                ast::AccessExpr::Subscript(ast::Subscript::Slice { lower_bound, upper_bound, stride: None }) => {
                    let start = self.bound(lower_bound.as_ref(), 1)?;
                    let end = self.bound(upper_bound.as_ref(), -1)?;
                    let span = value.span.union(start.span).union(end.span);
                    self.check(compose::call(Function::ListSlice, vec![value, start, end], span))?
                }
                ast::AccessExpr::Subscript(_) => {
                    self.refuse("a step in a slice", self.place(syntax));
                    return None;
                }
                ast::AccessExpr::Dot(_) => {
                    self.refuse("a part of a struct", self.place(syntax));
                    return None;
                }
            };
        }
        Some(value)
    }

    fn bound(&mut self, bound: Option<&ast::Expr>, default: i64) -> Option<Expr> {
        match bound {
            Some(bound) => self.expr(bound),
            None => Some(Expr::integer(default)),
        }
    }
}

/// The function that gives a field of a date.
fn extracted(field: &str) -> Option<Function> {
    let function = Function::by_name(field)?;
    let takes_a_moment = function.family() == Family::Temporal
        && function.declaration().signatures.iter().all(|signature| {
            signature.parameters.len() == 1 && matches!(signature.result, Yields::Int64 | Yields::Float64)
        });
    (takes_a_moment && function != Function::FromEpoch).then_some(function)
}
