//! A dock's message: decoded, matched once, answered by its method's file.
//!
//! `mqtt::Link` -> `cloudapi::decode` -> `converse` -> the method's file -> the reply. Every message that wants an answer
//! gets one; the PUBACK follows the work, so that a message of a killed server is delivered again.

mod config;
mod file_upload;
mod flight_task;
mod map;
mod organization;
pub mod services;
pub mod state;
pub(crate) mod storage_config;
pub(crate) mod topology;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eyrie_catalogue::{IngestReport, RawEvent, TraceEntry};
use eyrie_cloudapi::{DecodeError, Incoming, Message, Sn, Topic, TopicKind, decode, error as codes, reply};
use eyrie_mqtt::Received;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::app::App;
use crate::config::Config;
use crate::events::Change;

/// How often live state goes to the catalogue and online changes are announced.
const SAVE_LIVE_EVERY: Duration = Duration::from_secs(2);
/// Messages in hand at a stop get this long.
const DRAIN: Duration = Duration::from_secs(5);

/// What the server subscribes to. Beside another platform not what nobody here reads: rights and messages it need not have.
pub fn subscriptions(config: &Config) -> Vec<String> {
    let read = |filter: &&str| config.cloud_api.onboarding || !UNREAD.iter().any(|unread| filter.ends_with(unread));
    eyrie_cloudapi::SUBSCRIPTIONS.iter().copied().filter(read).map(str::to_owned).collect()
}

const UNREAD: [&str; 2] = ["/property/set_reply", "/drc/up"];

/// Takes messages until `stop`, then finishes those in hand.
pub async fn run(app: Arc<App>, mut inbox: mpsc::Receiver<Received>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let mut turns = Turns::default();
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => break,
            received = inbox.recv() => received,
        };
        let Some(received) = received else { break };
        let started = Instant::now();
        let kind = Topic::parse(&received.topic).ok().map(|topic| topic.kind);
        let label = kind.map_or("other", TopicKind::as_str);
        metrics::counter!("eyrie_dock_messages_total", "kind" => label).increment(1);
        let (decoded, turn) = match decode(&received.topic, &received.payload) {
            // here, and not in a task, because it is merged in the order it was said
            Ok(Incoming { topic, message: Message::Osd(said) | Message::State(said), .. }) => {
                topology::live(&app, topic.sn.as_ref(), &said);
                received.ack();
                continue;
            }
            Ok(incoming) => {
                let turn = is_state(&incoming.message).then(|| turns.next(&incoming.topic.sn));
                (Ok(incoming), turn)
            }
            // the next one comes in two seconds: nothing to keep
            Err(error) if matches!(kind, Some(TopicKind::Osd | TopicKind::State)) => {
                tracing::debug!(%error, topic = received.topic, "a live message could not be read");
                received.ack();
                continue;
            }
            Err(error) => (Err(error), None),
        };
        tasks.spawn(handle(Arc::clone(&app), received, decoded, turn, started));
    }
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!("messages in hand were left for the next start");
    }
}

/// Of such messages the last one holds: they keep their order. Anything else may overtake.
fn is_state(message: &Message) -> bool {
    matches!(message, Message::UpdateTopo(_) | Message::FlighttaskProgress(_))
}

/// By gateway, the end of the last message whose order counts.
#[derive(Default)]
struct Turns(HashMap<Sn, oneshot::Receiver<()>>);

impl Turns {
    fn next(&mut self, sn: &Sn) -> Turn {
        let (done, after) = oneshot::channel();
        Turn { before: self.0.insert(sn.clone(), after), _done: done }
    }
}

/// Waits for those before it; those after it wait until it is dropped.
struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _done: oneshot::Sender<()>,
}

/// Writes live state and announces docks that came or went, until `stop`; then once more.
pub async fn keep_live(app: Arc<App>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(SAVE_LIVE_EVERY);
    loop {
        let last = tokio::select! {
            () = stop.cancelled() => true,
            _ = tick.tick() => false,
        };
        for (workspace_id, sn, online) in app.docks.take_online_changes(app.now()) {
            app.events.send(workspace_id, Change::Dock { sn, online });
        }
        let dirty = app.docks.take_dirty();
        if !dirty.is_empty()
            && let Err(error) = app.catalogue.save_live(&dirty).await
        {
            tracing::warn!(%error, docks = dirty.len(), "live state could not be written");
        }
        if last {
            return;
        }
    }
}

