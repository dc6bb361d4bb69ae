//! rmqtt's hooks: who may connect to its loopback listeners, and what may be published and subscribed.

use std::sync::Arc;

use async_trait::async_trait;
use rmqtt::codec::v5::{DisconnectReasonCode, PublishAckReason, SubscribeAckReason, ToReasonCode};
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, Register, ReturnType, Type};
use rmqtt::session::Session;
use rmqtt::types::{
    AuthResult, CodecPublish, ConnectInfo, From, FromType, Publish, PublishAclResult, PublishResult, Reason, Subscribe,
    SubscribeAclResult,
};

use super::connect::is_topic_name;
use super::engine::{DOCKS, SERVICE};
use super::registry::Registry;

/// Topics that may hold a retained message, over all accounts.
pub(super) const MAX_RETAINED: isize = 10_000;

/// Where a message goes that is for nobody: no rule lets anybody subscribe to it, and no wildcard of the service reaches it.
const NOWHERE: &str = "$eyrie/nowhere";

/// Before rmqtt's own handlers.
const PRIORITY: u32 = 100;

#[derive(Clone)]
pub(super) struct Rules {
    registry: Arc<Registry>,
    scx: ServerContext,
}

impl Rules {
    pub(super) async fn install(scx: &ServerContext, registry: Arc<Registry>) {
        let rules = Self { registry, scx: scx.clone() };
        let register: Box<dyn Register> = scx.extends.hook_mgr().register();
        for on in [
            Type::ClientAuthenticate,
            Type::ClientSubscribeCheckAcl,
            Type::MessagePublish,
            Type::MessagePublishCheckAcl,
            Type::SessionCreated,
            Type::SessionTerminated,
            Type::ClientDisconnected,
        ] {
            register.add_priority(on, PRIORITY, Box::new(rules.clone())).await;
        }
        register.start().await;
    }

    /// The service is a superuser: rmqtt asks no rule about it again.
    fn authenticate(&self, connect: &ConnectInfo) -> AuthResult {
        let id = connect.id();
        match id.lid {
            DOCKS if id.remote_addr.is_some_and(|from| self.registry.is_announced(from)) => {
                AuthResult::Allow(false, None)
            }
            SERVICE => match (connect.username(), connect.password()) {
                (Some(username), Some(password)) if self.registry.is_service(username, password) => {
                    AuthResult::Allow(true, None)
                }
                _ => AuthResult::BadUsernameOrPassword,
            },
            _ => AuthResult::NotAuthorized,
        }
    }

    async fn may_publish(&self, session: &Session, publish: &Publish) -> Result<(), PublishAckReason> {
        if !is_topic_name(&publish.topic) {
            return Err(PublishAckReason::TopicNameInvalid);
        }
        if !self.registry.gate.may_publish(username(session), &publish.topic) {
            return Err(PublishAckReason::NotAuthorized);
        }
        if publish.retain
            && !publish.payload.is_empty()
            && self.scx.extends.retain().await.count().await >= MAX_RETAINED
        {
            return Err(PublishAckReason::QuotaExceeded);
        }
        Ok(())
    }

    /// What becomes of a message before anything else is asked about it; `None`: it stays as it is. A message that may not
    /// be retained is delivered all the same: a dock that says the right thing with one flag too many must be heard. A Will
    /// was allowed at CONNECT, and that may be long ago; rmqtt asks no rule when it sends one.
    fn changed(&self, session: &Session, from: &From, publish: &Publish) -> Option<Publish> {
        if session.id.lid == SERVICE {
            return None;
        }
        let (gate, username) = (&self.registry.gate, username(session));
        if matches!(from.typ(), FromType::LastWill) && !gate.may_publish(username, &publish.topic) {
            tracing::info!(dock.sn = username, topic = &*publish.topic, "a will is not sent: the right to it is gone");
            let nothing = CodecPublish {
                topic: NOWHERE.into(),
                payload: Default::default(),
                retain: false,
                ..(*publish.inner).clone()
            };
            return Some(nothing.into());
        }
        if publish.retain && !gate.may_retain(username, &publish.topic) {
            let mut passing = publish.clone();
            passing.retain = false;
            return Some(passing);
        }
        None
    }

    fn may_subscribe(&self, session: &Session, subscribe: &Subscribe) -> bool {
        let username = username(session);
        match subscribe.opts.shared_group() {
            Some(group) => {
                self.registry.gate.may_subscribe(username, &format!("$share/{group}/{}", subscribe.topic_filter))
            }
            None => self.registry.gate.may_subscribe(username, &subscribe.topic_filter),
        }
    }
}

#[async_trait]
impl Handler for Rules {
    async fn hook(&self, parameter: &Parameter, so_far: Option<HookResult>) -> ReturnType {
        let result = match parameter {
            Parameter::ClientAuthenticate(connect) => HookResult::AuthResult(self.authenticate(connect)),
            Parameter::MessagePublish(Some(session), from, publish) => match self.changed(session, from, publish) {
                Some(changed) => HookResult::Publish(changed),
                None => return (true, so_far),
            },
            Parameter::MessagePublishCheckAcl(session, publish) => {
                HookResult::PublishAclResult(match self.may_publish(session, publish).await {
                    Ok(()) => PublishAclResult::allow(),
                    Err(reason) => {
                        tracing::info!(
                            dock.sn = username(session),
                            topic = &*publish.topic,
                            ?reason,
                            "publish refused"
                        );
                        // The connection stays: a dock that says one wrong thing must still deliver the right ones.
                        PublishAclResult(PublishResult::reason_code(reason, None, false))
                    }
                })
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                HookResult::SubscribeAclResult(if self.may_subscribe(session, subscribe) {
                    SubscribeAclResult::new_success(subscribe.opts.qos(), None)
                } else {
                    let filter = &*subscribe.topic_filter;
                    tracing::info!(dock.sn = username(session), filter, "subscription refused");
                    // Who has no account cannot be authorized either.
                    SubscribeAclResult::new_failure(match &session.id.username {
                        Some(_) => SubscribeAckReason::NotAuthorized,
                        None => SubscribeAckReason::UnspecifiedError,
                    })
                })
            }
            Parameter::SessionCreated(session) => {
                self.registry.session_created(username(session), &session.id.client_id);
                return (true, so_far);
            }
            Parameter::SessionTerminated(session, _) => {
                // A session that was taken over ends too, but its name lives on.
                let shared = self.scx.extends.shared().await;
                let successor = shared.entry(session.id.clone()).session().is_some_and(|now| now.id != session.id);
                if !successor {
                    self.registry.session_ended(username(session), &session.id.client_id);
                }
                return (true, so_far);
            }
            Parameter::ClientDisconnected(session, reason) => {
                if let Some(from) = session.id.remote_addr {
                    self.registry.ended(from, disconnect_reason(reason));
                }
                return (true, so_far);
            }
            _ => return (true, so_far),
        };
        (false, Some(result))
    }
}

/// rmqtt's own mapping, except for what it calls "not authorized" and is a session taken over (MQTT 5, 3.1.4-3).
fn disconnect_reason(reason: &Reason) -> DisconnectReasonCode {
    match reason {
        Reason::ConnectKicked(false) => DisconnectReasonCode::SessionTakenOver,
        Reason::Reasons(all) => all.first().map_or(DisconnectReasonCode::UnspecifiedError, disconnect_reason),
        other => other.to_reason_code(),
    }
}

fn username(session: &Session) -> &str {
    session.id.username.as_deref().unwrap_or_default()
}
