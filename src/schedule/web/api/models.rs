//! Models and outputs: which version is the current one, which were, and to restore one.

use axum::Extension;
use axum::Json;

use super::Place;
use crate::schedule::web::State;
use crate::schedule::web::access::Caller;
use crate::schedule::web::asked::{Asked, ModelName, Named, Sent};
use crate::schedule::web::problem::{Problem, Result};
use crate::schedule::web::views::{Page, Promotion, WantedVersion};

/// The current versions of all models and outputs, by name.
#[utoipa::path(get, path = "/api/models", tag = "models", operation_id = "list_models",
    responses((status = 200, description = "The current versions.", body = Vec<Promotion>)))]
pub(crate) async fn list(state: State) -> Result<Json<Vec<Promotion>>> {
    let champions = state.ask(|service| service.store().champions()).await?;
    Ok(Json(champions.into_iter().map(Promotion::from).collect()))
}

/// All verdicts on a model or output, the latest first.
#[utoipa::path(get, path = "/api/models/{name}", tag = "models", operation_id = "show_model",
    params(ModelName, Place),
    responses((status = 200, description = "A page of verdicts.", body = Page<Promotion>)))]
pub(crate) async fn show(
    state: State,
    Named(name): Named<ModelName>,
    Asked(place): Asked<Place>,
) -> Result<Json<Page<Promotion>>> {
    let (before, limit) = place.check()?;
    let page = state
        .ask(move |service| {
            let page = service.store().promotions(name.as_str(), before, limit)?;
            // An empty page far back is a page; a name that never was is none.
            let known = !page.items.is_empty() || !service.store().promotions(name.as_str(), None, 1)?.items.is_empty();
            if known { Ok(page) } else { Err(Problem::missing(format!("there is no model `{name}`"))) }
        })
        .await?;
    Ok(Json(page.into()))
}

/// One verdict, by its number.
#[utoipa::path(get, path = "/api/promotions/{number}", tag = "models", operation_id = "show_promotion",
    params(("number" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64)),
    responses((status = 200, description = "The verdict.", body = Promotion)))]
pub(crate) async fn promotion(state: State, Named(number): Named<i64>) -> Result<Json<Promotion>> {
    super::number("number", Some(number))?;
    let promotion = state.ask(move |service| service.store().the_promotion(number)).await?;
    Ok(Json(promotion.into()))
}

/// Makes an earlier version the current one again.
#[utoipa::path(post, path = "/api/models/{name}/restore", tag = "models", operation_id = "restore_model",
    params(ModelName),
    request_body(content = WantedVersion, content_type = "application/json"),
    responses((status = 200, description = "The version is the current one.", body = Promotion)))]
pub(crate) async fn restore(
    state: State,
    Extension(caller): Extension<Caller>,
    Named(name): Named<ModelName>,
    Sent(wanted): Sent<WantedVersion>,
) -> Result<Json<Promotion>> {
    let number = wanted.promotion;
    super::number("promotion", Some(number))?;
    let promotion = state
        .ask(move |service| {
            // The number alone would do; but who names one model must not change another by a slip.
            let page = service.store().promotions(name.as_str(), Some(number.saturating_add(1)), 1)?;
            if page.items.first().is_none_or(|found| found.number != number) {
                return Err(Problem::missing(format!("there is no promotion {number} of a model `{name}`")));
            }
            Ok(service.restore(number, &caller.who)?)
        })
        .await?;
    Ok(Json(promotion.into()))
}
