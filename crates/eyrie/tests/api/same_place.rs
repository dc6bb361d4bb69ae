//! Other pictures of the same place, by date.

use eyrie_catalogue::{Media, Position, Role};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::Api;

const LAT: f64 = 47.376_9;
const LNG: f64 = 8.741_7;
const METRE: f64 = 1.0 / 111_320.0;

/// A photo of a flight of some day: so many metres north of the place, turned by so many degrees.
fn shot(flight: &str, day: i8, north_m: f64, turned_deg: f64) -> impl Fn(&mut Media) {
    let flight = flight.to_owned();
    move |media| {
        media.flight_id = Some(flight.clone());
        media.captured_at = Some(format!("2026-11-{day:02}T06:00:00Z").parse().expect("a time"));
        media.position = Some(Position {
            lat: LAT + north_m * METRE,
            lng: LNG,
            absolute_altitude_m: Some(485.0),
            relative_altitude_m: Some(55.0),
        });
        (media.gimbal_yaw_deg, media.gimbal_pitch_deg) = (Some(90.0 + turned_deg), Some(-45.0));
        media.metadata = json!({"camera": "wide"});
    }
}

#[tokio::test]
async fn each_flight_gives_its_best_picture_of_the_place() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let stranger = api.workspace("beta").await;
    let who = api.token(&workspace, Role::Viewer).await;
    let here = api.media(&workspace, shot("today", 23, 0.0, 0.0)).await;
    api.media(&workspace, shot("today", 23, 0.5, 0.0)).await;
    let near = api.media(&workspace, shot("monday", 16, 1.0, 2.0)).await;
    api.media(&workspace, shot("monday", 16, 4.0, 2.0)).await;
    let old = api.media(&workspace, shot("october", 2, -4.5, -11.0)).await;
    // not the same: too far, turned, tilted, higher, another camera, in the trash of time, of others
    api.media(&workspace, shot("far", 3, 6.0, 0.0)).await;
    api.media(&workspace, shot("turned", 4, 0.0, 13.0)).await;
    let change = |flight: &'static str, change: fn(&mut Media)| {
        move |media: &mut Media| {
            shot(flight, 5, 0.0, 0.0)(media);
            change(media);
        }
    };
    api.media(&workspace, change("tilted", |media| media.gimbal_pitch_deg = Some(-52.0))).await;
    api.media(&workspace, change("thermal", |media| media.metadata = json!({"camera": "thermal"}))).await;
    api.media(&workspace, change("missing", |media| media.status = eyrie_catalogue::MediaStatus::Missing)).await;
    api.media(
        &workspace,
        change("higher", |media| {
            media.position = media.position.map(|at| Position { relative_altitude_m: Some(61.0), ..at });
        }),
    )
    .await;
    api.media(&stranger, shot("theirs", 6, 0.0, 0.0)).await;

    let path = format!("/api/v1/workspaces/alpha/media/{}/same-place", here.id);
    let reply = api.get(&who, &path).await;
    assert_eq!(reply.status, StatusCode::OK);
    let found: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let ids: Vec<&str> =
        found["items"].as_array().expect("items").iter().filter_map(|item| item["media"]["id"].as_str()).collect();
    assert_eq!(ids, [near.id.to_string(), old.id.to_string()]);
    let (first, second) = (&found["items"][0], &found["items"][1]);
    assert_eq!((&first["distance_m"], &first["yaw_difference_deg"]), (&json!(1.0), &json!(2.0)));
    assert_eq!((&second["distance_m"], &second["yaw_difference_deg"]), (&json!(4.5), &json!(11.0)));
    assert_eq!(found["partial"], false);

    let narrow: Value = serde_json::from_slice(&api.get(&who, &format!("{path}?radius_m=2")).await.body).expect("JSON");
    assert_eq!(narrow["items"].as_array().map(Vec::len), Some(1));
    let one: Value = serde_json::from_slice(&api.get(&who, &format!("{path}?limit=1")).await.body).expect("JSON");
    assert_eq!((one["items"].as_array().map(Vec::len), &one["partial"]), (Some(1), &json!(true)));
    for bad in ["radius_m=0", "radius_m=51", "radius_m=NaN", "limit=0", "limit=501"] {
        assert_eq!(api.get(&who, &format!("{path}?{bad}")).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn the_same_waypoint_of_the_same_route_may_be_farther_off() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let who = api.token(&workspace, Role::Viewer).await;
    let at = |flight: &'static str, north_m: f64, folder: &'static str, name: &'static str| {
        move |media: &mut Media| {
            shot(flight, 9, north_m, 0.0)(media);
            (media.path, media.name) = (Some(folder.into()), name.into());
        }
    };
    let roof = "DJI_202611230600_001_Roof";
    let here = api.media(&workspace, at("a", 0.0, roof, "DJI_20261123060000_0001_W_Waypoint1.JPG")).await;
    let again = api
        .media(&workspace, at("b", 12.0, "DJI_202611220600_007_Roof", "DJI_20261122060000_0004_W_Waypoint1.JPG"))
        .await;
    api.media(&workspace, at("c", 12.0, "DJI_202611210600_007_Fence", "DJI_20261121060000_0004_W_Waypoint1.JPG")).await;
    api.media(&workspace, at("d", 12.0, roof, "DJI_20261121060000_0004_W_Waypoint2.JPG")).await;
    api.media(&workspace, at("e", 16.0, roof, "DJI_20261121060000_0004_W_Waypoint1.JPG")).await;
    let path = format!("/api/v1/workspaces/alpha/media/{}/same-place", here.id);
    let found: Value = serde_json::from_slice(&api.get(&who, &path).await.body).expect("JSON");
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found:#}");
    let item = &found["items"][0];
    assert_eq!(item["media"]["id"], again.id.to_string());
    assert_eq!((&item["same_route"], &item["same_waypoint"]), (&json!(true), &json!(true)));

    let nowhere = api.media(&workspace, |media| media.position = None).await;
    let path = format!("/api/v1/workspaces/alpha/media/{}/same-place", nowhere.id);
    let found: Value = serde_json::from_slice(&api.get(&who, &path).await.body).expect("JSON");
    assert_eq!(found, json!({"items": [], "partial": false}));
}
