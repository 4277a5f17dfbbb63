//! The API: one file for each thing that it speaks of. Handlers translate between HTTP and the service, and decide nothing.

pub(super) mod backfills;
pub(super) mod events;
pub(super) mod health;
pub(super) mod jobs;
pub(super) mod models;
pub(super) mod openapi;
pub(super) mod output;
pub(super) mod records;
pub(super) mod runs;

use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::{Problem, Result};
use crate::schedule::store::LONGEST_PAGE;

/// How many rows a page has, when nobody says.
const PAGE: usize = 100;

/// The largest number that all programs read from JSON as it was written, 2^53 - 1.
const LARGEST: i64 = 9_007_199_254_740_991;

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
    /// Only what comes before that number: `next` of the page before.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    before: Option<i64>,
    /// How many at most; 100, when nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

impl Place {
    fn check(&self) -> Result<(Option<i64>, usize)> {
        Ok((number("before", self.before)?, limit(self.limit)?))
    }
}

/// A number of a row, as it may stand in a query.
fn number(name: &str, value: Option<i64>) -> Result<Option<i64>> {
    match value {
        Some(value) if !(1..=LARGEST).contains(&value) => {
            Err(Problem::bad(format!("`{name}` is to be a number from 1 to {LARGEST}")))
        }
        value => Ok(value),
    }
}

/// A length of a page, as it may stand in a query.
fn limit(value: Option<usize>) -> Result<usize> {
    match value {
        Some(limit) if !(1..=LONGEST_PAGE).contains(&limit) => {
            Err(Problem::bad(format!("`limit` is to be a number from 1 to {LONGEST_PAGE}")))
        }
        limit => Ok(limit.unwrap_or(PAGE)),
    }
}

/// A text of the client's that is not a name: within a length and without control characters.
fn text(name: &str, value: &str) -> Result<()> {
    match value.len() <= 1000 && !value.is_empty() && !value.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(Problem::bad(format!("`{name}` is to have 1 to 1000 bytes, and no control character"))),
    }
}
