//! Joins. The right side is cut to what the result takes from it and renamed before it meets the left side, so that Polars
//! neither renames nor coalesces anything by itself.

use polars::prelude as pl;

use super::data_type::polars_type;
use super::relation::{Needed, is_needed};
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::Schema;
use crate::relation::{Asof, AsofDirection, Join, JoinKind};

/// The joined rows: the columns of the left, then those taken from the right. Left rows keep their order, and the matches of a
/// row keep the order of the right; a right join keeps the order of the right instead. Where the unmatched rows of the right
/// stand among themselves, Polars does not promise for a full join: `join_by_partitions` does those whose order matters.
///
/// `left` and `right` come with the schemas of the join's inputs; `needed` are the columns of the left that are there.
pub(super) fn join(
    join: &Join,
    left: (pl::LazyFrame, &Schema),
    right: (pl::LazyFrame, &Schema),
    needed: &Needed,
) -> Result<pl::LazyFrame, EngineError> {
    let left_schema = left.1;
    let Sides { left, right, left_keys, right_keys, asof } = Sides::new(join, left, right)?;
    let names: Vec<String> = left_schema.names().filter(|name| is_needed(needed, name)).map(str::to_owned).collect();
    let taken = || join.take.iter().map(|(_, ours)| pl::col(ours.as_str()));
    let whole_left = || names.iter().map(|name| pl::col(name.as_str()));
    let equal = |how: pl::JoinType, order: pl::MaintainOrderJoin| {
        left.clone()
            .join_builder()
            .with(right.clone())
            .how(how)
            .left_on(left_keys.iter().map(|key| pl::col(key.as_str())).collect::<Vec<_>>())
            .right_on(right_keys.iter().map(|key| pl::col(key.as_str())).collect::<Vec<_>>())
            .join_nulls(false)
            .coalesce(pl::JoinCoalesce::KeepColumns)
            .maintain_order(order)
            .finish()
    };
    // The left's columns, with keys taken from the right by `key(left, right)`.
    let keyed = |key: &dyn Fn(pl::Expr, pl::Expr) -> pl::Expr| {
        let columns = names.iter().map(|name| match left_keys.iter().position(|key| key == name) {
            Some(i) => {
                let theirs = right_keys.get(i).map_or_else(|| pl::lit(pl::NULL), |key| pl::col(key.as_str()));
                key(pl::col(name.as_str()), theirs).alias(name.as_str())
            }
            None => pl::col(name.as_str()),
        });
        columns.chain(taken()).collect::<Vec<_>>()
    };
    Ok(match (join.kind, asof) {
        (JoinKind::Inner, _) => equal(pl::JoinType::Inner, pl::MaintainOrderJoin::LeftRight)
            .select(whole_left().chain(taken()).collect::<Vec<_>>()),
        (JoinKind::Left, _) => equal(pl::JoinType::Left, pl::MaintainOrderJoin::LeftRight)
            .select(whole_left().chain(taken()).collect::<Vec<_>>()),
        (JoinKind::Right, _) => {
            equal(pl::JoinType::Right, pl::MaintainOrderJoin::RightLeft).select(keyed(&|_, theirs| theirs))
        }
        (JoinKind::Full, _) => equal(pl::JoinType::Full, pl::MaintainOrderJoin::LeftRight)
            .select(keyed(&|ours, theirs| pl::coalesce(&[ours, theirs]))),
        (JoinKind::Semi, _) => {
            equal(pl::JoinType::Semi, pl::MaintainOrderJoin::Left).select(whole_left().collect::<Vec<_>>())
        }
        (JoinKind::Anti, _) => {
            equal(pl::JoinType::Anti, pl::MaintainOrderJoin::Left).select(whole_left().collect::<Vec<_>>())
        }
        (JoinKind::Cross, _) => left
            .join_builder()
            .with(right)
            .how(pl::JoinType::Cross)
            .maintain_order(pl::MaintainOrderJoin::LeftRight)
            .finish()
            .select(whole_left().chain(taken()).collect::<Vec<_>>()),
        (JoinKind::Asof, Some((asof, right_value))) => {
            let value_type = left_schema.data_type(&asof.left).map_or(pl::DataType::Int64, polars_type);
            // A left row without a value matches nothing.
            let known = |column: pl::Expr, name: &str| {
                pl::when(pl::col(asof.left.as_str()).is_not_null())
                    .then(column)
                    .otherwise(pl::lit(pl::NULL))
                    .alias(name)
            };
            let taken = join.take.iter().map(|(_, ours)| known(pl::col(ours.as_str()), ours));
            nearest(left, right, &left_keys, &right_keys, asof, &value_type, &right_value)
                .select(whole_left().chain(taken).collect::<Vec<_>>())
        }
        (JoinKind::Asof, None) => {
            return Err(EngineError::new(Class::Stage, "an asof join needs the columns that it compares"));
        }
    })
}

