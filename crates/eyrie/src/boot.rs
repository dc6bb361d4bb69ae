//! Start and stop of the server, each to be read from top to bottom.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use eyrie_catalogue::{NewJob, Role};
use eyrie_env::{Files as _, RealFiles};
use eyrie_mqtt::{Broker, BrokerConfig, BrokerLimits, Gate, Link, LinkConfig, Login, Refusal};
use eyrie_objects::s3::{S3Config, S3Limits};
use hyper_util::service::TowerToHyperService;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::SetOnce;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::config::{Config, broker_url, public_urls};
use crate::data::{DataDir, Library, RunFile};
use crate::gate::{AccountGate, OperatorKeys};
use crate::listener::{self, Part};
use crate::tls::ServerTls;
use crate::{api, dock, gate, ingest, jobs, metrics, secret, trace};

/// Name of the workspace and of the administrator that the first start makes.
pub const FIRST_WORKSPACE: &str = "default";
pub const FIRST_USER: &str = "admin";

/// The embedded broker is connected within this time, or the start says so and goes on.
const LINK_READY: Duration = Duration::from_secs(5);
/// How long a stop waits for requests, messages and jobs in hand; for the last commits; for the broker's farewells.
/// Together below 10 s, after which service managers lose patience.
const STOP_WORK: Duration = Duration::from_secs(6);
const STOP_COMMITS: Duration = Duration::from_secs(2);
const STOP_BROKER: Duration = Duration::from_millis(1_500);
/// How often expired uploads are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// How often figures are read that nobody reports.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);
/// How often rules are applied, and the trash is looked through.
const RETENTION_EVERY: Duration = Duration::from_secs(3600);
/// How often it is asked whether a comparison of store and catalogue is due; shorter when it is due more often.
const RECONCILE_LOOK: Duration = Duration::from_secs(60);
/// Bytes of entropy in the password of the server's own MQTT client.
const SERVICE_PASSWORD_BYTES: usize = 32;
const SERVICE_USERNAME: &str = "eyrie-service";

/// A server at work. Dropping it stops nothing in order: call [`Running::stop`].
pub struct Running {
    pub app: Arc<App>,
    pub http_addr: SocketAddr,
    pub s3_addr: SocketAddr,
    /// `None` with an external broker.
    pub mqtt_addr: Option<SocketAddr>,
    /// The administrator's password when this was the first start and none was set. To be shown once.
    pub first_password: Option<String>,
    library: Library,
    tls: Option<ServerTls>,
    /// Ends what takes work in.
    stop: CancellationToken,
    work: TaskTracker,
    /// Ends what writes the results of work.
    stop_commits: CancellationToken,
    commits: TaskTracker,
}

