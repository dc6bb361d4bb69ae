"""The map's tiles, decoded by somebody else's decoder and added up again; who saw a place, against geometry of our own."""

import json
import math
import random
import subprocess
from datetime import datetime

import mapbox_vector_tile
import pytest
import requests
from conftest import binary
from foreign_dock import wait_for
from page import PASSWORD

PHOTOS = 8
EXTENT = 4096


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def api(server, tmp_path_factory):
    """Asks the API as a viewer; two docks have flown, and every file was read."""
    docks = [server.cli("dock", "add", "--workspace", "default", "--sn", sn) for sn in ("7CTDM0TILE1", "7CTDM0TILE2")]
    path = tmp_path_factory.mktemp("fleet") / "docks.json"
    path.write_text(json.dumps(docks))
    command = [binary("eyrie-sim"), "fleet", path, "--json", "--photos", str(PHOTOS), "--video-s", "3", "--width", "320", "--height", "240"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    session = requests.Session()
    session.headers["authorization"] = f"Bearer {token}"

    def get(path, status=200, **more):
        answer = session.get(f"{server.http_url}/api/v1/workspaces/default/{path}", timeout=30, **more)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer

    def idle():
        jobs = get("jobs?limit=1000").json()["items"]
        return jobs and all(job["state"] in ("done", "dead") for job in jobs)

    wait_for(idle, "every job is over", timeout_s=120)
    return get


def decode(body):
    """Layers of a tile, y downwards as it was written."""
    return mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})


def tile_of(lng, lat, z):
    side = 2**z
    return int((lng + 180) / 360 * side), int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side)


def place_of(z, x, y, point):
    side = 2**z
    lng = (x + point[0] / EXTENT) / side * 360 - 180
    return lng, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (y + point[1] / EXTENT) / side))))


def heaps(api, z, x, y, query=""):
    body = api(f"tiles/{z}/{x}/{y}.mvt?{query}").content
    return decode(body).get("media", {"features": []})["features"] if body else []


def placed(api, query=""):
    return [item for item in api(f"media?limit=1000&{query}").json()["items"] if item["position"]]


def test_every_zoom_has_every_file_once(api):
    files = placed(api)
    assert len(files) >= 2 * PHOTOS
    for z in (0, 3, 7, 11, 14, 16, 17, 19):
        tiles = {tile_of(item["position"]["lng"], item["position"]["lat"], z) for item in files}
        found = [(x, y, heap["properties"]) for x, y in tiles for heap in heaps(api, z, x, y)]
        assert sum(heap["count"] for _, _, heap in found) == len(files), f"zoom {z}"
        kinds = {kind: sum(heap.get(kind, 0) if heap["count"] > 1 else heap["kind"] == kind for _, _, heap in found) for kind in ("photo", "video")}
        assert kinds == {kind: sum(item["kind"] == kind for item in files) for kind in kinds}, f"zoom {z}"
        ids = {item["id"] for item in files}
        assert all(heap["id"] in ids for _, _, heap in found)
    assert heaps(api, 0, 0, 0)[0]["properties"]["count"] > 1


def test_a_file_alone_stands_where_it_was_taken(api):
    files = {item["id"]: item for item in placed(api)}
    alone = 0
    for item in files.values():
        x, y = tile_of(item["position"]["lng"], item["position"]["lat"], 19)
        for heap in heaps(api, 19, x, y):
            if heap["properties"]["count"] != 1:
                continue
            alone += 1
            lng, lat = place_of(19, x, y, heap["geometry"]["coordinates"])
            there = files[heap["properties"]["id"]]["position"]
            assert abs(lng - there["lng"]) < 1e-6 and abs(lat - there["lat"]) < 1e-6
            yaw = (files[heap["properties"]["id"]]["gimbal"] or {}).get("yaw_deg")
            assert heap["properties"].get("yaw_deg") == pytest.approx(yaw)
    assert alone > 0


