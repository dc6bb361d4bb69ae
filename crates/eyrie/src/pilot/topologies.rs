//! `devices/topologies`: the gateways of the workspace and the aircraft behind them, for the app's map of the team.

use std::sync::Arc;

use axum::extract::State;
use eyrie_cloudapi::pilot::{TopologyDevice, topologies_data};

use super::answer::Answer;
use super::crew::AppCrew;
use crate::app::App;

/// List the devices of the workspace
#[utoipa::path(get, path = "/manage/api/v1/workspaces/{ws}/devices/topologies", tag = "pilot",
    security(("controller" = [])), params(("ws" = String, Path, description = "the workspace of the token")),
    responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn list_topologies(State(app): State<Arc<App>>, AppCrew(crew): AppCrew) -> Answer {
    let gateways = app.docks.of_workspace(crew.device.workspace_id, app.now()).into_iter().map(|(identity, view)| {
        let aircraft = view.aircraft.iter().map(|aircraft| TopologyDevice {
            sn: aircraft.sn.clone(),
            callsign: None,
            model_key: aircraft.model_key.clone(),
            online: view.online,
        });
        let aircraft = aircraft.collect();
        let gateway = TopologyDevice {
            sn: identity.sn.clone(),
            callsign: identity.callsign.clone(),
            model_key: view.live.model_key,
            online: view.online,
        };
        (gateway, aircraft)
    });
    Answer::done(topologies_data(&gateways.collect::<Vec<_>>()))
}
