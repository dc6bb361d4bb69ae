//! The command line as scripts see it: the built program, its output, its exit status.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

struct Eyrie {
    folder: TempDir,
}

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Served {
    /// SIGTERM, and the exit status.
    fn stop(mut self) -> Option<i32> {
        let pid = Pid::from_raw(self.0.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(12) {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server does not stop");
    }
}

impl Eyrie {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eyrie"));
        command.args(args).current_dir(self.folder.path());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("EYRIE_")) {
            command.env_remove(name);
        }
        command.env("EYRIE_DATA", self.data()).env("EYRIE_S3_MIN_FREE_SPACE", "1 MiB");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// One JSON object on stdout and nothing else.
    fn json(&self, args: &[&str]) -> Value {
        let done = self.command(args).arg("--json").output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert_eq!(done.status.code(), Some(0), "{args:?}: {err}");
        let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out:?}"));
        assert!(value.is_object(), "{args:?}: {out}");
        value
    }

    /// Exit status and stderr of a command that does not do its work.
    fn fails(&self, args: &[&str]) -> (i32, String) {
        let done = self.run(args);
        let err = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success(), "{args:?}");
        assert!(!err.is_empty() && done.stdout.is_empty(), "{args:?}: {err}");
        (done.status.code().unwrap(), err)
    }

    /// Starts a server; what it printed up to the S3 line, or the JSON object.
    fn serve(&self, args: &[&str]) -> (Served, Value) {
        let ports = ["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--s3", "127.0.0.1:0", "--json"];
        let mut command = self.command(&ports);
        let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let served = Served(child);
        (served, serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")))
    }
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn commands_answer_with_the_promised_fields_on_a_running_and_a_stopped_server() {
    let eyrie = Eyrie::new();
    let (served, ready) = eyrie.serve(&[]);
    assert_eq!(ready["admin"], "admin");
    assert!(ready["admin_password"].as_str().is_some_and(|password| password.len() >= 22), "{ready}");
    everything(&eyrie, "RUNNING", &ready);
    assert_eq!(served.stop(), Some(0));
    everything(&eyrie, "STOPPED", &ready);
    let (served, ready) = eyrie.serve(&[]);
    assert_eq!(ready["admin_password"], Value::Null);
    assert_eq!(served.stop(), Some(0));
}

fn everything(eyrie: &Eyrie, name: &str, ready: &Value) {
    let workspace = eyrie.json(&["workspace", "add", name]);
    assert_eq!(keys(&workspace), ["id", "name"]);
    let id = workspace["id"].as_str().unwrap();
    let listed = eyrie.json(&["workspace", "list"]);
    let row = listed["items"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(row["bucket"], name.to_lowercase());

    let sn = format!("DOCK{name}");
    let dock = eyrie.json(&["dock", "add", "--workspace", name, "--sn", &sn, "--callsign", "Nord"]);
    let fields = ["binding_code", "mqtt_url", "organization_id", "password", "sn", "username", "workspace_id"];
    assert_eq!(keys(&dock), fields);
    assert_eq!(
        (&dock["sn"], &dock["username"], &dock["workspace_id"]),
        (&dock["username"], &dock["sn"], &workspace["id"])
    );
    assert_eq!(dock["mqtt_url"], ready["mqtt_url"]);
    assert_eq!(dock["binding_code"], row["binding_code"]);
    let (status, error) = eyrie.fails(&["dock", "add", "--workspace", id, "--sn", &sn]);
    assert!(status == 1 && error.contains("exists already"), "{error}");
    let rotated = eyrie.json(&["dock", "rotate", &sn]);
    assert_eq!(keys(&rotated), fields);
    assert_ne!(rotated["password"], dock["password"]);
    assert_eq!(eyrie.json(&["dock", "disable", &sn])["disabled"], true);
    let shown = eyrie.json(&["dock", "show", &sn]);
    assert_eq!((&shown["disabled"], &shown["callsign"]), (&true.into(), &"Nord".into()));
    assert!(shown.get("password").is_none(), "a password is shown once");
    assert_eq!(eyrie.json(&["dock", "enable", &sn])["disabled"], false);
    let docks = eyrie.json(&["dock", "list", "--workspace", name]);
    assert_eq!(docks["items"].as_array().unwrap().len(), 1);

    let controller = eyrie.json(&["controller", "add", "--workspace", name, "--sn", &format!("RC{name}")]);
    assert_eq!(keys(&controller), ["mqtt_url", "password", "sn", "token", "username"]);
    let (_, error) = eyrie.fails(&["controller", "add", "--workspace", name, "--sn", &sn]);
    assert!(error.contains("exists already"), "{error}");

    let token = eyrie.json(&["token", "create", "--workspace", name, "--role", "viewer"]);
    assert_eq!(keys(&token), ["id", "token"]);
    let token_id = token["id"].as_str().unwrap();
    eyrie.json(&["token", "revoke", token_id]);
    let (status, error) = eyrie.fails(&["token", "revoke", token_id]);
    assert!(status == 1 && error.contains("not known"), "{error}");
    let tokens = eyrie.json(&["token", "list", "--workspace", name]);
    assert!(
        tokens["items"][0]["revoked_at"].is_string() && !tokens.to_string().contains(token["token"].as_str().unwrap())
    );

    let key = eyrie.json(&["s3-key", "create", "--workspace", name, "--access", "read"]);
    assert_eq!(keys(&key), ["access_key_id", "bucket", "endpoint", "region", "secret_access_key"]);
    assert_eq!((&key["endpoint"], &key["region"]), (&ready["s3_url"], &"us-east-1".into()));
    assert_eq!(key["bucket"], row["bucket"]);
    eyrie.json(&["s3-key", "revoke", key["access_key_id"].as_str().unwrap()]);
    let listed = eyrie.json(&["s3-key", "list", "--workspace", name]);
    assert!(listed["items"][0]["revoked_at"].is_string());

    let user = format!("user {name}");
    let made = eyrie.json(&["user", "add", "--workspace", name, "--role", "operator", &user]);
    assert_eq!(keys(&made), ["id", "password"]);
    let new = eyrie.json(&["user", "password", &user]);
    assert_ne!(new["password"], made["password"]);
    assert_eq!(eyrie.json(&["user", "list", "--workspace", name])["items"][0]["role"], "operator");
    eyrie.json(&["user", "remove", &user]);
    let (_, error) = eyrie.fails(&["user", "remove", "admin"]);
    assert!(error.contains("last administrator"), "{error}");

    let report = eyrie.json(&["reconcile"]);
    assert_eq!(keys(&report), ["adopted", "checked", "missing", "restored"]);
    assert!(eyrie.json(&["jobs", "list"])["items"].is_array());
    let (status, error) = eyrie.fails(&["jobs", "rerun", "--kind", "dance"]);
    assert!(status == 1 && error.contains("extract-metadata"), "{error}");
    assert!(eyrie.json(&["jobs", "rerun", "--kind", "extract-metadata"])["queued"].is_number());
    let audit = eyrie.json(&["audit", "--workspace", name]).to_string();
    for action in
        ["workspace.add", "dock.add", "dock.rotate", "dock.disable", "token.create", "s3_key.revoke", "user.remove"]
    {
        assert!(audit.contains(action), "{action}: {audit}");
    }
    for secret in
        [&dock["password"], &rotated["password"], &token["token"], &key["secret_access_key"], &made["password"]]
    {
        assert!(!audit.contains(secret.as_str().unwrap()), "a secret is in the audit log");
    }
    // people get lines and tables
    let table = String::from_utf8(eyrie.run(&["dock", "list"]).stdout).unwrap();
    assert!(table.starts_with("CALLSIGN") && table.contains(&sn), "{table}");
}

#[test]
fn wrong_usage_is_two_and_a_failure_is_one() {
    let eyrie = Eyrie::new();
    for usage in [
        &["dock"][..],
        &["dance"],
        &["dock", "add", "--sn", "X"],
        &["token", "create", "--workspace", "w", "--role", "king"],
        &["serve", "--port", "1"],
    ] {
        assert_eq!(eyrie.fails(usage).0, 2, "{usage:?}");
    }
    for (failure, expected) in [
        (&["dock", "list"][..], "no Eyrie library"),
        (&["reconcile"], "no Eyrie library"),
        (&["serve", "--http", "0.0.0.0:0"], "--public-host"),
        (&["serve", "--http", "nowhere"], "not an address"),
        (&["dock", "list", "--config", "absent.toml"], "absent.toml"),
    ] {
        let (status, error) = eyrie.fails(failure);
        assert!(status == 1 && error.contains(expected), "{failure:?}: {error}");
    }
    assert!(!eyrie.data().exists(), "a failing command makes nothing");
    for help in [&["--help"][..], &["dock", "add", "--help"], &["--version"]] {
        let done = eyrie.run(help);
        assert!(done.status.success() && done.stderr.is_empty() && !done.stdout.is_empty(), "{help:?}");
    }
}

#[test]
fn check_config_says_where_values_come_from_and_fails_on_a_problem() {
    let eyrie = Eyrie::new();
    let file = eyrie.folder.path().join("eyrie.toml");
    std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:18080\"\n[cloud_api]\napp_key = \"hunter2\"\n").unwrap();
    let file = file.to_str().unwrap();
    let report = eyrie.json(&["check-config", "--config", file]);
    let row = |key: &str| report["settings"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap().clone();
    assert_eq!(row("http.listen")["origin"], format!("{file}:2"));
    assert_eq!(row("data")["origin"], "EYRIE_DATA");
    assert_eq!(row("cloud_api.app_key")["value"], "(set)");
    assert_eq!(report["ok"], true);
    std::fs::write(Path::new(file), "[http]\nlisten = \"0.0.0.0:18080\"\n").unwrap();
    let done = eyrie.run(&["check-config", "--config", file]);
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("public_host"));
    let done = eyrie.run(&["check-config", "--config", file, "--json"]);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((done.status.code(), &report["ok"]), (Some(1), &false.into()));
}

#[test]
fn the_doctor_walks_the_whole_path_and_leaves_nothing() {
    let eyrie = Eyrie::new();
    let (served, _) = eyrie.serve(&["--log", "trace"]);
    // no time server in a test
    let done =
        eyrie.command(&["doctor", "--json"]).env("EYRIE_CLOUD_API_NTP_SERVER_HOST", "127.0.0.1").output().unwrap();
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((done.status.code(), &report["ok"]), (Some(0), &true.into()), "{report:#}");
    let steps: Vec<&str> =
        report["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    for step in [
        "disk",
        "programs",
        "ports",
        "connect",
        "subscribe",
        "credentials",
        "upload",
        "multipart",
        "write only",
        "report",
        "library row",
        "clean up",
    ] {
        assert!(steps.contains(&step), "{step}: {steps:?}");
    }
    assert_eq!(eyrie.json(&["dock", "list"])["items"], serde_json::json!([]));
    assert_eq!(eyrie.json(&["reconcile"])["checked"], 0);
    assert_eq!(served.stop(), Some(0));

    let done = eyrie
        .command(&["doctor", "--sn", "NOBODY"])
        .env("EYRIE_CLOUD_API_NTP_SERVER_HOST", "127.0.0.1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(1));
    assert!(text.contains("FAILED") && text.contains("server is not running"), "{text}");
    assert!(text.contains("NOBODY is not known here"), "{text}");
}

#[test]
fn a_configuration_file_and_a_flag_start_the_server() {
    let eyrie = Eyrie::new();
    let file = eyrie.folder.path().join("eyrie.toml");
    std::fs::write(&file, "public_host = \"eyrie.example.org\"\n[s3]\nregion = \"eu-central-1\"\n").unwrap();
    let (served, ready) = eyrie.serve(&["--config", file.to_str().unwrap()]);
    assert!(ready["mqtt_url"].as_str().unwrap().starts_with("mqtt://eyrie.example.org:"), "{ready}");
    assert!(ready["http_listen"].as_str().unwrap().starts_with("127.0.0.1:"));
    let key = eyrie.json(&[
        "s3-key",
        "create",
        "--workspace",
        "default",
        "--access",
        "write",
        "--config",
        file.to_str().unwrap(),
    ]);
    assert_eq!(key["region"], "eu-central-1");
    assert_eq!(served.stop(), Some(0));
}
