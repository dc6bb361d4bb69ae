//! The link: nothing is lost, nothing waits for nothing, no acknowledgement hits the wrong message.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use eyrie_mqtt::{Broker, Gate, Link, LinkConfig, LinkError, Login, Received, Refusal};
use rumqttc::v5;
use rumqttc::v5::mqttbytes::QoS;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::common::*;

/// Any user, any topic: another's broker.
struct Foreign;

#[async_trait::async_trait]
impl Gate for Foreign {
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

async fn foreign(listen: std::net::SocketAddr) -> Broker {
    Broker::start(config(listen), Arc::new(Foreign)).await.expect("the broker starts")
}

fn foreign_link(addr: std::net::SocketAddr, subscriptions: &[&str]) -> LinkConfig {
    LinkConfig { username: "platform".to_owned(), ..link_config(addr, subscriptions) }
}

/// A way to a broker that can be cut.
struct Cable {
    addr: std::net::SocketAddr,
    connected: watch::Sender<bool>,
}

impl Cable {
    async fn to(broker: std::net::SocketAddr) -> Self {
        let listener = TcpListener::bind(any_port()).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (connected, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut state = state.clone();
                tokio::spawn(async move {
                    if !*state.borrow() {
                        return;
                    }
                    let mut far = TcpStream::connect(broker).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|connected| !*connected) => {}
                    }
                });
            }
        });
        Self { addr, connected }
    }
    fn cut(&self) {
        self.connected.send_replace(false);
    }
    fn mend(&self) {
        self.connected.send_replace(true);
    }
}

#[tokio::test]
async fn it_survives_a_restart_of_the_broker() {
    let first = foreign(any_port()).await;
    let addr = first.addr();
    let (link, mut inbox) = Link::connect(foreign_link(addr, &["in/#"])).unwrap();
    ready(&link).await;
    first.stop().await;
    unready(&link).await;
    for n in 0..50 {
        link.publish("in/while-away", format!("{n}").into_bytes()).await.unwrap();
    }
    // A new broker knows nothing: the link must subscribe again before it sends, or its own messages pass it by.
    let second = foreign(addr).await;
    ready(&link).await;
    link.publish("in/after", b"after".to_vec()).await.unwrap();
    let mut last = String::new();
    while last != "after" {
        let message = next(&mut inbox).await;
        last = String::from_utf8(message.payload.to_vec()).unwrap();
        message.ack();
    }
    second.stop().await;
}

#[tokio::test]
async fn what_was_queued_while_away_is_sent_in_order() {
    let broker = foreign(any_port()).await;
    let cable = Cable::to(broker.addr()).await;
    let (sender, _none) = Link::connect(foreign_link(cable.addr, &[])).unwrap();
    ready(&sender).await;
    let other = LinkConfig { client_id: "other".to_owned(), ..foreign_link(broker.addr(), &["out"]) };
    let (receiver, mut inbox) = Link::connect(other).unwrap();
    ready(&receiver).await;
    for n in 0..1000 {
        match n {
            100 | 500 => cable.cut(),
            300 | 700 => cable.mend(),
            _ => {}
        }
        sender.publish("out", format!("{n}").into_bytes()).await.unwrap();
        if n == 100 || n == 500 {
            unready(&sender).await;
        }
    }
    cable.mend();
    let mut seen = Vec::new();
    while seen.last() != Some(&999) {
        let message = next(&mut inbox).await;
        seen.push(std::str::from_utf8(&message.payload).unwrap().parse::<u32>().unwrap());
        message.ack();
    }
    let mut known = HashSet::new();
    let firsts: Vec<u32> = seen.iter().copied().filter(|n| known.insert(*n)).collect();
    assert_eq!(firsts, (0..1000).collect::<Vec<_>>(), "each at least once, in order by its first arrival");
    broker.stop().await;
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again() {
    let broker = broker().await;
    let cable = Cable::to(broker.internal_addr()).await;
    let (link, mut inbox) = Link::connect(link_config(cable.addr, &["thing/product/+/events"])).unwrap();
    ready(&link).await;
    let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "c", "A"), 100);
    for n in 0..20 {
        client.publish("thing/product/A/events", QoS::AtLeastOnce, false, format!("{n}")).await.unwrap();
        poll5(&mut events, puback5).await.unwrap();
    }
    let mut held: Vec<Received> = Vec::new();
    for n in 0..20 {
        let message = next(&mut inbox).await;
        if n % 2 == 0 { message.ack() } else { held.push(message) }
    }
    silent(&mut inbox).await;
    cable.cut();
    unready(&link).await;
    cable.mend();
    ready(&link).await;
    // Acknowledgements of the old connection must not reach messages of the new one.
    held.into_iter().for_each(Received::ack);
    let mut again = HashSet::new();
    while again.len() < 10 {
        let message = next(&mut inbox).await;
        again.insert(std::str::from_utf8(&message.payload).unwrap().parse::<u32>().unwrap());
        drop(message);
    }
    assert_eq!(again, (0..20).filter(|n| n % 2 == 1).collect());
    silent(&mut inbox).await;
    cable.cut();
    unready(&link).await;
    cable.mend();
    let mut again = HashSet::new();
    while again.len() < 10 {
        let message = next(&mut inbox).await;
        again.insert(message.payload.clone());
        message.ack();
    }
    // Now they are acknowledged.
    silent(&mut inbox).await;
    cable.cut();
    unready(&link).await;
    cable.mend();
    ready(&link).await;
    silent(&mut inbox).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_restarted_link_finds_its_session() {
    let broker = broker().await;
    let filters = ["thing/product/+/events"];
    let (first, mut inbox) = link(&broker, &filters).await;
    let publish = ["-u", "A", "-P", "pw-A", "-q", "1", "-t", "thing/product/A/events", "-m"];
    assert!(mosquitto("mosquitto_pub", broker.addr(), &[&publish[..], &["one"]].concat()).await.status.success());
    drop(next(&mut inbox).await);
    first.stop().await;
    assert!(mosquitto("mosquitto_pub", broker.addr(), &[&publish[..], &["two"]].concat()).await.status.success());
    let (_second, mut inbox) = link(&broker, &filters).await;
    let mut seen = HashSet::new();
    while seen.len() < 2 {
        let message = next(&mut inbox).await;
        seen.insert(message.payload.to_vec());
        message.ack();
    }
    assert_eq!(seen, HashSet::from([b"one".to_vec(), b"two".to_vec()]));
    broker.stop().await;
}

