//! Whose address a request has. Behind a proxy every request comes from the proxy, so that all people would share one count of wrong
//! passwords and one line in the log; a proxy that is named in `http.trusted_proxies` is believed in what it says of them.
//!
//! Each proxy appends the address that asked it to `X-Forwarded-For`, and whoever asks first may write there what they like: the list
//! is read from its end, and the first address that is no trusted proxy counts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;

/// An address, or all that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    fn holds(&self, other: IpAddr) -> bool {
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits,
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits,
            _ => false,
        }
    }
}

/// The networks of a setting; what cannot be read was told when it was loaded.
pub fn networks(texts: &[String]) -> Arc<[Network]> {
    texts.iter().filter_map(|text| Network::parse(text)).collect()
}

/// Middleware: puts the address of who asked in the place of the proxy's.
pub(super) async fn find_peer(State(trusted): State<Arc<[Network]>>, mut request: Request, next: Next) -> Response {
    if !trusted.is_empty()
        && let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied()
    {
        let asked = SocketAddr::new(first_untrusted(&trusted, peer.ip(), request.headers()), peer.port());
        request.extensions_mut().insert(ConnectInfo(asked));
    }
    next.run(request).await
}

fn first_untrusted(trusted: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<_> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut asked = peer;
    for hop in hops.into_iter().rev() {
        if !is_trusted(asked) {
            break;
        }
        let Some(address) = address(hop) else { break };
        asked = address;
    }
    asked
}

/// With or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    let plain = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    plain.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_begin_like_it() {
        for (network, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("10.0.0.0/8", "10.200.3.4", "11.0.0.1"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ff::1", "2001:db9::1"),
            ("127.0.0.1", "::ffff:127.0.0.1", "::1"),
        ] {
            let network = Network::parse(network).expect("a network");
            assert!(network.holds(inside.parse().unwrap()), "{network:?} {inside}");
            assert!(!network.holds(outside.parse().unwrap()), "{network:?} {outside}");
        }
        for bad in ["", "proxy.example", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_what_it_saw() {
        let trusted = networks(&["127.0.0.1".into(), "10.0.0.0/8".into()]);
        let asked = |peer: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            first_untrusted(&trusted, peer.parse().unwrap(), &headers).to_string()
        };
        assert_eq!(asked("127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(asked("127.0.0.1", &["203.0.113.9, 10.0.0.4"]), "203.0.113.9", "two proxies");
        assert_eq!(asked("127.0.0.1", &["198.51.100.1", "203.0.113.9"]), "203.0.113.9", "what a stranger wrote before");
        assert_eq!(asked("127.0.0.1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(asked("127.0.0.1", &["203.0.113.9:51234"]), "203.0.113.9");
        assert_eq!(asked("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(asked("127.0.0.1", &["unknown"]), "127.0.0.1");
        assert_eq!(asked("198.51.100.1", &["203.0.113.9"]), "198.51.100.1", "no proxy of ours");
    }
}
