//! What the tests of this crate share: a broker with the rules of docks, clients that rumqttc and mosquitto wrote.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use eyrie_mqtt::{Broker, BrokerConfig, BrokerLimits, Gate, Link, LinkConfig, Login, Received, Refusal};
use rumqttc::v5;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// No state is waited for longer than this.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

pub(crate) const SERVICE: (&str, &str) = ("service", "service-secret-Zk3");

/// Docks `A`, `B`, ...: the password is `pw-` and the name; topics are below the own name.
pub(crate) struct Docks;

#[async_trait::async_trait]
impl Gate for Docks {
    async fn authenticate(&self, login: &Login<'_>) -> Result<(), Refusal> {
        match login.username {
            "slow" => tokio::time::sleep(Duration::from_secs(600)).await,
            "down" => return Err(Refusal::Unavailable),
            "disabled" => return Err(Refusal::NotAuthorized),
            _ => {}
        }
        if login.password == format!("pw-{}", login.username).as_bytes() {
            Ok(())
        } else {
            Err(Refusal::BadUsernameOrPassword)
        }
    }

    fn may_publish(&self, username: &str, topic: &str) -> bool {
        own(username, topic)
    }

    fn may_retain(&self, _username: &str, topic: &str) -> bool {
        !topic.ends_with("/osd")
    }

    fn may_subscribe(&self, username: &str, filter: &str) -> bool {
        own(username, filter)
    }
}

fn own(username: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    matches!(
        (levels.next(), levels.next(), levels.next(), levels.next()),
        (Some("thing" | "sys"), Some("product"), Some(sn), Some(_)) if sn == username
    )
}

pub(crate) fn config(listen: SocketAddr) -> BrokerConfig {
    BrokerConfig {
        listen,
        tls: None,
        limits: BrokerLimits {
            max_connections: 200,
            max_packet_bytes: 256 * 1024,
            handshake_timeout: Duration::from_secs(3),
            max_inflight: 32,
            max_queued: 1000,
            max_keepalive_s: 1200,
        },
        service: (SERVICE.0.to_owned(), SERVICE.1.to_owned()),
    }
}

pub(crate) async fn broker() -> Broker {
    Broker::start(config(any_port()), Arc::new(Docks)).await.expect("the broker starts")
}

pub(crate) fn any_port() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

pub(crate) fn link_config(addr: SocketAddr, subscriptions: &[&str]) -> LinkConfig {
    LinkConfig {
        host: addr.ip().to_string(),
        port: addr.port(),
        tls: false,
        ca_file: None,
        username: SERVICE.0.to_owned(),
        password: SERVICE.1.to_owned(),
        client_id: "eyrie".to_owned(),
        subscriptions: subscriptions.iter().map(|&filter| filter.to_owned()).collect(),
        receive_maximum: 100,
        max_packet_bytes: 256 * 1024,
    }
}

pub(crate) async fn link(broker: &Broker, subscriptions: &[&str]) -> (Link, mpsc::Receiver<Received>) {
    let (link, inbox) = Link::connect(link_config(broker.internal_addr(), subscriptions)).expect("the link starts");
    ready(&link).await;
    (link, inbox)
}

pub(crate) async fn ready(link: &Link) {
    timeout(BOUND, link.ready().wait_for(|ready| *ready)).await.expect("the link becomes ready").expect("it lives");
}

pub(crate) async fn unready(link: &Link) {
    timeout(BOUND, link.ready().wait_for(|ready| !*ready)).await.expect("the link notices").expect("it lives");
}

pub(crate) async fn next(inbox: &mut mpsc::Receiver<Received>) -> Received {
    timeout(BOUND, inbox.recv()).await.expect("a message arrives").expect("the link lives")
}

/// Nothing more arrives for a moment.
pub(crate) async fn silent(inbox: &mut mpsc::Receiver<Received>) {
    if let Ok(Some(message)) = timeout(Duration::from_millis(300), inbox.recv()).await {
        panic!("unexpected message on {}", message.topic);
    }
}

