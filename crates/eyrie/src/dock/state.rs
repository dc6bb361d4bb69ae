//! What every dock and every Pilot 2 controller last said, in memory: identity, live state, the aircraft it holds, its
//! object key prefixes. Both are gateways of the Cloud API, and what is said of docks here is said of controllers, too.
//!
//! The catalogue holds the same, up to some seconds older ([`Docks::take_dirty`] feeds the writer). Nothing here decides
//! whether media is kept.

use std::collections::HashMap;
use std::sync::Arc;

use eyrie_catalogue::{Aircraft, Catalogue, Controller, Dock, DockLive, IssuedPrefix, MediaSource, Workspace};
use jiff::Timestamp;
use parking_lot::RwLock;
use uuid::Uuid;

/// A dock is online when it was heard within this time, seconds.
pub const ONLINE_S: i64 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayKind {
    Dock,
    /// A remote controller with Pilot 2.
    Controller,
}

impl GatewayKind {
    /// Where the device's objects lie in its workspace's bucket.
    pub fn prefix_for(self, sn: &str) -> String {
        match self {
            Self::Dock => format!("docks/{sn}"),
            Self::Controller => format!("pilot/{sn}"),
        }
    }

    pub fn source(self) -> MediaSource {
        match self {
            Self::Dock => MediaSource::Dock,
            Self::Controller => MediaSource::Pilot,
        }
    }
}

/// Where a dock belongs, as far as answering it goes.
#[derive(Clone, Debug)]
pub struct Identity {
    pub sn: String,
    pub kind: GatewayKind,
    pub workspace_id: Uuid,
    pub workspace_name: String,
    pub organization_id: String,
    pub binding_code: String,
    pub bucket: String,
    pub callsign: Option<String>,
    pub bound: bool,
    pub disabled: bool,
}

#[derive(Clone, Debug)]
pub struct LiveView {
    pub live: DockLive,
    pub aircraft: Vec<Aircraft>,
    pub online: bool,
}

struct Entry {
    identity: Arc<Identity>,
    live: DockLive,
    /// Newest first. Only what is on disk.
    prefixes: Vec<IssuedPrefix>,
    dirty: bool,
    announced_online: bool,
}

#[derive(Default)]
struct Inner {
    docks: HashMap<String, Entry>,
    /// Aircraft SN -> who holds it now. One holder at a time, or a dock could read another one's aircraft. Read from the
    /// catalogue once: afterwards what is here is newer.
    aircraft: HashMap<String, Aircraft>,
    aircraft_read: bool,
}

/// Why an aircraft in a topology was not given to the dock that named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimRefusal {
    /// The SN is a dock's or a controller's own: no topology may take it.
    IsGateway,
    /// A dock of another workspace holds it and was heard within [`ONLINE_S`].
    HeldElsewhere,
}

/// What a topology changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    pub granted: Vec<Aircraft>,
    pub refused: Vec<(String, ClaimRefusal)>,
    /// Docks that lost an aircraft to this one: their sessions must end, since they may hold a subscription to it.
    pub losers: Vec<String>,
}

#[derive(Default)]
pub struct Docks {
    inner: RwLock<Inner>,
    /// Shared while a change is on its way to the catalogue and to memory, exclusive while everything is read: what was
    /// read before a change must not take its place after it.
    changes: tokio::sync::RwLock<()>,
}

