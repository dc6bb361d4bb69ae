//! Everything an operator can set. One TOML file, every key also as `EYRIE_...`, the useful ones as flags;
//! [`load`](load::load) joins them and remembers where each value came from.

mod check;
pub mod explain;
pub mod load;
mod settings;
mod units;

pub use check::{BrokerUrl, broker_url, public_urls};
pub use explain::{Explained, explain, explain_config};
pub use load::{Loaded, Origin, Sources, load};

use check::tiles_origin;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The settings in force. Defaults: loopback, embedded parts, limits on.
#[derive(Clone, Debug)]
pub struct Config {
    /// Database, objects, keys and the run file lie here.
    pub data: PathBuf,
    /// The host name or address that docks and browsers are given. Needed as soon as a listener is not on loopback.
    pub public_host: Option<String>,
    /// Certificate chain and private key (PEM) of all three listeners.
    pub tls: Option<Tls>,
    pub http: HttpConfig,
    pub mqtt: MqttConfig,
    pub s3: S3Config,
    pub cloud_api: CloudApiConfig,
    pub pilot: PilotConfig,
    pub oidc: OidcConfig,
    pub library: LibraryConfig,
    pub map: MapConfig,
    pub ingest: IngestConfig,
    pub media: MediaConfig,
    pub jobs: JobsConfig,
    pub log: LogConfig,
    /// `EYRIE_ADMIN_PASSWORD`: the first administrator's password instead of a random one. Never written or shown.
    pub admin_password: Option<Secret>,
    /// Where values came from, by key; a key that is not in it has its default.
    pub origins: BTreeMap<&'static str, Origin>,
}

#[derive(Clone, Debug)]
pub struct Tls {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

/// Text that never appears in logs or `check-config`.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(set)")
    }
}

/// Bounds of an HTTP listener (API and S3 alike).
#[derive(Clone, Debug)]
pub struct ListenerLimits {
    pub max_connections: usize,
    /// From accept, or from the last answer, to the end of the request's header.
    pub header_timeout: Duration,
    /// No byte in either direction for so long ends the connection.
    pub idle_timeout: Duration,
    pub max_header_bytes: usize,
}

