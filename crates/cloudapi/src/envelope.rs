//! The envelope around every message: read tolerantly, written strictly.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::Sn;
use crate::tolerant::{flag, get, int, text};

/// What every message carries. A reply repeats `tid` and `bid` to the letter.
#[derive(Clone, Default, PartialEq)]
pub struct Envelope {
    /// Empty when it was missing.
    pub tid: String,
    pub bid: String,
    pub timestamp_ms: Option<i64>,
    /// The gateway that the payload names. Not an identity: that is the SN of the topic.
    pub gateway: Option<String>,
    /// Also where the device left it out and the data tells.
    pub method: Option<String>,
    pub need_reply: Option<bool>,
    /// `Null` when it was missing.
    pub data: Value,
}

/// Longest `tid` or `bid` that is repeated, bytes. A UUID has 36.
pub const MAX_ID_BYTES: usize = 1_024;

// `data` carries binding codes and device secrets: it stays out of Debug
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("tid", &self.tid)
            .field("bid", &self.bid)
            .field("timestamp_ms", &self.timestamp_ms)
            .field("gateway", &self.gateway)
            .field("method", &self.method)
            .field("need_reply", &self.need_reply)
            .finish_non_exhaustive()
    }
}

impl Envelope {
    /// Takes the envelope out of a JSON object.
    pub(crate) fn read(mut value: Value) -> Self {
        let data = value.get_mut("data").map(Value::take).unwrap_or_default();
        Self {
            tid: id(get(&value, "tid")),
            bid: id(get(&value, "bid")),
            // one documented example has the key with a colon inside the quotes
            timestamp_ms: int(get(&value, "timestamp")).or_else(|| int(get(&value, "timestamp:"))),
            gateway: text(get(&value, "gateway")),
            method: text(get(&value, "method")),
            need_reply: flag(get(&value, "need_reply")),
            data,
        }
    }

    /// True unless the device said that it wants none: an answer too many is harmless, silence is not.
    pub fn wants_reply(&self) -> bool {
        self.need_reply != Some(false)
    }
}

/// An identifier exactly as it was written (a reply must repeat it), unless it is too long to be one.
fn id(value: &Value) -> String {
    match value {
        Value::String(text) if text.len() <= MAX_ID_BYTES => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

#[derive(Serialize)]
struct Written<'a> {
    tid: &'a str,
    bid: &'a str,
    timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    need_reply: Option<u8>,
    data: &'a Value,
}

impl Written<'_> {
    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, numbers and values are always JSON")
    }
}

/// The reply to `asked`, from the gateway's topic it arrived on. `now_ms` is milliseconds since 1970.
pub fn reply(asked: &Envelope, gateway: &Sn, now_ms: i64, data: &Value) -> Vec<u8> {
    let written = Written {
        tid: &asked.tid,
        bid: &asked.bid,
        timestamp: now_ms,
        gateway: Some(gateway.as_ref()),
        method: asked.method.as_deref(),
        need_reply: None,
        data,
    };
    written.bytes()
}

/// A command on `services`.
pub fn command(tid: &str, bid: &str, now_ms: i64, gateway: &str, method: &str, data: Value) -> Vec<u8> {
    let method = Some(method);
    Written { tid, bid, timestamp: now_ms, gateway: Some(gateway), method, need_reply: None, data: &data }.bytes()
}

/// What a device publishes on `requests` or `status`, for the simulator.
pub fn request(tid: &str, bid: &str, now_ms: i64, gateway: &str, method: &str, data: &Value) -> Vec<u8> {
    let method = Some(method);
    Written { tid, bid, timestamp: now_ms, gateway: Some(gateway), method, need_reply: None, data }.bytes()
}

/// What a device publishes on `events`, for the simulator.
pub fn event(tid: &str, bid: &str, now_ms: i64, gateway: &str, method: &str, data: &Value) -> Vec<u8> {
    let method = Some(method);
    Written { tid, bid, timestamp: now_ms, gateway: Some(gateway), method, need_reply: Some(1), data }.bytes()
}
