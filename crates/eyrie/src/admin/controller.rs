//! Pilot 2 controllers: accounts, and the logins that give them tokens.

use eyrie_catalogue::{Controller, ControllerSession, NewController, Workspace};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::names::checked_sn;
use super::{Admin, AdminError, ControllerAccess, Result};
use crate::secret;

/// A token of a controller's login; shown this once.
#[derive(Clone)]
pub struct ControllerGrant {
    pub session: ControllerSession,
    pub token: String,
    pub token_expires_at: Timestamp,
}

impl Admin {
    /// Gives a Pilot 2 controller its account and a first login.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`AdminError::Exists`] when the SN is known.
    pub async fn add_controller(&self, workspace: &Workspace, sn: &str) -> Result<ControllerAccess> {
        let password = self.make_controller(workspace, checked_sn(sn)?).await?;
        self.controller_access(&self.controller(sn).await?, password).await
    }

    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn controller(&self, sn: &str) -> Result<Controller> {
        let found = self.catalogue.controller(sn).await?;
        found.ok_or_else(|| AdminError::NotFound { what: "controller", id: sn.to_owned() })
    }

    /// A new password and a new login; every earlier login, token and connection ends.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Disabled`].
    pub async fn rotate_controller(&self, sn: &str) -> Result<ControllerAccess> {
        let controller = self.controller(sn).await?;
        if controller.disabled {
            return Err(AdminError::Disabled(sn.to_owned()));
        }
        let (password, password_hash) = self.new_password().await;
        self.catalogue.set_controller_password(sn, &password_hash).await?;
        self.audit(Some(controller.workspace_id), "controller.rotate", sn, Value::Null).await?;
        self.controller_access(&controller, password).await
    }

    /// A disabled controller is disconnected and logged out and cannot come back; what it uploaded stays.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn set_controller_enabled(&self, sn: &str, enabled: bool) -> Result<Controller> {
        let controller = self.controller(sn).await?;
        if controller.disabled == enabled {
            self.catalogue.set_controller_disabled(sn, !enabled).await?;
            let action = if enabled { "controller.enable" } else { "controller.disable" };
            self.audit(Some(controller.workspace_id), action, sn, Value::Null).await?;
        }
        Ok(Controller { disabled: !enabled, ..controller })
    }

    /// Logs a controller in, in the actor's name; its account is made when there is none.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for what is no SN; [`AdminError::Disabled`]; [`AdminError::Exists`] when the SN is a
    /// dock's or a controller's of another workspace.
    pub async fn log_in_controller(&self, workspace: &Workspace, sn: &str) -> Result<ControllerGrant> {
        let sn = checked_sn(sn)?;
        let controller = match self.catalogue.controller(sn).await? {
            Some(controller) => controller,
            None => {
                match self.make_controller(workspace, sn).await {
                    // two pages of one controller at once
                    Ok(_) | Err(AdminError::Exists { what: "controller", .. }) => self.controller(sn).await?,
                    Err(error) => return Err(error),
                }
            }
        };
        if controller.workspace_id != workspace.id {
            return Err(AdminError::Exists { what: "controller", id: sn.to_owned() });
        }
        if controller.disabled {
            return Err(AdminError::Disabled(sn.to_owned()));
        }
        self.new_login(&controller).await
    }

    /// One more token for a login.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when the login is over or may not be renewed any more; [`AdminError::TooMany`].
    pub async fn renew_controller_login(&self, session: &ControllerSession) -> Result<ControllerGrant> {
        let (token, now) = (self.new_token(), self.clock.now());
        let over = || AdminError::NotFound { what: "login", id: session.id.to_string() };
        let token_expires_at = after(now, self.pilot.token_lifetime).min(session.renewable_until);
        if token_expires_at <= now {
            return Err(over());
        }
        let hash = secret::token_hash(&token);
        if !self.catalogue.renew_controller_session(session.id, &hash, now, token_expires_at).await? {
            return Err(AdminError::TooMany("tokens of this login are good already"));
        }
        Ok(ControllerGrant { session: session.clone(), token, token_expires_at })
    }

    /// Ends a login at once: tokens, MQTT password, connection.
    ///
    /// # Errors
    /// Those of the catalogue.
    pub async fn end_controller_login(&self, session: &ControllerSession) -> Result<()> {
        self.catalogue.end_controller_session(session.id).await?;
        self.audit(Some(session.workspace_id), "controller.logout", &session.sn, Value::Null).await
    }

    /// Its row; returns its password.
    async fn make_controller(&self, workspace: &Workspace, sn: &str) -> Result<String> {
        if self.catalogue.dock(sn).await?.is_some() {
            // both log in with the SN as username
            return Err(AdminError::Exists { what: "dock", id: sn.to_owned() });
        }
        let (password, password_hash) = self.new_password().await;
        let controller = NewController {
            sn: sn.to_owned(),
            workspace_id: workspace.id,
            password_hash,
            created_at: self.clock.now(),
        };
        self.catalogue.add_controller(&controller).await?;
        self.audit(Some(workspace.id), "controller.add", sn, Value::Null).await?;
        Ok(password)
    }

    async fn new_login(&self, controller: &Controller) -> Result<ControllerGrant> {
        let (token, now) = (self.new_token(), self.clock.now());
        let expires_at = after(now, self.pilot.token_lifetime);
        let session = ControllerSession {
            id: self.new_id(),
            sn: controller.sn.clone(),
            workspace_id: controller.workspace_id,
            actor: self.actor.clone(),
            created_at: now,
            expires_at,
            renewable_until: after(now, self.pilot.session_lifetime).max(expires_at),
        };
        self.catalogue.add_controller_session(&session, &secret::token_hash(&token)).await?;
        let detail = json!({"login": session.id, "expires_at": expires_at});
        self.audit(Some(controller.workspace_id), "controller.login", &controller.sn, detail).await?;
        Ok(ControllerGrant { session, token, token_expires_at: expires_at })
    }

    async fn controller_access(&self, controller: &Controller, password: String) -> Result<ControllerAccess> {
        let grant = self.new_login(controller).await?;
        Ok(ControllerAccess {
            sn: controller.sn.clone(),
            username: controller.sn.clone(),
            password,
            mqtt_url: self.urls.mqtt.clone(),
            token: grant.token,
        })
    }
}

fn after(now: Timestamp, span: std::time::Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::from_hours(24));
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}
