//! CONNECT and CONNACK in both versions of the protocol, as far as the front reads and rewrites them.

use rmqtt::codec::error::DecodeError;
use rmqtt::codec::version::{ProtocolVersion, VersionCodec};
use rmqtt::codec::{MqttCodec, MqttPacket, v3, v5};
use tokio_util::codec::Framed;

use futures::{SinkExt, StreamExt};

use super::Refusal;
use super::wire::Wire;

/// Longest Client Identifier that is taken. MQTT 3.1.1 asks for 23 bytes at least ([MQTT-3.1.3-5]); ours leaves room for
/// the account's name in front of it.
const MAX_CLIENT_ID_BYTES: usize = 1024;

/// Longest username; an account's is a serial number.
const MAX_USERNAME_BYTES: usize = 256;

/// Largest CONNECT: room for a Will, a username and a password of the most the protocol allows. It is read before anybody
/// is known.
const MAX_CONNECT_BYTES: u32 = 256 * 1024;

/// A CONNECT of either version.
pub(super) enum Connect {
    V3(Box<v3::Connect>),
    V5(Box<v5::Connect>),
}

/// Why a CONNECT goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    BadUsernameOrPassword,
    NotAuthorized,
    Unavailable,
    ClientIdentifier,
    AuthenticationMethod,
    WillTopic,
    TooManySessions,
    Malformed,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BadUsernameOrPassword => Self::BadUsernameOrPassword,
            Refusal::NotAuthorized => Self::NotAuthorized,
            Refusal::Unavailable => Self::Unavailable,
        }
    }
}

impl Denied {
    /// MQTT 3.1.1, table 3.1: what has no code there becomes the nearest.
    fn v3(self) -> v3::ConnectAckReason {
        match self {
            Self::BadUsernameOrPassword => v3::ConnectAckReason::BadUserNameOrPassword,
            Self::NotAuthorized | Self::AuthenticationMethod | Self::WillTopic => v3::ConnectAckReason::NotAuthorized,
            Self::Unavailable | Self::TooManySessions | Self::Malformed => v3::ConnectAckReason::ServiceUnavailable,
            Self::ClientIdentifier => v3::ConnectAckReason::IdentifierRejected,
        }
    }

    /// MQTT 5, 3.2.2.2.
    fn v5(self) -> v5::ConnectAckReason {
        match self {
            Self::BadUsernameOrPassword => v5::ConnectAckReason::BadUserNameOrPassword,
            Self::NotAuthorized => v5::ConnectAckReason::NotAuthorized,
            Self::Unavailable => v5::ConnectAckReason::ServerUnavailable,
            Self::ClientIdentifier => v5::ConnectAckReason::ClientIdentifierNotValid,
            Self::AuthenticationMethod => v5::ConnectAckReason::BadAuthenticationMethod,
            Self::WillTopic => v5::ConnectAckReason::TopicNameInvalid,
            Self::TooManySessions => v5::ConnectAckReason::QuotaExceeded,
            Self::Malformed => v5::ConnectAckReason::MalformedPacket,
        }
    }
}

impl Connect {
    /// Reads the first packet. Whatever else it is than a CONNECT leads to `None`; one that is a CONNECT but wrong is
    /// answered first where the protocol has a code for it.
    pub(super) async fn read<W: Wire>(client: &mut Framed<W, MqttCodec>, max_packet_bytes: u32) -> Option<Self> {
        debug_assert!(matches!(client.codec(), MqttCodec::Version(VersionCodec)));
        let Some(Ok((MqttPacket::Version(version), _))) = client.next().await else { return None };
        *client.codec_mut() = codec(version, max_packet_bytes.min(MAX_CONNECT_BYTES));
        let denied = match client.next().await? {
            Ok((MqttPacket::V3(v3::Packet::Connect(connect)), _)) => return Some(Self::V3(connect)),
            Ok((MqttPacket::V5(v5::Packet::Connect(connect)), _)) => return Some(Self::V5(connect)),
            Err(DecodeError::InvalidClientId) => Denied::ClientIdentifier,
            Ok(_) | Err(_) => Denied::Malformed,
        };
        // 3.1.1 has no code for a malformed packet: the connection is closed ([MQTT-3.1.4-1]).
        if version == ProtocolVersion::MQTT5 || denied == Denied::ClientIdentifier {
            refuse(client, version, denied).await;
        }
        None
    }

    pub(super) fn version(&self) -> ProtocolVersion {
        match self {
            Self::V3(_) => ProtocolVersion::MQTT3,
            Self::V5(_) => ProtocolVersion::MQTT5,
        }
    }

    pub(super) fn client_id(&self) -> &str {
        match self {
            Self::V3(connect) => &connect.client_id,
            Self::V5(connect) => &connect.client_id,
        }
    }

