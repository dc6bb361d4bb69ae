//! Tokens, operators' S3 keys and people.

use eyrie_catalogue::{NewToken, Role, S3Key, User, Workspace};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::names::{checked_name, checked_password, checked_words};
use super::{Admin, AdminError, Result, S3Access, TokenAccess, UserAccess};
use crate::secret;

impl Admin {
    /// A bearer token for the HTTP interface.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub async fn create_token(
        &self,
        workspace: &Workspace,
        role: Role,
        name: Option<&str>,
        expires_at: Option<Timestamp>,
    ) -> Result<TokenAccess> {
        let name = name.map(|text| checked_words("a token's name", text)).transpose()?;
        let now = self.clock.now();
        if expires_at.is_some_and(|at| at <= now) {
            return Err(AdminError::Invalid("a token cannot expire in the past".into()));
        }
        let token = self.new_token();
        let row = NewToken {
            id: self.new_id(),
            workspace_id: workspace.id,
            role,
            name: name.map(str::to_owned),
            token_hash: secret::token_hash(&token),
            created_at: now,
            expires_at,
        };
        self.catalogue.add_token(&row).await?;
        let detail = json!({"role": role, "name": name});
        self.audit(Some(workspace.id), "token.create", &row.id.to_string(), detail).await?;
        Ok(TokenAccess { id: row.id, token })
    }

    /// # Errors
    /// [`AdminError::NotFound`] when the workspace has no such token, or it is revoked already.
    pub async fn revoke_token(&self, workspace_id: Uuid, id: Uuid) -> Result<()> {
        if !self.catalogue.revoke_token(workspace_id, id, self.clock.now()).await? {
            return Err(AdminError::NotFound { what: "token", id: id.to_string() });
        }
        self.audit(Some(workspace_id), "token.revoke", &id.to_string(), Value::Null).await
    }

    /// An S3 key for all of the workspace's bucket and nothing else.
    ///
    /// # Errors
    /// Those of the catalogue.
    pub async fn create_s3_key(&self, workspace: &Workspace, write: bool) -> Result<S3Access> {
        let access_key_id = self.issuer.new_key_id();
        let row = S3Key {
            access_key_id: access_key_id.clone(),
            workspace_id: workspace.id,
            bucket: workspace.bucket.clone(),
            write,
            created_at: self.clock.now(),
            revoked_at: None,
            last_used_at: None,
        };
        self.catalogue.add_s3_key(&row).await?;
        let detail = json!({"access": if write { "write" } else { "read" }});
        self.audit(Some(workspace.id), "s3_key.create", &access_key_id, detail).await?;
        Ok(S3Access {
            secret_access_key: self.issuer.key_secret(&access_key_id),
            access_key_id,
            endpoint: self.urls.s3.clone(),
            region: self.region.clone(),
            bucket: workspace.bucket.clone(),
        })
    }

    /// # Errors
    /// [`AdminError::NotFound`] when the workspace has no such key, or it is revoked already.
    pub async fn revoke_s3_key(&self, workspace_id: Uuid, access_key_id: &str) -> Result<()> {
        if !self.catalogue.revoke_s3_key(workspace_id, access_key_id, self.clock.now()).await? {
            return Err(AdminError::NotFound { what: "S3 key", id: access_key_id.to_owned() });
        }
        self.audit(Some(workspace_id), "s3_key.revoke", access_key_id, Value::Null).await
    }

    /// A person's account; `workspace` `None` makes an administrator of the whole server. Without a password one is made.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`AdminError::Exists`].
    pub async fn add_user(
        &self,
        name: &str,
        workspace: Option<&Workspace>,
        role: Role,
        password: Option<&str>,
    ) -> Result<UserAccess> {
        let name = checked_name("a user's name", name)?;
        if workspace.is_none() && role != Role::Admin {
            return Err(AdminError::Invalid("a user without a workspace can only be an admin".into()));
        }
        if self.catalogue.user_by_name(name).await?.is_some() {
            return Err(AdminError::Exists { what: "user", id: name.to_owned() });
        }
        let (password, password_hash) = match password {
            Some(password) => self.hashed(checked_password(password)?.to_owned()).await,
            None => self.new_password().await,
        };
        let workspace_id = workspace.map(|workspace| workspace.id);
        let user = User {
            id: self.new_id(),
            name: name.to_owned(),
            password_hash,
            workspace_id,
            role,
            disabled: false,
            created_at: self.clock.now(),
        };
        self.catalogue.add_user(&user).await?;
        self.audit(workspace_id, "user.add", name, json!({"role": role})).await?;
        Ok(UserAccess { id: user.id, password })
    }

    /// An account for somebody whom an OpenID Connect provider knows; no password opens it until one is set.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`AdminError::Exists`] of a `user` or an `identity`.
    pub async fn add_user_with_identity(
        &self,
        name: &str,
        workspace: &Workspace,
        role: Role,
        issuer: &str,
        subject: &str,
    ) -> Result<User> {
        let name = checked_name("a user's name", name)?;
        // one that nobody was told: a login with this name then takes as long as any other
        let (_, password_hash) = self.new_password().await;
        let user = User {
            id: self.new_id(),
            name: name.to_owned(),
            password_hash,
            workspace_id: Some(workspace.id),
            role,
            disabled: false,
            created_at: self.clock.now(),
        };
        self.catalogue.add_user_with_identity(&user, issuer, subject).await?;
        let detail = json!({"role": role, "issuer": issuer, "subject": subject});
        self.audit(Some(workspace.id), "user.add", name, detail).await?;
        Ok(user)
    }

    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn user(&self, name: &str) -> Result<User> {
        let found = self.catalogue.user_by_name(name).await?;
        found.ok_or_else(|| AdminError::NotFound { what: "user", id: name.to_owned() })
    }

    /// Another role, or out, or in again; what is `None` stays.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] for the last administrator of the whole server.
    pub async fn change_user(&self, name: &str, role: Option<Role>, disabled: Option<bool>) -> Result<User> {
        let user = self.user(name).await?;
        let new = User { role: role.unwrap_or(user.role), disabled: disabled.unwrap_or(user.disabled), ..user.clone() };
        if (new.role, new.disabled) == (user.role, user.disabled) {
            return Ok(user);
        }
        if user.workspace_id.is_none() && new.role != Role::Admin {
            return Err(AdminError::Invalid("a user without a workspace can only be an admin".into()));
        }
        if new.disabled && is_server_admin(&user) {
            self.keep_one_server_admin(&user).await?;
        }
        self.catalogue.set_user_rights(user.id, new.role, new.disabled).await?;
        if new.role != user.role {
            self.audit(user.workspace_id, "user.role", name, json!({"role": new.role, "before": user.role})).await?;
        }
        if new.disabled != user.disabled {
            let action = if new.disabled { "user.disable" } else { "user.enable" };
            self.audit(user.workspace_id, action, name, Value::Null).await?;
        }
        Ok(new)
    }

    /// Ends the account and its sessions.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] for the last administrator of the whole server.
    pub async fn remove_user(&self, name: &str) -> Result<()> {
        let user = self.user(name).await?;
        if is_server_admin(&user) {
            self.keep_one_server_admin(&user).await?;
        }
        self.catalogue.remove_user(user.id).await?;
        self.audit(user.workspace_id, "user.remove", name, Value::Null).await
    }

    /// Sets a password, the one given or a new one, and returns it.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] for a password that is too short or too long.
    pub async fn set_user_password(&self, name: &str, password: Option<&str>) -> Result<UserAccess> {
        let user = self.user(name).await?;
        let (password, password_hash) = match password {
            Some(password) => self.hashed(checked_password(password)?.to_owned()).await,
            None => self.new_password().await,
        };
        self.catalogue.set_user_password(user.id, &password_hash).await?;
        self.audit(user.workspace_id, "user.password", name, Value::Null).await?;
        Ok(UserAccess { id: user.id, password })
    }
}

impl Admin {
    async fn keep_one_server_admin(&self, leaving: &User) -> Result<()> {
        let users = self.catalogue.users(None).await?;
        let stays = |other: &User| is_server_admin(other) && !other.disabled && other.id != leaving.id;
        if users.iter().any(stays) {
            return Ok(());
        }
        Err(AdminError::Invalid("the last administrator of the server cannot be removed or disabled".into()))
    }
}

fn is_server_admin(user: &User) -> bool {
    user.workspace_id.is_none() && user.role == Role::Admin
}