impl Docks {
    /// Reads everything from the catalogue; what is live in memory wins over older rows.
    pub async fn load(&self, catalogue: &Catalogue) -> eyrie_catalogue::Result<()> {
        let _alone = self.changes.write().await;
        let docks = catalogue.docks(None).await?;
        let controllers = catalogue.controllers(None).await?;
        let workspaces = catalogue.workspaces().await?;
        let prefixes = catalogue.all_prefixes().await?;
        let aircraft = catalogue.all_aircraft().await?;
        let mut by_dock: HashMap<String, Vec<IssuedPrefix>> = HashMap::new();
        for prefix in prefixes {
            by_dock.entry(prefix.gateway_sn.clone()).or_default().push(prefix);
        }
        let mut inner = self.inner.write();
        let mut known = HashMap::new();
        let gateways = docks.into_iter().map(Gateway::Dock).chain(controllers.into_iter().map(Gateway::Controller));
        for gateway in gateways {
            let (sn, workspace_id) = gateway.names();
            let Some(workspace) = workspaces.iter().find(|workspace| workspace.id == workspace_id) else {
                continue;
            };
            let old = inner.docks.remove(sn);
            let mut prefixes = by_dock.remove(sn).unwrap_or_default();
            prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.issued_at));
            known.insert(sn.to_owned(), Entry::new(gateway, workspace, prefixes, old));
        }
        inner.docks = known;
        if !std::mem::replace(&mut inner.aircraft_read, true) {
            inner.aircraft = aircraft.into_iter().map(|aircraft| (aircraft.sn.clone(), aircraft)).collect();
        }
        Ok(())
    }

    pub fn identity(&self, sn: &str) -> Option<Arc<Identity>> {
        self.inner.read().docks.get(sn).map(|entry| Arc::clone(&entry.identity))
    }

    pub fn live(&self, sn: &str, now: Timestamp) -> Option<LiveView> {
        let inner = self.inner.read();
        let entry = inner.docks.get(sn)?;
        let aircraft = inner.aircraft.values().filter(|aircraft| aircraft.gateway_sn == sn).cloned().collect();
        Some(LiveView { live: entry.live.clone(), aircraft, online: is_online(&entry.live, now) })
    }

    /// Notes that `sn` was heard and merges what it said: a field that is `None` keeps what is known.
    /// False when the dock is not ours.
    pub fn heard(&self, sn: &str, now: Timestamp, said: &DockLive) -> bool {
        let mut inner = self.inner.write();
        let Some(entry) = inner.docks.get_mut(sn) else { return false };
        merge(&mut entry.live, said);
        entry.live.last_seen_at = Some(now);
        entry.dirty = true;
        true
    }

    /// As [`Docks::heard`], but not over MQTT: it does not make the device online.
    pub fn said(&self, sn: &str, said: &DockLive) {
        if let Some(entry) = self.inner.write().docks.get_mut(sn) {
            merge(&mut entry.live, said);
            entry.dirty = true;
        }
    }

    /// Marks the dock as bound, in the catalogue and here; a name that a person gave it stays.
    ///
    /// # Errors
    /// The catalogue's.
    pub async fn bind(
        &self,
        catalogue: &Catalogue,
        sn: &str,
        callsign: Option<&str>,
        now: Timestamp,
    ) -> eyrie_catalogue::Result<()> {
        let _change = self.changes.read().await;
        catalogue.set_dock_bound(sn, Some(now)).await?;
        if let Some(callsign) = callsign {
            catalogue.set_dock_callsign(sn, callsign).await?;
        }
        let callsign = catalogue.dock(sn).await?.and_then(|dock| dock.callsign);
        if let Some(entry) = self.inner.write().docks.get_mut(sn) {
            let identity = Arc::make_mut(&mut entry.identity);
            identity.bound = true;
            identity.callsign = callsign.or_else(|| identity.callsign.take());
        }
        Ok(())
    }

    /// The prefix this dock is given now: the newest issued one, or the one it would get.
    pub fn object_key_prefix(&self, sn: &str) -> Option<String> {
        let inner = self.inner.read();
        let entry = inner.docks.get(sn)?;
        let newest = entry.prefixes.first().map(|prefix| prefix.prefix.clone());
        Some(newest.unwrap_or_else(|| entry.identity.kind.prefix_for(sn)))
    }

    /// The prefix of this dock in its workspace's bucket, when it is recorded already.
    pub fn recorded_prefix(&self, sn: &str) -> Option<IssuedPrefix> {
        let inner = self.inner.read();
        let entry = inner.docks.get(sn)?;
        entry.prefixes.iter().find(|prefix| prefix.bucket == entry.identity.bucket).cloned()
    }

    /// Remembers a prefix for ever, in the catalogue and here.
    ///
    /// # Errors
    /// The catalogue's.
    pub async fn record_prefix(&self, catalogue: &Catalogue, prefix: &IssuedPrefix) -> eyrie_catalogue::Result<()> {
        let _change = self.changes.read().await;
        catalogue.record_prefix(prefix).await?;
        let mut inner = self.inner.write();
        let Some(entry) = inner.docks.get_mut(&prefix.gateway_sn) else { return Ok(()) };
        let known = |known: &IssuedPrefix| known.bucket == prefix.bucket && known.prefix == prefix.prefix;
        if !entry.prefixes.iter().any(known) {
            entry.prefixes.insert(0, prefix.clone());
        }
        Ok(())
    }

    /// The prefixes ever issued to `sn` that `object_key` lies below, newest first; empty means quarantine.
    pub fn prefixes_holding(&self, sn: &str, object_key: &str) -> Vec<IssuedPrefix> {
        let inner = self.inner.read();
        let Some(entry) = inner.docks.get(sn) else { return Vec::new() };
        entry.prefixes.iter().filter(|prefix| is_below(object_key, &prefix.prefix)).cloned().collect()
    }

    /// Applies a topology of `gateway_sn`; the whole list replaces what the dock held. The rules are in
    /// `docs/decisions/aircraft-claims.md`.
    pub fn claim(&self, gateway_sn: &str, aircraft: &[Aircraft], now: Timestamp) -> Claims {
        let mut inner = self.inner.write();
        let mut claims = Claims::default();
        let Some(workspace_id) = inner.docks.get(gateway_sn).map(|entry| entry.identity.workspace_id) else {
            return claims;
        };
        for wanted in aircraft {
            if inner.docks.contains_key(&wanted.sn) {
                claims.refused.push((wanted.sn.clone(), ClaimRefusal::IsGateway));
                continue;
            }
            if let Some(holder) = inner.aircraft.get(&wanted.sn).filter(|held| held.gateway_sn != gateway_sn) {
                let other = inner.docks.get(&holder.gateway_sn);
                let foreign = other.is_some_and(|entry| entry.identity.workspace_id != workspace_id);
                if foreign && other.is_some_and(|entry| is_online(&entry.live, now)) {
                    claims.refused.push((wanted.sn.clone(), ClaimRefusal::HeldElsewhere));
                    continue;
                }
                claims.losers.push(holder.gateway_sn.clone());
            }
            claims.granted.push(wanted.clone());
        }
        inner.aircraft.retain(|_, held| held.gateway_sn != gateway_sn);
        for granted in &claims.granted {
            inner.aircraft.insert(granted.sn.clone(), granted.clone());
        }
        claims.losers.sort_unstable();
        claims.losers.dedup();
        claims
    }

    /// True when `gateway_sn` holds the aircraft now.
    pub fn holds(&self, gateway_sn: &str, aircraft_sn: &str) -> bool {
        self.inner.read().aircraft.get(aircraft_sn).is_some_and(|held| held.gateway_sn == gateway_sn)
    }

    /// Every dock and controller of a workspace by SN, as it is now.
    pub fn of_workspace(&self, workspace_id: Uuid, now: Timestamp) -> Vec<(Arc<Identity>, LiveView)> {
        let inner = self.inner.read();
        let mut held: HashMap<&str, Vec<Aircraft>> = HashMap::new();
        for aircraft in inner.aircraft.values() {
            held.entry(&aircraft.gateway_sn).or_default().push(aircraft.clone());
        }
        let own = inner.docks.values().filter(|entry| entry.identity.workspace_id == workspace_id);
        let mut gateways: Vec<_> = own
            .map(|entry| {
                let mut aircraft = held.remove(entry.identity.sn.as_str()).unwrap_or_default();
                aircraft.sort_unstable_by(|a, b| a.sn.cmp(&b.sn));
                let view = LiveView { live: entry.live.clone(), aircraft, online: is_online(&entry.live, now) };
                (Arc::clone(&entry.identity), view)
            })
            .collect();
        gateways.sort_unstable_by(|(a, _), (b, _)| a.sn.cmp(&b.sn));
        gateways
    }

    /// The dock that holds an aircraft now.
    pub fn holder(&self, aircraft_sn: &str) -> Option<String> {
        self.inner.read().aircraft.get(aircraft_sn).map(|held| held.gateway_sn.clone())
    }

    /// True when some workspace with docks has this organization id.
    pub fn is_organization(&self, organization_id: &str) -> bool {
        self.inner.read().docks.values().any(|entry| entry.identity.organization_id == organization_id)
    }

    /// What changed since the last call, for one commit.
    pub fn take_dirty(&self) -> Vec<(String, DockLive)> {
        let mut inner = self.inner.write();
        let said = inner.docks.iter_mut();
        said.filter_map(|(sn, entry)| std::mem::take(&mut entry.dirty).then(|| (sn.clone(), entry.live.clone())))
            .collect()
    }

    /// Docks, not controllers, whose online state differs from what was last announced: (workspace, SN, online).
    pub fn take_online_changes(&self, now: Timestamp) -> Vec<(Uuid, String, bool)> {
        let mut inner = self.inner.write();
        let mut changes = Vec::new();
        let docks = inner.docks.iter_mut().filter(|(_, entry)| entry.identity.kind == GatewayKind::Dock);
        for (sn, entry) in docks {
            let online = is_online(&entry.live, now);
            if online != entry.announced_online {
                entry.announced_online = online;
                changes.push((entry.identity.workspace_id, sn.clone(), online));
            }
        }
        changes
    }
}