#[derive(Clone, Debug)]
pub struct HttpConfig {
    pub listen: SocketAddr,
    /// Scheme, host and port that browsers are given; made from `public_host` and `listen` when not set.
    pub public_url: Option<String>,
    pub limits: ListenerLimits,
    /// Largest body of an API request, bytes.
    pub max_body_bytes: usize,
    /// How long a signed link to a file's content works.
    pub content_url_lifetime: Duration,
    /// How long a browser session lasts.
    pub session_lifetime: Duration,
    /// Failed logins for one name (and for one address, times five) in 15 minutes before the next waits.
    pub max_failed_logins: u32,
    /// Addresses and networks of proxies that are believed in whom they speak for (`X-Forwarded-For`).
    pub trusted_proxies: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct MqttConfig {
    pub listen: SocketAddr,
    pub public_url: Option<String>,
    /// An external broker (`mqtt[s]://USER:PASSWORD@HOST:PORT`) instead of the embedded one.
    pub url: Option<Secret>,
    /// PEM file of the authority that signed the external broker's certificate; the system's roots when not set.
    pub ca_file: Option<PathBuf>,
    pub max_connections: usize,
    pub max_packet_bytes: u32,
    pub handshake_timeout: Duration,
    pub max_inflight: u16,
    pub max_queued: usize,
    pub max_keepalive_s: u16,
    /// Messages of docks that are worked on at once.
    pub receive_maximum: u16,
}

#[derive(Clone, Debug)]
pub struct S3Config {
    pub listen: SocketAddr,
    /// The endpoint that docks, operators' tools and browsers are given.
    pub public_url: Option<String>,
    pub region: String,
    /// `minio`, `aws` or `ali`: the word that makes the dock speak to us the right way.
    pub provider: String,
    /// Virtual-host style below these domains.
    pub domains: Vec<String>,
    pub limits: ListenerLimits,
    pub max_put_bytes: u64,
    pub max_chunk_bytes: usize,
    /// Writes are refused below this much free disk.
    pub min_free_bytes: u64,
    pub upload_expiry: Duration,
    /// Of the credentials a dock gets.
    pub credentials_lifetime: Duration,
}

/// What docks are told while they come online.
#[derive(Clone, Debug)]
pub struct CloudApiConfig {
    /// False: a sidecar that answers the media methods only.
    pub onboarding: bool,
    pub app_id: String,
    pub app_key: Secret,
    pub app_license: Secret,
    pub ntp_server_host: String,
    pub ntp_server_port: u16,
}

/// Remote controllers with Pilot 2, and the page they log in on.
#[derive(Clone, Debug)]
pub struct PilotConfig {
    /// What Pilot 2 shows as the platform's name.
    pub platform_name: String,
    /// Of an `X-Auth-Token`; the page renews it before.
    pub token_lifetime: Duration,
    /// A login cannot be renewed for longer.
    pub session_lifetime: Duration,
    /// Beside an external broker: where controllers connect and with which account of it
    /// (`mqtt[s]://USER:PASSWORD@HOST:PORT`, `{sn}` for the serial number).
    pub mqtt_url: Option<Secret>,
}

/// Login through an OpenID Connect provider; off without `issuer`.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// As its discovery document names itself, to the letter.
    pub issuer: Option<String>,
    /// On the login page: "Sign in with NAME".
    pub name: String,
    pub client_id: String,
    /// None for a public client: PKCE alone then proves who asks.
    pub client_secret: Secret,
    pub scopes: Vec<String>,
    /// The claim that becomes a new user's name.
    pub name_claim: String,
    /// The claim with groups or roles, a text or a list of texts; dots go deeper (`realm_access.roles`).
    pub role_claim: String,
    /// Whoever has none of these is refused; with an empty list a role is enough.
    pub allowed_groups: Vec<String>,
    /// `GROUP=ROLE`; the highest counts.
    pub roles: Vec<String>,
    /// For those whose groups give none: `viewer`, `operator`, `admin`, or nothing, and they are refused.
    pub default_role: String,
    /// The workspace that all of them see.
    pub workspace: String,
    /// Authority of the provider's certificate, PEM, beside the system's.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct LibraryConfig {
    /// Files of one aircraft that name no flight: a pause of this length between two captures begins another one.
    pub flight_gap: Duration,
    /// How long a file stays in the trash before it is deleted for good; zero: until somebody empties it.
    pub trash_period: Duration,
}

/// What lies below the files on the map, besides the outlines of the world that are in the page.
#[derive(Clone, Debug)]
pub struct MapConfig {
    /// Tiles of a server, with `{z}`, `{x}` and `{y}`; browsers ask it, and the page's policy names its host.
    pub tiles_url: Option<String>,
    pub tiles_attribution: String,
    pub tiles_max_zoom: u32,
    /// A PMTiles file on this machine.
    pub pmtiles_file: Option<PathBuf>,
}

impl MapConfig {
    /// Whether the tiles' address names vector tiles, by its ending.
    pub fn is_vector(&self) -> bool {
        let path = self.tiles_url.as_deref().unwrap_or_default().split(['?', '#']).next().unwrap_or_default();
        [".mvt", ".pbf"].iter().any(|ending| path.ends_with(ending))
    }

    /// Scheme, host and port of the tiles' address, as a policy names them.
    pub fn tiles_origin(&self) -> Option<String> {
        tiles_origin(self.tiles_url.as_deref()?)
    }
}

#[derive(Clone, Debug)]
pub struct IngestConfig {
    /// Reports that may share one commit.
    pub max_batch: usize,
    /// Looks for an object that a dock reported before it is called missing: this many times, this far apart.
    pub head_attempts: u32,
    pub head_interval: Duration,
    /// A flight is stalled when nothing was heard of it for so long.
    pub stalled_after: Duration,
    /// Trace entries older than this are forgotten.
    pub trace_keep: Duration,
    pub trace_keep_per_dock: u32,
}

