//! The map's tiles, who saw a place, the map's background.

use eyrie_catalogue::{Media, MediaKind, Position, Role};
use eyrie_media::ground::{Moment, of_photo};
use eyrie_media::photo::View;
use http::{Request, StatusCode};
use serde_json::json;

use crate::support::{Api, Who, request};

async fn start() -> (Api, eyrie_catalogue::Workspace, Who) {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let token = api.token(&workspace, Role::Viewer).await;
    (api, workspace, token)
}

fn placed(lat: f64, lng: f64) -> impl Fn(&mut Media) {
    move |media| {
        let (absolute_altitude_m, relative_altitude_m) = (Some(500.0 + lat), Some(100.0));
        media.position = Some(Position { lat, lng, absolute_altitude_m, relative_altitude_m });
        media.gimbal_yaw_deg = Some(12.5);
    }
}

/// Whether a text stands in a tile; its numbers are for the decoder of `tests/py/test_tiles.py`.
fn holds(tile: &[u8], text: &str) -> bool {
    tile.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn a_tile_changes_with_the_library_and_only_then() {
    let (api, workspace, who) = start().await;
    let world = "/api/v1/workspaces/alpha/tiles/0/0/0.mvt";
    let empty = api.get(&who, world).await;
    assert_eq!((empty.status, empty.body.len()), (StatusCode::OK, 0));
    assert_eq!(empty.header("cache-control"), "private, no-cache");
    let photo = api.media(&workspace, placed(47.5, 8.25)).await;
    let full = api.get(&who, world).await;
    assert_eq!(full.header("content-type"), "application/vnd.mapbox-vector-tile");
    assert!(holds(&full.body, "media") && holds(&full.body, &photo.id.to_string()) && holds(&full.body, "yaw_deg"));
    assert_ne!(full.header("etag"), empty.header("etag"));
    let again = |path: &str, etag: &str| {
        let mut again = request("GET", path, &who, None);
        again.headers_mut().insert("if-none-match", etag.parse().expect("an entity tag"));
        again
    };
    let reply = api.send(again(world, full.header("etag"))).await;
    assert_eq!((reply.status, reply.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(reply.header("etag"), full.header("etag"));
    let filtered = format!("{world}?kind=video");
    let reply = api.send(again(&filtered, full.header("etag"))).await;
    assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, 0), "another filter is another tile");
    api.media(&workspace, placed(47.6, 8.25)).await;
    assert_eq!(api.send(again(world, full.header("etag"))).await.status, StatusCode::OK);

    for (filter, found) in [
        ("min_relative_altitude_m=99&max_relative_altitude_m=101", true),
        ("min_relative_altitude_m=101", false),
        ("min_absolute_altitude_m=547.55", true),
        ("max_absolute_altitude_m=-3.5", false),
        ("bbox=8,47,9,48&q=.jpg", true),
        ("bbox=9,47,10,48", false),
        ("camera=zoom", false),
        ("drone_model_key=0-0-0", false),
    ] {
        let tile = api.get(&who, &format!("{world}?{filter}")).await;
        let list = api.get(&who, &format!("/api/v1/workspaces/alpha/media?{filter}")).await.json();
        let listed = list["items"].as_array().is_some_and(|items| !items.is_empty());
        assert_eq!((!tile.body.is_empty(), listed), (found, found), "{filter}");
    }
    for (bad, status) in [
        ("0/1/0", StatusCode::BAD_REQUEST),
        ("0/0/1.mvt", StatusCode::BAD_REQUEST),
        ("23/0/0", StatusCode::BAD_REQUEST),
        ("0/0/x", StatusCode::BAD_REQUEST),
        ("5/32/0", StatusCode::BAD_REQUEST),
        ("0/0/0?min_relative_altitude_m=high", StatusCode::BAD_REQUEST),
        ("x/0/0", StatusCode::NOT_FOUND),
        ("0/-1/0", StatusCode::NOT_FOUND),
    ] {
        let reply = api.get(&who, &format!("/api/v1/workspaces/alpha/tiles/{bad}")).await;
        assert_eq!(reply.status, status, "{bad}");
    }
    let other = api.workspace("beta").await;
    let stranger = api.token(&other, Role::Viewer).await;
    assert!(api.get(&stranger, "/api/v1/workspaces/beta/tiles/0/0/0.mvt").await.body.is_empty());
}

const DOWN: View = View {
    lat: 47.5,
    lng: 8.25,
    height_m: 100.0,
    yaw_deg: 0.0,
    pitch_deg: -90.0,
    roll_deg: 0.0,
    hfov_deg: 70.0,
    vfov_deg: 50.0,
};

#[tokio::test]
async fn who_saw_a_place() {
    let (api, workspace, who) = start().await;
    let keep = async |media: &Media, pieces: &[eyrie_catalogue::Footprint]| {
        let saved = api.app.catalogue.save_footprints(media.id, media.etag.as_deref(), pieces, api.app.now()).await;
        assert!(saved.expect("saved"));
    };
    let photo = api.media(&workspace, |media| media.captured_at = Some(at(20))).await;
    let stretch = of_photo(DOWN).expect("ground");
    keep(&photo, &[eyrie::jobs::trace_footprints::piece(&stretch, false)]).await;
    // a video that flies over it to the east, 10 m a second: in the picture for some seconds
    let video = api
        .media(&workspace, |media| {
            media.kind = MediaKind::Video;
            media.captured_at = Some(at(10));
        })
        .await;
    let moments = (0..10).map(|n| {
        let view = View { lng: 8.248 + f64::from(n) * 10.0 / 75_200.0 * 3.0, ..DOWN };
        Moment { t_s: f64::from(n), view }
    });
    let mut stretch = of_photo(DOWN).expect("ground");
    stretch.moments = moments.collect();
    (stretch.from_s, stretch.to_s, stretch.bbox) = (0.0, 9.0, [8.24, 47.49, 8.26, 47.51]);
    keep(&video, &[eyrie::jobs::trace_footprints::piece(&stretch, true)]).await;

    let ask = async |query: &str| api.get(&who, &format!("/api/v1/workspaces/alpha/seen-at?{query}")).await;
    let found = ask("lat=47.5&lng=8.25").await.json();
    let items = found["items"].as_array().expect("items");
    assert_eq!((&items[0]["media"]["id"], &items[0]["moments"]), (&json!(photo.id), &json!([])));
    let sighting = json!({"distance_m": 0.0, "range_m": 100.0, "bearing_deg": 0.0, "off_nadir_deg": 0.0});
    assert_eq!(items[0]["sighting"], sighting);
    assert_eq!(items[1]["media"]["id"], json!(video.id));
    let moments = items[1]["moments"].as_array().expect("moments");
    assert_eq!(moments.len(), 1);
    assert_eq!(
        (&moments[0]["from_s"], &moments[0]["best_s"], &moments[0]["to_s"]),
        (&json!(3.0), &json!(5.0), &json!(7.0))
    );
    assert_eq!(items.len(), 2);

    // page by page, and only what the filter finds
    let first = ask("lat=47.5&lon=8.25&limit=1").await.json();
    let cursor = first["next_cursor"].as_str().expect("more");
    let second = ask(&format!("lat=47.5&lng=8.25&limit=1&cursor={cursor}")).await.json();
    assert_eq!((&second["items"][0]["media"]["id"], &second["next_cursor"]), (&json!(video.id), &json!(null)));
    let videos = ask("lat=47.5&lng=8.25&kind=video").await.json();
    assert_eq!(videos["items"].as_array().map(Vec::len), Some(1));
    // inside the video's box, outside of every picture
    assert_eq!(ask("lat=47.509&lng=8.25").await.json()["items"], json!([]));
    for bad in ["", "lat=47.5", "lat=91&lng=8", "lat=47&lng=181", "lat=nan&lng=8", "lat=47.5&lng=8.25&cursor=x"] {
        assert_eq!(ask(bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }

    let ground = api.get(&who, &format!("/api/v1/workspaces/alpha/media/{}/footprints", video.id)).await;
    assert_eq!(ground.header("content-type"), "application/geo+json");
    let ground = ground.json();
    let features = ground["features"].as_array().expect("features");
    assert_eq!((features.len(), &features[9]["properties"]["t_s"]), (10, &json!(9.0)));
    let all = api.get(&who, "/api/v1/workspaces/alpha/media/footprints").await.json();
    let of_all = all["features"].as_array().expect("features");
    assert_eq!(of_all.len(), 2, "one of the photo, one of the video's stretch");
    let ring = of_all.iter().find(|one| one["properties"]["media_id"] == json!(photo.id)).expect("the photo's");
    assert_eq!(ring["geometry"]["coordinates"][0].as_array().map(Vec::len), Some(5));
    let tile = api.get(&who, "/api/v1/workspaces/alpha/tiles/16/34269/22916.mvt?footprints=true").await;
    let there = api.get(&who, "/api/v1/workspaces/alpha/tiles/16/34269/22916.mvt").await;
    assert_ne!(tile.header("etag"), there.header("etag"));
    assert!(holds(&tile.body, "footprints") && !holds(&there.body, "footprints"));
}

#[tokio::test]
async fn the_map_s_background_is_what_the_operator_named() {
    let (api, _, who) = start().await;
    assert_eq!(api.get(&who, "/api/v1/map").await.json(), json!({"tiles": null, "pmtiles": null}));
    let nobody = api.send(Request::get("/api/v1/map").body(axum::body::Body::empty()).expect("a request")).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

fn at(s: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_700_000_000 + s).expect("in range")
}
