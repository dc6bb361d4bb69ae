"""A flight's survey files through a dock: the report, the zip, and a solution by RTKLIB."""

import csv
import io
import json
import math
import os
import pathlib
import shutil
import uuid
import zipfile

import pytest
import rtcm_base
from foreign_dock import ForeignDock, wait_for
from test_api import as_role

SOLVE_S = 240
# GPS second of week of the pair's first epoch, 2024-06-24 08:20:00
FIRST_TOW_S = 116_400
GPS_WEEK = 2_320


@pytest.fixture(scope="module")
def samples():
    folder = os.environ.get("EYRIE_SAMPLES")
    if not folder:
        pytest.skip("EYRIE_SAMPLES does not name the folder of sample files")
    return pathlib.Path(folder)


def send(access, flight_id, files):
    """Uploads (name, bytes, second of 10:20 at which it was made) as one flight; what the dock says has no place."""
    with ForeignDock(access) as dock:
        storage = dock.storage()
        for name, body, *second in files:
            metadata = {"create_time": f"2024-06-24T10:{20 + sum(second) // 60:02}:{sum(second) % 60:02}+02:00"}
            answer, _, _ = dock.upload(name, body, flight_id, storage, metadata=metadata)
            assert answer["result"] == 0


def read(api, flight_id, count):
    """The flight's files by name, when all of them were read."""

    def all_read():
        items = api.items("media", flight_id=flight_id, limit=500)
        done = len(items) == count and all(item["processing"] == "done" for item in items)
        return {item["name"]: item for item in items} if done else None

    return wait_for(all_read, "every file is read", 60)


def solve(api, flight_id, body):
    """The outcome of a solve job."""
    job_id = api.call("POST", f"flights/{flight_id}/ppk/solve", 202, json=body).json()["job_id"]
    ended = lambda: (job := api.get(f"jobs/{job_id}").json())["state"] in ("done", "dead") and job
    job = wait_for(ended, "the job ends", SOLVE_S, 0.3)
    assert job["state"] == "done", job
    return job["result"]


def ecef(lat, lng, height):
    a, f = 6378137.0, 1 / 298.257223563
    e2 = f * (2 - f)
    lat, lng = math.radians(lat), math.radians(lng)
    n = a / math.sqrt(1 - e2 * math.sin(lat) ** 2)
    return ((n + height) * math.cos(lat) * math.cos(lng), (n + height) * math.cos(lat) * math.sin(lng), (n * (1 - e2) + height) * math.sin(lat))


def trajectory(text):
    """(position of the base, [position of each epoch]) of RTKLIB's text, in ECEF."""
    lines = text.splitlines()
    base = next(line for line in lines if line.startswith("% ref pos")).split(":")[1].split()
    points = [line.split() for line in lines if line and not line.startswith("%")]
    return ecef(*map(float, base)), [ecef(*map(float, point[2:5])) for point in points]


def baseline(text):
    """The mean vector from base to rover."""
    base, points = trajectory(text)
    return [sum(point[axis] - base[axis] for point in points) / len(points) for axis in range(3)]


def mrk_line(sequence, tow_s, arm):
    north, east, down = arm
    return (
        f"{sequence}\t{tow_s:.6f}\t[{GPS_WEEK}]\t{north:6},N\t{east:6},E\t{down:6},V\t35.13470900,Lat\t136.97757400,Lon\t104.700,Ellh"
        "\t1.0, 1.0, 2.0\t16,Q\n"
    )


