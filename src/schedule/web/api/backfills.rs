//! Backfills: one with its partitions, and to stop and resume it.

use axum::Extension;
use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Place, limit};
use crate::schedule::web::State;
use crate::schedule::web::access::Caller;
use crate::schedule::web::asked::{Asked, Named};
use crate::schedule::web::problem::{Problem, Result};
use crate::schedule::web::views::{Backfill, BackfillInFull, BackfillItem, Changed, Page};

/// Which partitions of a backfill.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Items {
    /// Only partitions after that place.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    after: Option<i64>,
    /// How many at most; 100, when nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Backfills of all jobs, the latest first.
#[utoipa::path(get, path = "/api/backfills", tag = "backfills", operation_id = "list_backfills", params(Place),
    responses((status = 200, description = "A page of backfills.", body = Page<Backfill>)))]
pub(crate) async fn list(state: State, Asked(place): Asked<Place>) -> Result<Json<Page<Backfill>>> {
    let (before, limit) = place.check()?;
    let page = state.ask(move |service| service.store().backfills(None, before, limit)).await?;
    Ok(Json(page.into()))
}

/// One backfill, with its partitions.
#[utoipa::path(get, path = "/api/backfills/{number}", tag = "backfills", operation_id = "show_backfill",
    params(("number" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64), Items),
    responses((status = 200, description = "The backfill.", body = BackfillInFull)))]
pub(crate) async fn show(
    state: State,
    Named(number): Named<i64>,
    Asked(asked): Asked<Items>,
) -> Result<Json<BackfillInFull>> {
    let most = limit(asked.limit)?;
    let number = known(number)?;
    if asked.after.is_some_and(|after| !(0..=super::LARGEST).contains(&after)) {
        return Err(Problem::bad("`after` is to be a place in the backfill, from 0"));
    }
    let (backfill, items) = state
        .ask(move |service| {
            let backfill = service.store().the_backfill(number)?;
            let items = service.store().backfill_items(number, asked.after, most)?;
            Ok::<_, Problem>((backfill, items))
        })
        .await?;
    let items = items.into_iter().map(BackfillItem::from).collect();
    Ok(Json(BackfillInFull { backfill: Backfill::from(backfill), items }))
}

/// Stops a backfill: nothing more is started, and what is at work goes on.
#[utoipa::path(post, path = "/api/backfills/{number}/stop", tag = "backfills", operation_id = "stop_backfill",
    params(("number" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64)),
    responses((status = 200, description = "It does not run.", body = Changed)))]
pub(crate) async fn stop(
    state: State,
    Extension(caller): Extension<Caller>,
    Named(number): Named<i64>,
) -> Result<Json<Changed>> {
    let number = known(number)?;
    let changed = state.ask(move |service| service.stop_backfill(number, &caller.who)).await?;
    Ok(Json(Changed { changed }))
}

/// Goes on with a backfill that was stopped or failed.
#[utoipa::path(post, path = "/api/backfills/{number}/resume", tag = "backfills", operation_id = "resume_backfill",
    params(("number" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64)),
    responses((status = 200, description = "It runs.", body = Changed)))]
pub(crate) async fn resume(
    state: State,
    Extension(caller): Extension<Caller>,
    Named(number): Named<i64>,
) -> Result<Json<Changed>> {
    let number = known(number)?;
    let changed = state.ask(move |service| service.resume_backfill(number, &caller.who)).await?;
    Ok(Json(Changed { changed }))
}

fn known(number: i64) -> Result<i64> {
    match super::number("number", Some(number))? {
        Some(number) => Ok(number),
        None => Err(Problem::bad("the number of a backfill is needed")),
    }
}
