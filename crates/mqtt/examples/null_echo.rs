//! What broker and link cost by themselves: docks publish, a service that does nothing replies through a `Link`.
//!
//! Prints the round trip with one message in flight, and messages per second with many. The measure for everything that
//! does more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eyrie_mqtt::{Broker, BrokerConfig, BrokerLimits, Gate, Link, LinkConfig, Login, Refusal};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};

const DOCKS: usize = 8;
const WINDOW: usize = 50;
const PAYLOAD_BYTES: usize = 900;
const ONE_BY_ONE: usize = 2_000;
const MESSAGES_PER_DOCK: usize = 2_500;

struct Everybody;

#[async_trait::async_trait]
impl Gate for Everybody {
    async fn authenticate(&self, _login: &Login<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    fn may_publish(&self, _username: &str, _topic: &str) -> bool {
        true
    }
    fn may_subscribe(&self, _username: &str, _filter: &str) -> bool {
        true
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = BrokerLimits {
        max_connections: 100,
        max_packet_bytes: 1024 * 1024,
        handshake_timeout: Duration::from_secs(5),
        max_inflight: 100,
        max_queued: 10_000,
        max_keepalive_s: 600,
    };
    let service = ("service".to_owned(), "secret".to_owned());
    let config = BrokerConfig { listen: ([127, 0, 0, 1], 0).into(), tls: None, limits, service };
    let broker = Broker::start(config, Arc::new(Everybody)).await?;
    let (link, mut inbox) = Link::connect(LinkConfig {
        host: "127.0.0.1".to_owned(),
        port: broker.internal_addr().port(),
        tls: false,
        ca_file: None,
        username: "service".to_owned(),
        password: "secret".to_owned(),
        client_id: "null".to_owned(),
        subscriptions: vec!["thing/product/+/events".to_owned()],
        receive_maximum: 1000,
        max_packet_bytes: 1024 * 1024,
    })?;
    link.ready().wait_for(|ready| *ready).await?;
    let echo = link.clone();
    tokio::spawn(async move {
        while let Some(message) = inbox.recv().await {
            let topic = format!("{}_reply", message.topic);
            if echo.publish(&topic, message.payload.to_vec()).await.is_err() {
                return;
            }
            message.ack();
        }
    });

    let mut times = dock(broker.addr().port(), 0, 1, ONE_BY_ONE).await?;
    times.sort();
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("one in flight: median {median:?}, p99 {p99:?}");

    let begin = Instant::now();
    let docks = (1..=DOCKS).map(|n| tokio::spawn(dock_or_text(broker.addr().port(), n)));
    for dock in docks.collect::<Vec<_>>() {
        dock.await??;
    }
    let messages = (DOCKS * MESSAGES_PER_DOCK) as f64;
    println!("{DOCKS} docks x {WINDOW} in flight: {:.0} round trips/s", messages / begin.elapsed().as_secs_f64());
    link.stop().await;
    broker.stop().await;
    Ok(())
}

async fn dock_or_text(port: u16, n: usize) -> Result<(), String> {
    dock(port, n, WINDOW, MESSAGES_PER_DOCK).await.map(drop).map_err(|error| error.to_string())
}

/// Keeps `window` messages under way until `count` replies came; how long each took.
async fn dock(port: u16, n: usize, window: usize, count: usize) -> Result<Vec<Duration>, Box<dyn std::error::Error>> {
    let mut options = MqttOptions::new("dock", "127.0.0.1", port);
    let mut network = rumqttc::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_credentials(format!("D{n}"), "any").set_max_packet_size(Some(1 << 20)).set_network_options(network);
    let (client, mut events) = AsyncClient::new(options, 2 * window + 10);
    client.subscribe(format!("thing/product/D{n}/events_reply"), QoS::AtLeastOnce).await?;
    let publish = async || {
        let topic = format!("thing/product/D{n}/events");
        client.publish(topic, QoS::AtLeastOnce, false, vec![b'x'; PAYLOAD_BYTES]).await
    };
    let mut sent = std::collections::VecDeque::new();
    let mut times = Vec::with_capacity(count);
    while times.len() < count {
        match events.poll().await? {
            Event::Incoming(Packet::SubAck(_)) => {
                for _ in 0..window {
                    sent.push_back(Instant::now());
                    publish().await?;
                }
            }
            Event::Incoming(Packet::Publish(_)) => {
                times.extend(sent.pop_front().map(|at| at.elapsed()));
                if times.len() + sent.len() < count {
                    sent.push_back(Instant::now());
                    publish().await?;
                }
            }
            _ => {}
        }
    }
    Ok(times)
}
