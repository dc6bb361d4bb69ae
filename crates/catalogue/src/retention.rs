//! Retention rules: what goes into the trash by itself once it is old enough.
//!
//! Age counts from a file's arrival, not from its capture: a camera's wrong clock deletes nothing. A rule never takes what
//! something keeps (`keep.rs`), and only what is stored: a file that is missing is an alarm, not rubbish.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::keep::{kept, push_kept};
use crate::media::{self, media};
use crate::sqlite::{Db, Row, index_hint};
use crate::value::{Columns as _, OrConstraint as _, us};
use crate::{AuditEntry, Catalogue, CatalogueError, Kept, Media, MediaKind, Result, audit};

/// Rules of one workspace.
pub const MAX_RULES: usize = 100;

/// Which files a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// `None`: of every dock, and of none.
    pub gateway_sn: Option<String>,
    /// Empty: of every kind.
    pub kinds: Vec<MediaKind>,
    pub older_than_days: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RetentionRule {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub name: String,
    pub reach: Reach,
    pub enabled: bool,
    pub created_by: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a rule would do now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetentionPreview {
    /// Files that would go.
    pub count: i64,
    pub size_bytes: i64,
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
    /// By kind, only those that occur.
    pub kinds: Vec<(MediaKind, i64)>,
    /// Files that are old enough and stay, by why.
    pub kept: Vec<(Kept, i64)>,
    /// The oldest of those that would go.
    pub first: Vec<Media>,
}

/// Where a rule goes on: arrival and number of the last row it looked at.
pub type RetentionCursor = (i64, i64);

type Sql = sqlx::QueryBuilder<Db>;

impl Catalogue {
    /// With its audit entry. False, and nothing added, when the workspace has [`MAX_RULES`].
    ///
    /// # Errors
    /// `NotFound` for the workspace.
    pub async fn add_retention_rule(&self, rule: &RetentionRule, entry: &AuditEntry) -> Result<bool> {
        let mut write = self.engine.begin("add a retention rule").await?;
        let count = sqlx::query("SELECT count(*) AS n FROM retention_rules WHERE workspace_id = $1");
        let n = write.fetch_optional(count.bind(rule.workspace_id)).await?.map_or(Ok(0), |row| row.count("n"))?;
        if n as usize >= MAX_RULES {
            return Ok(false);
        }
        let insert = sqlx::query("INSERT INTO retention_rules VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
        let insert = insert.bind(rule.id).bind(rule.workspace_id).bind(&rule.name).bind(&rule.reach.gateway_sn);
        let insert =
            insert.bind(kinds_text(&rule.reach)).bind(i64::from(rule.reach.older_than_days)).bind(rule.enabled);
        let insert = insert.bind(&rule.created_by).bind(us(rule.created_at)).bind(us(rule.updated_at));
        write.execute(insert).await.or_not_found("workspace", rule.workspace_id)?;
        write.execute(audit::insert(entry)).await?;
        write.commit().await?;
        Ok(true)
    }

    /// Everything of it but who made it and when, with its audit entry. False when there is no such rule.
    pub async fn change_retention_rule(&self, rule: &RetentionRule, entry: &AuditEntry) -> Result<bool> {
        let mut write = self.engine.begin("change a retention rule").await?;
        let update = sqlx::query(
            "UPDATE retention_rules SET name = $3, gateway_sn = $4, kinds = $5, older_than_days = $6, enabled = $7,
             updated_at = $8 WHERE id = $1 AND workspace_id = $2",
        );
        let update = update.bind(rule.id).bind(rule.workspace_id).bind(&rule.name).bind(&rule.reach.gateway_sn);
        let update =
            update.bind(kinds_text(&rule.reach)).bind(i64::from(rule.reach.older_than_days)).bind(rule.enabled);
        if write.execute(update.bind(us(entry.at))).await? == 0 {
            return Ok(false);
        }
        write.execute(audit::insert(entry)).await?;
        write.commit().await?;
        Ok(true)
    }

    /// What it moved into the trash stays there. With its audit entry. False when there is no such rule.
    pub async fn remove_retention_rule(&self, workspace_id: Uuid, id: Uuid, entry: &AuditEntry) -> Result<bool> {
        let mut write = self.engine.begin("delete a retention rule").await?;
        let delete = sqlx::query("DELETE FROM retention_rules WHERE id = $1 AND workspace_id = $2");
        if write.execute(delete.bind(id).bind(workspace_id)).await? == 0 {
            return Ok(false);
        }
        write.execute(audit::insert(entry)).await?;
        write.commit().await?;
        Ok(true)
    }

    pub async fn retention_rule(&self, workspace_id: Uuid, id: Uuid) -> Result<Option<RetentionRule>> {
        let query = sqlx::query("SELECT * FROM retention_rules WHERE id = $1 AND workspace_id = $2");
        let query = query.bind(id).bind(workspace_id);
        self.engine.fetch_optional("cannot read a retention rule", query).await?.as_ref().map(rule).transpose()
    }

    /// The oldest first; of every workspace with `None`.
    pub async fn retention_rules(&self, workspace_id: Option<Uuid>) -> Result<Vec<RetentionRule>> {
        let query = sqlx::query(
            "SELECT * FROM retention_rules WHERE $1 IS NULL OR workspace_id = $1 ORDER BY workspace_id, created_at, id",
        );
        let rows = self.engine.fetch_all("cannot list retention rules", query.bind(workspace_id)).await?;
        rows.iter().map(rule).collect()
    }

    /// A dry run: what a rule would move into the trash now, and at most `limit` files of it.
    pub async fn preview_retention(
        &self,
        workspace_id: Uuid,
        reach: &Reach,
        now: Timestamp,
        limit: u32,
    ) -> Result<RetentionPreview> {
        let mut sql = Sql::new(
            "SELECT kept, kind, count(*) AS n, coalesce(sum(size_bytes), 0) AS bytes, min(created_at) AS oldest, max(created_at) AS newest FROM (SELECT kind, size_bytes, created_at, ",
        );
        push_kept(&mut sql, now);
        sql.push(" AS kept FROM media").push(index_hint("media_by_arrival")).push(" WHERE ");
        push_reach(&mut sql, workspace_id, reach, now);
        sql.push(") AS found GROUP BY kept, kind ORDER BY kept, kind");
        let mut preview = RetentionPreview::default();
        for row in self.engine.fetch_all("cannot try a retention rule", sql.build()).await? {
            let (why, n): (Option<String>, i64) = (row.get("kept")?, row.get("n")?);
            if let Some(why) = why.and_then(|word| word.parse().ok()) {
                match preview.kept.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, count)) => *count += n,
                    None => preview.kept.push((why, n)),
                }
                continue;
            }
            preview.count += n;
            preview.size_bytes += row.get::<i64>("bytes")?;
            preview.kinds.push((row.word("kind")?, n));
            let (oldest, newest) = (row.time("oldest")?, row.time("newest")?);
            preview.oldest = Some(preview.oldest.map_or(oldest, |known| known.min(oldest)));
            preview.newest = Some(preview.newest.map_or(newest, |known| known.max(newest)));
        }
        let mut sql = Sql::new("SELECT media.* FROM media");
        sql.push(index_hint("media_by_arrival")).push(" WHERE ");
        push_reach(&mut sql, workspace_id, reach, now);
        sql.push(" AND ");
        push_kept(&mut sql, now);
        sql.push(" IS NULL ORDER BY created_at, num LIMIT ").push_bind(i64::from(limit));
        let rows = self.engine.fetch_all("cannot try a retention rule", sql.build()).await?;
        preview.first = rows.iter().map(media).collect::<Result<_>>()?;
        Ok(preview)
    }

    /// Moves what the rule is about, and nothing keeps, into the trash: of the next `limit` files after `after`, in one
    /// commit with an audit entry each (made by `entry`). The files that went, and where to go on; `None` at the end.
    pub async fn apply_retention_rule(
        &self,
        rule: &RetentionRule,
        after: Option<RetentionCursor>,
        limit: u32,
        now: Timestamp,
        mut entry: impl FnMut(&Media) -> AuditEntry,
    ) -> Result<(Vec<Media>, Option<RetentionCursor>)> {
        let mut sql = Sql::new("SELECT id, num, created_at FROM media");
        sql.push(index_hint("media_by_arrival")).push(" WHERE ");
        push_reach(&mut sql, rule.workspace_id, &rule.reach, now);
        if let Some((at, num)) = after {
            sql.push(" AND (created_at, num) > (").push_bind(at).push(", ").push_bind(num).push(")");
        }
        sql.push(" ORDER BY created_at, num LIMIT ").push_bind(i64::from(limit));
        let found = self.engine.fetch_all("cannot look for what a retention rule is about", sql.build()).await?;
        let Some(last) = found.last() else { return Ok((Vec::new(), None)) };
        let next =
            (found.len() >= limit as usize).then(|| Ok((last.get("created_at")?, last.get("num")?))).transpose()?;
        let mut write = self.engine.begin("apply a retention rule").await?;
        let ids = found.iter().map(|row| row.get("id")).collect::<Result<Vec<Uuid>>>()?;
        // as this transaction sees it: a hold, a share or a job may have come since
        let kept = kept(&mut write, &ids, now).await?;
        let mut moved = Vec::new();
        for id in ids.into_iter().filter(|id| !kept.contains_key(id)) {
            let mut sql = Sql::new("SELECT * FROM media WHERE id = ");
            sql.push_bind(id).push(" AND ");
            push_reach(&mut sql, rule.workspace_id, &rule.reach, now);
            let Some(row) = write.fetch_optional(sql.build()).await? else { continue };
            let mut found = media(&row)?;
            let entry = entry(&found);
            media::trash(&mut write, &mut found, Some(now), &entry).await?;
            found.updated_at = now;
            moved.push(found);
        }
        if !moved.is_empty() {
            write.commit().await?;
        }
        Ok((moved, next))
    }
}

