//! Pages with whatever data: hostile, none, broken, a month of invented history.

mod hostile;
mod invented;
mod plain;
mod sample;

use axum::body::Body;
use axum::extract::Extension;
use axum::http::{Request, Response, StatusCode};
use tower::ServiceExt;

use sample::Sample;

use crate::schedule::service::Who;

/// Asks for a page as an administrator.
async fn get(sample: &Sample, path: &str) -> (StatusCode, String) {
    ask(sample, Who::admin("ann"), Request::get(path).body(Body::empty()).unwrap()).await
}

/// Sends a form.
async fn post(sample: &Sample, who: Who, path: &str, form: &str) -> (StatusCode, String) {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    ask(sample, who, request.body(Body::from(form.to_owned())).unwrap()).await
}

/// The status, and the text of the page or where it leads.
async fn ask(sample: &Sample, who: Who, request: Request<Body>) -> (StatusCode, String) {
    let router = super::router(sample.service.clone()).merge(super::assets()).layer(Extension(who));
    let answer: Response<Body> = router.oneshot(request).await.unwrap();
    let (status, place) = (answer.status(), answer.headers().get("location").cloned());
    if let Some(place) = place {
        return (status, place.to_str().unwrap().to_owned());
    }
    let bytes = axum::body::to_bytes(answer.into_body(), 64 << 20).await.unwrap();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

/// All pages that can be asked for by `GET`.
fn pages(job: &str, run: &str) -> Vec<String> {
    ["/", "/?q=x", "/?page=99", "/timeline", "/timeline?hours=168", "/models", "/audit", "/audit?subject=x"]
        .into_iter()
        .map(str::to_owned)
        .chain([
            format!("/jobs/{job}"),
            format!("/jobs/{job}?state=failed&before=10&year=2020"),
            format!("/runs/{run}"),
            format!("/runs/{run}/log?from=0"),
        ])
        .collect()
}
