//! Whether the settings make sense together, and the addresses that follow from them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Config, Secret};
use crate::app::PublicUrls;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// S3 lets a signed URL live this long.
const MAX_SIGNED_URL: Duration = Duration::from_secs(7 * 24 * 3600);

/// An external broker's address, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    pub username: String,
    pub password: String,
}

impl BrokerUrl {
    /// Scheme, host and port.
    pub fn without_secrets(&self) -> String {
        format!("{}://{}:{}", mqtt_scheme(self.tls), bracketed(&self.host), self.port)
    }
}

/// `mqtt[s]://USER:PASSWORD@HOST[:PORT]`; user and password may hold percent escapes.
///
/// # Errors
/// What is wrong, without the text itself: it holds a password.
pub fn broker_url(url: &Secret) -> Result<BrokerUrl, String> {
    let form = "write mqtt://USER:PASSWORD@HOST:PORT or mqtts://...";
    let (scheme, rest) = url.0.split_once("://").ok_or(form)?;
    let tls = match scheme {
        "mqtt" => false,
        "mqtts" => true,
        _ => return Err(form.into()),
    };
    let (user, address) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (username, password) = user.split_once(':').unwrap_or((user, ""));
    let (host, port) = host_and_port(address.trim_end_matches('/')).ok_or(form)?;
    let decode = |text: &str| percent_decoded(text).ok_or("user or password has a broken percent escape");
    Ok(BrokerUrl {
        tls,
        host,
        port: port.unwrap_or(if tls { 8883 } else { 1883 }),
        username: decode(username)?,
        password: decode(password)?,
    })
}

/// `host`, `host:port`, `[::1]:port`.
fn host_and_port(address: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port =
        port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0)).map_or(Some(None), |port| port.map(Some))?;
    let named = host.parse::<IpAddr>().is_ok() || is_host_name(host);
    named.then(|| (host.to_owned(), port))
}

fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let pair = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(pair, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

fn mqtt_scheme(tls: bool) -> &'static str {
    if tls { "mqtts" } else { "mqtt" }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// What docks and browsers are given, for listeners at these addresses (the configured ones with port 0 filled in).
pub fn public_urls(config: &Config, http: SocketAddr, mqtt: SocketAddr, s3: SocketAddr) -> PublicUrls {
    let tls = config.tls.is_some();
    let url = |set: &Option<String>, scheme: &str, listen: SocketAddr| match set {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => {
            let host = config.public_host.clone().unwrap_or_else(|| listen.ip().to_string());
            format!("{scheme}://{}:{}", bracketed(host.trim_matches(['[', ']'])), listen.port())
        }
    };
    let scheme = if tls { "https" } else { "http" };
    let external = config.mqtt.url.as_ref().and_then(|url| broker_url(url).ok()).map(|url| url.without_secrets());
    PublicUrls {
        http: url(&config.http.public_url, scheme, http),
        mqtt: url(&config.mqtt.public_url.clone().or(external), mqtt_scheme(tls), mqtt),
        s3: url(&config.s3.public_url, scheme, s3),
    }
}

/// Scheme, host and port of a tile server's address, which has `{z}`, `{x}` and `{y}` in its path or query. `None` for anything else:
/// what comes out goes into the page's policy.
pub(super) fn tiles_origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let sound = matches!(scheme, "http" | "https")
        && host_and_port(host).is_some()
        && ["{z}", "{x}", "{y}"].iter().all(|part| path.contains(part))
        && path.chars().all(|c| c.is_ascii_graphic());
    sound.then(|| format!("{scheme}://{host}"))
}

