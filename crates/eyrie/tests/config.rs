//! Settings: the documented file, the order of sources, and what is said about wrong ones.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eyrie::config::explain::{explain, table};
use eyrie::config::{Loaded, Origin, Sources, load};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/eyrie.example.toml");

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn with_file(dir: &Path, text: &str) -> Sources {
    let file = dir.join("eyrie.toml");
    std::fs::write(&file, text).unwrap();
    Sources { file: Some(file), ..Sources::default() }
}

fn problems(loaded: &Loaded) -> String {
    loaded.all_problems().join("\n")
}

#[test]
fn the_documented_file_has_every_setting_at_its_default() {
    let sources = Sources { file: Some(PathBuf::from(EXAMPLE)), ..Sources::default() };
    let (written, default) = (load(&sources), load(&Sources::default()));
    assert_eq!(problems(&written), "");
    for (written, default) in explain(&written).iter().zip(explain(&default)) {
        assert!(written.origin.contains("eyrie.example.toml:"), "{} is not in the documented file", written.key);
        if written.key == "data" {
            // a path in a file counts from the file
            assert!(written.value.ends_with(&format!("docs/{}", default.value)), "{}", written.value);
        } else {
            assert_eq!(written.value, default.value, "{}", written.key);
        }
    }
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let dir = tempfile::tempdir().unwrap();
    let mut sources =
        with_file(dir.path(), "# first\n[http]\nlisten = \"127.0.0.1:1\"\n[s3]\nlisten = \"127.0.0.1:11\"\n");
    let listen = |loaded: &Loaded| (loaded.config.http.listen.port(), loaded.origin("http.listen").to_string());
    assert_eq!(load(&Sources::default()).config.http.listen.port(), 8080);
    let (port, origin) = listen(&load(&sources));
    assert_eq!(port, 1);
    assert!(origin.ends_with("eyrie.toml:3"), "{origin}");
    sources.env = env(&[("EYRIE_HTTP_LISTEN", "127.0.0.1:2")]);
    assert_eq!(listen(&load(&sources)), (2, "EYRIE_HTTP_LISTEN".into()));
    sources.flags = vec![("http.listen", "http", "127.0.0.1:3".into())];
    let loaded = load(&sources);
    assert_eq!(listen(&loaded), (3, "--http".into()));
    assert_eq!(loaded.config.s3.listen.port(), 11);
    assert_eq!(loaded.origin("mqtt.listen"), Origin::Default);
}

#[test]
fn every_setting_can_be_set_by_its_variable() {
    for row in explain(&load(&Sources::default())) {
        let value = match row.key {
            "tls.cert_file" | "tls.key_file" => "x.pem".to_owned(),
            "mqtt.url" => "mqtt://a:b@localhost:1883".to_owned(),
            _ if row.value.is_empty() => "text.example.org".to_owned(),
            _ => row.value.clone(),
        };
        let loaded = load(&Sources { env: env(&[(&row.environment, &value)]), ..Sources::default() });
        assert_eq!(loaded.unreadable, Vec::<String>::new());
        assert_eq!(loaded.origin(row.key), Origin::Environment(row.environment.clone()), "{}", row.key);
    }
}

#[test]
fn flags_have_variables_too() {
    let loaded = load(&Sources {
        env: env(&[
            ("EYRIE_DATA", "/srv/eyrie"),
            ("EYRIE_HTTP", "127.0.0.1:81"),
            ("EYRIE_NO_ONBOARDING", "true"),
            ("EYRIE_MQTT_URL", "mqtt://u:p@h:1"),
            ("EYRIE_LOG_FORMAT", "json"),
            ("EYRIE_HTTP_IDLE_TIMEOUT", "3 s"),
        ]),
        ..Sources::default()
    });
    assert_eq!(problems(&loaded), "");
    let config = loaded.config;
    assert_eq!((config.data, config.http.listen.port()), (PathBuf::from("/srv/eyrie"), 81));
    assert!(!config.cloud_api.onboarding && config.log.json);
    assert_eq!(config.http.limits.idle_timeout, Duration::from_secs(3));
}

#[test]
fn the_same_setting_twice_in_the_environment_is_refused() {
    let loaded = load(&Sources {
        env: env(&[("EYRIE_HTTP", "127.0.0.1:1"), ("EYRIE_HTTP_LISTEN", "127.0.0.1:2")]),
        ..Sources::default()
    });
    assert!(
        problems(&loaded).contains("EYRIE_HTTP_LISTEN and EYRIE_HTTP are the same setting"),
        "{}",
        problems(&loaded)
    );
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = load(&with_file(dir.path(), "[http]\nlissten = \"127.0.0.1:1\"\n[jobs.more]\nworkers = 1\n"));
    let text = problems(&loaded);
    assert!(text.contains("http.lissten: there is no such setting; did you mean \"http.listen\"?"), "{text}");
    assert!(text.contains("eyrie.toml:2"), "{text}");
    assert!(text.contains("jobs.more"), "{text}");
}

