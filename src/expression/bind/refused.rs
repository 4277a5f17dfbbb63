//! What SQL has and expressions here do not, by name.

use sqlparser::ast;

/// What a piece of syntax that is refused is called.
pub(super) fn name(syntax: &ast::Expr) -> &'static str {
    use ast::Expr as S;
    match syntax {
        S::Subquery(_) | S::Exists { .. } => "a subquery",
        S::In { target: ast::InTarget::Subquery(_) | ast::InTarget::Table { .. }, .. } => "a subquery",
        S::In { target: ast::InTarget::Unnest(_), .. } => "`unnest`",
        S::In { .. } => "`global in`",
        S::AnyOp { .. } => "`any`",
        S::AllOp { .. } => "`all`",
        S::Like { .. } | S::ILike { .. } => "`like any`",
        S::SimilarTo { .. } => "`escape` behind `similar to`",
        S::Cast { .. } => "`format` in a cast",
        S::Wildcard(_) | S::QualifiedWildcard(..) => "`*` outside of count(*)",
        S::Tuple(_) => "a row of values",
        S::Struct { .. } | S::Dictionary(_) => "a struct",
        S::Map(_) => "a map",
        S::Lambda(_) => "a lambda function",
        S::Named { .. } => "a named value",
        S::Collate { .. } => "`collate`",
        S::Overlay { .. } => "`overlay`",
        S::Convert { .. } => "`convert`",
        S::JsonAccess { .. } => "access to JSON",
        S::IsJson { .. } => "`is json`",
        S::IsNormalized { .. } => "`is normalized`",
        S::MatchAgainst { .. } => "`match against`",
        S::MemberOf(_) => "`member of`",
        S::GroupingSets(_) | S::Cube(_) | S::Rollup(_) => "grouping sets",
        S::OuterJoin(_) => "`(+)`",
        S::Prior(_) => "`prior`",
        S::Prefixed { .. } => "a value with a prefix",
        _ => "this",
    }
}
