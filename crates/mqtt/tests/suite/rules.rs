//! Topic rules, with mosquitto's tools as the attacker: each action of docks A and B on each kind of topic.

use std::time::Duration;

use rumqttc::v5;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{PubAckReason, SubscribeReasonCode};

use crate::common::*;

/// What dock A may do: topic or filter, publish, subscribe.
const TABLE: &[(&str, bool, bool)] = &[
    ("thing/product/A/events", true, true),
    ("thing/product/A/requests_reply", true, true),
    ("sys/product/A/status", true, true),
    ("thing/product/A/services_reply", true, true),
    ("thing/product/B/events", false, false),
    ("thing/product/B/requests_reply", false, false),
    ("sys/product/B/status", false, false),
    ("thing/product/AA/events", false, false),
    ("thing/product//events", false, false),
    ("thing/product/A", false, false),
    ("/thing/product/A/events", false, false),
    ("other/topic", false, false),
    ("$SYS/broker/version", false, false),
    // Filters only: a wildcard is not part of a topic name.
    ("thing/product/A/#", false, true),
    ("thing/product/A/+", false, true),
    ("#", false, false),
    ("+", false, false),
    ("thing/#", false, false),
    ("thing/product/#", false, false),
    ("thing/product/+/events", false, false),
    ("+/product/A/events", false, false),
    ("$SYS/#", false, false),
    ("$share/g/thing/product/A/events", false, false),
    ("$share/g/thing/product/B/events", false, false),
    ("$share/g/#", false, false),
    ("$queue/thing/product/B/events", false, false),
    ("$exclusive/thing/product/B/events", false, false),
    ("$delayed/1/thing/product/B/events", false, false),
];

#[tokio::test]
async fn a_dock_publishes_below_its_own_name_only() {
    let broker = broker().await;
    let (_link, mut inbox) = link(&broker, &["#"]).await;
    for version in ["mqttv311", "mqttv5"] {
        for &(topic, allowed, _) in TABLE {
            if topic.contains(['+', '#']) {
                continue; // mosquitto_pub does not send it: see the next test
            }
            let payload = format!("{version} {topic}");
            let user = ["-V", version, "-i", "attacker", "-u", "A", "-P", "pw-A"];
            let message = ["-q", "1", "-t", topic, "-m", &payload];
            let output = mosquitto("mosquitto_pub", broker.addr(), &[&user[..], &message[..]].concat()).await;
            if allowed {
                assert!(output.status.success(), "{payload}: {}", text(&output));
                let message = next(&mut inbox).await;
                assert_eq!((message.topic.as_str(), &message.payload[..]), (topic, payload.as_bytes()));
                message.ack();
            } else if version == "mqttv5" {
                assert!(text(&output).contains("Not authorized"), "{payload}: {}", text(&output));
            }
        }
    }
    silent(&mut inbox).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_wildcard_in_a_topic_name_is_refused_and_the_connection_stays() {
    let broker = broker().await;
    let (_link, mut inbox) = link(&broker, &["#"]).await;
    let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "c", "A"), 10);
    for topic in ["thing/product/B/events", "thing/product/A/events"] {
        client.publish(topic, QoS::AtLeastOnce, false, "x").await.unwrap();
    }
    let mut reasons = Vec::new();
    while reasons.len() < 2 {
        reasons.push(poll5(&mut events, puback5).await.unwrap().reason);
    }
    assert_eq!(reasons, [PubAckReason::NotAuthorized, PubAckReason::Success]);
    assert_eq!(next(&mut inbox).await.topic, "thing/product/A/events");

    // rumqttc lets no wildcard pass: the packet by hand, QoS 1, identifier 9.
    let mut socket = raw_connect(&broker, "raw", "A").await;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let topic = b"thing/product/A/#";
    let mut publish = vec![0x32, (2 + topic.len() + 2 + 1) as u8, 0, topic.len() as u8];
    publish.extend_from_slice(topic);
    publish.extend_from_slice(&[0, 9, b'x']);
    socket.write_all(&publish).await.unwrap();
    let mut puback = [0; 4];
    socket.read_exact(&mut puback).await.unwrap();
    assert_eq!(puback, [0x40, 2, 0, 9], "3.1.1 has no code: acknowledged, and goes nowhere");
    silent(&mut inbox).await;
    broker.stop().await;
}

/// CONNECT of MQTT 3.1.1 by hand; the socket after CONNACK.
async fn raw_connect(broker: &eyrie_mqtt::Broker, client_id: &str, username: &str) -> tokio::net::TcpStream {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut body = b"\0\x04MQTT\x04\xc2\0\x3c".to_vec();
    for field in [client_id, username, &format!("pw-{username}")] {
        body.extend_from_slice(&(field.len() as u16).to_be_bytes());
        body.extend_from_slice(field.as_bytes());
    }
    let mut socket = tokio::net::TcpStream::connect(broker.addr()).await.unwrap();
    socket.write_all(&[&[0x10, body.len() as u8], &body[..]].concat()).await.unwrap();
    let mut connack = [0; 4];
    socket.read_exact(&mut connack).await.unwrap();
    assert_eq!(connack, [0x20, 2, 0, 0]);
    socket
}

