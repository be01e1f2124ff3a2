//! The page, as `build.rs` has put it into the binary. It answers what is no route: a file of the page, and where a
//! browser asks for a view of it, the page itself, which finds the view by its address. It sees nothing of the store.

use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::error::ApiError;

/// A file of the page.
struct File {
    path: &'static str,
    tag: &'static str,
    plain: &'static [u8],
    /// By Brotli, where that is smaller.
    packed: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// Answers what no route does.
pub(super) async fn answer(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    if method == Method::GET || method == Method::HEAD {
        match found(FILES, path, request.headers()) {
            Found::File(file) => return send(file, request.headers()),
            Found::Unbuilt => {
                return ([(CONTENT_TYPE, "text/plain; charset=utf-8")], UNBUILT).into_response();
            }
            Found::Nothing => {}
        }
    }
    ApiError::of_status(StatusCode::NOT_FOUND).into_response()
}

/// What is at an address.
enum Found {
    File(&'static File),
    Unbuilt,
    Nothing,
}

fn found(files: &'static [File], path: &str, headers: &HeaderMap) -> Found {
    let named = |name: &str| files.iter().find(|file| file.path == name);
    match named(path) {
        Some(file) => Found::File(file),
        None if is_of_api(path) || !is_view(path, headers) => Found::Nothing,
        None => named(INDEX).map_or(Found::Unbuilt, Found::File),
    }
}

/// Below these, what is unknown is an error, whoever asks.
fn is_of_api(path: &str) -> bool {
    ["/api", "/ws", "/assets"]
        .iter()
        .any(|of| path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// A browser that goes to an address says that it wants HTML; programs, scripts and pictures do not.
fn is_view(path: &str, headers: &HeaderMap) -> bool {
    let wants = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    path == "/" || wants.into_iter().any(|value| value.contains("text/html"))
}

fn send(file: &File, headers: &HeaderMap) -> Response {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_index = file.path == INDEX;
    let kept = match file.path.starts_with("/assets/") {
        // Their names change with what is in them.
        true => "public, max-age=31536000, immutable",
        false if is_index => "no-store",
        false => "no-cache",
    };
    let common = [(CACHE_CONTROL, kept), (ETAG, file.tag), (VARY, "accept-encoding")];
    if !is_index && text(IF_NONE_MATCH).split(',').any(|tag| tag.trim() == file.tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let mut response = match file.packed.filter(|_| takes_brotli(text(ACCEPT_ENCODING))) {
        Some(packed) => ([(CONTENT_ENCODING, "br")], packed).into_response(),
        None => file.plain.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in common {
        headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(kind(file.path)));
    if is_index {
        headers.insert(CONTENT_SECURITY_POLICY, axum::http::HeaderValue::from_static(POLICY));
    }
    response
}

fn takes_brotli(encodings: &str) -> bool {
    encodings.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next() == Some("br")
            && parts.all(|weight| !matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

const INDEX: &str = "/index.html";
/// Nothing from elsewhere, no script and no style in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const UNBUILT: &str = "The page is not built into this aggregator: run `make page` and build it again. The API answers; see /docs.\n";

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: File =
        File { path: "/assets/a-1.js", tag: "\"7\"", plain: b"plain", packed: Some(b"packed") };
    const HOME: File = File { path: INDEX, tag: "\"8\"", plain: b"<!doctype html>", packed: None };

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn files_are_kept_and_the_page_is_not() {
        let script = send(&SCRIPT, &headers(&[(ACCEPT_ENCODING, "gzip, br;q=0.9")]));
        assert_eq!(script.headers()[CONTENT_ENCODING], "br");
        assert!(script.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let plain = send(&SCRIPT, &headers(&[(ACCEPT_ENCODING, "gzip, br;q=0")]));
        assert!(plain.headers().get(CONTENT_ENCODING).is_none());
        let known = send(&SCRIPT, &headers(&[(IF_NONE_MATCH, "\"1\", \"7\"")]));
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        let home = send(&HOME, &headers(&[(IF_NONE_MATCH, "\"8\"")]));
        assert_eq!(
            (home.status(), &home.headers()[CACHE_CONTROL]),
            (StatusCode::OK, &"no-store".parse().unwrap())
        );
        assert!(home.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
    }

    #[test]
    fn only_a_browser_that_goes_somewhere_gets_the_page() {
        let browser = headers(&[(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")]);
        assert!(is_view("/alerts/7", &browser) && is_view("/", &HeaderMap::new()));
        assert!(!is_view("/alerts/7", &headers(&[(ACCEPT, "*/*")])));
        static FEW: [File; 2] = [SCRIPT, HOME];
        let path = |path: &str, files| match found(files, path, &browser) {
            Found::File(file) => file.path,
            Found::Unbuilt => "unbuilt",
            Found::Nothing => "nothing",
        };
        assert_eq!(path("/assets/a-1.js", &FEW), "/assets/a-1.js");
        assert_eq!((path("/alerts/7", &FEW), path("/", &FEW)), (INDEX, INDEX));
        assert_eq!((path("/assets/gone.js", &FEW), path("/api/gone", &FEW)), ("nothing", "nothing"));
        assert_eq!((path("/", &[]), path("/assets/a-1.js", &[])), ("unbuilt", "nothing"));
        assert!(is_of_api("/api/nothing") && is_of_api("/api") && is_of_api("/assets/gone.js"));
        assert!(!is_of_api("/apiary") && !is_of_api("/"));
    }
}