@pytest.mark.skipif(not shutil.which("rnx2rtkp"), reason="RTKLIB is not installed (apt install rtklib)")
def test_the_static_pair_is_fixed_at_every_epoch_and_photos_get_their_places(server, workspace, dock, samples):
    api, flight_id = as_role(server, workspace, "operator"), str(uuid.uuid4())
    pair = samples / "ppk" / "static_pair"
    files = [(name, (pair / name).read_bytes()) for name in ("rover.obs", "base.obs", "base.nav", "rover_rtk.pos")]
    # two exposures on epochs and one between, one after the log's end; the camera half a metre below the antenna
    arm = (0, 0, 500)
    seconds = (10.0, 20.5, 30.0, 400.0)
    mrk = "".join(mrk_line(n, FIRST_TOW_S + s, arm) for n, s in enumerate(seconds, 1))
    files.append(("DJI_202406241020_001_Timestamp.MRK", mrk.encode()))
    # the aircraft's clock is half a minute late
    photos = [(f"DJI_202406241020{round(s):02}_{n:04}_V.JPG", b"\xff\xd8\xff\xd9" + bytes([n]), int(s) + 12) for n, s in enumerate(seconds[:3], 1)]
    files += photos
    send(dock, flight_id, files)
    media = read(api, flight_id, len(files))
    assert media["rover.obs"]["kind"] == "ppk"

    told = wait_for(lambda: (r := api.get(f"flights/{flight_id}/ppk").json())["set"]["events"] and r, "the report has its events")
    assert told["solver_missing"] is None and told["solution"] is None
    assert told["set"]["missing"] == ["rtk", "dat"] and told["set"]["solvable"]
    rover = told["set"]["rover"]
    assert (rover["name"], rover["epochs"]["epochs"], rover["epochs"]["interval_s"]) == ("rover.obs", 301, 1.0)
    assert (told["set"]["events"]["count"], told["set"]["events"]["covered"]) == (4, 3)
    matched = told["set"]["photos"]
    assert (matched["matched_by_number"], matched["clock_offset_s"], matched["events_without_photo"]) == (3, 30.0, [4])

    # whoever names nothing gets what the flight itself has
    outcome = solve(api, flight_id, {"base_media_id": media["base.obs"]["id"]})
    assert (outcome["trajectory"]["epochs"], outcome["trajectory"]["fixed"]) == (301, 301), outcome
    assert outcome["trajectory"]["fixed_share"] == 1.0
    assert (outcome["rover"], outcome["base"], outcome["navigation"]) == ("rover.obs", "base.obs", ["base.nav"])
    assert (outcome["event_count"], outcome["events_solved"], outcome["events_fixed"]) == (4, 3, 3)

    pos = api.get(f"flights/{flight_id}/ppk/solution", format="pos").text
    assert "/tmp" not in pos, "no path of the server"
    ours, theirs = baseline(pos), baseline((pair / "rover_rtk.pos").read_text())
    assert math.dist(ours, theirs) < 0.01, "the author's own solution has the same baseline"

    rows = list(csv.DictReader(io.StringIO(api.get(f"flights/{flight_id}/ppk/solution").text)))
    assert [row["problem"] for row in rows] == ["", "", "", "outside_trajectory"]
    _, points = trajectory(pos)
    for row, at in zip(rows, (10, 20.5, 30)):
        camera = ecef(*(float(row[name]) for name in ("latitude_deg", "longitude_deg", "ellipsoid_height_m")))
        antenna = [(a + b) / 2 for a, b in zip(points[math.floor(at)], points[math.ceil(at)])]
        assert abs(math.dist(camera, antenna) - 0.5) < 0.001, row
        assert math.hypot(*camera) < math.hypot(*antenna), "the camera is below"
    features = json.loads(api.get(f"flights/{flight_id}/ppk/solution", format="geojson").text)["features"]
    assert len(features) == 3 and features[0]["properties"]["quality"] == "fixed"

    photo = api.get(f"media/{media[photos[0][0]]['id']}").json()
    place = photo["corrected_position"]
    assert (place["quality"], place["sequence"], place["lever_arm_applied"]) == ("fixed", 1, True)
    assert abs(place["lat"] - float(rows[0]["latitude_deg"])) < 1e-9
    assert rows[0]["photo"] == photo["name"]
    assert photo["position"] is None, "the original stays what it was"
    assert api.get(f"media/{media['rover.obs']['id']}").json()["corrected_position"] is None
    assert api.get(f"flights/{flight_id}/ppk").json()["solution"]["trajectory"]["fixed"] == 301


def test_a_phantoms_card_is_told_and_downloads_as_it_was(server, workspace, dock, samples):
    api, flight_id = as_role(server, workspace, "operator"), str(uuid.uuid4())
    files = [(path.name, path.read_bytes()) for path in sorted((samples / "ppk" / "p4rtk").iterdir())]
    send(dock, flight_id, files)
    read(api, flight_id, len(files))
    told = wait_for(lambda: (r := api.get(f"flights/{flight_id}/ppk").json())["set"]["rover"] and r, "the report has the log")["set"]
    assert told["missing"] == ["obs", "nav", "dat"] and not told["complete"]
    assert (told["events"]["count"], told["events"]["covered"]) == (163, 163)
    assert told["photos"]["events_without_photo_count"] == 163
    assert (told["rover"]["format"], told["rover"]["epochs"]["interval_s"], told["rover"]["crc_failures"]) == ("rtcm3", 0.2, 0)
    assert {file["role"] for file in told["files"]} == {"raw_log", "events", "event_log"}

    answer = api.get(f"flights/{flight_id}/ppk.zip")
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        assert {name: packed.read(name) for name in packed.namelist()} == {f"100_0004/{name}": body for name, body in files}

    refused = api.call("POST", f"flights/{flight_id}/ppk/solve", 409, json={}).json()
    assert "name a file with the base's observations" in refused["detail"]