/// What a method's file decided.
pub(crate) struct Answer {
    /// The reply's `data`.
    pub data: Value,
    /// What the trace shows as the answer's number, with words for the operator.
    pub result: i64,
    pub note: Option<String>,
}

impl Answer {
    /// `{"result": code}`, as events and status are answered.
    pub(crate) fn result(code: i64) -> Self {
        Self { data: eyrie_cloudapi::result_reply(code), result: code, note: None }
    }

    /// A refused request: `{"result": code, "output": {}}`.
    pub(crate) fn refused(code: i64, note: impl Into<String>) -> Self {
        Self { data: eyrie_cloudapi::error_reply(code), result: code, note: Some(note.into()) }
    }

    /// A request's output, or a bare object.
    pub(crate) fn done(data: Value) -> Self {
        Self { data, result: 0, note: None }
    }

    pub(crate) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// A message and what the handlers need to know of it.
pub(crate) struct Call<'a> {
    pub app: &'a Arc<App>,
    pub incoming: &'a Incoming,
    pub received: &'a Received,
}

impl Call<'_> {
    /// The identity: the SN of the topic, whatever the payload's `gateway` says.
    pub(crate) fn sn(&self) -> &str {
        self.incoming.topic.sn.as_ref()
    }

    /// The message as it arrived, to be kept.
    pub(crate) fn raw_event(&self) -> RawEvent {
        RawEvent {
            id: self.app.new_id(),
            gateway_sn: self.sn().to_owned(),
            workspace_id: self.app.docks.identity(self.sn()).map(|identity| identity.workspace_id),
            method: self.incoming.envelope.method.clone(),
            tid: self.incoming.envelope.tid.clone(),
            bid: self.incoming.envelope.bid.clone(),
            topic: self.received.topic.clone(),
            payload: String::from_utf8_lossy(&self.received.payload).into_owned(),
            received_at: self.app.now(),
        }
    }

    /// Keeps the message and nothing else; the answer is `code` when that worked.
    pub(crate) async fn keep_and_answer(&self, answer: Answer) -> Answer {
        let report = IngestReport {
            event: Some(self.raw_event()),
            media: None,
            flight: None,
            jobs: Vec::new(),
            now: self.app.now(),
        };
        match self.app.ingest.report(report).await {
            Ok(_) => answer,
            Err(error) => self.not_kept(&error),
        }
    }

    pub(crate) fn not_kept(&self, error: &dyn std::error::Error) -> Answer {
        let answer = Answer::result(codes::NOT_KEPT);
        answer.with_note(format!("not kept, the dock will try again: {error}"))
    }
}

async fn handle(
    app: Arc<App>,
    received: Received,
    decoded: Result<Incoming, DecodeError>,
    mut turn: Option<Turn>,
    started: Instant,
) {
    if let Some(before) = turn.as_mut().and_then(|turn| turn.before.take()) {
        // an error is its end, too
        let _ = before.await;
    }
    match decoded {
        Ok(incoming) => {
            app.docks.heard(incoming.topic.sn.as_ref(), app.now(), &Default::default());
            // texts, not `%`: what a device writes is quoted in the log
            let span = tracing::info_span!(
                "dock.message",
                dock.sn = incoming.topic.sn.as_ref(),
                tid = incoming.envelope.tid.as_str(),
                method = incoming.envelope.method.as_deref(),
                object.key = Empty,
                flight.id = Empty,
            );
            exchange(&app, incoming, &received, started).instrument(span).await;
        }
        Err(error) => unreadable(&app, &received, &error).await,
    }
    received.ack();
}