/// Adds what is wrong.
pub(super) fn check(config: &Config, problems: &mut Vec<String>, warnings: &mut Vec<String>) {
    addresses(config, problems);
    listeners_have_public_addresses(config, problems);
    limits(config, problems);
    crate::oidc::check(&config.oidc, problems);
    if let Some(tls) = &config.tls {
        if tls.cert_file.as_os_str().is_empty() || tls.key_file.as_os_str().is_empty() {
            problems.push("tls.cert_file and tls.key_file belong together: set both".into());
        } else if let Err(error) = crate::tls::server_config(tls) {
            problems.push(format!("tls: {error:#}"));
        }
    }
    if let Some(url) = config.map.tiles_url.as_ref().filter(|url| tiles_origin(url).is_none()) {
        problems.push(format!("map.tiles_url: {url:?} is not https://HOST/PATH with {{z}}, {{x}} and {{y}}"));
    }
    if let Some(file) = config.map.pmtiles_file.as_ref().filter(|file| !file.is_file()) {
        problems.push(format!("map.pmtiles_file: {} is no file", file.display()));
    }
    if !["minio", "aws", "ali"].contains(&config.s3.provider.as_str()) {
        problems.push(format!("s3.provider: {:?} is not minio, aws or ali", config.s3.provider));
    }
    if let Err(error) = crate::log::check_filter(&config.log.filter) {
        problems.push(format!("log.filter: {error}"));
    }
    if let Some(password) = &config.admin_password {
        let (least, most) = (crate::admin::PASSWORD_BYTES.start(), crate::admin::PASSWORD_BYTES.end());
        if !crate::admin::PASSWORD_BYTES.contains(&password.0.len()) {
            problems.push(format!("EYRIE_ADMIN_PASSWORD: a password is {least} to {most} bytes long"));
        }
    }
    if !config.cloud_api.onboarding && config.mqtt.url.is_none() {
        warnings.push(
            "cloud_api.onboarding is false without an external broker (mqtt.url): docks that connect here are not told \
             what they need to come online"
                .into(),
        );
    }
    if config.tls.is_none() && config.public_host.is_some() {
        warnings.push("there is no certificate (tls.cert_file): passwords and files cross the network readable".into());
    }
}

fn addresses(config: &Config, problems: &mut Vec<String>) {
    if let Some(host) = &config.public_host
        && !matches!(host_and_port(host), Some((_, None)))
        && host.parse::<IpAddr>().is_err()
    {
        problems.push(format!("public_host: {host:?} is not a host name or an IP address (no scheme, no port)"));
    }
    let urls: [(&str, &Option<String>, &[&str]); 3] = [
        ("http.public_url", &config.http.public_url, &["http", "https"]),
        ("mqtt.public_url", &config.mqtt.public_url, &["mqtt", "mqtts", "ws", "wss", "tcp", "ssl"]),
        ("s3.public_url", &config.s3.public_url, &["http", "https"]),
    ];
    for (key, url, schemes) in urls {
        let Some(url) = url else { continue };
        let parts = url.trim_end_matches('/').split_once("://");
        if !parts.is_some_and(|(scheme, host)| schemes.contains(&scheme) && host_and_port(host).is_some()) {
            problems.push(format!("{key}: {url:?} is not scheme, host and port, with {}", schemes.join(" or ")));
        }
    }
    if let Some(url) = &config.mqtt.url
        && let Err(reason) = broker_url(url)
    {
        problems.push(format!("mqtt.url: {reason}"));
    }
    if let Some(url) = &config.pilot.mqtt_url {
        if let Err(reason) = broker_url(url) {
            problems.push(format!("pilot.mqtt_url: {reason}"));
        } else if config.mqtt.url.is_none() {
            problems.push(
                "pilot.mqtt_url: is for an external broker (mqtt.url); the embedded one gives accounts itself".into(),
            );
        }
    }
    for proxy in &config.http.trusted_proxies {
        if crate::api::forwarded::Network::parse(proxy).is_none() {
            problems.push(format!("http.trusted_proxies: {proxy:?} is not an address or a network, as 10.0.0.0/8"));
        }
    }
    for domain in &config.s3.domains {
        if !matches!(host_and_port(domain), Some((_, _))) {
            problems.push(format!("s3.domains: {domain:?} is not a host name"));
        }
    }
    let mut taken: Vec<(&str, SocketAddr)> = Vec::new();
    for (name, listen) in listeners(config) {
        if let Some((other, _)) = taken.iter().find(|(_, there)| listen.port() != 0 && *there == listen) {
            problems.push(format!("{other} and {name} are both {listen}"));
        }
        taken.push((name, listen));
    }
}