#[tokio::test]
async fn a_dock_subscribes_below_its_own_name_only() {
    let broker = broker().await;
    let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "c", "A"), 10);
    for &(filter, _, allowed) in TABLE {
        client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        let codes = poll5(&mut events, suback5).await.unwrap().return_codes;
        let granted = matches!(codes[..], [SubscribeReasonCode::Success(_)]);
        assert_eq!(granted, allowed, "{filter}: {codes:?}");
    }
    // The same on 3.1.1, with mosquitto: a refused subscription is its exit status or its message; a filter that is none
    // (`$exclusive`) ends the connection, and it tries again until its time is up.
    for &(filter, _, allowed) in TABLE {
        let arguments =
            ["-V", "mqttv311", "-i", "s", "-u", "A", "-P", "pw-A", "-q", "1", "-t", filter, "-E", "-W", "2"];
        let output = mosquitto("mosquitto_sub", broker.addr(), &arguments).await;
        let granted = output.status.success() && !text(&output).contains("denied");
        assert_eq!(granted, allowed, "{filter}: {} {}", output.status, text(&output));
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_filter_that_was_granted_delivers_nothing_of_others() {
    let broker = broker().await;
    let (link, _inbox) = link(&broker, &[]).await;
    let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "c", "A"), 10);
    client.subscribe("thing/product/A/#", QoS::AtLeastOnce).await.unwrap();
    poll5(&mut events, suback5).await.unwrap();
    link.publish("thing/product/B/services", b"for B".to_vec()).await.unwrap();
    link.publish("thing/product/A/services", b"for A".to_vec()).await.unwrap();
    let publish = poll5(&mut events, publish5).await.unwrap();
    assert_eq!(&publish.payload[..], b"for A");
    broker.stop().await;
}

