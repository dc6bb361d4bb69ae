//! The time zone of a place, for whoever reads times that were taken there.

use std::collections::BTreeMap;

use eyrie_media::photo::zone_of;
use eyrie_media::track::Place;
use uuid::Uuid;

use crate::app::App;
use crate::dock::state::GatewayKind;

/// Its name in the tz database.
pub(super) type ZoneName = &'static str;

pub(super) fn of_place(lat: f64, lng: f64) -> Option<ZoneName> {
    let place = Place { lat, lng, absolute_altitude_m: None, relative_altitude_m: None };
    zone_of(place).map(|(name, _)| name)
}

/// Of the middle of west, south, east, north.
pub(super) fn of_box([west, south, east, north]: [f64; 4]) -> Option<ZoneName> {
    // a box over the antimeridian ends west of where it begins
    let width = (east - west).rem_euclid(360.0);
    let middle = west + width / 2.0;
    let lng = if middle > 180.0 { middle - 360.0 } else { middle };
    of_place(f64::midpoint(south, north), lng)
}

/// Where a dock or controller said last that it is.
pub(super) fn of_device(app: &App, sn: &str) -> Option<ZoneName> {
    let live = app.docks.live(sn, app.now())?.live;
    live.lat.zip(live.lng).and_then(|(lat, lng)| of_place(lat, lng))
}

/// Where most docks of a workspace stand, or most of its controllers where no dock said its place.
pub(super) fn of_workspace(app: &App, workspace_id: Uuid) -> Option<ZoneName> {
    let gateways = app.docks.of_workspace(workspace_id, app.now());
    let most = |kind: GatewayKind| {
        let mut counts = BTreeMap::<ZoneName, usize>::new();
        for (_, view) in gateways.iter().filter(|(identity, _)| identity.kind == kind) {
            let zone = view.live.lat.zip(view.live.lng).and_then(|(lat, lng)| of_place(lat, lng));
            zone.into_iter().for_each(|zone| *counts.entry(zone).or_default() += 1);
        }
        // the first by name where two have as many, so that it does not change from one answer to the next
        counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(zone, _)| zone)
    };
    most(GatewayKind::Dock).or_else(|| most(GatewayKind::Controller))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_has_the_zone_of_its_middle() {
        assert_eq!(of_box([8.54, 47.37, 8.55, 47.38]), Some("Europe/Zurich"));
        assert_eq!(of_box([139.69, 35.68, 139.70, 35.69]), Some("Asia/Tokyo"));
        // Fiji, on both sides of the antimeridian
        assert_eq!(of_box([179.0, -17.9, -179.8, -17.5]), of_box([179.5, -17.8, 179.7, -17.6]));
        assert_eq!(of_box([179.0, -17.9, -179.8, -17.5]), Some("Pacific/Fiji"));
    }
}