/// A row of either kind.
enum Gateway {
    Dock(Dock),
    Controller(Controller),
}

impl Gateway {
    fn names(&self) -> (&str, Uuid) {
        match self {
            Self::Dock(dock) => (&dock.sn, dock.workspace_id),
            Self::Controller(controller) => (&controller.sn, controller.workspace_id),
        }
    }
}

impl Entry {
    fn new(gateway: Gateway, workspace: &Workspace, prefixes: Vec<IssuedPrefix>, old: Option<Self>) -> Self {
        let (kind, sn, callsign, bound, disabled, live) = match gateway {
            Gateway::Dock(dock) => {
                (GatewayKind::Dock, dock.sn, dock.callsign, dock.bound_at.is_some(), dock.disabled, dock.live)
            }
            Gateway::Controller(controller) => {
                (GatewayKind::Controller, controller.sn, None, false, controller.disabled, controller.live)
            }
        };
        let identity = Identity {
            sn,
            kind,
            workspace_id: workspace.id,
            workspace_name: workspace.name.clone(),
            organization_id: workspace.organization_id.clone(),
            binding_code: workspace.binding_code.clone(),
            bucket: workspace.bucket.clone(),
            callsign,
            bound,
            disabled,
        };
        match old {
            Some(old) => Self { identity: Arc::new(identity), prefixes, ..old },
            None => Self { identity: Arc::new(identity), live, prefixes, dirty: false, announced_online: false },
        }
    }
}