    pub(super) fn username(&self) -> Option<&str> {
        match self {
            Self::V3(connect) => connect.username.as_deref(),
            Self::V5(connect) => connect.username.as_deref(),
        }
    }

    /// The password, which then is no longer part of the packet.
    pub(super) fn take_password(&mut self) -> bytes::Bytes {
        match self {
            Self::V3(connect) => connect.password.take(),
            Self::V5(connect) => connect.password.take(),
        }
        .unwrap_or_default()
    }

    /// Topic Name of the Will.
    pub(super) fn will(&self) -> Option<&str> {
        match self {
            Self::V3(connect) => connect.last_will.as_ref().map(|will| &*will.topic),
            Self::V5(connect) => connect.last_will.as_ref().map(|will| &*will.topic),
        }
    }

    /// What can be said of the packet alone.
    pub(super) fn check(&self) -> Result<(), Denied> {
        if self.client_id().len() > MAX_CLIENT_ID_BYTES {
            return Err(Denied::ClientIdentifier);
        }
        if self.username().is_some_and(|username| username.len() > MAX_USERNAME_BYTES) {
            return Err(Denied::BadUsernameOrPassword);
        }
        if let Self::V5(connect) = self
            && connect.auth_method.is_some()
        {
            return Err(Denied::AuthenticationMethod);
        }
        match self.will() {
            Some(topic) if !is_topic_name(topic) => Err(Denied::WillTopic),
            _ => Ok(()),
        }
    }

    /// Names the session after the account. An empty Client Identifier becomes a random one, which is returned: MQTT 5
    /// wants it told to the client ([MQTT-3.2.2-16]).
    pub(super) fn name_session(&mut self, username: &str) -> Option<String> {
        let assigned = self.client_id().is_empty().then(random_client_id);
        let client_id = assigned.as_deref().unwrap_or(self.client_id());
        // The length in front makes it unambiguous whatever characters a username has.
        let name = format!("{}/{username}/{client_id}", username.len());
        match self {
            Self::V3(connect) => connect.client_id = name.into(),
            Self::V5(connect) => connect.client_id = name.into(),
        }
        assigned
    }

    /// MQTT 3.1.1 has no Server Keep Alive, and rmqtt refuses a longer one than its maximum.
    pub(super) fn limit_keepalive(&mut self, max_s: u16) {
        if let Self::V3(connect) = self {
            connect.keep_alive = connect.keep_alive.min(max_s);
        }
    }

    pub(super) fn into_packet(self) -> MqttPacket {
        match self {
            Self::V3(connect) => MqttPacket::V3(v3::Packet::Connect(connect)),
            Self::V5(connect) => MqttPacket::V5(v5::Packet::Connect(connect)),
        }
    }
}

/// What rmqtt said to the CONNECT.
pub(super) enum Answer {
    Accepted(MqttPacket),
    Refused(MqttPacket),
}

/// Reads rmqtt's CONNACK and puts the assigned Client Identifier in.
pub(super) fn answer(packet: MqttPacket, assigned: Option<String>) -> Option<Answer> {
    match packet {
        MqttPacket::V3(v3::Packet::ConnectAck(ack)) => {
            let accepted = ack.return_code == v3::ConnectAckReason::ConnectionAccepted;
            let packet = MqttPacket::V3(v3::Packet::ConnectAck(ack));
            Some(if accepted { Answer::Accepted(packet) } else { Answer::Refused(packet) })
        }
        MqttPacket::V5(v5::Packet::ConnectAck(mut ack)) => {
            let accepted = ack.reason_code == v5::ConnectAckReason::Success;
            if let Some(assigned) = assigned {
                ack.assigned_client_id = Some(assigned.into());
            }
            let packet = MqttPacket::V5(v5::Packet::ConnectAck(ack));
            Some(if accepted { Answer::Accepted(packet) } else { Answer::Refused(packet) })
        }
        _ => None,
    }
}

/// Sends a CONNACK that refuses. The client may be gone; nobody needs to know.
pub(super) async fn refuse<W: Wire>(client: &mut Framed<W, MqttCodec>, version: ProtocolVersion, denied: Denied) {
    let packet = match version {
        ProtocolVersion::MQTT3 => {
            MqttPacket::V3(v3::Packet::ConnectAck(v3::ConnectAck { return_code: denied.v3(), session_present: false }))
        }
        ProtocolVersion::MQTT5 => MqttPacket::V5(v5::Packet::ConnectAck(Box::new(v5::ConnectAck {
            reason_code: denied.v5(),
            ..Default::default()
        }))),
    };
    let _ = client.send(packet).await;
    let _ = client.close().await;
}

