//! The page for people, embedded: `web/dist/page` as it was when this binary was built.
//!
//! It answers what no other route does. Names below `assets/` hold a hash of their content and are cached for ever; the rest is
//! asked for again each time. The page's own addresses (`/`, `/login`, `/w/...`, `/share/...`) all get `index.html`, and nothing else
//! does: a mistyped address stays a 404. No inline script and no foreign host: the policy names this server and the
//! object store's address, where originals come from.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::api::problem::{Kind, Problem};
use crate::app::App;

/// A file of the page, and its compressed forms where they are smaller.
struct Asset {
    /// Without a slash in front.
    path: &'static str,
    /// Quoted, as the header has it.
    etag: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/page_assets.rs"));

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Answers what no route took.
pub async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let path = request.uri().path();
    let asset = find(ASSETS, path);
    if asset.is_none() && !is_page_route(path) {
        return Problem::not_found().into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::new(Kind::MethodNotAllowed, "pages are read with GET").into_response();
    }
    let mut response = match asset.or_else(|| find(ASSETS, "/index.html")) {
        Some(asset) => answer(asset, request.headers()),
        None => missing(),
    };
    if let Ok(policy) = HeaderValue::try_from(policy(&app.urls.s3, app.config.map.tiles_origin())) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// `s3_url` is where originals and videos are redirected to; `tiles` the server of the map's background, when the operator named one.
fn policy(s3_url: &str, tiles: Option<String>) -> String {
    let tiles = tiles.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob: data: {s3_url}{tiles}; \
         media-src 'self' blob: {s3_url}; connect-src 'self'{tiles}; worker-src 'self'; manifest-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

fn find(assets: &'static [Asset], path: &str) -> Option<&'static Asset> {
    let path = path.strip_prefix('/')?;
    let index = assets.binary_search_by(|asset| asset.path.cmp(path)).ok()?;
    assets.get(index)
}

/// The addresses that `web/src/app.tsx` knows.
fn is_page_route(path: &str) -> bool {
    matches!(path, "/" | "/login" | "/w") || path.starts_with("/w/") || path.starts_with("/share/")
}

fn answer(asset: &'static Asset, asked: &HeaderMap) -> Response {
    let cache = if asset.path.starts_with("assets/") { IMMUTABLE } else { ASK_AGAIN };
    let mut response = match asked.get(header::IF_NONE_MATCH) {
        Some(known) if known.to_str().is_ok_and(|known| names(known, asset.etag)) => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        _ => {
            let encodings =
                asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (body, encoding) = match (asset.brotli, asset.gzip) {
                (Some(body), _) if accepts(encodings, "br") => (body, Some("br")),
                (_, Some(body)) if accepts(encodings, "gzip") => (body, Some("gzip")),
                _ => (asset.plain, None),
            };
            let mut response = ([(header::CONTENT_TYPE, content_type(asset.path))], body).into_response();
            if let Some(encoding) = encoding {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// Whether a list of entity tags has this one; a weak one compares the same (RFC 9110, section 13.1.2).
fn names(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

/// Whether `Accept-Encoding` allows a coding by name (RFC 9110, section 12.5.3).
fn accepts(list: &str, coding: &str) -> bool {
    list.split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What `/` says in a binary that was built without its page.
fn missing() -> Response {
    const TEXT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Eyrie: no page</title>\
        <h1>This server was built without its page</h1>\
        <p>Everything else works: docks upload, the <a href=\"/openapi.json\">API</a> answers, the command line works.</p>\
        <p>To have the page, install Node.js 20 or newer and npm where you build, then run <code>make build</code> \
        (it runs <code>npm ci</code> and <code>npm run build</code> in <code>web/</code> first) and start the new binary.</p></html>";
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::NOT_IMPLEMENTED, headers, TEXT).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    static SOME: &[Asset] = &[
        Asset { path: "assets/a-1.js", etag: "\"1\"", plain: b"plain", gzip: Some(b"gz"), brotli: Some(b"br") },
        Asset { path: "index.html", etag: "\"2\"", plain: b"page", gzip: None, brotli: None },
    ];

    fn asked(path: &str, headers: &[(&'static str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        answer(find(SOME, path).unwrap(), &headers)
    }

    #[test]
    fn the_best_coding_that_the_client_takes_is_sent() {
        for (accept, encoding) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip", Some("gzip")),
            ("br;q=0, gzip;q=0.5", Some("gzip")),
            ("identity", None),
            ("", None),
        ] {
            let response = asked("/assets/a-1.js", &[("accept-encoding", accept)]);
            let sent = response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(sent, encoding, "{accept}");
            assert_eq!(response.headers()[header::VARY], "accept-encoding");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        }
        assert!(!asked("/index.html", &[("accept-encoding", "br")]).headers().contains_key(header::CONTENT_ENCODING));
    }

    #[test]
    fn hashed_names_stay_and_the_index_is_asked_for_again() {
        assert_eq!(asked("/assets/a-1.js", &[]).headers()[header::CACHE_CONTROL], IMMUTABLE);
        assert_eq!(asked("/index.html", &[]).headers()[header::CACHE_CONTROL], ASK_AGAIN);
        for (known, status) in [("\"2\"", 304), ("W/\"2\"", 304), ("\"1\", \"2\"", 304), ("*", 304), ("\"1\"", 200)] {
            assert_eq!(asked("/index.html", &[("if-none-match", known)]).status().as_u16(), status, "{known}");
        }
    }

    #[test]
    fn only_the_pages_own_addresses_get_the_page() {
        for path in ["/", "/login", "/w/default/flights", "/w/default/media/0198-a", "/share/roof-3"] {
            assert!(is_page_route(path), "{path}");
        }
        for path in ["/wp-login.php", "/login/x", "/assets/nothing.js", "/api", "/pilot", ""] {
            assert!(!is_page_route(path), "{path}");
            assert!(find(SOME, path).is_none(), "{path}");
        }
    }

    #[test]
    fn the_policy_allows_no_inline_script_and_one_other_host() {
        let policy = policy("https://media.example:9000", None);
        assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(policy.matches("https://").count(), 2, "{policy}");
        let with_tiles = super::policy("https://media.example:9000", Some("https://tiles.example".into()));
        assert_eq!(with_tiles.matches(" https://tiles.example;").count(), 2, "pictures and requests: {with_tiles}");
    }
}