/// A key under a prefix is the prefix, a slash, and anything.
pub fn is_below(object_key: &str, prefix: &str) -> bool {
    object_key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| !rest.is_empty())
}

fn is_online(live: &DockLive, now: Timestamp) -> bool {
    // a clock that jumped back does not take docks offline
    live.last_seen_at.is_some_and(|seen| now.as_second() - seen.as_second() <= ONLINE_S)
}

fn merge(known: &mut DockLive, said: &DockLive) {
    fn take<T: Clone>(known: &mut Option<T>, said: &Option<T>) {
        if said.is_some() {
            known.clone_from(said);
        }
    }
    take(&mut known.model_key, &said.model_key);
    take(&mut known.remain_upload, &said.remain_upload);
    take(&mut known.storage_total_kb, &said.storage_total_kb);
    take(&mut known.storage_used_kb, &said.storage_used_kb);
    take(&mut known.flighttask_step_code, &said.flighttask_step_code);
    take(&mut known.credentials_issued_at, &said.credentials_issued_at);
    take(&mut known.lat, &said.lat);
    take(&mut known.lng, &said.lng);
    take(&mut known.firmware_version, &said.firmware_version);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use eyrie_catalogue::{CatalogueConfig, NewDock};

    use super::*;

    fn docks(list: &[(&str, u128)]) -> Docks {
        let docks = Docks::default();
        for (sn, workspace) in list {
            let identity = Identity {
                sn: (*sn).into(),
                kind: GatewayKind::Dock,
                workspace_id: Uuid::from_u128(*workspace),
                workspace_name: "w".into(),
                organization_id: "o".into(),
                binding_code: "c".into(),
                bucket: "w".into(),
                callsign: None,
                bound: false,
                disabled: false,
            };
            let entry = Entry {
                identity: Arc::new(identity),
                live: DockLive::default(),
                prefixes: vec![],
                dirty: false,
                announced_online: false,
            };
            docks.inner.write().docks.insert((*sn).into(), entry);
        }
        docks
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn aircraft(sn: &str, gateway_sn: &str) -> Aircraft {
        Aircraft { sn: sn.into(), gateway_sn: gateway_sn.into(), model_key: None }
    }

    #[test]
    fn an_aircraft_has_one_holder_and_the_newest_of_a_workspace_wins() {
        let docks = docks(&[("A", 1), ("B", 1)]);
        docks.claim("A", &[aircraft("X", "A")], at(0));
        docks.heard("A", at(0), &DockLive::default());
        let claims = docks.claim("B", &[aircraft("X", "B")], at(1));
        assert_eq!(claims.losers, ["A"]);
        assert!(docks.holds("B", "X") && !docks.holds("A", "X"));
    }

    #[test]
    fn a_dock_of_another_workspace_gets_it_only_when_let_go_or_silent() {
        let docks = docks(&[("A", 1), ("EVIL", 2)]);
        docks.heard("A", at(0), &DockLive::default());
        docks.claim("A", &[aircraft("X", "A")], at(0));
        let claims = docks.claim("EVIL", &[aircraft("X", "EVIL")], at(1));
        assert_eq!(claims.refused, [("X".to_owned(), ClaimRefusal::HeldElsewhere)]);
        assert!(docks.holds("A", "X") && !docks.holds("EVIL", "X"));
        let claims = docks.claim("EVIL", &[aircraft("X", "EVIL")], at(ONLINE_S + 1));
        assert_eq!((claims.refused.len(), claims.losers), (0, vec!["A".to_owned()]));
        docks.claim("EVIL", &[], at(200));
        docks.heard("EVIL", at(200), &DockLive::default());
        assert!(docks.claim("A", &[aircraft("X", "A")], at(200)).refused.is_empty());
    }

    #[test]
    fn a_dock_is_never_an_aircraft() {
        let docks = docks(&[("A", 1), ("B", 1)]);
        let claims = docks.claim("A", &[aircraft("B", "A")], at(0));
        assert_eq!(claims.refused, [("B".to_owned(), ClaimRefusal::IsGateway)]);
        assert!(!docks.holds("A", "B"));
    }

    #[test]
    fn parts_of_a_state_are_merged() {
        let docks = docks(&[("A", 1)]);
        docks.heard("A", at(0), &DockLive { remain_upload: Some(7), ..Default::default() });
        docks.heard("A", at(1), &DockLive { storage_used_kb: Some(5), ..Default::default() });
        let live = docks.live("A", at(2)).unwrap().live;
        assert_eq!((live.remain_upload, live.storage_used_kb), (Some(7), Some(5)));
        assert_eq!(docks.take_dirty().len(), 1);
        assert!(docks.take_dirty().is_empty());
    }

    #[test]
    fn online_ends_after_a_minute_and_is_announced_once() {
        let docks = docks(&[("A", 1)]);
        docks.heard("A", at(0), &DockLive::default());
        assert_eq!(docks.take_online_changes(at(60)), [(Uuid::from_u128(1), "A".to_owned(), true)]);
        assert!(docks.take_online_changes(at(60)).is_empty());
        assert_eq!(docks.take_online_changes(at(61)), [(Uuid::from_u128(1), "A".to_owned(), false)]);
    }

    /// Commands change the database beside the server, so everything is read anew at any time.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn reading_everything_anew_never_forgets_what_was_recorded_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("eyrie.db").display());
        let config = CatalogueConfig { url, backup_dir: folder.path().join("backups") };
        let catalogue = Arc::new(Catalogue::open(&config, true).await.unwrap());
        let workspace = Workspace {
            id: Uuid::from_u128(1),
            name: "w".into(),
            bucket: "w".into(),
            organization_id: "o".into(),
            binding_code: "c".into(),
            created_at: at(0),
        };
        catalogue.add_workspace(&workspace).await.unwrap();
        let sns: Vec<String> = (0..200).map(|n| format!("D{n}")).collect();
        for sn in &sns {
            let (sn, password_hash) = (sn.clone(), "$argon2".into());
            let dock = NewDock { sn, workspace_id: workspace.id, callsign: None, password_hash, created_at: at(0) };
            catalogue.add_dock(&dock).await.unwrap();
        }
        let docks = Arc::new(Docks::default());
        docks.load(&catalogue).await.unwrap();

        let recording = Arc::new(AtomicBool::new(true));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (docks, catalogue, recording) = (docks.clone(), catalogue.clone(), recording.clone());
                tokio::spawn(async move {
                    let mut read = 0;
                    while recording.load(Ordering::Relaxed) {
                        docks.load(&catalogue).await.unwrap();
                        read += 1;
                    }
                    read
                })
            })
            .collect();
        let mut forgotten = Vec::new();
        for (n, sn) in sns.iter().enumerate() {
            let prefix = IssuedPrefix {
                gateway_sn: sn.clone(),
                workspace_id: workspace.id,
                bucket: "w".into(),
                prefix: GatewayKind::Dock.prefix_for(sn),
                issued_at: at(1),
            };
            docks.record_prefix(&catalogue, &prefix).await.unwrap();
            docks.bind(&catalogue, sn, None, at(1)).await.unwrap();
            let known = |sn: &String| {
                !docks.prefixes_holding(sn, &format!("docks/{sn}/x")).is_empty() && docks.identity(sn).unwrap().bound
            };
            forgotten.extend(sns[..=n].iter().filter(|sn| !known(sn)).cloned());
        }
        recording.store(false, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.await.unwrap() > 0);
        }
        assert!(forgotten.is_empty(), "{forgotten:?}");
    }

    #[test]
    fn a_key_below_a_prefix_is_the_prefix_a_slash_and_something() {
        assert!(is_below("docks/SN1/x", "docks/SN1"));
        for key in ["docks/SN1", "docks/SN1/", "docks/SN10/x", "docks/SN", "x/docks/SN1/x", ""] {
            assert!(!is_below(key, "docks/SN1"), "{key}");
        }
    }
}