/// Starts everything; ready when it returns.
///
/// # Errors
/// What could not be opened, and why; the process is of no use then.
pub async fn run_server(config: Config) -> anyhow::Result<Running> {
    metrics::install();
    let tls = config.tls.as_ref().map(ServerTls::open).transpose()?;

    // what is kept
    let (library, first_start) = DataDir::new(&config.data).open_for_server(&config).await?;

    // addresses: bound first, so that port 0 is known when it is told to docks
    let http = listen("the API (http.listen)", config.http.listen).await?;
    let s3 = listen("S3 (s3.listen)", config.s3.listen).await?;
    let (http_addr, s3_addr) = (http.local_addr()?, s3.local_addr()?);

    // the broker, whose gate opens as soon as the server hears what docks say
    let late_gate = Arc::new(LateGate(SetOnce::new()));
    let service_password = secret::random_text(&*library.random, SERVICE_PASSWORD_BYTES);
    let broker = match &config.mqtt.url {
        None => Some(
            Broker::start(broker_config(&config, &service_password), Arc::clone(&late_gate) as Arc<dyn Gate>).await?,
        ),
        Some(_) => None,
    };
    let mqtt_addr = broker.as_ref().map(Broker::addr);

    // what the server owns
    let link_config = link_config(&config, &library, broker.as_ref(), service_password)?;
    let stop = CancellationToken::new();
    let app = Arc::new(App {
        urls: public_urls(&config, http_addr, mqtt_addr.unwrap_or(config.mqtt.listen), s3_addr),
        s3_on_this_machine: on_this_machine(&config, s3_addr),
        clock: Arc::clone(&library.clock),
        random: Arc::clone(&library.random),
        catalogue: library.catalogue.clone(),
        store: Arc::clone(&library.store),
        issuer: library.issuer.clone(),
        docks: dock::state::Docks::default(),
        logins: gate::Logins::default(),
        services: dock::services::Services::default(),
        ingest: ingest::Ingest::default(),
        hands: Default::default(),
        holds: Default::default(),
        events: crate::events::Events::default(),
        trace: trace::Trace::default(),
        pictures: crate::pictures::Pictures::default(),
        selections: Default::default(),
        wake: jobs::Wake::default(),
        link: OnceLock::new(),
        broker: OnceLock::new(),
        config,
    });
    app.docks.load(&app.catalogue).await?;
    app.trace.load(&app.catalogue).await?;
    app.holds.load(&app.catalogue).await?;
    app.hands.set_removing(!app.catalogue.pending_removals(1).await?.is_empty());
    let first_password = if first_start { first_start_contents(&app, &library).await? } else { None };
    if let Some(broker) = broker {
        assert!(app.broker.set(broker).is_ok(), "the broker is set once");
    }
    let account_gate = AccountGate::new(Arc::clone(&app));

    // those who write results; they stop last
    let (commits, stop_commits) = (TaskTracker::new(), CancellationToken::new());
    commits.spawn(ingest::run(Arc::clone(&app), stop_commits.clone()));
    commits.spawn(trace::run(Arc::clone(&app), stop_commits.clone()));
    commits.spawn(dock::keep_live(Arc::clone(&app), stop_commits.clone()));
    commits.spawn(metrics::upkeep(stop_commits.clone()));

    // those who take work in; they stop first
    let work = TaskTracker::new();
    let (link, inbox) = Link::connect(link_config)?;
    let mut link_ready = link.ready();
    assert!(app.link.set(link).is_ok(), "the link is set once");
    work.spawn(dock::run(Arc::clone(&app), inbox, stop.clone()));
    work.spawn(gate::watch(Arc::clone(&app), stop.clone()));
    work.spawn(jobs::run(Arc::clone(&app), stop.clone()));
    work.spawn(sweep(Arc::clone(&app), stop.clone()));
    work.spawn(sample(Arc::clone(&app), stop.clone()));
    work.spawn(reconcile_on_schedule(Arc::clone(&app), stop.clone()));
    work.spawn(retention_on_schedule(Arc::clone(&app), stop.clone()));
    let api = TowerToHyperService::new(api::router(Arc::clone(&app)).layer(axum::Extension(stop.clone())));
    let limits = app.config.http.limits.clone();
    work.spawn(listener::serve(Part::Http, http, tls.clone(), limits, api, stop.clone()));
    let keys = Arc::new(OperatorKeys(Arc::clone(&app)));
    let objects = eyrie_objects::s3::service(Arc::clone(&app.store), app.issuer.clone(), keys, s3_config(&app.config));
    let limits = app.config.s3.limits.clone();
    work.spawn(listener::serve(Part::S3, s3, tls.clone(), limits, objects, stop.clone()));

    // an external broker may be away for as long as it likes; /readyz says so
    if mqtt_addr.is_some() && tokio::time::timeout(LINK_READY, link_ready.wait_for(|ready| *ready)).await.is_err() {
        tracing::warn!("the embedded broker is not connected yet");
    }
    // now somebody listens: what a dock says to a broker without subscribers is acknowledged and gone
    assert!(late_gate.0.set(account_gate).is_ok(), "the gate is set once");
    let running =
        Running { app, http_addr, s3_addr, mqtt_addr, first_password, library, tls, stop, work, stop_commits, commits };
    running.library.dir.write_run_file(&running.run_file())?;
    tracing::info!(http = %http_addr, s3 = %s3_addr, mqtt = ?mqtt_addr, "ready");
    Ok(running)
}

impl Running {
    /// Where everything listens, as `server.json` has it.
    pub fn run_file(&self) -> RunFile {
        RunFile {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
            http_url: self.app.urls.http.clone(),
            mqtt_url: self.app.urls.mqtt.clone(),
            s3_url: self.app.urls.s3.clone(),
            http_listen: self.http_addr,
            mqtt_listen: self.mqtt_addr,
            s3_listen: self.s3_addr,
            started_at: self.app.now(),
        }
    }

    /// Reads the certificate of the three listeners again.
    ///
    /// # Errors
    /// The files are not good; what is in force stays.
    pub fn reload_tls(&self) -> anyhow::Result<()> {
        self.tls.as_ref().map_or(Ok(()), ServerTls::reload)?;
        self.app.broker.get().map_or(Ok(()), Broker::reload_tls)?;
        Ok(())
    }

