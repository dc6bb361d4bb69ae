//! Topics (`00.topic-definition` of DJI's dock and Pilot pages).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest serial number that is taken for one, bytes. DJI's have 14 to 20.
pub const MAX_SN_BYTES: usize = 64;

/// The filters a server subscribes to. DJI's pages give `sys/product` for the status; one third-party corpus gives `thing`.
pub const SUBSCRIPTIONS: [&str; 9] = [
    "thing/product/+/osd",
    "thing/product/+/state",
    "thing/product/+/events",
    "thing/product/+/requests",
    "thing/product/+/services_reply",
    "thing/product/+/property/set_reply",
    "thing/product/+/drc/up",
    "sys/product/+/status",
    "thing/product/+/status",
];

/// A serial number: 1 to 64 of A-Z, a-z, 0-9, `_`, `-`. It can neither leave a topic level nor an object key's segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sn(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a serial number is 1 to {MAX_SN_BYTES} letters, digits, '_' or '-'")]
pub struct BadSn;

impl FromStr for Sn {
    type Err = BadSn;

    fn from_str(text: &str) -> Result<Self, BadSn> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (1..=MAX_SN_BYTES).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadSn)
        }
    }
}

impl TryFrom<String> for Sn {
    type Error = BadSn;

    fn try_from(text: String) -> Result<Self, BadSn> {
        text.parse()
    }
}

impl From<Sn> for String {
    fn from(sn: Sn) -> Self {
        sn.0
    }
}

impl AsRef<str> for Sn {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TopicKind {
    Osd,
    State,
    Services,
    ServicesReply,
    Events,
    EventsReply,
    Requests,
    RequestsReply,
    Status,
    StatusReply,
    PropertySet,
    PropertySetReply,
    DrcUp,
    DrcDown,
}

impl TopicKind {
    const ALL: [(Self, &'static str); 14] = [
        (Self::Osd, "osd"),
        (Self::State, "state"),
        (Self::Services, "services"),
        (Self::ServicesReply, "services_reply"),
        (Self::Events, "events"),
        (Self::EventsReply, "events_reply"),
        (Self::Requests, "requests"),
        (Self::RequestsReply, "requests_reply"),
        (Self::Status, "status"),
        (Self::StatusReply, "status_reply"),
        (Self::PropertySet, "property/set"),
        (Self::PropertySetReply, "property/set_reply"),
        (Self::DrcUp, "drc/up"),
        (Self::DrcDown, "drc/down"),
    ];

    /// The topic's last levels.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).expect("every kind is listed").1
    }

    /// Where its answer goes.
    pub fn reply(self) -> Option<Self> {
        match self {
            Self::Services => Some(Self::ServicesReply),
            Self::Events => Some(Self::EventsReply),
            Self::Requests => Some(Self::RequestsReply),
            Self::Status => Some(Self::StatusReply),
            Self::PropertySet => Some(Self::PropertySetReply),
            _ => None,
        }
    }
}

/// First level of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    Thing,
    Sys,
}

/// `{thing|sys}/product/{sn}/{kind}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    pub root: Root,
    pub sn: Sn,
    pub kind: TopicKind,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    #[error("not a topic of the Cloud API")]
    Foreign,
    #[error(transparent)]
    Sn(#[from] BadSn),
}

impl Topic {
    /// # Errors
    /// [`TopicError`] for anything that is not exactly a topic of the Cloud API.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        let mut levels = text.splitn(4, '/');
        let root = match levels.next() {
            Some("thing") => Root::Thing,
            Some("sys") => Root::Sys,
            _ => return Err(TopicError::Foreign),
        };
        if levels.next() != Some("product") {
            return Err(TopicError::Foreign);
        }
        let sn = levels.next().ok_or(TopicError::Foreign)?.parse()?;
        let rest = levels.next().ok_or(TopicError::Foreign)?;
        let (kind, _) = TopicKind::ALL.into_iter().find(|(_, words)| *words == rest).ok_or(TopicError::Foreign)?;
        let is_status = matches!(kind, TopicKind::Status | TopicKind::StatusReply);
        if root == Root::Sys && !is_status { Err(TopicError::Foreign) } else { Ok(Self { root, sn, kind }) }
    }

    /// Where the answer to a message on this topic goes: the same root, as a device listens where it spoke.
    pub fn reply(&self) -> Option<Self> {
        Some(Self { root: self.root, sn: self.sn.clone(), kind: self.kind.reply()? })
    }

    /// Where a command for `gateway_sn` goes.
    ///
    /// # Errors
    /// When it is not a serial number.
    pub fn services(gateway_sn: &str) -> Result<Self, BadSn> {
        Ok(Self { root: Root::Thing, sn: gateway_sn.parse()?, kind: TopicKind::Services })
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = match self.root {
            Root::Thing => "thing",
            Root::Sys => "sys",
        };
        write!(f, "{root}/product/{}/{}", self.sn, self.kind.as_str())
    }
}