#[test]
fn an_unknown_variable_is_warned_of() {
    let loaded =
        load(&Sources { env: env(&[("EYRIE_HTP_LISTEN", "x"), ("EYRIE_PORT", "tcp://1")]), ..Sources::default() });
    assert_eq!(problems(&loaded), "");
    assert!(
        loaded.warnings.iter().any(|warning| warning.contains("did you mean \"EYRIE_HTTP_LISTEN\"")),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn values_of_the_wrong_kind_are_refused_where_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[http]\nlisten = 8080\nidle_timeout = 15\nmax_body_size = \"1\"\n[jobs]\nworkers = \"two\"\nlease = 1.5\n\
                [s3]\ndomains = [1]\nprovider = \"gcp\"\n";
    let text = problems(&load(&with_file(dir.path(), text)));
    for (line, key) in [
        (2, "http.listen"),
        (3, "http.idle_timeout"),
        (4, "http.max_body_size"),
        (6, "jobs.workers"),
        (7, "jobs.lease"),
        (9, "s3.domains"),
    ] {
        let found = text.lines().find(|problem| problem.starts_with(&format!("{key}:")));
        assert!(found.is_some_and(|problem| problem.contains(&format!("eyrie.toml:{line}"))), "{key}: {text}");
    }
    assert!(text.contains("s3.provider"), "{text}");
    let broken = problems(&load(&with_file(dir.path(), "a = 1\n[http\n")));
    assert!(broken.contains("eyrie.toml:2"), "{broken}");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), "hunter2-from-file\n").unwrap();
    let mut sources =
        with_file(dir.path(), "[cloud_api]\napp_key_file = \"key\"\n[mqtt]\nurl = \"mqtt://u:hunter2-url@h:1\"\n");
    sources.env = env(&[("EYRIE_ADMIN_PASSWORD", "hunter2-admin")]);
    let loaded = load(&sources);
    assert_eq!(problems(&loaded), "");
    assert_eq!(loaded.config.cloud_api.app_key.0, "hunter2-from-file");
    let said = format!("{}\n{:?}", table(&explain(&loaded)), loaded);
    assert!(said.contains("(set)") && !said.contains("hunter2"), "{said}");
    sources.env =
        env(&[("EYRIE_MQTT_URL", "https://hunter2:x@h"), ("EYRIE_CLOUD_API_APP_KEY_FILE", "/does/not/exist")]);
    let text = problems(&load(&sources));
    assert!(text.contains("mqtt.url") && text.contains("app_key_file") && !text.contains("hunter2"), "{text}");
}

#[test]
fn beyond_loopback_a_public_host_is_asked_for() {
    let open = |more: &[(&str, &str)]| {
        let mut pairs = vec![("EYRIE_S3", "0.0.0.0:9000"), ("EYRIE_MQTT", "[::]:1883")];
        pairs.extend_from_slice(more);
        problems(&load(&Sources { env: env(&pairs), ..Sources::default() }))
    };
    let text = open(&[]);
    assert!(text.contains("s3.listen") && text.contains("mqtt.listen") && text.contains("--public-host"), "{text}");
    assert!(!text.contains("http.listen"), "{text}");
    assert_eq!(open(&[("EYRIE_PUBLIC_HOST", "eyrie.example.org")]), "");
    assert_eq!(
        open(&[("EYRIE_S3_PUBLIC_URL", "https://s3.example.org"), ("EYRIE_MQTT_PUBLIC_URL", "mqtts://m:8883")]),
        ""
    );
    // an external broker is its own affair
    let half = open(&[("EYRIE_S3_PUBLIC_URL", "https://s3.example.org"), ("EYRIE_MQTT_URL", "mqtt://u:p@broker:1883")]);
    assert_eq!(half, "");
}

#[test]
fn settings_that_do_not_go_together_are_named() {
    for (pairs, expected) in [
        (&[("EYRIE_TLS_CERT", "a.pem")][..], "tls.cert_file and tls.key_file"),
        (&[("EYRIE_TLS_CERT", "a.pem"), ("EYRIE_TLS_KEY", "b.pem")], "a.pem cannot be read"),
        (&[("EYRIE_HTTP", "127.0.0.1:9000")], "http.listen and s3.listen are both 127.0.0.1:9000"),
        (&[("EYRIE_PUBLIC_HOST", "http://x")], "public_host"),
        (&[("EYRIE_HTTP_PUBLIC_URL", "x:8080")], "http.public_url"),
        (&[("EYRIE_HTTP_PUBLIC_URL", "https://x/path")], "http.public_url"),
        (&[("EYRIE_JOBS_WORKERS", "0")], "jobs.workers"),
        (&[("EYRIE_LOG", "eyrie=loud")], "log.filter"),
        (&[("EYRIE_ADMIN_PASSWORD", "short")], "EYRIE_ADMIN_PASSWORD"),
        (&[("EYRIE_S3_CREDENTIALS_LIFETIME", "30 days")], "s3.credentials_lifetime"),
    ] {
        let text = problems(&load(&Sources { env: env(pairs), ..Sources::default() }));
        assert!(text.contains(expected), "{pairs:?}: {text}");
    }
}