/// Both inputs, the names of their keys and, for an asof join, the right's name of the compared column.
struct Sides<'a> {
    left: pl::LazyFrame,
    right: pl::LazyFrame,
    left_keys: Vec<String>,
    right_keys: Vec<String>,
    asof: Option<(&'a Asof, String)>,
}

impl<'a> Sides<'a> {
    fn new(
        join: &'a Join,
        (left, left_schema): (pl::LazyFrame, &Schema),
        (right, right_schema): (pl::LazyFrame, &Schema),
    ) -> Result<Self, EngineError> {
        let taken_name = |name: &str| left_schema.contains(name) || join.take.iter().any(|(_, ours)| ours == name);
        let own_name = |what: &str| {
            let mut name = format!("__right_{what}");
            while taken_name(&name) {
                name.push('_');
            }
            name
        };
        let same_type = |ours: &str, theirs: &str| match (left_schema.data_type(ours), right_schema.data_type(theirs)) {
            (Some(a), Some(b)) if a == b => Ok(()),
            (Some(a), Some(b)) => {
                Err(EngineError::new(Class::Stage, format!("cannot join `{ours}` ({a}) with `{theirs}` ({b})")))
            }
            _ => Err(EngineError::new(Class::Stage, format!("the join has no columns `{ours}` and `{theirs}`"))),
        };
        let mut columns = Vec::new();
        let mut right_keys = Vec::new();
        for (i, (ours, theirs)) in join.on.iter().enumerate() {
            same_type(ours, theirs)?;
            let name = own_name(&format!("key_{i}"));
            columns.push(pl::col(theirs.as_str()).alias(name.as_str()));
            right_keys.push(name);
        }
        let mut asof = None;
        if let Some(wanted) = &join.asof {
            same_type(&wanted.left, &wanted.right)?;
            let name = own_name("value");
            columns.push(pl::col(wanted.right.as_str()).alias(name.as_str()));
            asof = Some((wanted, name));
        }
        if !matches!(join.kind, JoinKind::Semi | JoinKind::Anti) {
            columns.extend(join.take.iter().map(|(theirs, ours)| pl::col(theirs.as_str()).alias(ours.as_str())));
        }
        let left_keys = join.on.iter().map(|(ours, _)| ours.clone()).collect();
        Ok(Self {
            left,
            right: if columns.is_empty() { right } else { right.select(columns) },
            left_keys,
            right_keys,
            asof,
        })
    }
}

/// The left rows in their order, each with the right row nearest in the asof order. Right rows without a value or a key match
/// nothing; what a left row without a value gets means nothing. Of equal right values the last in the order of the right wins when looking backward, the first when looking
/// forward; of two equally near ones the larger.
fn nearest(
    left: pl::LazyFrame,
    right: pl::LazyFrame,
    left_keys: &[String],
    right_keys: &[String],
    asof: &Asof,
    value_type: &pl::DataType,
    right_value: &str,
) -> pl::LazyFrame {
    const ROW: &str = "__left_row";
    const VALUE: &str = "__left_value";
    let sorted = || pl::SortMultipleOptions::default().with_maintain_order(true).with_nulls_last(true);
    let known = right_keys
        .iter()
        .fold(pl::col(right_value).is_not_null(), |all, key| all.and(pl::col(key.as_str()).is_not_null()));
    let right = right.filter(known).sort([right_value], sorted());
    // Polars 0.55.2 loses rows of the right when nulls stand among the left's datetimes, so there are none.
    let value = pl::col(asof.left.as_str()).fill_null(pl::lit(0_i32).cast(value_type.clone())).alias(VALUE);
    let left = left.with_row_index(ROW, None).with_column(value).sort([VALUE], sorted());
    let by = |keys: &[String]| (!keys.is_empty()).then(|| keys.iter().map(|key| key.as_str().into()).collect());
    let options = pl::AsOfOptions {
        strategy: match asof.direction {
            AsofDirection::Backward => pl::AsofStrategy::Backward,
            AsofDirection::Forward => pl::AsofStrategy::Forward,
            AsofDirection::Nearest => pl::AsofStrategy::Nearest,
        },
        tolerance: None,
        tolerance_str: None,
        left_by: by(left_keys),
        right_by: by(right_keys),
        allow_eq: true,
        check_sortedness: false,
    };
    left.join_builder()
        .with(right)
        .how(pl::JoinType::AsOf(Box::new(options)))
        .left_on([pl::col(VALUE)])
        .right_on([pl::col(right_value)])
        .coalesce(pl::JoinCoalesce::KeepColumns)
        .finish()
        .sort([ROW], pl::SortMultipleOptions::default())
}