async fn exchange(app: &Arc<App>, incoming: Incoming, received: &Received, started: Instant) {
    let Some(answer) = converse(&Call { app, incoming: &incoming, received }).await else { return };
    let sn: &str = incoming.topic.sn.as_ref();
    let method = incoming.envelope.method.clone();
    let wanted = incoming.topic.kind != TopicKind::Events || incoming.envelope.wants_reply();
    let reply_topic = incoming.topic.reply().filter(|_| wanted);
    if let (Some(topic), Some(link)) = (reply_topic, app.link.get()) {
        let payload = reply(&incoming.envelope, &incoming.topic.sn, app.clock.now_ms(), &answer.data);
        if let Err(error) = link.publish(&topic.to_string(), payload).await {
            tracing::warn!(%error, "an answer could not be sent");
        }
    }
    let took = started.elapsed();
    let label = method_label(&incoming.message, method.as_deref());
    metrics::histogram!("eyrie_dock_answer_seconds", "method" => label.clone()).record(took.as_secs_f64());
    metrics::counter!("eyrie_dock_answers_total", "method" => label, "ok" => if answer.result == 0 { "true" } else { "false" }).increment(1);
    let (result, note) = (answer.result, answer.note.as_deref());
    if result == 0 {
        tracing::debug!(result, note, duration_ms = took.as_secs_f64() * 1e3, "a dock was answered");
    } else {
        tracing::warn!(result, note, "a dock was refused");
    }
    app.trace.record(TraceEntry {
        id: app.new_id(),
        gateway_sn: sn.to_owned(),
        at: app.now(),
        direction: "up".into(),
        topic: received.topic.clone(),
        method,
        tid: incoming.envelope.tid,
        bid: incoming.envelope.bid,
        // what nobody wanted to hear was not said; a refusal is shown all the same
        result: (wanted || answer.result != 0).then_some(answer.result),
        duration_ms: Some(took.as_secs_f64() * 1_000.0),
        asked: incoming.envelope.data,
        answered: if wanted { answer.data } else { Value::Null },
        note: answer.note,
    });
}

/// Metric labels come from our own list, never from the wire.
fn method_label(message: &Message, method: Option<&str>) -> String {
    match message {
        Message::UnknownRequest | Message::UnknownEvent { .. } | Message::UnknownStatus => "unknown".into(),
        _ => method.unwrap_or("none").into(),
    }
}

/// The table of contents: every message a dock sends, and the file that answers it. `None`: nothing is to be said.
async fn converse(call: &Call<'_>) -> Option<Answer> {
    let onboarding = call.app.config.cloud_api.onboarding;
    let answer = match &call.incoming.message {
        // media: answered in every mode
        Message::StorageConfigGet(request) => storage_config::get(call, request).await,
        Message::FileUploadCallback(upload) => file_upload::callback(call, upload).await,
        Message::HighestPriorityUploadFlighttaskMedia(event) => flight_task::highest_priority(call, event).await,
        // replies to commands of ours
        Message::ServicesReply(reply) => {
            flight_task::services_reply(call, reply);
            return None;
        }
        // read in every mode, answered only when docks come online through us
        Message::FlighttaskProgress(event) => flight_task::progress(call, event).await,
        Message::UpdateTopo(topology) => topology::update(call, topology).await,
        Message::Malformed { reason } if onboarding || is_media(call) => malformed(call, reason).await,
        _ if !onboarding => return None,
        Message::Config(_) => config::get(call),
        Message::AirportBindStatus(request) => organization::bind_status(call, request),
        Message::AirportOrganizationGet(request) => organization::get(call, request),
        Message::AirportOrganizationBind(request) => organization::bind(call, request).await,
        Message::FlightAreasGet => map::flight_areas(),
        Message::OfflineMapGet => map::offline_map(),
        Message::FlighttaskResourceGet(_) => {
            Answer::refused(codes::ILLEGAL_ARGUMENT, "this server dispatches no waylines")
        }
        Message::FlighttaskProgressGet(_) => {
            call.keep_and_answer(Answer::refused(codes::ILLEGAL_ARGUMENT, "this server dispatches no waylines")).await
        }
        Message::UnknownEvent { flight_id } => {
            let answer = Answer::result(0).with_note("kept as it is");
            flight_task::keep(call, flight_id.as_deref(), answer, |_| {}).await
        }
        Message::PsdkUiResourceUploadResult(_) | Message::UnknownStatus => {
            call.keep_and_answer(Answer::result(0).with_note("kept as it is")).await
        }
        Message::UnknownRequest => {
            call.keep_and_answer(Answer::refused(codes::ILLEGAL_ARGUMENT, "a request that is not known")).await
        }
        Message::Malformed { .. }
        | Message::Osd(_)
        | Message::State(_)
        | Message::PropertySetReply(_)
        | Message::DrcUp(_) => return None,
    };
    let silent =
        !onboarding && matches!(call.incoming.message, Message::FlighttaskProgress(_) | Message::UpdateTopo(_));
    (!silent).then_some(answer)
}

