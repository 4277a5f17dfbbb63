//! The style sheet, the script and the icon, served from the program under names that hold the hash of their content: a browser keeps
//! them for ever, and a newer program asks for others.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::chart::Theme;

/// A mill wheel in the colour of the reports.
const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6\" fill=\"none\" \
stroke=\"#3358cb\" stroke-width=\"2.5\"/><path d=\"M8 2v12M2 8h12\" stroke=\"#3358cb\" stroke-width=\"1.5\"/></svg>\n";

/// A file of the dashboard.
struct Asset {
    path: String,
    kind: &'static str,
    content: String,
}

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, content: String) -> Self {
        let hash = blake3::hash(content.as_bytes()).to_hex();
        let path = format!("/assets/{stem}-{}.{ending}", hash.get(..16).unwrap_or_default());
        Self { path, kind, content }
    }
}

/// The rules of reports, then those of the dashboard, then the colours of figures.
static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let report = include_str!("../../../report/style.css");
    let own = include_str!("style.css");
    let (light, dark) = (Theme::Light.css_variables(), Theme::Dark.css_variables());
    let sheet = format!(
        "{report}\n{own}\n:root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    );
    Asset::new("style", "css", "text/css; charset=utf-8", sheet.replace('\r', ""))
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("script", "js", "text/javascript; charset=utf-8", include_str!("script.js").replace('\r', ""))
});
static PICTURE: LazyLock<Asset> = LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", ICON.to_owned()));

/// Where the style sheet is.
pub(super) fn style() -> &'static str {
    &STYLE.path
}

/// Where the script is.
pub(super) fn script() -> &'static str {
    &SCRIPT.path
}

/// Where the icon is.
pub(super) fn icon() -> &'static str {
    &PICTURE.path
}

/// The route of the files. They hold no data, so they are served to everybody: the page for logging in needs them.
pub(super) fn router() -> Router {
    Router::new().route("/assets/{name}", get(serve))
}

async fn serve(Path(name): Path<String>) -> Response {
    let asked = format!("/assets/{name}");
    let Some(asset) = [&STYLE, &SCRIPT, &PICTURE].into_iter().find(|asset| asset.path == asked) else {
        return (StatusCode::NOT_FOUND, "there is no such file; load the page again\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.content.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_content() {
        let name = |content: &str| Asset::new("style", "css", "text/css", content.to_owned()).path;
        assert_ne!(name("a"), name("b"));
        assert_eq!(name("a").len(), "/assets/style-0123456789abcdef.css".len());
    }

    #[test]
    fn nothing_is_asked_of_other_machines() {
        for content in [&STYLE.content, &SCRIPT.content] {
            for refused in ["http://", "https://", "@import", "url(", "eval(", "innerHTML ="] {
                assert!(!content.contains(refused), "{refused}");
            }
        }
    }
}
