//! `update_topo`, and the live state that dock and aircraft publish.

use eyrie_catalogue::{Aircraft, DockLive};
use eyrie_cloudapi::{Property, UpdateTopo};

use super::state::ClaimRefusal;
use super::{Answer, Call};
use crate::app::App;

/// The topics that a dock reaches of an aircraft it holds.
pub(crate) const LIVE: [&str; 2] = ["osd", "state"];

/// The dock's model and the aircraft behind it. Answered with 0 also when an aircraft is not granted: the dock must come
/// online, and media does not depend on it.
pub(super) async fn update(call: &Call<'_>, topology: &UpdateTopo) -> Answer {
    let (app, sn) = (call.app, call.sn());
    let model_key = topology.model_key();
    if !app.docks.heard(sn, app.now(), &DockLive { model_key, ..Default::default() }) {
        return Answer::result(0).with_note("the dock is not known here: add it with `eyrie dock add`");
    }
    let named = topology.sub_devices.iter().map(|device| Aircraft {
        sn: device.sn.clone(),
        gateway_sn: sn.to_owned(),
        model_key: device.model_key(),
    });
    let claims = app.docks.claim(sn, &named.collect::<Vec<_>>(), app.now());
    if let Err(error) = app.catalogue.set_aircraft(sn, &claims.granted).await {
        tracing::warn!(%error, dock.sn = sn, "the topology could not be stored; it holds until the next start");
    }
    if let Some(broker) = app.broker.get() {
        for loser in &claims.losers {
            broker.disconnect(loser).await;
        }
        // who let the aircraft go before may still listen to it
        let granted = claims.granted.iter().map(|aircraft| aircraft.sn.as_str());
        let filters: Vec<_> =
            granted.flat_map(|aircraft| LIVE.map(|kind| format!("thing/product/{aircraft}/{kind}"))).collect();
        broker.end_other_subscribers(&filters, sn).await;
    }
    let refused = claims.refused.iter().map(|(aircraft, why)| match why {
        ClaimRefusal::IsGateway => format!("{aircraft} is a dock"),
        ClaimRefusal::HeldElsewhere => format!("{aircraft} is held by a dock of another workspace"),
    });
    let refused: Vec<_> = refused.collect();
    let answer = Answer::result(0);
    if refused.is_empty() { answer } else { answer.with_note(format!("not granted: {}", refused.join(", "))) }
}

/// Merges one partial OSD or state message into what is known. An aircraft's messages count as its dock being heard.
pub(super) fn live(app: &App, sn: &str, said: &Property) {
    let now = app.now();
    let live = DockLive {
        remain_upload: said.remain_upload,
        storage_total_kb: said.storage_total_kb,
        storage_used_kb: said.storage_used_kb,
        flighttask_step_code: said.flighttask_step_code,
        lat: said.latitude,
        lng: said.longitude,
        firmware_version: said.firmware_version.clone(),
        ..Default::default()
    };
    if !app.docks.heard(sn, now, &live)
        && let Some(gateway_sn) = app.docks.holder(sn)
    {
        app.docks.heard(&gateway_sn, now, &DockLive::default());
    }
}