/// True for the methods that a sidecar answers too.
fn is_media(call: &Call<'_>) -> bool {
    const METHODS: [&str; 3] =
        ["storage_config_get", "file_upload_callback", "highest_priority_upload_flighttask_media"];
    call.incoming.envelope.method.as_deref().is_some_and(|method| METHODS.contains(&method))
}

/// A known method whose data cannot be read: kept as text, answered with a number.
async fn malformed(call: &Call<'_>, reason: &str) -> Answer {
    let note = format!("the message cannot be understood: {reason}");
    let answer = match call.incoming.topic.kind {
        TopicKind::Requests => Answer::refused(codes::ILLEGAL_ARGUMENT, note),
        _ => Answer::result(codes::ILLEGAL_ARGUMENT).with_note(note),
    };
    call.keep_and_answer(answer).await
}

/// Not JSON: nobody can be answered (there is no tid), but nothing is lost.
async fn unreadable(app: &Arc<App>, received: &Received, error: &DecodeError) {
    let Ok(topic) = Topic::parse(&received.topic) else { return };
    let sn: &str = topic.sn.as_ref();
    let identity = app.docks.identity(sn);
    let event = RawEvent {
        id: app.new_id(),
        gateway_sn: sn.to_owned(),
        workspace_id: identity.map(|identity| identity.workspace_id),
        method: None,
        tid: String::new(),
        bid: String::new(),
        topic: received.topic.clone(),
        payload: String::from_utf8_lossy(&received.payload).into_owned(),
        received_at: app.now(),
    };
    let kept = app
        .ingest
        .report(IngestReport { event: Some(event), media: None, flight: None, jobs: Vec::new(), now: app.now() })
        .await;
    if let Err(error) = kept {
        tracing::error!(%error, dock.sn = sn, "an unreadable message could not be kept");
    }
    tracing::warn!(%error, dock.sn = sn, topic = %received.topic, "a message could not be read; it is kept as text");
    app.trace.record(TraceEntry {
        id: app.new_id(),
        gateway_sn: sn.to_owned(),
        at: app.now(),
        direction: "up".into(),
        topic: received.topic.clone(),
        method: None,
        tid: String::new(),
        bid: String::new(),
        result: None,
        duration_ms: None,
        asked: json!({}),
        answered: Value::Null,
        note: Some(format!("unreadable, kept as text: {error}")),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sidecar_asks_for_no_topic_that_nobody_reads() {
        let mut config = Config::default();
        assert_eq!(subscriptions(&config).len(), eyrie_cloudapi::SUBSCRIPTIONS.len());
        config.cloud_api.onboarding = false;
        let beside = subscriptions(&config);
        assert!(!beside.iter().any(|filter| filter.contains("drc") || filter.contains("property")), "{beside:?}");
        assert!(beside.iter().any(|filter| filter == "thing/product/+/events"));
    }

    #[tokio::test]
    async fn messages_of_one_gateway_keep_their_turn_and_those_of_another_do_not_wait() {
        let (a, b): (Sn, Sn) = ("A".parse().unwrap(), "B".parse().unwrap());
        let mut turns = Turns::default();
        let first = turns.next(&a);
        let mut second = turns.next(&a);
        let mut before = second.before.take().unwrap();
        assert!(first.before.is_none() && turns.next(&b).before.is_none());
        assert!(before.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty), "it waits");
        drop(first);
        assert!(before.await.is_err(), "the first one is over");
    }
}
