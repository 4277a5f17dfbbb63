//! The typed tree of an expression. Every coercion is an explicit [`ExprKind::Cast`], so that engines never coerce by themselves.

use serde::{Deserialize, Serialize};

use super::{DataType, Function};

/// A range of bytes in the SQL text from which a node was parsed. It is no part of the meaning: equality and hashes skip it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A typed expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of its value.
    pub data_type: DataType,
    /// Where it stands in the SQL text.
    #[serde(skip)]
    pub span: Span,
}

/// What an expression computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExprKind {
    /// The value of a column.
    Column(String),
    /// A constant.
    Literal(Literal),
    /// A constant that a stage learns when it runs, named `stage.what.column`; replaced by a literal before an engine sees it.
    Fitted(String),
    /// `-x`, `not x`.
    Unary(UnaryOperator, Box<Expr>),
    /// `x + y`, `x and y`, `x < y`, .. Both sides have one type already, except for datetime arithmetic with an interval.
    Binary(BinaryOperator, Box<Expr>, Box<Expr>),
    /// `x is null`; never null itself.
    IsNull(Box<Expr>),
    /// `x in (a, b)` over expressions of the type of `x`. Null when `x` is null, or when nothing matches and an element is null.
    InList(Box<Expr>, Vec<Expr>),
    /// `x like 'pattern'`: `%` any text, `_` one character, `escape` before either takes it literally.
    Like {
        /// The text looked at.
        text: Box<Expr>,
        /// The pattern as written.
        pattern: String,
        /// Whether case is ignored (`ilike`).
        ignore_case: bool,
        /// The escaping character, if one was named.
        escape: Option<char>,
    },
    /// `case when c1 then v1 .. else v end`; `case x when a ..` is turned into this form. A null condition counts as false.
    Case {
        /// Conditions with their values.
        branches: Vec<(Expr, Expr)>,
        /// The value when no condition holds; null when absent.
        otherwise: Option<Box<Expr>>,
    },
    /// Conversion to [`Expr::data_type`]: `cast` (strict: an impossible value is an error) or `try_cast` (it becomes null).
    Cast {
        /// What is converted.
        value: Box<Expr>,
        /// Whether an impossible value is an error.
        strict: bool,
    },
    /// A scalar function applied row by row.
    Call(Function, Vec<Expr>),
    /// An aggregate of many rows, or with `over` a window function.
    Aggregate(Box<Aggregate>),
    /// A function of the row's values that a stage learns and the language has no name for (an isolation forest, the most
    /// similar rows): `state` is a fitted text, which `statistics::row_function` reads.
    Learned {
        /// What was learned, as text.
        state: Box<Expr>,
        /// Numbers in float64, or texts.
        arguments: Vec<Expr>,
    },
}

/// A call of an aggregate or window function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Which function; of the aggregate or window family.
    pub function: Function,
    /// Its arguments, coerced.
    pub arguments: Vec<Expr>,
    /// `count(distinct x)`.
    pub distinct: bool,
    /// `filter (where ..)`: rows for which this is not true are left out.
    pub filter: Option<Expr>,
    /// `order by` inside the call (`list(x order by t)`).
    pub order_by: Vec<SortKey>,
    /// `over (..)`.
    pub over: Option<Window>,
}

/// `over (partition by .. order by .. rows ..)`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Rows with equal keys form a partition; none: all rows do.
    pub partition_by: Vec<Expr>,
    /// Order within the partition; ties keep the order of the input.
    pub order_by: Vec<SortKey>,
    /// Which rows around the current one count.
    pub frame: Frame,
}

/// The frame of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// The whole partition: the default without `order by`.
    #[default]
    Partition,
    /// `rows between unbounded preceding and current row`: the default with `order by` (rows, not peers: the decision is written in the language's page).
    ToCurrentRow,
}

