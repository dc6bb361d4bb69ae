//! Walks a dock's path against the running server as a real client would, with MQTT and S3 clients that we did not write,
//! and says which step fails and what to do about it.
//!
//! It goes by the addresses that docks are given, with a dock account made for the walk (`EYRIEDOCTOR...`) and taken away
//! afterwards with everything it left. `--sn` adds what one dock last said, in words.

mod conversation;
mod network;
mod scratch;

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use eyrie_env::{Files as _, RealFiles};
use jiff::Timestamp;
use serde::Serialize;

use crate::app::PublicUrls;
use crate::config::Config;
use crate::data::{DataDir, Library};
use network::{Address, Trust};
use scratch::ScratchDock;

/// Longest time for a step.
const STEP: Duration = Duration::from_secs(20);
/// A clock further off than this breaks signatures: S3 allows 15 min, TLS and credentials of an hour less.
const MAX_CLOCK_ERROR_S: i64 = 60;
/// A certificate that ends sooner is worth a word.
const CERTIFICATE_DAYS: i64 = 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// It works, but somebody should look at it.
    Warning,
    Failed,
    /// Not to be told from here.
    Skipped,
}

#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub step: &'static str,
    pub status: Status,
    pub detail: String,
    /// What to do, when it is not ok.
    pub advice: Option<String>,
    pub duration_ms: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// No step failed.
    pub ok: bool,
    pub steps: Vec<Step>,
    /// With `--sn`: that dock's last conversations, a sentence each, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Vec<String>>,
}

/// What a step has to say when it did not fail.
enum Said {
    Well(String),
    But { detail: String, advice: String },
    Nothing(String),
}

impl Report {
    /// Does a step; `None` when it failed.
    async fn step<T>(
        &mut self,
        step: &'static str,
        advice: &str,
        work: impl Future<Output = anyhow::Result<(T, Said)>>,
    ) -> Option<T> {
        let started = Instant::now();
        let outcome = tokio::time::timeout(STEP, work).await;
        let outcome =
            outcome.unwrap_or_else(|_| Err(anyhow::anyhow!("nothing came of it within {} s", STEP.as_secs())));
        let duration_ms = started.elapsed().as_secs_f64() * 1e3;
        let (value, status, detail, advice) = match outcome {
            Ok((value, Said::Well(detail))) => (Some(value), Status::Ok, detail, None),
            Ok((value, Said::But { detail, advice })) => (Some(value), Status::Warning, detail, Some(advice)),
            Ok((value, Said::Nothing(detail))) => (Some(value), Status::Skipped, detail, None),
            Err(error) => (None, Status::Failed, format!("{error:#}"), Some(advice.to_owned())),
        };
        self.ok &= status != Status::Failed;
        self.steps.push(Step { step, status, detail, advice, duration_ms });
        value
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let word = match step.status {
                Status::Ok => "ok",
                Status::Warning => "warning",
                Status::Failed => "FAILED",
                Status::Skipped => "skipped",
            };
            writeln!(f, "{word:8} {:14} {}", step.step, step.detail)?;
            if let Some(advice) = &step.advice {
                writeln!(f, "{:24}-> {advice}", "")?;
            }
        }
        if let Some(sentences) = &self.conversation {
            writeln!(f)?;
            sentences.iter().try_for_each(|sentence| writeln!(f, "{sentence}"))?;
        }
        f.write_str(if self.ok {
            "\na dock can work with this server"
        } else {
            "\na dock cannot work with this server as it is"
        })
    }
}

/// Walks the path; tells of `sn` in words when one is given.
pub async fn examine(config: &Config, sn: Option<&str>) -> Report {
    let mut report = Report { ok: true, steps: Vec::new(), conversation: None };
    let advice = "start `eyrie serve` once, or name its folder with --data";
    let opened = async {
        let library = DataDir::new(&config.data).open(config).await?;
        let detail = format!("{} (library {})", library.dir.path().display(), library.marker.id);
        Ok((library, Said::Well(detail)))
    };
    let Some(library) = report.step("library", advice, opened).await else { return report };
    walk(config, &library, &mut report).await;
    if let Some(sn) = sn {
        report.conversation = Some(conversation::explain(&library, sn).await);
    }
    library.catalogue.close().await;
    report
}

async fn walk(config: &Config, library: &Library, report: &mut Report) -> Option<()> {
    report.step("disk", "free some space, or lower s3.min_free_space", disk(config, library)).await;
    report.step("programs", "correct media.ffmpeg and media.thermal_program", programs(config)).await;
    report.step("clock", "set this machine's clock (NTP): signatures and credentials hang on it", clock(config)).await;
    let advice = "start `eyrie serve` with the same --data; its log on stderr says why it ended";
    let urls = report.step("server", advice, server(library)).await?;

    let addresses = [("MQTT", &urls.mqtt), ("S3", &urls.s3), ("API", &urls.http)];
    let advice = "give every part an address that exists: public_host, or public_url of the part";
    let addresses = report.step("names", advice, names(&addresses)).await?;
    let advice =
        "docks connect to this very address: open the port in the firewall, or correct public_host and public_url";
    report.step("ports", advice, ports(&addresses)).await?;
    let trust = certificate(&addresses, report).await;
    let advice = "the server's log on stderr says more";
    report.step("ready", advice, ready(&addresses[2], trust)).await;

    let dock =
        report.step("account", "the server's log on stderr says more", ScratchDock::add(config, library)).await?;
    let walked = scratch::walk(library, &dock, &addresses[0], trust, report).await;
    let advice = "remove what is left of it by hand: objects below the prefix of that serial number";
    report.step("clean up", advice, dock.remove(library)).await;
    walked
}