    /// Takes no more work, finishes or leaves what is in hand, writes what is to be written. Below 10 s.
    pub async fn stop(mut self) {
        tracing::info!("stopping");
        self.stop.cancel();
        finish(&self.work, STOP_WORK, "work in hand was left for the next start").await;
        self.stop_commits.cancel();
        finish(&self.commits, STOP_COMMITS, "the last state of docks was not written").await;
        let farewell = async {
            if let Some(link) = self.app.link.get() {
                link.stop().await;
            }
            if let Some(broker) = self.app.broker.get() {
                broker.stop().await;
            }
        };
        if tokio::time::timeout(STOP_BROKER, farewell).await.is_err() {
            tracing::warn!("connections to the broker were cut");
        }
        self.app.catalogue.close().await;
        self.library.release();
        tracing::info!("stopped");
    }
}

async fn finish(tasks: &TaskTracker, within: Duration, otherwise: &str) {
    tasks.close();
    if tokio::time::timeout(within, tasks.wait()).await.is_err() {
        tracing::warn!(tasks = tasks.len(), "{otherwise}");
    }
}

/// Lets clients wait at the door until the server is there to hear them.
struct LateGate(SetOnce<AccountGate>);

#[async_trait::async_trait]
impl Gate for LateGate {
    async fn authenticate(&self, login: &Login<'_>) -> Result<(), Refusal> {
        self.0.wait().await.authenticate(login).await
    }

    fn may_publish(&self, username: &str, topic: &str) -> bool {
        self.0.get().is_some_and(|gate| gate.may_publish(username, topic))
    }

    fn may_retain(&self, username: &str, topic: &str) -> bool {
        self.0.get().is_some_and(|gate| gate.may_retain(username, topic))
    }

    fn may_subscribe(&self, username: &str, filter: &str) -> bool {
        self.0.get().is_some_and(|gate| gate.may_subscribe(username, filter))
    }
}

async fn listen(what: &str, addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| format!("{what} cannot listen on {addr}"))
}

/// A listener on every address is reached on loopback.
fn on_this_machine(config: &Config, mut listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        listen.set_ip(if listen.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    format!("{}://{listen}", if config.tls.is_some() { "https" } else { "http" })
}

fn broker_config(config: &Config, service_password: &str) -> BrokerConfig {
    let mqtt = &config.mqtt;
    BrokerConfig {
        listen: mqtt.listen,
        tls: config.tls.as_ref().map(|tls| (tls.cert_file.clone(), tls.key_file.clone())),
        limits: BrokerLimits {
            max_connections: mqtt.max_connections,
            max_packet_bytes: mqtt.max_packet_bytes,
            handshake_timeout: mqtt.handshake_timeout,
            max_inflight: mqtt.max_inflight,
            max_queued: mqtt.max_queued,
            max_keepalive_s: mqtt.max_keepalive_s,
        },
        service: (SERVICE_USERNAME.into(), service_password.into()),
    }
}

fn link_config(
    config: &Config,
    library: &Library,
    broker: Option<&Broker>,
    service_password: String,
) -> anyhow::Result<LinkConfig> {
    let mut link = LinkConfig {
        host: String::new(),
        port: 0,
        tls: false,
        ca_file: config.mqtt.ca_file.clone(),
        username: SERVICE_USERNAME.into(),
        password: service_password,
        // one session for each library, whichever machine serves it
        client_id: format!("eyrie-{}", library.marker.id.simple()),
        subscriptions: dock::subscriptions(config),
        receive_maximum: config.mqtt.receive_maximum,
        max_packet_bytes: config.mqtt.max_packet_bytes,
    };
    if let Some(broker) = broker {
        (link.host, link.port) = (broker.internal_addr().ip().to_string(), broker.internal_addr().port());
        return Ok(link);
    }
    let url = config.mqtt.url.as_ref().context("there is neither an embedded nor an external broker")?;
    let url = broker_url(url).map_err(|reason| anyhow::anyhow!("mqtt.url: {reason}"))?;
    (link.host, link.port, link.tls) = (url.host, url.port, url.tls);
    (link.username, link.password) = (url.username, url.password);
    Ok(link)
}

fn s3_config(config: &Config) -> S3Config {
    S3Config {
        region: config.s3.region.clone(),
        domains: config.s3.domains.clone(),
        allow_bucket_operations: false,
        limits: S3Limits { max_put_bytes: config.s3.max_put_bytes, max_chunk_bytes: config.s3.max_chunk_bytes },
    }
}

/// The first workspace and administrator. An interrupted first start is repeated, and what it made already is kept, but
/// for the password: nobody has seen that one.
async fn first_start_contents(app: &App, library: &Library) -> anyhow::Result<Option<String>> {
    let admin = app.admin("server");
    if app.catalogue.workspace(FIRST_WORKSPACE).await?.is_none() {
        admin.add_workspace(FIRST_WORKSPACE).await?;
    }
    let chosen = app.config.admin_password.as_ref().map(|password| password.0.as_str());
    let access = match app.catalogue.user_by_name(FIRST_USER).await? {
        None => admin.add_user(FIRST_USER, None, Role::Admin, chosen).await?,
        Some(_) => admin.set_user_password(FIRST_USER, chosen).await?,
    };
    library.first_start_is_over()?;
    Ok(chosen.is_none().then_some(access.password))
}

async fn sweep(app: Arc<App>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        match app.store.sweep().await {
            Ok(0) => {}
            Ok(uploads) => tracing::info!(uploads, "expired uploads were removed"),
            Err(error) => tracing::warn!(error = %crate::log_chain(&error), "expired uploads could not be removed"),
        }
    }
}

