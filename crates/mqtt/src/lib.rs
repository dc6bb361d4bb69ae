//! MQTT: the embedded broker and the server's own client.
//!
//! The server talks to the embedded broker as it would to a foreign one, through [`Link`]: one code path.

pub mod broker;
pub mod link;

pub use broker::{Broker, BrokerConfig, BrokerError, BrokerLimits, CAPPED_LOG_TARGETS, Gate, Login, Refusal};
pub use link::{Link, LinkConfig, LinkError, Received};