/// Stored files outside the trash that are old enough.
fn push_reach(sql: &mut Sql, workspace_id: Uuid, reach: &Reach, now: Timestamp) {
    let age = SignedDuration::from_hours(24 * i64::from(reach.older_than_days));
    let arrived_before = now.checked_sub(age).unwrap_or(Timestamp::MIN);
    sql.push("media.workspace_id = ").push_bind(workspace_id);
    sql.push(" AND media.trashed_at IS NULL AND media.status = 'stored' AND media.created_at < ");
    sql.push_bind(us(arrived_before));
    if let Some(sn) = &reach.gateway_sn {
        sql.push(" AND media.gateway_sn = ").push_bind(sn.clone());
    }
    if !reach.kinds.is_empty() {
        sql.push(" AND media.kind IN (");
        let mut list = sql.separated(", ");
        for kind in &reach.kinds {
            list.push_bind(kind.as_str());
        }
        sql.push(")");
    }
}

fn kinds_text(reach: &Reach) -> Option<String> {
    let words: Vec<_> = reach.kinds.iter().map(|kind| kind.as_str()).collect();
    (!words.is_empty()).then(|| words.join(","))
}

fn rule(row: &Row) -> Result<RetentionRule> {
    let kinds: Option<String> = row.get("kinds")?;
    // a word that is not understood must not make the rule mean every kind
    let word = |word: &str| {
        let unknown = || format!("{word:?} is no kind of file");
        let source = word.parse::<MediaKind>().map_err(|()| unknown().into());
        source.map_err(|source| CatalogueError::Database { doing: "cannot read a retention rule".into(), source })
    };
    let kinds = kinds.iter().flat_map(|text| text.split(',')).map(word).collect::<Result<_>>()?;
    Ok(RetentionRule {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        name: row.get("name")?,
        reach: Reach { gateway_sn: row.get("gateway_sn")?, kinds, older_than_days: row.count("older_than_days")? },
        enabled: row.get("enabled")?,
        created_by: row.get("created_by")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
