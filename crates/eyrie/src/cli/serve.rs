use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use super::Session;
use crate::boot::{FIRST_USER, Running, run_server};

/// Run the server
#[derive(Args)]
#[command(after_help = "\
The first start on an empty data directory makes the workspace `default` and the administrator `admin`, and prints the
password once (EYRIE_ADMIN_PASSWORD sets it instead).

Examples:
  eyrie serve
  eyrie serve --http 0.0.0.0:8080 --mqtt 0.0.0.0:1883 --s3 0.0.0.0:9000 --public-host 10.0.0.5
  eyrie serve --mqtt-url mqtts://eyrie:PASSWORD@broker.example.org:8883 --no-onboarding     beside another platform

SIGTERM and SIGINT stop it in order within 10 s; SIGHUP reads the certificate again.")]
pub(super) struct Serve {
    /// Address of the API and the page (default: 127.0.0.1:8080; EYRIE_HTTP)
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
    /// Address of the embedded broker (default: 127.0.0.1:1883; EYRIE_MQTT)
    #[arg(long, value_name = "ADDR")]
    mqtt: Option<String>,
    /// Address of the embedded object store (default: 127.0.0.1:9000; EYRIE_S3)
    #[arg(long, value_name = "ADDR")]
    s3: Option<String>,
    /// Host name or IP address that docks and browsers are given (EYRIE_PUBLIC_HOST)
    #[arg(long, value_name = "HOST")]
    public_host: Option<String>,
    /// Use this broker instead of the embedded one: `mqtt://USER:PASSWORD@HOST:PORT` or `mqtts://...` (EYRIE_MQTT_URL)
    #[arg(long, value_name = "URL")]
    mqtt_url: Option<String>,
    /// Answer the media methods only and leave the rest to the platform on the same broker (EYRIE_NO_ONBOARDING)
    #[arg(long)]
    no_onboarding: bool,
    /// Certificate chain, PEM: all three listeners then speak TLS only (EYRIE_TLS_CERT)
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Private key of the certificate, PEM (EYRIE_TLS_KEY)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// How log lines on stderr look (default: text; EYRIE_LOG_FORMAT)
    #[arg(long)]
    log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, trace, or a filter of targets (default: info; EYRIE_LOG)
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Serve {
    fn flags(self) -> Vec<(&'static str, &'static str, String)> {
        let format = self.log_format.map(|format| match format {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        });
        let flags = [
            ("http.listen", "http", self.http),
            ("mqtt.listen", "mqtt", self.mqtt),
            ("s3.listen", "s3", self.s3),
            ("public_host", "public-host", self.public_host),
            ("mqtt.url", "mqtt-url", self.mqtt_url),
            ("cloud_api.onboarding", "no-onboarding", self.no_onboarding.then(|| "false".to_owned())),
            ("tls.cert_file", "tls-cert", self.tls_cert),
            ("tls.key_file", "tls-key", self.tls_key),
            ("log.format", "log-format", format),
            ("log.filter", "log", self.log),
        ];
        flags.into_iter().filter_map(|(key, flag, text)| Some((key, flag, text?))).collect()
    }

    pub(super) async fn run(self, mut session: Session) -> anyhow::Result<bool> {
        session.sources.flags.extend(self.flags());
        let loaded = session.load();
        let warnings = loaded.warnings.clone();
        let config = loaded.checked()?;
        crate::log::init(&config.log)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        raise_file_limit();

        // before the start, so that a signal during it is not lost
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let running = tokio::select! {
            running = run_server(config) => running?,
            _ = terminate.recv() => return Ok(true),
            _ = interrupt.recv() => return Ok(true),
        };
        announce(&session, &running)?;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang_up.recv() => match running.reload_tls() {
                    Ok(()) => tracing::info!("certificate read again"),
                    Err(error) => tracing::error!(error = format!("{error:#}"), "the certificate in force stays"),
                },
            }
        }
        running.stop().await;
        Ok(true)
    }
}

/// Says where everything is, and the first administrator's password: here, once, and never in the log.
fn announce(session: &Session, running: &Running) -> anyhow::Result<()> {
    let run = running.run_file();
    if session.output.json {
        let mut object = serde_json::to_value(&run)?;
        object["admin"] = running.first_password.as_ref().map(|_| FIRST_USER).into();
        object["admin_password"] = running.first_password.clone().into();
        return session.output.print(&object);
    }
    let mqtt = run.mqtt_listen.map_or("an external broker".to_owned(), |listen| listen.to_string());
    let mut lines = vec![
        format!("eyrie {} is ready", run.version),
        format!("  API    {}  (listens on {})", run.http_url, run.http_listen),
        format!("  MQTT   {}  ({}{mqtt})", run.mqtt_url, if run.mqtt_listen.is_some() { "listens on " } else { "" }),
        format!("  S3     {}  (listens on {})", run.s3_url, run.s3_listen),
        format!("  data   {}", running.app.config.data.display()),
    ];
    if let Some(password) = &running.first_password {
        lines.push(format!("  first administrator: {FIRST_USER}, password: {password}  (shown this once)"));
    }
    session.output.line(&lines.join("\n"))
}

/// Each dock takes some file descriptors; the usual soft limit of 1,024 would end at a few hundred docks.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, soft = ?limit.current, "the limit of open files cannot be raised");
    }
}