#[tokio::test]
async fn two_thousand_at_once_while_the_consumer_is_slow() {
    let broker = broker().await;
    let (link, mut inbox) = link(&broker, &["thing/product/+/events"]).await;
    let mut docks = Vec::new();
    for dock in 0..20 {
        let name = format!("D{dock}");
        let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "c", &name), 200);
        docks.push(tokio::spawn(async move {
            client.subscribe(format!("thing/product/{name}/events_reply"), QoS::AtLeastOnce).await.unwrap();
            poll5(&mut events, suback5).await.unwrap();
            for n in 0..100 {
                client
                    .publish(format!("thing/product/{name}/events"), QoS::AtLeastOnce, false, format!("{n}"))
                    .await
                    .unwrap();
            }
            let mut replies = HashSet::new();
            while replies.len() < 100 {
                replies.insert(poll5(&mut events, publish5).await.unwrap().payload);
            }
        }));
    }
    tokio::time::sleep(Duration::from_millis(500)).await; // they pile up
    for _ in 0..2000 {
        let message = next(&mut inbox).await;
        link.publish(&format!("{}_reply", message.topic), message.payload.to_vec()).await.unwrap();
        message.ack();
    }
    for dock in docks {
        tokio::time::timeout(BOUND, dock).await.expect("all replies arrive").unwrap();
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_consumer_that_waits_to_publish_cannot_stop_the_link() {
    let broker = broker().await;
    let mut config = link_config(broker.internal_addr(), &["thing/product/+/events"]);
    config.receive_maximum = 2;
    let (link, mut inbox) = Link::connect(config).unwrap();
    ready(&link).await;
    let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "c", "A"), 300);
    for _ in 0..100 {
        client.publish("thing/product/A/events", QoS::AtLeastOnce, false, "x").await.unwrap();
    }
    let dock = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    for _ in 0..100 {
        let message = next(&mut inbox).await;
        for _ in 0..200 {
            let reply = link.publish("thing/product/A/events_reply", vec![0; 1000]);
            tokio::time::timeout(BOUND, reply).await.expect("room is made").unwrap();
        }
        message.ack();
    }
    broker.stop().await;
    dock.abort();
}

