//! The language of DJI's Cloud API, as far as a dock's media path needs it: topics, envelopes, methods, result codes.
//!
//! Bytes in, values out, and back; no I/O. Reading is tolerant, because firmwares differ from their documents in many small
//! ways (each known deviation has its test); writing is strict, because devices are. A field that cannot be read is `None`,
//! not an error: only a message that cannot be acted on at all is [`Message::Malformed`].
//!
//! Sources: DJI's Cloud-API-Doc v1.11.3 (files carry the names of its pages), its demo, and reports of users.

mod config;
mod device;
mod envelope;
pub mod error;
mod file;
mod lenient;
mod map;
mod organization;
pub mod pilot;
mod property;
mod tolerant;
mod topic;
mod topology;
mod wayline;

pub use config::{Config, config_reply};
pub use device::{BadModelKey, ModelKey, model_name};
pub use envelope::{Envelope, MAX_ID_BYTES, command, event, reply, request};
pub use file::{
    CapturedTime, FileUpload, HighestPriorityUploadFlighttaskMedia, LatLng, MAX_OBJECT_KEY_BYTES, MAX_TIME_BYTES,
    StorageConfig, StorageConfigGet, captured_time, prioritize_command, storage_config_reply,
};
pub use map::{flight_areas_reply, offline_map_reply};
pub use organization::{
    AirportBindStatus, AirportOrganizationBind, AirportOrganizationGet, BindDevice, BindStatus, bind_status_reply,
    organization_bind_reply, organization_get_reply,
};
pub use property::{DockedAircraft, Property};
pub use topic::{BadSn, MAX_SN_BYTES, Root, SUBSCRIPTIONS, Sn, Topic, TopicError, TopicKind};
pub use topology::{SubDevice, UpdateTopo};
pub use wayline::{FlighttaskGet, FlighttaskProgress};

use serde_json::{Value, json};

/// Largest message that is read, bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// A message of a device, understood.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub topic: Topic,
    pub envelope: Envelope,
    pub message: Message,
}

/// What a device says. Methods are told apart by topic and name.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Config(Config),
    AirportBindStatus(AirportBindStatus),
    AirportOrganizationGet(AirportOrganizationGet),
    AirportOrganizationBind(AirportOrganizationBind),
    FlightAreasGet,
    OfflineMapGet,
    StorageConfigGet(StorageConfigGet),
    FlighttaskResourceGet(FlighttaskGet),
    FlighttaskProgressGet(FlighttaskGet),
    FileUploadCallback(Box<FileUpload>),
    HighestPriorityUploadFlighttaskMedia(HighestPriorityUploadFlighttaskMedia),
    FlighttaskProgress(FlighttaskProgress),
    PsdkUiResourceUploadResult(Value),
    UpdateTopo(UpdateTopo),
    Osd(Box<Property>),
    State(Box<Property>),
    ServicesReply(ServicesReply),
    PropertySetReply(Value),
    DrcUp(Value),
    UnknownRequest,
    UnknownEvent {
        /// Of the flight that it names, where others do.
        flight_id: Option<String>,
    },
    UnknownStatus,
    /// A known method whose data cannot be acted on. It can still be answered.
    Malformed {
        reason: String,
    },
}

/// A device's answer to a command.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicesReply {
    /// -1 when the device gave none.
    pub result: i64,
    pub output: Value,
}

/// Why a message cannot even be answered.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// Devices do not listen here.
    #[error("not a topic that devices speak on")]
    Downward,
    #[error("the message has {0} bytes, more than {MAX_PAYLOAD_BYTES}")]
    TooLarge(usize),
    #[error("not JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("not a JSON object")]
    NotAnObject,
}

/// Reads one message.
///
/// # Errors
/// [`DecodeError`] when there is nothing that could be answered.
pub fn decode(topic: &str, payload: &[u8]) -> Result<Incoming, DecodeError> {
    let topic = Topic::parse(topic)?;
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(DecodeError::TooLarge(payload.len()));
    }
    let value = lenient::parse(payload).map_err(DecodeError::NotJson)?;
    if !value.is_object() {
        return Err(DecodeError::NotAnObject);
    }
    let mut envelope = Envelope::read(value);
    if envelope.method.is_none() {
        envelope.method = unnamed(topic.kind, &envelope.data).map(str::to_owned);
    }
    let message = read(topic.kind, &envelope)?;
    Ok(Incoming { topic, envelope, message })
}