async fn disk(config: &Config, library: &Library) -> anyhow::Result<((), Said)> {
    library.store.writable()?;
    let free = RealFiles.free_bytes(library.dir.path())?;
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let detail = format!("{:.1} GiB are free", gib(free));
    if free < config.s3.min_free_bytes.saturating_mul(3) {
        let advice = format!("uploads are refused below {:.1} GiB: free some space", gib(config.s3.min_free_bytes));
        return Ok(((), Said::But { detail, advice }));
    }
    Ok(((), Said::Well(detail)))
}

/// Programs of others: what is missing without them.
async fn programs(config: &Config) -> anyhow::Result<((), Said)> {
    let named = [("media.ffmpeg", &config.media.ffmpeg), ("media.thermal_program", &config.media.thermal_program)];
    for (key, path) in named.into_iter().filter_map(|(key, path)| Some((key, path.as_ref()?))) {
        ensure!(path.is_file(), "{key}: there is no file {}", path.display());
    }
    match config.media.ffmpeg.clone().or_else(|| crate::program::find("ffmpeg")) {
        Some(path) => Ok(((), Said::Well(format!("videos get pictures from {}", path.display())))),
        None => Ok(((), Said::Nothing("no ffmpeg here: videos have no pictures and no proxies".into()))),
    }
}

async fn clock(config: &Config) -> anyhow::Result<((), Said)> {
    let (host, port) = (&config.cloud_api.ntp_server_host, config.cloud_api.ntp_server_port);
    let now = Timestamp::now();
    match network::clock_error_s(host, port).await {
        Ok(error) => {
            ensure!(error.abs() <= MAX_CLOCK_ERROR_S, "{now} here is {error} s beside the time of {host}");
            Ok(((), Said::Well(format!("{now}, {host} agrees"))))
        }
        Err(error) => {
            Ok(((), Said::Nothing(format!("{now}; the time server {host}:{port} does not answer here: {error:#}"))))
        }
    }
}

async fn server(library: &Library) -> anyhow::Result<(PublicUrls, Said)> {
    let run = library.dir.run_file().context("no server ever ran on this library")?;
    ensure!(library.dir.is_served(), "the server is not running; the last one started at {}", run.started_at);
    let urls = PublicUrls { http: run.http_url, mqtt: run.mqtt_url, s3: run.s3_url };
    let detail = format!("process {}, docks are told {} and {}", run.pid, urls.mqtt, urls.s3);
    if [&urls.mqtt, &urls.s3].iter().any(|url| Address::parse(url).is_ok_and(|address| address.is_loopback())) {
        let advice =
            "only this machine reaches a loopback address: for real docks listen beyond it and set --public-host";
        return Ok((urls, Said::But { detail, advice: advice.into() }));
    }
    Ok((urls, Said::Well(detail)))
}

async fn names(urls: &[(&'static str, &String); 3]) -> anyhow::Result<([Address; 3], Said)> {
    let mut details = Vec::new();
    let mut resolve = async |(part, url): (&str, &String)| {
        let mut address = Address::parse(url).with_context(|| format!("{part} has the address {url}"))?;
        address.resolve().await.with_context(|| format!("{part}: {} has no address", address.host))?;
        details.push(format!("{} is {}", address.host, address.ip()));
        anyhow::Ok(address)
    };
    let addresses = [resolve(urls[0]).await?, resolve(urls[1]).await?, resolve(urls[2]).await?];
    details.dedup();
    Ok((addresses, Said::Well(details.join(", "))))
}

async fn ports(addresses: &[Address; 3]) -> anyhow::Result<((), Said)> {
    for address in addresses {
        address.connect().await.with_context(|| format!("{address} cannot be reached"))?;
    }
    let list: Vec<String> = addresses.iter().map(Address::to_string).collect();
    Ok(((), Said::Well(format!("{} accept connections", list.join(", ")))))
}

/// Whether the rest of the walk can insist on good certificates: a bad one is told once and does not hide other faults.
async fn certificate(addresses: &[Address; 3], report: &mut Report) -> Trust {
    if !addresses.iter().any(|address| address.tls) {
        return Trust::System;
    }
    let check = async {
        let mut ends: Option<Timestamp> = None;
        for address in addresses.iter().filter(|address| address.tls) {
            let presented = address.certificate(Trust::Anyone).await;
            let presented = presented.with_context(|| format!("{address} does not speak TLS"))?;
            let not_after = crate::tls::not_after(&presented).context("the certificate's end cannot be read")?;
            ensure!(not_after > Timestamp::now(), "the certificate of {address} ended at {not_after}");
            ends = Some(ends.map_or(not_after, |ends| ends.min(not_after)));
            let verified = address.certificate(Trust::System).await;
            verified.with_context(|| format!("the certificate of {address} is not trusted by this machine"))?;
        }
        let Some(ends) = ends else { bail!("there is no certificate") };
        let days = ends.duration_since(Timestamp::now()).as_hours() / 24;
        let detail = format!("trusted, ends at {ends}, in {days} days");
        Ok((
            (),
            if days < CERTIFICATE_DAYS {
                Said::But { detail, advice: "renew it soon".into() }
            } else {
                Said::Well(detail)
            },
        ))
    };
    let advice = "put a certificate of a public authority for this host name in place (tls.cert_file, or the proxy's): docks know \
                  the public ones only";
    if report.step("certificate", advice, check).await.is_some() { Trust::System } else { Trust::Anyone }
}

async fn ready(api: &Address, trust: Trust) -> anyhow::Result<((), Said)> {
    let (status, body) = network::get(api, "/readyz", trust).await?;
    ensure!(status == 200, "/readyz answers {status}: {}", String::from_utf8_lossy(&body));
    Ok(((), Said::Well("database, store and broker work".into())))
}