def test_tiles_take_the_list_s_filters(api):
    files = placed(api)
    altitudes = sorted(item["position"]["relative_altitude_m"] for item in files if item["position"]["relative_altitude_m"] is not None)
    middle = altitudes[len(altitudes) // 2]
    lngs = sorted(item["position"]["lng"] for item in files)
    first, times = files[0], sorted(item["captured_at"] for item in files if item["captured_at"])
    queries = [
        "kind=photo", "kind=photo,video", "kind=ppk", "gateway_sn=7CTDM0TILE1", f"flight_id={first['flight_id']}",
        f"min_relative_altitude_m={middle}", f"max_relative_altitude_m={middle - 0.1}", "min_absolute_altitude_m=100000",
        f"from={times[len(times) // 2]}", f"to={times[len(times) // 2]}", f"q={first['name'][:8]}", "camera=wide", "camera=zoom",
        f"bbox={lngs[0]},-90,{lngs[len(lngs) // 2]},90", "status=missing", f"drone_model_key={first['drone_model_key'] or 'none'}",
    ]  # fmt: skip
    for query in queries:
        expected = len(placed(api, query))
        for z in (0, 14):
            tiles = {tile_of(item["position"]["lng"], item["position"]["lat"], z) for item in files}
            found = sum(heap["properties"]["count"] for x, y in tiles for heap in heaps(api, z, x, y, query))
            assert found == expected, f"{query} at zoom {z}"


def test_an_unchanged_tile_is_not_sent_again(api):
    answer = api("tiles/0/0/0.mvt", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert answer.headers["cache-control"] == "private, no-cache"
    again = api("tiles/0/0/0.mvt", status=304, headers={"if-none-match": answer.headers["etag"]})
    assert again.content == b""
    x, y = tile_of(placed(api)[0]["position"]["lng"], placed(api)[0]["position"]["lat"], 17)
    near = api(f"tiles/17/{x}/{y}.mvt?footprints=true", headers={"accept-encoding": "gzip"})
    if len(near.content) > 1024:
        assert near.headers["content-encoding"] == "gzip"


def polygons(api, item):
    return api(f"media/{item['id']}/footprints").json()["features"]


def holds(ring, lng, lat):
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, ring[1:]):
        if (y1 > lat) != (y2 > lat) and lng < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def test_who_saw_a_place_is_what_the_footprints_say(api):
    files = placed(api)
    ground = {item["id"]: polygons(api, item) for item in files if item["kind"] in ("photo", "video")}
    photos = [item for item in files if item["kind"] == "photo"]
    assert all(len(ground[item["id"]]) == 1 for item in photos), "every photo of the simulator has a footprint"
    videos = [item for item in files if item["kind"] == "video" and ground[item["id"]]]
    assert videos, "a video with ground"
    assert [feature["properties"]["t_s"] for feature in ground[videos[0]["id"]]] == pytest.approx([0, 1, 2], abs=0.1)
    corners = [corner for features in ground.values() for feature in features for corner in feature["geometry"]["coordinates"][0]]
    middles = [[sum(axis[:-1]) / (len(axis) - 1) for axis in zip(*feature["geometry"]["coordinates"][0])] for features in ground.values() for feature in features]
    rng = random.Random(6)
    seen_somewhere = seen_moments = 0
    for lng, lat in rng.sample(middles, 12) + [[c + rng.uniform(-1e-5, 1e-5) for c in corner] for corner in rng.sample(corners, 12)]:
        expected = {
            id_: [feature["properties"]["t_s"] for feature in features if holds(feature["geometry"]["coordinates"][0], lng, lat)]
            for id_, features in ground.items()
        }
        expected = {id_: times for id_, times in expected.items() if times}
        items, cursor = [], ""
        while cursor is not None:
            page = api(f"seen-at?lat={lat}&lng={lng}&limit=3&cursor={cursor}").json()
            items, cursor = items + page["items"], page["next_cursor"]
        found = {item["media"]["id"]: item for item in items}
        assert len(found) == len(items), "no file twice"
        assert set(found) == set(expected), (lng, lat)
        times = [datetime.fromisoformat(item["media"]["captured_at"]) for item in items]
        assert times == sorted(times, reverse=True)
        for id_, item in found.items():
            assert 0 <= item["sighting"]["off_nadir_deg"] < 90 and item["sighting"]["range_m"] >= item["sighting"]["distance_m"]
            if item["media"]["kind"] == "video":
                seconds = [t for t in expected[id_] if any(m["from_s"] - 0.06 <= t <= m["to_s"] + 0.06 for m in item["moments"])]
                assert seconds == expected[id_]
                seen_moments += len(item["moments"])
            else:
                assert item["moments"] == []
        seen_somewhere += bool(items)
    assert seen_somewhere >= 12 and seen_moments > 0
    assert api("seen-at?lat=-60&lng=-140").json() == {"items": [], "next_cursor": None}


def test_footprints_in_a_tile_lie_where_geojson_has_them(api):
    photo = next(item for item in placed(api, "kind=photo"))
    ring = polygons(api, photo)[0]["geometry"]["coordinates"][0]
    lng, lat = (sum(axis[:-1]) / (len(axis) - 1) for axis in zip(*ring))
    x, y = tile_of(lng, lat, 16)
    layers = decode(api(f"tiles/16/{x}/{y}.mvt?footprints=true").content)
    mine = [feature for feature in layers["footprints"]["features"] if feature["properties"]["id"] == photo["id"]]
    assert len(mine) == 1 and mine[0]["geometry"]["type"] == "Polygon"
    drawn = [place_of(16, x, y, point) for point in mine[0]["geometry"]["coordinates"][0]]
    west, east = min(p[0] for p in ring), max(p[0] for p in ring)
    south, north = min(p[1] for p in ring), max(p[1] for p in ring)
    slack = 2e-5
    assert all(west - slack <= p[0] <= east + slack and south - slack <= p[1] <= north + slack for p in drawn)
    assert holds([*drawn, drawn[0]], lng, lat)
    assert "footprints" not in decode(api(f"tiles/16/{x}/{y}.mvt").content)
    low = api("tiles/5/%d/%d.mvt?footprints=true" % tile_of(lng, lat, 5)).content
    assert "footprints" not in decode(low)