/// Programs of others that do a piece of our work.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Makes posters and proxies of videos; looked for on the path when not set.
    pub ffmpeg: Option<PathBuf>,
    /// Measures temperatures in thermal pictures, called as DJI's `dji_irp` is; none when not set.
    pub thermal_program: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct JobsConfig {
    pub workers: usize,
    pub lease: Duration,
    pub max_attempts: u32,
    /// Store and catalogue are compared this often; zero: never by itself.
    pub reconcile_interval: Duration,
}

#[derive(Clone, Debug)]
pub struct LogConfig {
    pub json: bool,
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter of targets.
    pub filter: String,
}

impl Default for Config {
    fn default() -> Self {
        let limits = |max_connections| ListenerLimits {
            max_connections,
            header_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(120),
            max_header_bytes: 64 * 1024,
        };
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            data: PathBuf::from("eyrie-data"),
            public_host: None,
            tls: None,
            http: HttpConfig {
                listen: loopback(8080),
                public_url: None,
                limits: limits(1_000),
                max_body_bytes: 1 << 20,
                content_url_lifetime: Duration::from_secs(15 * 60),
                session_lifetime: Duration::from_secs(7 * 24 * 3600),
                max_failed_logins: 10,
                trusted_proxies: Vec::new(),
            },
            mqtt: MqttConfig {
                listen: loopback(1883),
                public_url: None,
                url: None,
                ca_file: None,
                max_connections: 10_000,
                max_packet_bytes: 1 << 20,
                handshake_timeout: Duration::from_secs(15),
                max_inflight: 64,
                max_queued: 10_000,
                max_keepalive_s: 3_600,
                receive_maximum: 1_024,
            },
            s3: S3Config {
                listen: loopback(9000),
                public_url: None,
                region: "us-east-1".into(),
                provider: "minio".into(),
                domains: Vec::new(),
                limits: limits(2_000),
                max_put_bytes: 5 << 30,
                max_chunk_bytes: 16 << 20,
                min_free_bytes: 1 << 30,
                upload_expiry: Duration::from_secs(7 * 24 * 3600),
                credentials_lifetime: Duration::from_secs(3600),
            },
            cloud_api: CloudApiConfig {
                onboarding: true,
                app_id: String::new(),
                app_key: Secret(String::new()),
                app_license: Secret(String::new()),
                ntp_server_host: "pool.ntp.org".into(),
                ntp_server_port: 123,
            },
            pilot: PilotConfig {
                platform_name: "Eyrie".into(),
                token_lifetime: Duration::from_secs(12 * 3600),
                session_lifetime: Duration::from_secs(30 * 24 * 3600),
                mqtt_url: None,
            },
            oidc: OidcConfig {
                issuer: None,
                name: "OpenID Connect".into(),
                client_id: String::new(),
                client_secret: Secret(String::new()),
                scopes: ["openid", "profile", "email"].map(String::from).to_vec(),
                name_claim: "preferred_username".into(),
                role_claim: "groups".into(),
                allowed_groups: Vec::new(),
                roles: Vec::new(),
                default_role: String::new(),
                workspace: "default".into(),
                ca_file: None,
            },
            library: LibraryConfig {
                flight_gap: Duration::from_secs(30 * 60),
                trash_period: Duration::from_secs(30 * 24 * 3600),
            },
            map: MapConfig {
                tiles_url: None,
                tiles_attribution: String::new(),
                tiles_max_zoom: 19,
                pmtiles_file: None,
            },
            ingest: IngestConfig {
                max_batch: 256,
                head_attempts: 3,
                head_interval: Duration::from_millis(300),
                stalled_after: Duration::from_secs(30 * 60),
                trace_keep: Duration::from_secs(30 * 24 * 3600),
                trace_keep_per_dock: 10_000,
            },
            media: MediaConfig { ffmpeg: None, thermal_program: None },
            jobs: JobsConfig {
                workers: 2,
                lease: Duration::from_secs(60),
                max_attempts: 8,
                reconcile_interval: Duration::from_secs(6 * 3600),
            },
            log: LogConfig { json: false, filter: "info".into() },
            admin_password: None,
            origins: BTreeMap::new(),
        }
    }
}
