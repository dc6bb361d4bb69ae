//! No password and no payload in the logs, with everything shown that may be shown.

use std::io::Write;
use std::sync::{Arc, Mutex};

use eyrie_mqtt::CAPPED_LOG_TARGETS;
use rumqttc::v5;
use rumqttc::v5::mqttbytes::QoS;
use tracing_subscriber::fmt::MakeWriter;

use crate::common::*;
use crate::transports::talk_websocket;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// All tests of this binary log into it: the more the better.
#[tokio::test]
async fn no_secret_is_logged() {
    let captured = Captured::default();
    let caps = CAPPED_LOG_TARGETS.map(|target| format!("{target}=debug"));
    tracing_subscriber::fmt()
        .with_env_filter(format!("trace,{}", caps.join(",")))
        .with_ansi(false)
        .with_writer(captured.clone())
        .init();

    let broker = broker().await;
    let (link, mut inbox) = link(&broker, &["#"]).await;
    let mut options = dock5(broker.addr(), "c", "A");
    options.set_last_will(v5::mqttbytes::v5::LastWill::new(
        "thing/product/A/x",
        "will-6dk2",
        QoS::AtLeastOnce,
        true,
        None,
    ));
    let (client, mut events) = v5::AsyncClient::new(options, 10);
    client.subscribe("thing/product/A/#", QoS::AtLeastOnce).await.unwrap();
    client.publish("thing/product/A/events", QoS::AtLeastOnce, true, "payload-9fj3").await.unwrap();
    client.publish("thing/product/B/events", QoS::AtLeastOnce, true, "payload-9fj3").await.unwrap();
    poll5(&mut events, puback5).await.unwrap();
    poll5(&mut events, puback5).await.unwrap();
    drop((client, events));
    next(&mut inbox).await.ack();
    let stream = tokio::net::TcpStream::connect(broker.addr()).await.unwrap();
    talk_websocket(stream, &format!("ws://{}/mqtt", broker.addr())).await;
    for version in ["mqttv311", "mqttv5"] {
        let twice = ["-V", version, "-i", "c", "-u", "A", "-P", "pw-A", "-q", "2", "-r", "-t", "thing/product/A/x"];
        let output = mosquitto("mosquitto_pub", broker.addr(), &[&twice[..], &["-m", "payload-9fj3"]].concat()).await;
        assert!(output.status.success(), "{}", text(&output));
    }
    let wrong = ["-u", "A", "-P", "guess-71ab", "-t", "x", "-m", "payload-9fj3"];
    assert!(!mosquitto("mosquitto_pub", broker.addr(), &wrong).await.status.success());
    link.stop().await;
    broker.stop().await;

    let log = String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned();
    assert!(log.contains("publish refused"), "something is logged at all");
    assert!(log.contains(" DEBUG rmqtt::session"), "rmqtt's own too");
    for secret in [SERVICE.1, "pw-A", "guess-71ab", "payload-9fj3", "will-6dk2"] {
        let found = log.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret} is in the log");
    }
}