/// Figures that nobody changes by an event.
async fn sample(app: Arc<App>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(SAMPLE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Ok(bytes) = RealFiles.free_bytes(&app.config.data) {
            ::metrics::gauge!("eyrie_disk_free_bytes").set(bytes as f64);
        }
        ::metrics::gauge!("eyrie_store_writable").set(if app.store.writable().is_ok() { 1.0 } else { 0.0 });
        if let Some(broker) = app.broker.get() {
            ::metrics::gauge!("eyrie_connections", "part" => "mqtt").set(broker.connections() as f64);
        }
        let connected = app.link.get().is_some_and(|link| *link.ready().borrow());
        ::metrics::gauge!("eyrie_broker_connected").set(if connected { 1.0 } else { 0.0 });
    }
}

/// Queues a comparison of store and catalogue when the last one is `jobs.reconcile_interval` old.
async fn reconcile_on_schedule(app: Arc<App>, stop: CancellationToken) {
    let interval = app.config.jobs.reconcile_interval;
    if interval.is_zero() {
        return;
    }
    let started = app.now();
    let mut tick = tokio::time::interval(RECONCILE_LOOK.min(interval));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = queue_reconcile(&app, started, interval).await {
            tracing::warn!(error = %crate::log_chain(&error), "the comparison of store and catalogue could not be queued");
        }
    }
}

async fn queue_reconcile(app: &App, started: Timestamp, interval: Duration) -> eyrie_catalogue::Result<()> {
    let newest = app.catalogue.list_jobs(None, None, Some(jobs::reconcile::KIND), None, 1).await?.items.pop();
    let last = newest.map_or(started, |job| job.created_at);
    let now = app.now();
    if now.duration_since(last) < SignedDuration::try_from(interval).unwrap_or(SignedDuration::MAX) {
        return Ok(());
    }
    let job = NewJob {
        id: app.new_id(),
        workspace_id: None,
        kind: jobs::reconcile::KIND.into(),
        media_id: None,
        flight_id: None,
        payload: serde_json::json!({}),
        run_after: now,
        max_attempts: app.config.jobs.max_attempts,
    };
    app.catalogue.add_jobs(&[job], now).await?;
    app.wake.wake();
    Ok(())
}

/// Queues what goes by itself when there may be some: rules, a trash whose period is over, objects that are left.
async fn retention_on_schedule(app: Arc<App>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(RETENTION_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = queue_retention(&app).await {
            tracing::warn!(error = %crate::log_chain(&error), "what goes by itself could not be queued");
        }
    }
}

async fn queue_retention(app: &App) -> eyrie_catalogue::Result<()> {
    let (catalogue, now) = (&app.catalogue, app.now());
    let left = !catalogue.pending_removals(1).await?.is_empty();
    let over = match jobs::apply_retention::over_before(app, now) {
        Some(before) => !catalogue.trashed_media(None, before, None, 1).await?.is_empty(),
        None => false,
    };
    let rules = catalogue.retention_rules(None).await?.iter().any(|rule| rule.enabled);
    if !(left || over || rules) || catalogue.count_open_jobs(jobs::apply_retention::KIND).await? > 0 {
        return Ok(());
    }
    let job = jobs::apply_retention::new_job(app.new_id(), None, now, app.config.jobs.max_attempts);
    catalogue.add_jobs(&[job], now).await?;
    app.wake.wake();
    Ok(())
}