pub(super) fn codec(version: ProtocolVersion, max_packet_bytes: u32) -> MqttCodec {
    match version {
        ProtocolVersion::MQTT3 => MqttCodec::V3(v3::Codec::new(max_packet_bytes)),
        ProtocolVersion::MQTT5 => MqttCodec::V5(v5::Codec::new(max_packet_bytes, max_packet_bytes)),
    }
}

/// MQTT 4.7: at least one character, no wildcard, no NUL.
pub(super) fn is_topic_name(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#', '\0'])
}

/// 128 bits, so that nobody guesses another's session.
fn random_client_id() -> String {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;
    use tokio_util::codec::Encoder;

    const MAX: u32 = 64 * 1024;

    /// What the front makes of these bytes and the end of the connection.
    fn read(bytes: &[u8]) -> Option<Connect> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (front, mut client) = tokio::io::duplex(bytes.len() + 1024);
            client.write_all(bytes).await.unwrap();
            client.shutdown().await.unwrap();
            Connect::read(&mut Framed::new(front, MqttCodec::Version(VersionCodec)), MAX).await
        })
    }

    fn v5_connect() -> v5::Connect {
        let will = v5::LastWill {
            qos: 1u8.try_into().unwrap(),
            retain: true,
            topic: "thing/product/A/status".into(),
            message: "gone".into(),
            will_delay_interval_sec: Some(7),
            correlation_data: Some("c".into()),
            message_expiry_interval: std::num::NonZeroU32::new(60),
            content_type: Some("text".into()),
            user_properties: vec![("a".into(), "b".into())],
            is_utf8_payload: Some(true),
            response_topic: Some("r".into()),
        };
        v5::Connect {
            clean_start: true,
            keep_alive: 30,
            session_expiry_interval_secs: 600,
            receive_max: std::num::NonZeroU16::new(9),
            topic_alias_max: 3,
            max_packet_size: std::num::NonZeroU32::new(5000),
            user_properties: vec![("k".into(), "v".into())],
            last_will: Some(will),
            client_id: "dock".into(),
            username: Some("A".into()),
            password: Some("pw".into()),
            ..Default::default()
        }
    }

    fn encoded(version: ProtocolVersion, packet: MqttPacket) -> Vec<u8> {
        let mut bytes = bytes::BytesMut::new();
        codec(version, 0).encode(packet, &mut bytes).unwrap();
        bytes.to_vec()
    }

    fn v5_bytes() -> Vec<u8> {
        encoded(ProtocolVersion::MQTT5, MqttPacket::V5(v5::Packet::Connect(Box::new(v5_connect()))))
    }

    #[test]
    fn passing_on_changes_the_password_and_the_session_name_only() {
        let mut connect = read(&v5_bytes()).unwrap();
        assert_eq!(&connect.take_password()[..], b"pw");
        assert_eq!(connect.name_session("A"), None);
        let passed_on = read(&encoded(ProtocolVersion::MQTT5, connect.into_packet())).unwrap();
        let Connect::V5(passed_on) = passed_on else { panic!("it was MQTT 5") };
        let expected = v5::Connect { client_id: "1/A/dock".into(), password: None, ..v5_connect() };
        assert_eq!(*passed_on, expected);
    }

    #[test]
    fn session_names_cannot_be_made_to_meet() {
        let name = |username: &str, client_id: &str| {
            let mut connect = Connect::V5(Box::new(v5::Connect { client_id: client_id.into(), ..Default::default() }));
            connect.name_session(username);
            connect.client_id().to_owned()
        };
        assert_ne!(name("A", "B/c"), name("A/B", "c"));
        assert_ne!(name("A", "c"), name("1/A", "c"));
        assert_ne!(name("A", ""), name("A", ""), "assigned at random");
    }

    #[test]
    fn a_will_with_a_wildcard_is_refused() {
        for topic in ["", "a/#", "+", "a/+/b", "nul\0"] {
            assert!(!is_topic_name(topic), "{topic:?}");
        }
        assert!(is_topic_name("/thing/product/A"));
    }

    proptest! {
        #[test]
        fn foreign_bytes_end_in_none_or_a_connect(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            read(&bytes);
        }

        #[test]
        fn a_damaged_connect_does_no_harm(at in 0usize..150, byte in any::<u8>(), cut in 0usize..150) {
            let mut bytes = v5_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            read(&bytes);
            bytes.truncate(cut);
            read(&bytes);
            // The same with a length that fits, so that the fields themselves are short.
            if bytes.len() > 2 && bytes.len() < 129 {
                bytes[1] = (bytes.len() - 2) as u8;
                read(&bytes);
            }
        }
    }
}
