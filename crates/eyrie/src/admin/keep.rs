//! What is kept and for how long: retention rules and legal holds.

use eyrie_catalogue::retention::MAX_RULES;
use eyrie_catalogue::{AuditEntry, Held, LegalHold, Reach, RetentionRule, Workspace};
use serde_json::{Value, json};
use uuid::Uuid;

use super::names::checked_words;
use super::{Admin, AdminError, Result};

/// Days of age that a rule may ask for.
pub const RULE_DAYS: std::ops::RangeInclusive<u32> = 1..=36_500;

/// A rule as somebody wants it.
#[derive(Clone, Debug)]
pub struct WantedRule {
    pub name: String,
    pub reach: Reach,
    pub enabled: bool,
}

impl Admin {
    /// # Errors
    /// [`AdminError::Invalid`]; [`AdminError::NotFound`] for the dock.
    pub async fn add_retention_rule(&self, workspace: &Workspace, wanted: &WantedRule) -> Result<RetentionRule> {
        let now = self.clock.now();
        let rule = RetentionRule {
            id: self.new_id(),
            workspace_id: workspace.id,
            name: checked_words("a rule's name", &wanted.name)?.to_owned(),
            reach: self.checked_reach(workspace, &wanted.reach).await?,
            enabled: wanted.enabled,
            created_by: self.actor.clone(),
            created_at: now,
            updated_at: now,
        };
        let entry = self.keep_entry(workspace, "retention_rule.add", rule.id, told(&rule));
        if !self.catalogue.add_retention_rule(&rule, &entry).await? {
            return Err(AdminError::Invalid(format!("a workspace has at most {MAX_RULES} retention rules")));
        }
        Ok(rule)
    }

    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`].
    pub async fn change_retention_rule(
        &self,
        workspace: &Workspace,
        id: Uuid,
        wanted: &WantedRule,
    ) -> Result<RetentionRule> {
        let known = self.retention_rule(workspace, id).await?;
        let rule = RetentionRule {
            name: checked_words("a rule's name", &wanted.name)?.to_owned(),
            reach: self.checked_reach(workspace, &wanted.reach).await?,
            enabled: wanted.enabled,
            updated_at: self.clock.now(),
            ..known
        };
        let entry = self.keep_entry(workspace, "retention_rule.change", id, told(&rule));
        match self.catalogue.change_retention_rule(&rule, &entry).await? {
            true => Ok(RetentionRule { updated_at: entry.at, ..rule }),
            false => Err(unknown_rule(id)),
        }
    }

    /// What it moved into the trash stays there until its period is over.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn remove_retention_rule(&self, workspace: &Workspace, id: Uuid) -> Result<()> {
        let rule = self.retention_rule(workspace, id).await?;
        let entry = self.keep_entry(workspace, "retention_rule.delete", id, told(&rule));
        match self.catalogue.remove_retention_rule(workspace.id, id, &entry).await? {
            true => Ok(()),
            false => Err(unknown_rule(id)),
        }
    }

    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn retention_rule(&self, workspace: &Workspace, id: Uuid) -> Result<RetentionRule> {
        self.catalogue.retention_rule(workspace.id, id).await?.ok_or_else(|| unknown_rule(id))
    }

    /// Keeps what `held` says from being deleted, by anybody, until the hold is released. `media_ids` are those of a
    /// selection.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`AdminError::NotFound`] for the flight, the dock or one of the files.
    pub async fn place_hold(
        &self,
        workspace: &Workspace,
        name: &str,
        held: Held,
        media_ids: &[Uuid],
    ) -> Result<LegalHold> {
        match &held {
            Held::Flight(id) if self.catalogue.flight(workspace.id, id).await?.is_none() => {
                return Err(AdminError::NotFound { what: "flight", id: id.clone() });
            }
            Held::Gateway(sn) => self.must_be_ours(workspace, sn).await?,
            Held::Selection => {
                let mut wanted = media_ids.to_vec();
                wanted.sort();
                wanted.dedup();
                let known = self.catalogue.media_by_ids(workspace.id, &wanted).await?;
                if let Some(id) = wanted.iter().find(|id| !known.iter().any(|media| media.id == **id)) {
                    return Err(AdminError::NotFound { what: "file", id: id.to_string() });
                }
            }
            Held::Everything | Held::Flight(_) => {}
        }
        let hold = LegalHold {
            id: self.new_id(),
            workspace_id: workspace.id,
            name: checked_words("a hold's name", name)?.to_owned(),
            held,
            created_by: self.actor.clone(),
            created_at: self.clock.now(),
            released_by: None,
            released_at: None,
        };
        let mut detail = told_hold(&hold);
        if hold.held == Held::Selection {
            detail["files"] = json!(media_ids.len());
        }
        let entry = self.keep_entry(workspace, "legal_hold.place", hold.id, detail);
        self.catalogue.add_hold(&hold, media_ids, &entry).await?;
        Ok(hold)
    }

    /// Releasing one that is released changes nothing.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn release_hold(&self, workspace: &Workspace, id: Uuid) -> Result<LegalHold> {
        let unknown = || AdminError::NotFound { what: "legal hold", id: id.to_string() };
        let hold = self.catalogue.hold(workspace.id, id).await?.ok_or_else(unknown)?;
        let entry = self.keep_entry(workspace, "legal_hold.release", id, told_hold(&hold));
        self.catalogue.release_hold(workspace.id, id, &entry).await?;
        self.catalogue.hold(workspace.id, id).await?.ok_or_else(unknown)
    }

    async fn checked_reach(&self, workspace: &Workspace, reach: &Reach) -> Result<Reach> {
        if !RULE_DAYS.contains(&reach.older_than_days) {
            let (least, most) = (RULE_DAYS.start(), RULE_DAYS.end());
            return Err(AdminError::Invalid(format!("a rule's age is {least} to {most} days")));
        }
        if let Some(sn) = &reach.gateway_sn {
            self.must_be_ours(workspace, sn).await?;
        }
        let mut kinds = Vec::new();
        for kind in &reach.kinds {
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
        Ok(Reach { kinds, ..reach.clone() })
    }

    /// A serial number with a slip in it would make a rule, or a hold, that is about nothing.
    async fn must_be_ours(&self, workspace: &Workspace, sn: &str) -> Result<()> {
        let dock = self.catalogue.dock(sn).await?.is_some_and(|dock| dock.workspace_id == workspace.id);
        let ours = dock
            || self.catalogue.controller(sn).await?.is_some_and(|controller| controller.workspace_id == workspace.id);
        if ours { Ok(()) } else { Err(AdminError::NotFound { what: "dock or controller", id: sn.to_owned() }) }
    }

    fn keep_entry(&self, workspace: &Workspace, action: &str, id: Uuid, detail: Value) -> AuditEntry {
        AuditEntry {
            id: self.new_id(),
            workspace_id: Some(workspace.id),
            at: self.clock.now(),
            actor: self.actor.clone(),
            action: action.to_owned(),
            subject: id.to_string(),
            detail,
        }
    }
}

fn unknown_rule(id: Uuid) -> AdminError {
    AdminError::NotFound { what: "retention rule", id: id.to_string() }
}

fn told(rule: &RetentionRule) -> Value {
    json!({
        "name": rule.name,
        "gateway_sn": rule.reach.gateway_sn,
        "kinds": rule.reach.kinds,
        "older_than_days": rule.reach.older_than_days,
        "enabled": rule.enabled,
    })
}

fn told_hold(hold: &LegalHold) -> Value {
    match &hold.held {
        Held::Everything => json!({ "name": hold.name, "everything": true }),
        Held::Flight(id) => json!({ "name": hold.name, "flight_id": id }),
        Held::Gateway(sn) => json!({ "name": hold.name, "gateway_sn": sn }),
        Held::Selection => json!({ "name": hold.name }),
    }
}