/// The method of a message that names none, as DJI's own examples of the media methods do not. Only where the data leaves no
/// doubt: taken for an unknown event, a report would be acknowledged without a look at the file.
fn unnamed(kind: TopicKind, data: &Value) -> Option<&'static str> {
    let has = |value: &Value, name| !tolerant::get(value, name).is_null();
    match kind {
        TopicKind::Events if has(data, "object_key") || has(tolerant::get(data, "file"), "object_key") => {
            Some("file_upload_callback")
        }
        TopicKind::Requests if has(data, "module") => Some("storage_config_get"),
        TopicKind::Status if has(data, "sub_devices") => Some("update_topo"),
        _ => None,
    }
}

fn read(kind: TopicKind, envelope: &Envelope) -> Result<Message, DecodeError> {
    let data = &envelope.data;
    let method = envelope.method.as_deref().unwrap_or_default();
    let message = match kind {
        TopicKind::Osd => Ok(Message::Osd(Box::new(Property::read(data)))),
        TopicKind::State => Ok(Message::State(Box::new(Property::read(data)))),
        TopicKind::ServicesReply => Ok(Message::ServicesReply(ServicesReply {
            result: tolerant::int(tolerant::get(data, "result")).unwrap_or(-1),
            output: tolerant::get(data, "output").clone(),
        })),
        TopicKind::PropertySetReply => Ok(Message::PropertySetReply(data.clone())),
        TopicKind::DrcUp => Ok(Message::DrcUp(data.clone())),
        TopicKind::Requests => match method {
            "config" => Ok(Message::Config(Config::read(data))),
            "airport_bind_status" => AirportBindStatus::read(data).map(Message::AirportBindStatus),
            "airport_organization_get" => Ok(Message::AirportOrganizationGet(AirportOrganizationGet::read(data))),
            "airport_organization_bind" => AirportOrganizationBind::read(data).map(Message::AirportOrganizationBind),
            "flight_areas_get" => Ok(Message::FlightAreasGet),
            "offline_map_get" => Ok(Message::OfflineMapGet),
            "storage_config_get" => Ok(Message::StorageConfigGet(StorageConfigGet::read(data))),
            "flighttask_resource_get" => Ok(Message::FlighttaskResourceGet(FlighttaskGet::read(data))),
            "flighttask_progress_get" => Ok(Message::FlighttaskProgressGet(FlighttaskGet::read(data))),
            _ => Ok(Message::UnknownRequest),
        },
        TopicKind::Events => match method {
            "file_upload_callback" => {
                FileUpload::read(data).map(|upload| Message::FileUploadCallback(Box::new(upload)))
            }
            "highest_priority_upload_flighttask_media" => {
                HighestPriorityUploadFlighttaskMedia::read(data).map(Message::HighestPriorityUploadFlighttaskMedia)
            }
            "flighttask_progress" => Ok(Message::FlighttaskProgress(FlighttaskProgress::read(data))),
            "psdk_ui_resource_upload_result" => Ok(Message::PsdkUiResourceUploadResult(data.clone())),
            _ => Ok(Message::UnknownEvent { flight_id: wayline::flight_id(data) }),
        },
        TopicKind::Status => match method {
            "update_topo" => UpdateTopo::read(data).map(Message::UpdateTopo),
            _ => Ok(Message::UnknownStatus),
        },
        TopicKind::Services
        | TopicKind::EventsReply
        | TopicKind::RequestsReply
        | TopicKind::StatusReply
        | TopicKind::PropertySet
        | TopicKind::DrcDown => return Err(DecodeError::Downward),
    };
    Ok(message.unwrap_or_else(|unreadable| Message::Malformed { reason: unreadable.0.to_owned() }))
}

/// `{"result": code}`: the `data` that answers events and status.
pub fn result_reply(code: i64) -> Value {
    json!({ "result": code })
}

/// The `data` that refuses a request.
pub fn error_reply(code: i64) -> Value {
    json!({ "result": code, "output": {} })
}