/// Polls `condition` until it holds.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let end = Instant::now() + BOUND;
    while !condition().await {
        assert!(Instant::now() < end, "not reached: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A dock's options, MQTT 5.
pub(crate) fn dock5(addr: SocketAddr, client_id: &str, username: &str) -> v5::MqttOptions {
    let mut options = v5::MqttOptions::new(client_id, addr.ip().to_string(), addr.port());
    options.set_credentials(username, format!("pw-{username}")).set_keep_alive(Duration::from_secs(30));
    options
}

/// A dock's options, MQTT 3.1.1.
pub(crate) fn dock3(addr: SocketAddr, client_id: &str, username: &str) -> rumqttc::MqttOptions {
    let mut options = rumqttc::MqttOptions::new(client_id, addr.ip().to_string(), addr.port());
    options.set_credentials(username, format!("pw-{username}")).set_keep_alive(Duration::from_secs(30));
    options
}

/// Polls until `pick` finds what it looks for; the error that ends the connection otherwise.
pub(crate) async fn poll5<T>(
    events: &mut v5::EventLoop,
    pick: impl Fn(&v5::Event) -> Option<T>,
) -> Result<T, v5::ConnectionError> {
    timeout(BOUND, async {
        loop {
            if let Some(found) = pick(&events.poll().await?) {
                return Ok(found);
            }
        }
    })
    .await
    .expect("the event comes in time")
}

pub(crate) async fn poll3<T>(
    events: &mut rumqttc::EventLoop,
    pick: impl Fn(&rumqttc::Event) -> Option<T>,
) -> Result<T, rumqttc::ConnectionError> {
    timeout(BOUND, async {
        loop {
            if let Some(found) = pick(&events.poll().await?) {
                return Ok(found);
            }
        }
    })
    .await
    .expect("the event comes in time")
}

pub(crate) fn connack5(event: &v5::Event) -> Option<v5::mqttbytes::v5::ConnAck> {
    match event {
        v5::Event::Incoming(v5::mqttbytes::v5::Packet::ConnAck(connack)) => Some(connack.clone()),
        _ => None,
    }
}

pub(crate) fn suback5(event: &v5::Event) -> Option<v5::mqttbytes::v5::SubAck> {
    match event {
        v5::Event::Incoming(v5::mqttbytes::v5::Packet::SubAck(suback)) => Some(suback.clone()),
        _ => None,
    }
}

pub(crate) fn puback5(event: &v5::Event) -> Option<v5::mqttbytes::v5::PubAck> {
    match event {
        v5::Event::Incoming(v5::mqttbytes::v5::Packet::PubAck(puback)) => Some(puback.clone()),
        _ => None,
    }
}

pub(crate) fn publish5(event: &v5::Event) -> Option<v5::mqttbytes::v5::Publish> {
    match event {
        v5::Event::Incoming(v5::mqttbytes::v5::Packet::Publish(publish)) => Some(publish.clone()),
        _ => None,
    }
}

pub(crate) fn connack3(event: &rumqttc::Event) -> Option<rumqttc::ConnAck> {
    match event {
        rumqttc::Event::Incoming(rumqttc::Packet::ConnAck(connack)) => Some(connack.clone()),
        _ => None,
    }
}

/// Runs `mosquitto_pub` or `mosquitto_sub`: tools that others wrote, with errors of their own.
pub(crate) async fn mosquitto(tool: &str, addr: SocketAddr, arguments: &[&str]) -> Output {
    let mut command = Command::new(tool);
    command.args(["-h", &addr.ip().to_string(), "-p", &addr.port().to_string()]).args(arguments).stdin(Stdio::null());
    let tool = tool.to_owned();
    tokio::task::spawn_blocking(move || {
        command.output().unwrap_or_else(|error| {
            panic!("{tool} does not run ({error}): install it, on Debian with `apt-get install mosquitto-clients`")
        })
    })
    .await
    .expect("the thread ends")
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
