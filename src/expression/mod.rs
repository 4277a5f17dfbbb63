//! Expressions: SQL text becomes a typed tree that every engine reads alike.
//!
//! ```text
//! SQL text --parse--> syntax with places --bind(schema)--> Expr (typed, coercions explicit) --engine--> values
//! ```
//!
//! [`compile_scalar`], [`compile_predicate`] and [`compile_aggregate`] do both steps and check what kind of value comes
//! out; [`compose`] builds typed trees without SQL, by the same rules.

mod bind;
mod coercion;
pub mod compose;
mod constant;
mod data_type;
mod error;
mod function;
pub mod functions;
mod parse;
mod schema;
mod signature;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
mod tree;

pub use bind::{bind, compile, compile_aggregate, compile_aggregate_by, compile_predicate, compile_scalar};
pub use coercion::supertype;
pub use constant::check_file_layout;
pub use data_type::{DataType, Field};
pub use error::ExpressionError;
pub use function::{Family, Function};
pub use functions::{Declaration, Example, Parameter, Signature};
pub use parse::{Syntax, parse};
pub use schema::Schema;
pub use tree::{Aggregate, BinaryOperator, Expr, ExprKind, Frame, Literal, SortKey, Span, UnaryOperator, Window};