/// One key of an order. Nulls come last unless said otherwise, in both directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SortKey {
    /// The value compared.
    pub expr: Expr,
    /// Largest first.
    pub descending: bool,
    /// Nulls before all values.
    pub nulls_first: bool,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Literal {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// An integer; the node's type says how wide.
    Integer(i64),
    /// A floating-point number.
    Float(#[serde(with = "float_text")] f64),
    /// Text.
    String(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Nanoseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01 00:00, on the wall clock or, when the node's type has a zone, in UTC.
    Datetime(i64),
    /// Microseconds.
    Duration(i64),
    /// Calendar interval.
    Interval {
        /// Whole months (a year is 12).
        months: i32,
        /// Days (a week is 7).
        days: i32,
        /// The rest.
        microseconds: i64,
    },
}

/// JSON has no infinities and no NaN, and its readers round: floats travel as the shortest text that gives them back exactly.
mod float_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnaryOperator {
    /// Arithmetic negation; overflow is an error.
    Negate,
    /// Logical negation; null stays null.
    Not,
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinaryOperator {
    /// Sum; int64 overflow is an error. Also date + interval, datetime + interval, datetime + duration.
    Add,
    /// Difference; int64 overflow is an error. Also datetime - datetime (a duration) and date - date (days as int64).
    Subtract,
    /// Product; int64 overflow is an error.
    Multiply,
    /// Real division in float64; division by zero is null.
    Divide,
    /// Remainder with the sign of the dividend; by zero null.
    Remainder,
    /// Equal; null when a side is null. NaN equals NaN and is larger than every number.
    Equal,
    /// Not equal; null when a side is null.
    NotEqual,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
    /// `is distinct from`: never null, two nulls are not distinct.
    IsDistinctFrom,
    /// `is not distinct from`: never null.
    IsNotDistinctFrom,
    /// Logical and of three values.
    And,
    /// Logical or of three values.
    Or,
}

impl Expr {
    /// A node without a place.
    pub fn new(kind: ExprKind, data_type: DataType) -> Self {
        Self { kind, data_type, span: Span::default() }
    }

    /// The value of a column of that type.
    pub fn column(name: impl Into<String>, data_type: DataType) -> Self {
        Self::new(ExprKind::Column(name.into()), data_type)
    }

    /// A constant of that type.
    pub fn literal(value: Literal, data_type: DataType) -> Self {
        Self::new(ExprKind::Literal(value), data_type)
    }

    /// An int64 constant.
    pub fn integer(value: i64) -> Self {
        Self::literal(Literal::Integer(value), DataType::Int64)
    }

    /// A float64 constant.
    pub fn float(value: f64) -> Self {
        Self::literal(Literal::Float(value), DataType::Float64)
    }

    /// A text constant.
    pub fn string(value: impl Into<String>) -> Self {
        Self::literal(Literal::String(value.into()), DataType::String)
    }

    /// A boolean constant.
    pub fn boolean(value: bool) -> Self {
        Self::literal(Literal::Boolean(value), DataType::Boolean)
    }

    /// A constant that stage `key` learns.
    pub fn fitted(key: impl Into<String>, data_type: DataType) -> Self {
        Self::new(ExprKind::Fitted(key.into()), data_type)
    }

    /// `left operator right` of that type.
    pub fn binary(operator: BinaryOperator, left: Expr, right: Expr, data_type: DataType) -> Self {
        Self::new(ExprKind::Binary(operator, Box::new(left), Box::new(right)), data_type)
    }

    /// `left and right`.
    pub fn and(self, right: Expr) -> Self {
        Self::binary(BinaryOperator::And, self, right, DataType::Boolean)
    }

    /// `not self`.
    #[expect(clippy::should_implement_trait, reason = "builds a tree; nothing is negated here")]
    pub fn not(self) -> Self {
        Self::new(ExprKind::Unary(UnaryOperator::Not, Box::new(self)), DataType::Boolean)
    }

    /// `self is null`.
    pub fn is_null(self) -> Self {
        Self::new(ExprKind::IsNull(Box::new(self)), DataType::Boolean)
    }

    /// A scalar call of that type.
    pub fn call(function: Function, arguments: Vec<Expr>, data_type: DataType) -> Self {
        Self::new(ExprKind::Call(function, arguments), data_type)
    }

    /// A plain aggregate of that type.
    pub fn aggregate(function: Function, arguments: Vec<Expr>, data_type: DataType) -> Self {
        let aggregate =
            Aggregate { function, arguments, distinct: false, filter: None, order_by: Vec::new(), over: None };
        Self::new(ExprKind::Aggregate(Box::new(aggregate)), data_type)
    }

    /// A function of the row whose state stage `key` learns.
    pub fn learned(key: impl Into<String>, arguments: Vec<Expr>, data_type: DataType) -> Self {
        let state = Box::new(Self::fitted(key, DataType::String));
        Self::new(ExprKind::Learned { state, arguments }, data_type)
    }

    /// Conversion to a type; the expression itself when it has that type already.
    pub fn cast(self, to: DataType, strict: bool) -> Self {
        if self.data_type == to {
            return self;
        }
        Self::new(ExprKind::Cast { value: Box::new(self), strict }, to)
    }

    /// The direct parts of the expression, in order.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Fitted(_) => Vec::new(),
            ExprKind::Unary(_, value) | ExprKind::IsNull(value) | ExprKind::Cast { value, .. } => vec![value],
            ExprKind::Binary(_, left, right) => vec![left, right],
            ExprKind::InList(value, list) => std::iter::once(value.as_ref()).chain(list).collect(),
            ExprKind::Like { text, .. } => vec![text],
            ExprKind::Case { branches, otherwise } => {
                branches.iter().flat_map(|(when, then)| [when, then]).chain(otherwise.as_deref()).collect()
            }
            ExprKind::Call(_, arguments) => arguments.iter().collect(),
            ExprKind::Learned { state, arguments } => std::iter::once(state.as_ref()).chain(arguments).collect(),
            ExprKind::Aggregate(aggregate) => {
                let over = aggregate.over.iter();
                aggregate
                    .arguments
                    .iter()
                    .chain(&aggregate.filter)
                    .chain(aggregate.order_by.iter().map(|key| &key.expr))
                    .chain(over.clone().flat_map(|window| &window.partition_by))
                    .chain(over.flat_map(|window| window.order_by.iter().map(|key| &key.expr)))
                    .collect()
            }
        }
    }

    /// The direct parts of the expression, in order, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Fitted(_) => Vec::new(),
            ExprKind::Unary(_, value) | ExprKind::IsNull(value) | ExprKind::Cast { value, .. } => vec![value],
            ExprKind::Binary(_, left, right) => vec![left, right],
            ExprKind::InList(value, list) => std::iter::once(value.as_mut()).chain(list).collect(),
            ExprKind::Like { text, .. } => vec![text],
            ExprKind::Case { branches, otherwise } => {
                branches.iter_mut().flat_map(|(when, then)| [when, then]).chain(otherwise.as_deref_mut()).collect()
            }
            ExprKind::Call(_, arguments) => arguments.iter_mut().collect(),
            ExprKind::Learned { state, arguments } => std::iter::once(state.as_mut()).chain(arguments).collect(),
            ExprKind::Aggregate(aggregate) => {
                let Aggregate { arguments, filter, order_by, over, .. } = aggregate.as_mut();
                let mut children: Vec<&mut Expr> = arguments.iter_mut().chain(filter.as_mut()).collect();
                children.extend(order_by.iter_mut().map(|key| &mut key.expr));
                if let Some(window) = over {
                    children.extend(window.partition_by.iter_mut());
                    children.extend(window.order_by.iter_mut().map(|key| &mut key.expr));
                }
                children
            }
        }
    }

    /// Visits the node and everything below it, parents first.
    pub fn visit<'a>(&'a self, visitor: &mut impl FnMut(&'a Expr)) {
        visitor(self);
        for child in self.children() {
            child.visit(visitor);
        }
    }

    /// Changes the node and everything below it, parents first.
    pub fn visit_mut(&mut self, visitor: &mut impl FnMut(&mut Expr)) {
        visitor(self);
        for child in self.children_mut() {
            child.visit_mut(visitor);
        }
    }

    /// The names of the columns that the value depends on, each once, in order of appearance.
    pub fn columns(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.visit(&mut |expr| {
            if let ExprKind::Column(name) = &expr.kind
                && !names.contains(&name.as_str())
            {
                names.push(name.as_str());
            }
        });
        names
    }

    /// Whether an aggregate without `over` stands in the tree.
    pub fn has_aggregate(&self) -> bool {
        let mut found = false;
        self.visit(&mut |expr| found |= matches!(&expr.kind, ExprKind::Aggregate(a) if a.over.is_none()));
        found
    }

    /// Whether a window function stands in the tree.
    pub fn has_window(&self) -> bool {
        let mut found = false;
        self.visit(&mut |expr| found |= matches!(&expr.kind, ExprKind::Aggregate(a) if a.over.is_some()));
        found
    }
}
