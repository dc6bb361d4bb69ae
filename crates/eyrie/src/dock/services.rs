//! Commands to docks (`services`) and the replies they wait for.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use eyrie_catalogue::TraceEntry;
use eyrie_cloudapi::{Topic, command, error};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::app::App;

/// A dock that is awake answers a command within this time.
const REPLY_TIMEOUT: Duration = Duration::from_secs(15);
/// Commands that may wait at once.
const WAITING: usize = 1_024;

/// What a dock answered.
#[derive(Clone, Debug)]
pub struct ServiceReply {
    /// 0: done or accepted.
    pub result: i64,
    pub output: Value,
}

#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("the server is not connected to the MQTT broker")]
    NotConnected,
    #[error("too many commands wait for their reply")]
    Busy,
    #[error("the dock did not answer within {} s", REPLY_TIMEOUT.as_secs())]
    NoReply,
}

#[derive(Default)]
pub struct Services(Mutex<HashMap<String, (String, oneshot::Sender<ServiceReply>)>>);

impl Services {
    /// Sends a command and waits for the dock's answer. Both are in the dock's trace.
    ///
    /// # Errors
    /// [`ServiceError`]; the dock may still carry the command out after `NoReply`.
    pub async fn call(
        &self,
        app: &App,
        gateway_sn: &str,
        method: &str,
        data: Value,
    ) -> Result<ServiceReply, ServiceError> {
        let started = Instant::now();
        let (tid, bid) = (app.new_id().to_string(), app.new_id().to_string());
        let topic = Topic::services(gateway_sn).map_err(|_| ServiceError::NotConnected)?.to_string();
        let payload = command(&tid, &bid, app.clock.now_ms(), gateway_sn, method, data.clone());
        let answer = self.send(app, gateway_sn, &topic, &tid, payload).await;
        app.trace.record(TraceEntry {
            id: app.new_id(),
            gateway_sn: gateway_sn.to_owned(),
            at: app.now(),
            direction: "down".into(),
            topic,
            method: Some(method.to_owned()),
            tid,
            bid,
            result: answer.as_ref().ok().map(|reply| reply.result),
            duration_ms: Some(started.elapsed().as_secs_f64() * 1_000.0),
            asked: data,
            answered: match &answer {
                Ok(reply) => json!({ "result": reply.result, "output": reply.output }),
                Err(_) => Value::Null,
            },
            note: match &answer {
                Ok(reply) if reply.result != 0 => error::text(reply.result).map(str::to_owned),
                Ok(_) => None,
                Err(error) => Some(error.to_string()),
            },
        });
        answer
    }

    async fn send(
        &self,
        app: &App,
        gateway_sn: &str,
        topic: &str,
        tid: &str,
        payload: Vec<u8>,
    ) -> Result<ServiceReply, ServiceError> {
        let link = app.link.get().ok_or(ServiceError::NotConnected)?;
        let (sender, reply) = oneshot::channel();
        {
            let mut waiting = self.0.lock();
            waiting.retain(|_, (_, sender)| !sender.is_closed());
            if waiting.len() >= WAITING {
                return Err(ServiceError::Busy);
            }
            waiting.insert(tid.to_owned(), (gateway_sn.to_owned(), sender));
        }
        let answer = match link.publish(topic, payload).await {
            Ok(()) => {
                tokio::time::timeout(REPLY_TIMEOUT, reply).await.ok().and_then(Result::ok).ok_or(ServiceError::NoReply)
            }
            Err(_) => Err(ServiceError::NotConnected),
        };
        self.0.lock().remove(tid);
        answer
    }

    /// Hands a `services_reply` to whoever waits for it. Only the dock that was asked may answer.
    pub fn answered(&self, gateway_sn: &str, tid: &str, reply: ServiceReply) -> bool {
        let mut waiting = self.0.lock();
        if waiting.get(tid).is_none_or(|(asked, _)| asked != gateway_sn) {
            return false;
        }
        waiting.remove(tid).is_some_and(|(_, sender)| sender.send(reply).is_ok())
    }
}
