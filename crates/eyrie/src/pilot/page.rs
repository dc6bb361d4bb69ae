//! The login page that DJI Pilot 2 opens at `/pilot`: one document, embedded.
//!
//! Written by hand for the old web view of a controller, without a framework. It is kept as modules (`page/`) and joined into one
//! document once: a line in the field is thin and breaks, and a page that came came whole. The policy allows its own script and
//! style by their hashes and no other, and names the object store's address beside this server, because the page's diagnosis
//! knocks there.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};

use crate::app::App;

const HTML: &str = include_str!("page/index.html");
const CSS: &str = include_str!("page/page.css");

struct Module {
    name: &'static str,
    text: &'static str,
}

macro_rules! modules {
    ($($name:literal)+) => {
        [$(Module { name: $name, text: include_str!(concat!("page/", $name, ".js")) }),+]
    };
}

/// Each after those that it imports.
static MODULES: [Module; 12] = modules![
    "saved" "de" "words" "bridge" "server" "steps" "hearing" "token" "session" "probe" "screens" "page"
];

struct Page {
    html: String,
    /// The same, compressed once.
    gzip: Vec<u8>,
    /// `sha256-...`, for the policy.
    script: String,
    style: String,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let script = format!("\n'use strict';\n{}", MODULES.iter().map(joined).collect::<String>());
    let style = format!("\n{CSS}");
    let html = HTML
        .replace("<!-- style -->", &format!("<style>{style}</style>"))
        .replace("<!-- script -->", &format!("<script>{script}</script>"));
    Page { gzip: gzip(&html).unwrap_or_default(), html, script: hash(&script), style: hash(&style) }
});

/// A module as a function that is called at once and returns what it exports. Imports and exports stand at the beginning of a
/// line of their own, and nothing that is exported is assigned again.
fn joined(module: &Module) -> String {
    let (mut body, mut exports) = (String::new(), Vec::new());
    for line in module.text.lines() {
        if let Some((names, from)) = imported(line) {
            let _ = writeln!(body, "const {names} = module_{from};");
        } else if let Some(declared) = line.strip_prefix("export ") {
            exports.extend(declared_name(declared));
            let _ = writeln!(body, "{declared}");
        } else {
            let _ = writeln!(body, "{line}");
        }
    }
    format!("const module_{} = (() => {{\n{body}return {{ {} }};\n}})();\n", module.name, exports.join(", "))
}

/// `import { a, b } from './c.js';`
fn imported(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("import ")?.strip_suffix(".js';")?.split_once(" from './")
}

/// `async function name(...`, `const name = ...`, `class name {`.
fn declared_name(declared: &str) -> Option<&str> {
    let words = declared.strip_prefix("async ").unwrap_or(declared);
    let (_, name) = words.split_once(' ')?;
    name.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '$').next()
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn gzip(text: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

pub(super) async fn index(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let takes_gzip = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(takes_gzip);
    let mut response = if takes_gzip && !PAGE.gzip.is_empty() {
        ([(CONTENT_ENCODING, "gzip")], PAGE.gzip.as_slice()).into_response()
    } else {
        PAGE.html.as_str().into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
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
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; connect-src 'self' {s3_url}; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        PAGE.script, PAGE.style
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST_BYTES: usize = 30_000;

    #[test]
    fn the_page_is_light() {
        assert!(!PAGE.gzip.is_empty());
        assert!(PAGE.gzip.len() < MOST_BYTES, "{} bytes over the line", PAGE.gzip.len());
    }

    #[test]
    fn modules_are_joined_whole_and_in_their_order() {
        for (n, module) in MODULES.iter().enumerate() {
            let text = joined(module);
            assert!(!text.contains("\nimport ") && !text.contains("\nexport "), "{}", module.name);
            for (names, from) in module.text.lines().filter_map(imported) {
                let earlier = MODULES[..n].iter().find(|module| module.name == from);
                let from = joined(earlier.unwrap_or_else(|| panic!("{} comes after {from}", module.name)));
                let (_, exports) = from.rsplit_once("return {").expect("it returns something");
                let exports: Vec<_> = exports.split([',', '}']).map(str::trim).collect();
                for name in names.trim_matches(['{', '}', ' ']).split(", ") {
                    assert!(exports.contains(&name), "{}: {name} of {exports:?}", module.name);
                }
            }
        }
        assert!(!PAGE.html.contains("<!--") && PAGE.html.matches("</script>").count() == 1);
    }

    /// What Chromium 70 cannot read, and what the policy forbids.
    #[test]
    fn an_old_web_view_can_read_the_scripts() {
        for file in &MODULES {
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
        for too_new in
            [" gap:", "inset:", "clamp(", "min(", "max(", "aspect-ratio", ":focus-visible", ":is(", ":where(", "@layer"]
        {
            assert!(!CSS.contains(too_new), "{too_new}");
        }
    }

    #[test]
    fn nothing_is_foreign_and_nothing_else_is_asked_for() {
        for host in ["http://", "https://"] {
            let foreign =
                PAGE.html.match_indices(host).filter(|(at, _)| !PAGE.html[*at..].starts_with("http://www.w3.org/"));
            assert_eq!(foreign.count(), 0, "{host}");
        }
        for other in [" src=", " style=", " onclick", "javascript:", "@import", "url(", "rel=\"stylesheet\""] {
            assert!(!PAGE.html.contains(other), "{other}");
        }
    }

    /// Words without German would stand in English between the others.
    #[test]
    fn every_word_of_the_page_has_its_german() {
        let german = MODULES.iter().find(|module| module.name == "de").expect("it is there").text;
        // names, figures and signs
        let same = ["Eyrie", "Eyrie for DJI Pilot 2", "Deutsch", "TCP", "WebSocket", "0", "."];
        let has = |words: &str| same.contains(&words) || german.contains(&format!("'{words}':"));
        let mut seen = 0;
        for file in MODULES.iter().filter(|module| module.name != "words") {
            for rest in file.text.split("t('").skip(1).zip(file.text.split("t('")).filter_map(|(rest, before)| {
                (!before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '.')).then_some(rest)
            }) {
                let words = rest.split('\'').next().unwrap_or_default();
                seen += 1;
                assert!(has(words), "{}: {words:?}", file.name);
            }
        }
        assert!(seen > 100, "{seen} words were found");
        let (_, body) = HTML.split_once("<body>").expect("a page has a body");
        for words in body.split('<').filter_map(|part| part.split_once('>')).map(|(_, words)| words) {
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.is_empty() || has(&words), "{words:?}");
        }
    }

    #[test]
    fn the_policy_names_this_server_and_the_store() {
        let policy = policy("http://media.example:9000");
        assert!(policy.contains("connect-src 'self' http://media.example:9000;"), "{policy}");
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(takes_gzip("deflate, GZIP;q=0.5") && !takes_gzip("br, gzip;q=0") && !takes_gzip(""));
    }
}