#[tokio::test]
async fn a_will_is_a_publish() {
    let broker = broker().await;
    let (_link, mut inbox) = link(&broker, &["#"]).await;
    for version in ["mqttv311", "mqttv5"] {
        for (topic, retain, allowed) in [
            ("thing/product/A/events", false, true),
            ("thing/product/B/events", false, false),
            ("thing/product/B/events", true, false),
            ("other", false, false),
            ("$SYS/x", false, false),
            ("thing/product/A/osd", true, true),
        ] {
            let will = format!("{version} {topic}");
            let mut arguments =
                vec!["-V", version, "-i", "w", "-u", "A", "-P", "pw-A", "-t", "thing/product/A/x", "-E"];
            arguments.extend(["--will-topic", topic, "--will-payload", &will]);
            if retain {
                arguments.push("--will-retain");
            }
            let output = mosquitto("mosquitto_sub", broker.addr(), &arguments).await;
            assert_eq!(output.status.success(), allowed, "{will}: {}", text(&output));
        }
    }
    silent(&mut inbox).await; // nobody died
    // One that dies without a word.
    for version in ["mqttv311", "mqttv5"] {
        let addr = broker.addr();
        let mut child = std::process::Command::new("mosquitto_sub")
            .args(["-h", &addr.ip().to_string(), "-p", &addr.port().to_string(), "-V", version])
            .args(["-i", "dies", "-u", "A", "-P", "pw-A", "-t", "thing/product/A/x"])
            .args(["--will-topic", "thing/product/A/events", "--will-payload", "gone"])
            .spawn()
            .unwrap();
        until("the dock is connected", async || broker.connections() == 1).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let message = next(&mut inbox).await;
        assert_eq!((message.topic.as_str(), &message.payload[..]), ("thing/product/A/events", &b"gone"[..]));
        message.ack();
        until("the dock is gone", async || broker.connections() == 0).await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_message_that_may_not_be_retained_arrives_and_is_not_kept() {
    let broker = broker().await;
    for version in ["mqttv311", "mqttv5"] {
        let (link, mut inbox) = link(&broker, &["#"]).await;
        let publish = ["-V", version, "-u", "A", "-P", "pw-A", "-q", "1", "-r", "-m", "once"];
        let passing = [&publish[..], &["-t", "thing/product/A/osd"]].concat();
        assert!(mosquitto("mosquitto_pub", broker.addr(), &passing).await.status.success());
        let message = next(&mut inbox).await;
        assert_eq!((message.topic.as_str(), &message.payload[..]), ("thing/product/A/osd", &b"once"[..]));
        message.ack();
        let foreign = [&publish[..], &["-t", "thing/product/B/events"]].concat();
        let output = mosquitto("mosquitto_pub", broker.addr(), &foreign).await;
        assert!(version == "mqttv311" || text(&output).contains("Not authorized"), "{}", text(&output));
        silent(&mut inbox).await;
        link.stop().await;
    }
    // a Will is a message, too
    let (link, mut inbox) = self::link(&broker, &["#"]).await;
    let mut dies = dies_with_will(&broker, "thing/product/A/osd", &["--will-retain"]).await;
    dies.kill().unwrap();
    dies.wait().unwrap();
    assert_eq!(&next(&mut inbox).await.payload[..], b"gone");
    link.stop().await;

    let granted =
        ["-V", "mqttv5", "-u", "A", "-P", "pw-A", "-q", "1", "-r", "-m", "kept", "-t", "thing/product/A/events"];
    assert!(mosquitto("mosquitto_pub", broker.addr(), &granted).await.status.success());
    let mut fresh = link_config(broker.internal_addr(), &["#"]);
    fresh.client_id = "fresh".to_owned();
    let (link, mut inbox) = eyrie_mqtt::Link::connect(fresh).unwrap();
    let message = next(&mut inbox).await;
    assert_eq!((message.topic.as_str(), message.retain), ("thing/product/A/events", true), "what may be retained is");
    message.ack();
    silent(&mut inbox).await;
    link.stop().await;
    broker.stop().await;
}

/// Dock A with a Will `gone`, connected.
async fn dies_with_will(broker: &eyrie_mqtt::Broker, topic: &str, more: &[&str]) -> std::process::Child {
    let addr = broker.addr();
    let child = std::process::Command::new("mosquitto_sub")
        .args(["-h", &addr.ip().to_string(), "-p", &addr.port().to_string(), "-V", "mqttv311"])
        .args(["-i", "dies", "-u", "A", "-P", "pw-A", "-t", "thing/product/A/x"])
        .args(["--will-topic", topic, "--will-payload", "gone"])
        .args(more)
        .spawn()
        .unwrap();
    until("the dock is connected", async || broker.connections() == 1).await;
    child
}

/// Docks as everywhere here, and an aircraft `X` that one of them holds.
struct Moving(std::sync::Arc<parking_lot::Mutex<&'static str>>);

impl Moving {
    fn holds(&self, username: &str, topic: &str) -> bool {
        topic == "thing/product/X/osd" && *self.0.lock() == username
    }
}

#[async_trait::async_trait]
impl eyrie_mqtt::Gate for Moving {
    async fn authenticate(&self, login: &eyrie_mqtt::Login<'_>) -> Result<(), eyrie_mqtt::Refusal> {
        Docks.authenticate(login).await
    }
    fn may_publish(&self, username: &str, topic: &str) -> bool {
        Docks.may_publish(username, topic) || self.holds(username, topic)
    }
    fn may_subscribe(&self, username: &str, filter: &str) -> bool {
        Docks.may_subscribe(username, filter) || self.holds(username, filter)
    }
}

#[tokio::test]
async fn a_right_that_goes_to_another_takes_subscriptions_and_wills_along() {
    let holder = std::sync::Arc::new(parking_lot::Mutex::new("A"));
    let gate = std::sync::Arc::new(Moving(holder.clone()));
    let broker = eyrie_mqtt::Broker::start(config(any_port()), gate).await.unwrap();
    let (_link, mut inbox) = link(&broker, &["#"]).await;
    let filter = "thing/product/X/osd".to_owned();

    let mut dies = dies_with_will(&broker, &filter, &[]).await;
    let (listening, mut heard) = v5::AsyncClient::new(dock5(broker.addr(), "listens", "A"), 10);
    listening.subscribe(&filter, QoS::AtLeastOnce).await.unwrap();
    let granted = poll5(&mut heard, suback5).await.unwrap().return_codes;
    assert!(matches!(granted[..], [SubscribeReasonCode::Success(_)]), "{granted:?}");
    let (_other, mut bystander) = v5::AsyncClient::new(dock5(broker.addr(), "c", "B"), 10);
    poll5(&mut bystander, connack5).await.unwrap();

    // A let it go, and B has it now
    *holder.lock() = "B";
    broker.end_other_subscribers(std::slice::from_ref(&filter), "B").await;
    assert!(poll5(&mut heard, publish5).await.is_err(), "the session ends");
    listening.subscribe(&filter, QoS::AtLeastOnce).await.unwrap();
    let again = poll5(&mut heard, suback5).await.unwrap().return_codes;
    assert!(!matches!(again[..], [SubscribeReasonCode::Success(_)]), "{again:?}");
    dies.kill().unwrap();
    dies.wait().unwrap();
    silent(&mut inbox).await;
    assert_eq!(broker.connections(), 2, "B's session, which has no such subscription, was left alone");
    broker.stop().await;
}

#[tokio::test]
async fn a_retained_message_is_not_a_way_around_the_rules() {
    let broker = broker().await;
    let granted = ["-u", "B", "-P", "pw-B", "-q", "1", "-r", "-t", "thing/product/B/events", "-m", "of B"];
    assert!(mosquitto("mosquitto_pub", broker.addr(), &granted).await.status.success());
    for filter in ["#", "thing/product/+/events", "$share/g/thing/product/B/events", "thing/product/B/events"] {
        let arguments = ["-u", "A", "-P", "pw-A", "-t", filter, "-C", "1", "-W", "1"];
        let output = mosquitto("mosquitto_sub", broker.addr(), &arguments).await;
        assert!(!text(&output).contains("of B"), "{filter}");
    }
    tokio::time::timeout(Duration::from_secs(5), broker.stop()).await.expect("stops in time");
}