fn listeners(config: &Config) -> Vec<(&'static str, SocketAddr)> {
    let mut listeners = vec![("http.listen", config.http.listen), ("s3.listen", config.s3.listen)];
    if config.mqtt.url.is_none() {
        listeners.push(("mqtt.listen", config.mqtt.listen));
    }
    listeners
}

/// Rather no start than docks that are handed an address they cannot reach.
fn listeners_have_public_addresses(config: &Config, problems: &mut Vec<String>) {
    if config.public_host.is_some() {
        return;
    }
    for (name, listen) in listeners(config) {
        let public_url = match name {
            "http.listen" => &config.http.public_url,
            "s3.listen" => &config.s3.public_url,
            _ => &config.mqtt.public_url,
        };
        if listen.ip().is_loopback() || public_url.is_some() {
            continue;
        }
        let part = name.trim_end_matches(".listen");
        let example = own_address(listen).map_or_else(|| "eyrie.example.org".to_owned(), |ip| ip.to_string());
        problems.push(format!(
            "{name} is {listen}, which docks and browsers elsewhere can reach, but nothing says under which address: set \
             --public-host (public_host), for instance {example}, or {part}.public_url"
        ));
    }
}

/// The address other machines would most likely see: the one the system would send from. Nothing is sent.
fn own_address(listen: SocketAddr) -> Option<IpAddr> {
    if !listen.ip().is_unspecified() {
        return Some(listen.ip());
    }
    let socket = std::net::UdpSocket::bind(SocketAddr::new(listen.ip(), 0)).ok()?;
    // documentation addresses (RFC 5737, RFC 3849): a datagram socket's connect only picks the route
    socket.connect(if listen.is_ipv4() { "192.0.2.1:9" } else { "[2001:db8::1]:9" }).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_unspecified() && !own.is_loopback()).then_some(own)
}