def test_without_rtklib_the_answer_says_what_to_install(new_server, samples):
    bare = new_server(PATH="/nonexistent")
    workspace = bare.cli("workspace", "add", "survey")
    access = bare.cli("dock", "add", "--workspace", workspace["id"], "--sn", "PPKDOCK1")
    api, flight_id = as_role(bare, workspace, "operator"), str(uuid.uuid4())
    pair = samples / "ppk" / "static_pair"
    send(access, flight_id, [(name, (pair / name).read_bytes()) for name in ("rover.obs", "base.obs", "base.nav")])
    read(api, flight_id, 3)
    refused = api.call("POST", f"flights/{flight_id}/ppk/solve", 409, json={}).json()
    assert "rtklib" in refused["detail"] and "install" in refused["detail"]
    assert "rtklib" in api.get(f"flights/{flight_id}/ppk").json()["solver_missing"]


@pytest.mark.skipif(not shutil.which("rnx2rtkp"), reason="RTKLIB is not installed (apt install rtklib)")
@pytest.mark.parametrize("rover", ["rover.obs", "DJI_202406241020_001_D-RTK.rtk"])
def test_the_flights_own_corrections_solve_as_the_bases_rinex_does(server, workspace, dock, samples, rover):
    """The base as RTCM 3, and the aircraft's log as RINEX or as RTCM 3. Neither stream says which week it is from."""
    pair = samples / "ppk" / "static_pair"
    corrections, epochs = rtcm_base.stream((pair / "base.obs").read_text())
    log = (pair / "rover.obs").read_bytes()
    if rover.endswith(".rtk"):
        log, _ = rtcm_base.stream(log.decode())
    api, flight_id = as_role(server, workspace, "operator"), str(uuid.uuid4())
    mrk = "".join(mrk_line(n, FIRST_TOW_S + s, (0, 0, 0)) for n, s in enumerate((10.0, 20.5, 30.0), 1))
    mrk_name = "DJI_202406241020_001_D-RTK_Timestamp.MRK"
    files = [(rover, log), ("DJI_202406241020_001_D-RTK.dat", corrections), ("DJI_202406241020_001_D-RTK_PPKNAV.nav", (pair / "base.nav").read_bytes()), (mrk_name, mrk.encode())]
    send(dock, flight_id, files)
    media = read(api, flight_id, len(files))
    base = api.get(f"media/{media['DJI_202406241020_001_D-RTK.dat']['id']}").json()
    assert base["kind"] == "rtcm"
    told = base["metadata"]["rtcm"]
    assert told["crc_failures"] == 0 and not base["warnings"]
    assert {str(row["number"]): row["count"] for row in told["messages"]} == {"1006": 31, **{str(n): epochs for n in (1077, 1087, 1097, 1117, 1127)}}
    assert told["stations"][0]["ecef"] == pytest.approx({"x_m": -3817680.7270, "y_m": 3562839.5216, "z_m": 3650159.2407}, abs=1e-4)
    assert media[rover]["kind"] == "ppk"

    outcome = solve(api, flight_id, {})
    assert (outcome["trajectory"]["epochs"], outcome["trajectory"]["fixed"]) == (301, 301), outcome
    assert (outcome["rover"], outcome["base"]) == (rover, base["name"])
    assert outcome["base_ecef_m"] == pytest.approx([-3817680.7270, 3562839.5216, 3650159.2407], abs=1e-4)
    assert (outcome["events_solved"], outcome["events_fixed"]) == (3, 3), "the week is the flight's, not today's"
    ours, theirs = baseline(api.get(f"flights/{flight_id}/ppk/solution", format="pos").text), baseline((pair / "rover_rtk.pos").read_text())
    assert math.dist(ours, theirs) < 0.01
