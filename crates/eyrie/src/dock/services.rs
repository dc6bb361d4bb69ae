//! Commands to docks (`services`) and the replies they wait for.

use std::collections::HashMap;
use std::time::Duration;

use eyrie_catalogue::TraceEntry;
use eyrie_cloudapi::{Topic, command};
use parking_lot::Mutex;
use serde_json::Value;
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
    /// Sends a command and waits for the dock's answer.
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
        let link = app.link.get().ok_or(ServiceError::NotConnected)?;
        let (tid, bid) = (app.new_id().to_string(), app.new_id().to_string());
        let (sender, reply) = oneshot::channel();
        {
            let mut waiting = self.0.lock();
            waiting.retain(|_, (_, sender)| !sender.is_closed());
            if waiting.len() >= WAITING {
                return Err(ServiceError::Busy);
            }
            waiting.insert(tid.clone(), (gateway_sn.to_owned(), sender));
        }
        let topic = Topic::services(gateway_sn).map_err(|_| ServiceError::NotConnected)?.to_string();
        let payload = command(&tid, &bid, app.clock.now_ms(), gateway_sn, method, data.clone());
        let (asked_at, started) = (app.now(), std::time::Instant::now());
        let sent = link.publish(&topic, payload).await;
        let answer = match sent {
            Ok(()) => {
                tokio::time::timeout(REPLY_TIMEOUT, reply).await.ok().and_then(Result::ok).ok_or(ServiceError::NoReply)
            }
            Err(_) => Err(ServiceError::NotConnected),
        };
        self.0.lock().remove(&tid);
        let (result, answered, note) = match &answer {
            Ok(reply) => (Some(reply.result), reply.output.clone(), None),
            Err(error) => (None, Value::Null, Some(error.to_string())),
        };
        app.trace.record(TraceEntry {
            id: app.new_id(),
            gateway_sn: gateway_sn.to_owned(),
            at: asked_at,
            direction: "down".into(),
            topic,
            method: Some(method.to_owned()),
            tid,
            bid,
            result,
            duration_ms: Some(started.elapsed().as_secs_f64() * 1_000.0),
            asked: data,
            answered,
            note,
        });
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