fn limits(config: &Config, problems: &mut Vec<String>) {
    let mut at_least_one = |key: &str, value: u64| {
        if value == 0 {
            problems.push(format!("{key}: must be at least 1"));
        }
    };
    at_least_one("http.max_connections", config.http.limits.max_connections as u64);
    at_least_one("mqtt.max_connections", config.mqtt.max_connections as u64);
    at_least_one("mqtt.max_inflight", config.mqtt.max_inflight.into());
    at_least_one("mqtt.max_queued", config.mqtt.max_queued as u64);
    at_least_one("mqtt.receive_maximum", config.mqtt.receive_maximum.into());
    at_least_one("s3.max_connections", config.s3.limits.max_connections as u64);
    at_least_one("http.max_failed_logins", config.http.max_failed_logins.into());
    at_least_one("ingest.max_batch", config.ingest.max_batch as u64);
    at_least_one("ingest.head_attempts", config.ingest.head_attempts.into());
    at_least_one("jobs.workers", config.jobs.workers as u64);
    at_least_one("jobs.max_attempts", config.jobs.max_attempts.into());

    let second = Duration::from_secs(1);
    let mut between = |key: &str, value: Duration, least: Duration, most: Duration| {
        if value < least || value > most {
            problems.push(format!("{key}: {value:?} is not between {least:?} and {most:?}"));
        }
    };
    let short = Duration::from_millis(100);
    between("http.header_timeout", config.http.limits.header_timeout, short, DAY);
    between("http.idle_timeout", config.http.limits.idle_timeout, short, DAY);
    between("s3.header_timeout", config.s3.limits.header_timeout, short, DAY);
    between("s3.idle_timeout", config.s3.limits.idle_timeout, short, DAY);
    between("mqtt.handshake_timeout", config.mqtt.handshake_timeout, short, DAY);
    between("http.content_url_lifetime", config.http.content_url_lifetime, second, MAX_SIGNED_URL);
    between("http.session_lifetime", config.http.session_lifetime, second, 366 * DAY);
    between("pilot.token_lifetime", config.pilot.token_lifetime, second, 30 * DAY);
    between("pilot.session_lifetime", config.pilot.session_lifetime, second, 366 * DAY);
    between("library.flight_gap", config.library.flight_gap, second, DAY);
    between("library.trash_period", config.library.trash_period, Duration::ZERO, 3660 * DAY);
    between("s3.credentials_lifetime", config.s3.credentials_lifetime, second, MAX_SIGNED_URL);
    between("s3.upload_expiry", config.s3.upload_expiry, second, 3660 * DAY);
    between("ingest.head_interval", config.ingest.head_interval, Duration::ZERO, Duration::from_secs(10));
    between("ingest.stalled_after", config.ingest.stalled_after, second, 366 * DAY);
    between("ingest.trace_keep", config.ingest.trace_keep, second, 3660 * DAY);
    between("jobs.lease", config.jobs.lease, second, DAY);
    between("jobs.reconcile_interval", config.jobs.reconcile_interval, Duration::ZERO, 366 * DAY);

    let mut at_least = |key: &str, value: u64, least: u64| {
        if value < least {
            problems.push(format!("{key}: {value} bytes are less than {least}"));
        }
    };
    at_least("http.max_header_size", config.http.limits.max_header_bytes as u64, 8 * 1024);
    at_least("s3.max_header_size", config.s3.limits.max_header_bytes as u64, 8 * 1024);
    at_least("http.max_body_size", config.http.max_body_bytes as u64, 1024);
    at_least("mqtt.max_packet_size", config.mqtt.max_packet_bytes.into(), 1024);
    at_least("s3.max_chunk_size", config.s3.max_chunk_bytes as u64, 64 * 1024);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<BrokerUrl, String> {
        broker_url(&Secret(text.into()))
    }

    #[test]
    fn a_brokers_url_is_taken_apart() {
        let parsed = url("mqtts://me:p%40ss%3Aword@broker.example.org").unwrap();
        assert_eq!((parsed.tls, parsed.port, parsed.username.as_str()), (true, 8883, "me"));
        assert_eq!(parsed.password, "p@ss:word");
        assert_eq!(parsed.without_secrets(), "mqtts://broker.example.org:8883");
        assert_eq!(url("mqtt://[::1]:1884").unwrap().without_secrets(), "mqtt://[::1]:1884");
        for bad in
            ["", "broker:1883", "http://a:b@c:1", "mqtt://a:b@", "mqtt://a:%zz@c:1", "mqtt://a:b@c:0", "mqtt://c:99999"]
        {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn public_addresses_follow_host_tls_and_port() {
        let mut config = Config::default();
        let at = |port| SocketAddr::from(([0, 0, 0, 0], port));
        config.public_host = Some("fd00::1".into());
        let urls = public_urls(&config, at(8080), at(1883), at(9000));
        assert_eq!((urls.http.as_str(), urls.mqtt.as_str()), ("http://[fd00::1]:8080", "mqtt://[fd00::1]:1883"));
        config.s3.public_url = Some("https://s3.example.org/".into());
        config.mqtt.url = Some(Secret("mqtts://u:secret@b:8883".into()));
        let urls = public_urls(&config, at(8080), at(1883), at(9000));
        assert_eq!((urls.s3.as_str(), urls.mqtt.as_str()), ("https://s3.example.org", "mqtts://b:8883"));
    }
}
