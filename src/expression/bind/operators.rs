//! Operators and the forms that look like them.

use sqlparser::ast::{self, BinaryOperator as Written, CastKind, UnaryOperator as WrittenUnary};

use super::Binder;
use crate::expression::coercion::{widen, without_interval};
use crate::expression::{
    BinaryOperator, DataType, Expr, ExprKind, ExpressionError, Function, Literal, Span, UnaryOperator, compose,
};

/// Chains of `and` or `or` longer than this become balanced trees.
const LONGEST_CHAIN: usize = 16;

impl Binder<'_> {
    /// A chain of binary operators. The parser builds it leaning to the left; it is taken apart without recursion, because a
    /// chain may be thousands of operators long.
    pub(super) fn chain(&mut self, syntax: &ast::Expr) -> Option<Expr> {
        let mut links = Vec::new();
        let mut first = syntax;
        while let ast::Expr::BinaryOp { left, op, right } = first {
            links.push((op, right.as_ref()));
            first = left;
        }
        links.reverse();
        let mut left = self.expr(first);
        let mut links = links.into_iter().peekable();
        while let Some((operator, right)) = links.next() {
            match operator {
                // Operands of one run of `and`, `or` or `||` are bound together.
                Written::And | Written::Or | Written::StringConcat => {
                    let mut operands = vec![left, self.expr(right)];
                    while let Some((_, next)) = links.next_if(|(next, _)| *next == operator) {
                        operands.push(self.expr(next));
                    }
                    let operands: Option<Vec<Expr>> = operands.into_iter().collect();
                    left = operands.and_then(|operands| self.run(operator, operands));
                }
                _ => {
                    let right = self.expr(right);
                    left = match (left, right) {
                        (Some(left), Some(right)) => self.binary(operator, left, right),
                        _ => None,
                    };
                }
            }
        }
        left
    }

    fn run(&mut self, operator: &Written, operands: Vec<Expr>) -> Option<Expr> {
        if *operator == Written::StringConcat {
            return self.concatenation(operands);
        }
        let operator = if *operator == Written::And { BinaryOperator::And } else { BinaryOperator::Or };
        let mut checked = Vec::with_capacity(operands.len());
        for operand in operands {
            match compose::as_boolean(operand, compose::symbol(operator)) {
                Ok(operand) => checked.push(operand),
                Err(error) => self.report(error),
            }
        }
        joined(operator, checked)
    }

    /// `a || b || c`: of texts, or of lists.
    fn concatenation(&mut self, operands: Vec<Expr>) -> Option<Expr> {
        let lists = operands.iter().any(|operand| operand.data_type.element().is_some());
        let function = if lists { Function::ListConcat } else { Function::Concat };
        self.check(compose::function(function, operands))
    }

    fn binary(&mut self, operator: &Written, left: Expr, right: Expr) -> Option<Expr> {
        let span = left.span.union(right.span);
        let operator = match operator {
            Written::Plus => BinaryOperator::Add,
            Written::Minus => BinaryOperator::Subtract,
            Written::Multiply => BinaryOperator::Multiply,
            Written::Divide => BinaryOperator::Divide,
            Written::Modulo => BinaryOperator::Remainder,
            Written::Eq => BinaryOperator::Equal,
            Written::NotEq => BinaryOperator::NotEqual,
            Written::Lt => BinaryOperator::Less,
            Written::LtEq => BinaryOperator::LessOrEqual,
            Written::Gt => BinaryOperator::Greater,
            Written::GtEq => BinaryOperator::GreaterOrEqual,
            Written::DuckIntegerDivide => {
                return self.check(compose::call(Function::IntegerDivide, vec![left, right], span));
            }
            Written::PGRegexMatch => return self.regex(left, right, false, false),
            Written::PGRegexIMatch => return self.regex(left, right, true, false),
            Written::PGRegexNotMatch => return self.regex(left, right, false, true),
            Written::PGRegexNotIMatch => return self.regex(left, right, true, true),
            other => {
                let error =
                    ExpressionError::new(format!("the operator `{other}` cannot be used in an expression"), span);
                self.report(match other {
                    Written::BitwiseXor => error.help("power(x, y) raises to a power"),
                    _ => error,
                });
                return None;
            }
        };
        self.check(compose::binary(operator, left, right))
    }

    fn regex(&mut self, text: Expr, pattern: Expr, ignore_case: bool, negated: bool) -> Option<Expr> {
        let span = text.span.union(pattern.span);
        let mut arguments = vec![text, pattern];
        if ignore_case {
            arguments.push(Expr { span, ..Expr::string("i") });
        }
        let call = self.check(compose::call(Function::RegexpMatches, arguments, span))?;
        Some(Self::negated(call, negated))
    }

    pub(super) fn matches(
        &mut self,
        function: Function,
        text: &ast::Expr,
        pattern: &ast::Expr,
        ignore_case: bool,
        negated: bool,
    ) -> Option<Expr> {
        let (text, pattern) = (self.expr(text), self.expr(pattern));
        let (text, pattern) = (text?, pattern?);
        if function == Function::RegexpMatches {
            return self.regex(text, pattern, ignore_case, negated);
        }
        let call = self.check(compose::function(function, vec![text, pattern]))?;
        Some(Self::negated(call, negated))
    }

    pub(super) fn unary(&mut self, operator: &WrittenUnary, operand: &ast::Expr, syntax: &ast::Expr) -> Option<Expr> {
        match operator {
            WrittenUnary::Minus => {
                if let ast::Expr::Value(value) = operand
                    && matches!(value.value, ast::Value::Number(..))
                {
                    return self.negative_number(value);
                }
                let operand = self.expr(operand)?;
                if let ExprKind::Literal(Literal::Interval { months, days, microseconds }) = &operand.kind {
                    let negative = (months.checked_neg(), days.checked_neg(), microseconds.checked_neg());
                    let (Some(months), Some(days), Some(microseconds)) = negative else {
                        return self.check(Err(ExpressionError::new("the interval is too long", operand.span)));
                    };
                    let literal = Literal::Interval { months, days, microseconds };
                    return Some(Expr { kind: ExprKind::Literal(literal), ..operand });
                }
                self.check(compose::unary(UnaryOperator::Negate, operand))
            }
            WrittenUnary::Plus => {
                let operand = self.expr(operand)?;
                if operand.data_type.is_numeric() || operand.data_type == DataType::Null {
                    return Some(operand);
                }
                let message = format!("`+` before a value does not work on {}", operand.data_type);
                self.check(Err(ExpressionError::new(message, operand.span)))
            }
            WrittenUnary::Not => {
                let operand = self.expr(operand)?;
                self.check(compose::unary(UnaryOperator::Not, operand))
            }
            other => {
                self.refuse(&format!("the operator `{other}`"), self.place(syntax));
                None
            }
        }
    }

    pub(super) fn is_null(&mut self, inner: &ast::Expr, negated: bool) -> Option<Expr> {
        let inner = self.expr(inner)?;
        let inner = self.check(without_interval(inner))?;
        let span = inner.span;
        Some(Self::negated(Expr { span, ..inner.is_null() }, negated))
    }

    /// `x is true` is never null.
    pub(super) fn is_boolean(&mut self, inner: &ast::Expr, value: bool, negated: bool) -> Option<Expr> {
        let inner = self.expr(inner)?;
        let asks = if value { "is true" } else { "is false" };
        let inner = self.check(compose::as_boolean(inner, asks))?;
        let operator = if negated { BinaryOperator::IsDistinctFrom } else { BinaryOperator::IsNotDistinctFrom };
        self.check(compose::binary(operator, inner, Expr::boolean(value)))
    }

    pub(super) fn distinct(&mut self, left: &ast::Expr, right: &ast::Expr, distinct: bool) -> Option<Expr> {
        let (left, right) = (self.expr(left), self.expr(right));
        let operator = if distinct { BinaryOperator::IsDistinctFrom } else { BinaryOperator::IsNotDistinctFrom };
        self.check(compose::binary(operator, left?, right?))
    }

    pub(super) fn in_list(
        &mut self,
        value: &ast::Expr,
        list: &[ast::Expr],
        negated: bool,
        syntax: &ast::Expr,
    ) -> Option<Expr> {
        let (value, elements) = (self.expr(value), self.exprs(list));
        let (value, elements) = (value?, elements?);
        if elements.is_empty() {
            self.report(ExpressionError::new("the list of `in` is empty", self.place(syntax)));
            return None;
        }
        let contained = self.check(compose::in_list(value, elements))?;
        Some(Self::negated(contained, negated))
    }

    pub(super) fn between(
        &mut self,
        value: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
        negated: bool,
    ) -> Option<Expr> {
        let (value, low, high) = (self.expr(value), self.expr(low), self.expr(high));
        let (value, low, high) = (value?, low?, high?);
        self.copies(&value, 1)?;
        let between = self.check(compose::between(value, low, high))?;
        Some(Self::negated(between, negated))
    }

    pub(super) fn like(
        &mut self,
        text: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::Expr>,
        ignore_case: bool,
        negated: bool,
    ) -> Option<Expr> {
        let asks = if ignore_case { "ilike" } else { "like" };
        let (text, pattern) = (self.expr(text), self.expr(pattern));
        let escape = match escape {
            Some(escape) => Some(self.escape(escape)?),
            None => None,
        };
        let (text, pattern) = (text?, pattern?);
        let span = text.span.union(pattern.span);
        if !matches!(text.data_type, DataType::String | DataType::Null) {
            let message = format!("`{asks}` looks at text, not at {}", text.data_type);
            self.report(ExpressionError::new(message, text.span).help("write cast(.. as varchar)"));
            return None;
        }
        let ExprKind::Literal(Literal::String(literal)) = &pattern.kind else {
            self.report(
                ExpressionError::new(format!("the pattern of `{asks}` must be a literal"), pattern.span).help(
                    "contains(text, part), starts_with(text, part) and ends_with(text, part) take computed texts",
                ),
            );
            return None;
        };
        if let Some(escape) = escape
            && ends_escaped(literal, escape)
        {
            self.report(ExpressionError::new("the pattern ends with its escape character", pattern.span));
            return None;
        }
        let pattern = literal.clone();
        let text = self.check(widen(text, &DataType::String))?;
        let kind = ExprKind::Like { text: Box::new(text), pattern, ignore_case, escape };
        Some(Self::negated(Expr { kind, data_type: DataType::Boolean, span }, negated))
    }

    fn escape(&mut self, escape: &ast::Expr) -> Option<char> {
        if let ast::Expr::Value(value) = escape
            && let ast::Value::SingleQuotedString(text) = &value.value
        {
            let mut chars = text.chars();
            if let (Some(escape), None) = (chars.next(), chars.next()) {
                return Some(escape);
            }
        }
        self.report(ExpressionError::new("`escape` names one character", self.place(escape)));
        None
    }

    pub(super) fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        whens: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        syntax: &ast::Expr,
    ) -> Option<Expr> {
        let span = Span::from(self.place(syntax));
        let bound_operand = operand.map(|operand| self.expr(operand));
        let bound: Vec<(Option<Expr>, Option<Expr>)> =
            whens.iter().map(|when| (self.expr(&when.condition), self.expr(&when.result))).collect();
        let bound_otherwise = otherwise.map(|otherwise| self.expr(otherwise));
        let mut branches = Vec::with_capacity(bound.len());
        for (condition, value) in bound {
            branches.push((condition?, value?));
        }
        let otherwise = match bound_otherwise {
            Some(otherwise) => Some(otherwise?),
            None => None,
        };
        if let Some(operand) = bound_operand {
            let copies = self.copies(&operand?, branches.len())?;
            for (copy, branch) in copies.into_iter().zip(&mut branches) {
                let compared = compose::binary(BinaryOperator::Equal, copy, branch.0.clone());
                branch.0 = self.check(compared)?;
            }
        }
        let case = self.check(compose::case(branches, otherwise))?;
        Some(Expr { span, ..case })
    }

    pub(super) fn cast(
        &mut self,
        kind: &CastKind,
        value: &ast::Expr,
        to: &ast::DataType,
        syntax: &ast::Expr,
    ) -> Option<Expr> {
        let bound = self.expr(value);
        let inner = bound.as_ref().map_or_else(|| self.place(syntax), |expr| expr.span.range());
        let place = match kind {
            CastKind::DoubleColon => inner,
            CastKind::Cast | CastKind::TryCast | CastKind::SafeCast => self.syntax.places().around(inner),
        };
        let to = self.data_type(to, place.clone());
        let strict = matches!(kind, CastKind::Cast | CastKind::DoubleColon);
        let cast = self.check(compose::cast(bound?, to?, strict))?;
        Some(Expr { span: place.into(), ..cast })
    }

    pub(super) fn at_time_zone(&mut self, value: &ast::Expr, zone: &ast::Expr) -> Option<Expr> {
        let (value, zone) = (self.expr(value), self.expr(zone));
        let (value, zone) = (value?, zone?);
        let value = match value.data_type {
            DataType::Date => self.check(compose::cast(value, DataType::Datetime(None), true))?,
            _ => value,
        };
        self.check(compose::function(Function::AtTimeZone, vec![value, zone]))
    }
}

/// `a and b and ..`: leaning to the left when short, balanced when long, so that depth stays small.
fn joined(operator: BinaryOperator, mut operands: Vec<Expr>) -> Option<Expr> {
    if operands.len() > LONGEST_CHAIN {
        let right = operands.split_off(operands.len() / 2);
        return Some(pair(operator, joined(operator, operands)?, joined(operator, right)?));
    }
    operands.into_iter().reduce(|left, right| pair(operator, left, right))
}

fn pair(operator: BinaryOperator, left: Expr, right: Expr) -> Expr {
    let span = left.span.union(right.span);
    Expr { span, ..Expr::binary(operator, left, right, DataType::Boolean) }
}

/// Whether the last character of a pattern is an escape without anything to escape.
fn ends_escaped(pattern: &str, escape: char) -> bool {
    let mut escaped = false;
    for character in pattern.chars() {
        escaped = !escaped && character == escape;
    }
    escaped
}
