//! The login page that DJI Pilot 2 opens at `/pilot`: its files, embedded.
//!
//! Written by hand for the old web view of a controller, without a framework and without a build. No inline script, no foreign
//! host; the policy names the object store's address beside this server, because the page's diagnosis knocks there.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};

use crate::api::problem::Problem;
use crate::app::App;

struct File {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($name:literal $content_type:ident)+) => {
        [$(File { name: $name, content_type: $content_type, text: include_str!(concat!("page/", $name)) }),+]
    };
}

static FILES: [File; 14] = files![
    "index.html" HTML
    "page.css" CSS
    "page.js" SCRIPT
    "bridge.js" SCRIPT
    "de.js" SCRIPT
    "hearing.js" SCRIPT
    "probe.js" SCRIPT
    "saved.js" SCRIPT
    "screens.js" SCRIPT
    "server.js" SCRIPT
    "session.js" SCRIPT
    "steps.js" SCRIPT
    "token.js" SCRIPT
    "words.js" SCRIPT
];

/// The same, compressed once: a controller in the field has a thin line.
static COMPRESSED: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| FILES.iter().map(|file| gzip(file.text).unwrap_or_default()).collect());

fn gzip(text: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

pub(super) async fn index(app: State<Arc<App>>, headers: HeaderMap) -> Response {
    file(app, Path("index.html".into()), headers).await
}

pub(super) async fn file(State(app): State<Arc<App>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((file, compressed)) = FILES.iter().zip(COMPRESSED.iter()).find(|(file, _)| file.name == name) else {
        return Problem::not_found().into_response();
    };
    let takes_gzip = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(takes_gzip);
    let mut response = if takes_gzip && !compressed.is_empty() {
        ([(CONTENT_ENCODING, "gzip")], compressed.as_slice()).into_response()
    } else {
        file.text.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(policy) = HeaderValue::try_from(policy(&app.urls.s3)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Whether `Accept-Encoding` allows gzip by name (RFC 9110, section 12.5.3).
fn takes_gzip(list: &str) -> bool {
    list.split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn policy(s3_url: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' {s3_url}; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST_BYTES: usize = 30_000;

    fn of_kind(kind: &'static str) -> impl Iterator<Item = &'static File> {
        FILES.iter().filter(move |file| file.content_type == kind)
    }

    #[test]
    fn the_page_is_light() {
        let bytes: usize = COMPRESSED.iter().map(Vec::len).sum();
        assert!(COMPRESSED.iter().all(|file| !file.is_empty()));
        assert!(bytes < MOST_BYTES, "{bytes} bytes over the line");
    }

    /// What Chromium 70 cannot read, and what the policy forbids.
    #[test]
    fn an_old_web_view_can_read_the_scripts() {
        for file in of_kind(SCRIPT) {
            for too_new in [
                "?.",
                "??",
                "||=",
                "&&=",
                ".at(",
                ".flat(",
                ".flatMap(",
                "replaceAll",
                "replaceChildren",
                "fromEntries",
                "matchAll",
                "allSettled",
                "structuredClone",
                " static ",
                "import(",
                "innerHTML",
                "eval(",
            ] {
                assert!(!file.text.contains(too_new), "{}: {too_new}", file.name);
            }
        }
        for file in of_kind(CSS) {
            for too_new in [
                " gap:",
                "inset:",
                "clamp(",
                "min(",
                "max(",
                "aspect-ratio",
                ":focus-visible",
                ":is(",
                ":where(",
                "@layer",
            ] {
                assert!(!file.text.contains(too_new), "{}: {too_new}", file.name);
            }
        }
    }

    #[test]
    fn nothing_is_foreign_or_inline_and_every_name_is_served() {
        for file in &FILES {
            for host in ["http://", "https://"] {
                let foreign =
                    file.text.match_indices(host).filter(|(at, _)| !file.text[*at..].starts_with("http://www.w3.org/"));
                assert_eq!(foreign.count(), 0, "{}: {host}", file.name);
            }
        }
        for file in of_kind(HTML) {
            for inline in ["<style", " style=", " onclick", "<script>", "javascript:"] {
                assert!(!file.text.contains(inline), "{inline}");
            }
        }
        let served = |name: &str| FILES.iter().any(|file| file.name == name);
        for file in &FILES {
            let imported = file.text.split("from './").skip(1).chain(file.text.split("=\"/pilot/").skip(1));
            for name in imported.filter_map(|rest| rest.split(['\'', '"']).next()) {
                assert!(served(name), "{} asks for {name}", file.name);
            }
        }
    }

    /// Words without German would stand in English between the others.
    #[test]
    fn every_word_of_the_page_has_its_german() {
        let german = FILES.iter().find(|file| file.name == "de.js").expect("it is there").text;
        // names, figures and signs
        let same = ["Eyrie", "Eyrie for DJI Pilot 2", "Deutsch", "TCP", "WebSocket", "0", "."];
        let has = |words: &str| same.contains(&words) || german.contains(&format!("'{words}':"));
        let mut seen = 0;
        for file in of_kind(SCRIPT).filter(|file| file.name != "words.js") {
            for rest in file.text.split("t('").skip(1).zip(file.text.split("t('")).filter_map(|(rest, before)| {
                (!before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '.')).then_some(rest)
            }) {
                let words = rest.split('\'').next().unwrap_or_default();
                seen += 1;
                assert!(has(words), "{}: {words:?}", file.name);
            }
        }
        assert!(seen > 100, "{seen} words were found");
        for file in of_kind(HTML) {
            let (_, body) = file.text.split_once("<body>").expect("a page has a body");
            for words in body.split('<').filter_map(|part| part.split_once('>')).map(|(_, words)| words) {
                let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(words.is_empty() || has(&words), "{}: {words:?}", file.name);
            }
        }
    }

    #[test]
    fn the_policy_names_this_server_and_the_store() {
        let policy = policy("http://media.example:9000");
        assert!(policy.contains("connect-src 'self' http://media.example:9000;"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(takes_gzip("deflate, GZIP;q=0.5") && !takes_gzip("br, gzip;q=0") && !takes_gzip(""));
    }
}