#[tokio::test]
async fn a_flood_of_qos_0_that_nobody_takes_does_not_stop_the_link() {
    let broker = broker().await;
    let (link, mut inbox) = link(&broker, &["thing/product/+/osd", "thing/product/+/events"]).await;
    let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "c", "A"), 100);
    client.subscribe("thing/product/A/services", QoS::AtLeastOnce).await.unwrap();
    poll5(&mut events, suback5).await.unwrap();
    let flood = tokio::spawn(async move {
        for _ in 0..30_000 {
            client.publish("thing/product/A/osd", QoS::AtMostOnce, false, vec![0; 200]).await.unwrap();
        }
        client.publish("thing/product/A/events", QoS::AtLeastOnce, false, "after the flood").await.unwrap();
        client
    });
    poll5(&mut events, puback5).await.unwrap();
    // Nobody took a message, yet the link still sends.
    link.publish("thing/product/A/services", b"alive".to_vec()).await.unwrap();
    assert_eq!(&poll5(&mut events, publish5).await.unwrap().payload[..], b"alive");
    loop {
        let message = next(&mut inbox).await;
        if message.topic.ends_with("/events") {
            break message.ack();
        }
    }
    flood.await.unwrap();
    broker.stop().await;
}

#[tokio::test]
async fn stop_sends_what_is_queued_and_ends() {
    let broker = broker().await;
    let (sender, _none) = link(&broker, &[]).await;
    let mut config = link_config(broker.internal_addr(), &["out"]);
    config.client_id = "other".to_owned();
    let (receiver, mut inbox) = Link::connect(config).unwrap();
    ready(&receiver).await;
    for n in 0..2000 {
        sender.publish("out", format!("{n}").into_bytes()).await.unwrap();
    }
    sender.stop().await;
    assert!(matches!(sender.publish("out", Vec::new()).await, Err(LinkError::Disconnected)));
    assert!(matches!(sender.try_publish("out", Vec::new()), Err(LinkError::Disconnected)));
    for n in 0..2000 {
        let message = next(&mut inbox).await;
        assert_eq!(&message.payload[..], format!("{n}").as_bytes());
        message.ack();
    }
    // One that has no broker ends as well.
    broker.stop().await;
    receiver.try_publish("out", Vec::new()).unwrap();
    tokio::time::timeout(Duration::from_secs(4), receiver.stop()).await.expect("in time");
}

#[tokio::test]
async fn a_refused_subscription_is_not_ready() {
    let broker = broker().await;
    let mut outside = link_config(broker.addr(), &["thing/product/A/events"]);
    (outside.username, outside.password) = ("A".to_owned(), "pw-A".to_owned());
    let (granted, _inbox) = Link::connect(outside.clone()).unwrap();
    ready(&granted).await;
    outside.client_id = "refused".to_owned();
    outside.subscriptions.push("thing/product/B/events".to_owned());
    let (refused, _inbox) = Link::connect(outside).unwrap();
    let is_ready = async { refused.ready().wait_for(|ready| *ready).await.is_ok() };
    assert!(tokio::time::timeout(Duration::from_millis(700), is_ready).await.is_err());
    assert!(*granted.ready().borrow());
    refused.stop().await;
    broker.stop().await;
}

#[tokio::test]
async fn shared_subscriptions_share() {
    let broker = foreign(any_port()).await;
    let mut links = Vec::new();
    for n in 0..2 {
        let config =
            LinkConfig { client_id: format!("replica-{n}"), ..foreign_link(broker.addr(), &["$share/eyrie/in/#"]) };
        let (link, inbox) = Link::connect(config).unwrap();
        ready(&link).await;
        links.push((link, inbox));
    }
    for n in 0..100 {
        links[0].0.publish("in/x", format!("{n}").into_bytes()).await.unwrap();
    }
    let mut seen = HashSet::new();
    let mut shares = [0, 0];
    while seen.len() < 100 {
        for (n, (_, inbox)) in links.iter_mut().enumerate() {
            while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(50), inbox.recv()).await {
                assert!(seen.insert(message.payload.clone()), "once");
                shares[n] += 1;
                message.ack();
            }
        }
    }
    assert!(shares.iter().all(|share| *share > 10), "{shares:?}");
    broker.stop().await;
}

#[tokio::test]
async fn configuration_is_checked_before_anything_starts() {
    for wrong in [
        LinkConfig { client_id: String::new(), ..link_config(any_port(), &[]) },
        LinkConfig { receive_maximum: 0, ..link_config(any_port(), &[]) },
    ] {
        assert!(matches!(Link::connect(wrong), Err(LinkError::Config(_))));
    }
    let shown = format!("{:?}", link_config(any_port(), &[]));
    assert!(!shown.contains(SERVICE.1), "{shown}");
}
