//! The dock's side of MQTT, through rumqttc: publishes, answers by tid, commands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rumqttc::{AsyncClient, Event, EventLoop, Incoming, MqttOptions, NetworkOptions, QoS, TlsConfiguration, Transport};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use crate::dock::Access;

/// Commands that may wait to be looked at.
const COMMANDS: usize = 64;
const MAX_PACKET_BYTES: usize = 1 << 20;
/// Larger, so that a broker's own limit can be tried.
const MAX_SENT_BYTES: usize = 4 << 20;
/// How long a broker may take to end a connection.
const FALL: Duration = Duration::from_secs(2);

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Value>>>>;

/// A connected dock's line to the broker. Reconnects by itself.
pub(crate) struct Line {
    client: AsyncClient,
    waiting: Waiting,
    subscribed: watch::Receiver<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Line {
    /// The line, and the commands (`services`) that arrive on it.
    pub(crate) fn open(access: &Access) -> anyhow::Result<(Self, mpsc::Receiver<Value>)> {
        let (scheme, rest) = access.mqtt_url.split_once("://").context("mqtt_url has no scheme")?;
        let (host, port) = rest.trim_end_matches('/').rsplit_once(':').context("mqtt_url has no port")?;
        let mut options = MqttOptions::new(format!("{}-sim", access.sn), host.trim_matches(['[', ']']), port.parse()?);
        options.set_credentials(&access.username, &access.password);
        options.set_keep_alive(Duration::from_secs(30));
        options.set_max_packet_size(MAX_PACKET_BYTES, MAX_SENT_BYTES);
        options.set_inflight(100);
        match scheme {
            "mqtt" | "tcp" => {}
            "mqtts" | "ssl" => {
                options.set_transport(Transport::tls_with_config(TlsConfiguration::default()));
            }
            other => bail!("mqtt_url has the scheme {other:?}; mqtt or mqtts are known"),
        }
        let (client, mut events) = AsyncClient::new(options, 256);
        events.set_network_options(no_delay());
        let (ready, subscribed) = watch::channel(false);
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let waiting = Waiting::default();
        let task = tokio::spawn(run(client.clone(), events, access.sn.clone(), Arc::clone(&waiting), ready, commands));
        Ok((Self { client, waiting, subscribed, task }, inbox))
    }

    pub(crate) async fn ready(&self, timeout: Duration) -> anyhow::Result<()> {
        let mut subscribed = self.subscribed.clone();
        tokio::time::timeout(timeout, subscribed.wait_for(|ready| *ready))
            .await
            .context("the broker did not let the dock in")??;
        Ok(())
    }

    pub(crate) async fn publish(&self, topic: &str, payload: Vec<u8>) -> anyhow::Result<()> {
        Ok(self.client.publish(topic, QoS::AtLeastOnce, false, payload).await?)
    }

    /// Publishes with QoS 0: what the broker throws away is not sent again.
    pub(crate) async fn publish_once(&self, topic: &str, payload: Vec<u8>) -> anyhow::Result<()> {
        Ok(self.client.publish(topic, QoS::AtMostOnce, false, payload).await?)
    }

    /// Waits until the connection is gone, or for a moment when it stays.
    pub(crate) async fn fallen(&self) {
        let mut subscribed = self.subscribed.clone();
        let _ = tokio::time::timeout(FALL, subscribed.wait_for(|ready| !*ready)).await;
    }

    /// Publishes and waits for the message that repeats `tid`.
    pub(crate) async fn ask(
        &self,
        topic: &str,
        tid: &str,
        payload: Vec<u8>,
        timeout: Duration,
    ) -> anyhow::Result<Value> {
        let (sender, answer) = oneshot::channel();
        self.lock().insert(tid.to_owned(), sender);
        let sent = self.publish(topic, payload).await;
        let answer = match sent {
            Ok(()) => tokio::time::timeout(timeout, answer).await.context("no answer")?.context("the line was closed"),
            Err(error) => Err(error),
        };
        self.lock().remove(tid);
        answer
    }

    /// Ends the TCP connection without a word; the line comes back by itself.
    pub(crate) async fn cut(&self) {
        // a DISCONNECT makes rumqttc end its connection; `run` polls on, which connects again
        if self.client.disconnect().await.is_ok() {
            self.fallen().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Value>>> {
        self.waiting.lock().expect("nothing panics while it holds the lock")
    }
}

/// rumqttc leaves Nagle's algorithm on, which costs 40 ms an exchange.
pub(crate) fn no_delay() -> NetworkOptions {
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    client: AsyncClient,
    mut events: EventLoop,
    sn: String,
    waiting: Waiting,
    ready: watch::Sender<bool>,
    commands: mpsc::Sender<Value>,
) {
    let filters = [
        format!("thing/product/{sn}/requests_reply"),
        format!("thing/product/{sn}/events_reply"),
        format!("thing/product/{sn}/services"),
        format!("sys/product/{sn}/status_reply"),
    ];
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                for filter in &filters {
                    // the queue is empty right after a CONNACK
                    let _ = client.try_subscribe(filter, QoS::AtLeastOnce);
                }
            }
            Ok(Event::Incoming(Incoming::SubAck(_))) => drop(ready.send_replace(true)),
            Ok(Event::Incoming(Incoming::Publish(message))) => {
                let Ok(value) = serde_json::from_slice::<Value>(&message.payload) else { continue };
                if message.topic.ends_with("/services") {
                    let _ = commands.try_send(value);
                } else if let Some(tid) = value["tid"].as_str() {
                    let waits = waiting.lock().expect("nothing panics while it holds the lock").remove(tid);
                    if let Some(waits) = waits {
                        let _ = waits.send(value);
                    }
                }
            }
            Ok(_) => {}
            Err(error) => {
                ready.send_replace(false);
                tracing::debug!(%error, dock.sn = %sn, "line lost");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}
