//! The body of a request: whole, within its size and in time, or not at all.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::schedule::web::State;
use crate::schedule::web::problem::{Problem, Result};

/// Middleware: reads the body before anything else is done for the request. So no handler waits for a client, and none sees more
/// than it bears.
pub(crate) async fn body(state: State, request: Request, next: Next) -> Response {
    let limits = state.limits();
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, Body::empty())).await;
    }
    let problem = match timeout(limits.body_time, whole(body, limits.body)).await {
        Ok(Ok(bytes)) => return next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(problem)) => problem,
        Err(_) => {
            let seconds = limits.body_time.as_secs_f64();
            Problem::new(StatusCode::REQUEST_TIMEOUT, format!("the request was not there whole within {seconds} s"))
        }
    };
    // What is still to come of the body is not waited for.
    let mut response = problem.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn whole(body: Body, most: usize) -> Result<Bytes> {
    let too_large = || {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a request may have {most} bytes, and this one has more"))
    };
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let mut read = Vec::new();
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::bad("the request's body broke off"))?;
        if read.len() + chunk.len() > most {
            return Err(too_large());
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.into())
}
