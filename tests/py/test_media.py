"""What the library understands of files: real photos and subtitles through a dock's whole path, and reading again."""

import json
import os
import pathlib
import re
import struct
import subprocess
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from bench_media import spread
from conftest import binary, clean_env
from foreign_dock import ForeignDock, wait_for

SAMPLES = os.environ.get("EYRIE_SAMPLES")
needs_samples = pytest.mark.skipif(not SAMPLES, reason="EYRIE_SAMPLES names no folder of real files")
PHOTOS = sorted(pathlib.Path(SAMPLES or "/nowhere").glob("photos/*.JPG"))


class Library:
    def __init__(self, server, dock):
        self.server, self.dock = server, dock
        token = server.cli("token", "create", "--workspace", dock["workspace_id"], "--role", "operator")["token"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.base = f"{server.http_url}/api/v1/workspaces/{dock['workspace_id']}"

    def get(self, path, **query):
        return self.session.get(f"{self.base}/{path}", params=query, timeout=30)

    def item(self, key):
        """The item of an object, once it was read."""
        def read():
            items = [item for item in self.get("media", limit=1000).json()["items"] if item["object_key"] == key]
            return items and items[0]["processing"] != "pending" and items[0]
        found = wait_for(read, f"{key} to be read")
        return self.get(f"media/{found['id']}").json()


@pytest.fixture
def library(server, dock):
    return Library(server, dock)


def exiftool(*files):
    shown = subprocess.run(["exiftool", "-n", "-j", "-G1", *files], capture_output=True, text=True, check=True).stdout
    return json.loads(shown)


def inspect(*files):
    done = subprocess.run([binary(), "media", "inspect", "--json", *files], env=clean_env(), capture_output=True, text=True, timeout=60)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@needs_samples
def test_photos_say_what_exiftool_reads():
    assert PHOTOS
    status, seen, _ = inspect(*PHOTOS)
    assert status == 0 and len(seen) == len(PHOTOS)
    for ours, theirs in zip(seen, exiftool(*PHOTOS)):
        dji = lambda name: float(theirs[f"XMP-drone-dji:{name}"])
        position, gimbal = ours["position"], ours["gimbal"]
        assert (position["lat"], position["lng"]) == (dji("GPSLatitude"), dji("GPSLongitude"))
        assert (position["absolute_altitude_m"], position["relative_altitude_m"]) == (dji("AbsoluteAltitude"), dji("RelativeAltitude"))
        assert (gimbal["yaw_deg"], gimbal["pitch_deg"], gimbal["roll_deg"]) == (dji("GimbalYawDegree"), dji("GimbalPitchDegree"), dji("GimbalRollDegree"))
        taken = theirs["ExifIFD:DateTimeOriginal"].replace(":", "-", 2).replace(" ", "T")
        assert ours["captured_local"] == taken
        photo = ours["metadata"]["photo"]
        exif = photo["exif_position"]
        assert exif["lat"] == pytest.approx(theirs["GPS:GPSLatitude"], abs=1e-9)
        assert exif["lng"] == pytest.approx(theirs["GPS:GPSLongitude"], abs=1e-9)
        assert exif["absolute_altitude_m"] == theirs["GPS:GPSAltitude"]
        assert (photo["width_px"], photo["height_px"]) == (theirs["File:ImageWidth"], theirs["File:ImageHeight"])
        assert photo["exposure"]["focal_length_35mm_mm"] == theirs["ExifIFD:FocalLengthIn35mmFormat"]


@needs_samples
def test_a_photo_wins_over_its_report_and_both_are_kept(library):
    path = PHOTOS[0]
    with ForeignDock(library.dock) as dock:
        answer, key, _ = dock.upload(name=path.name, body=path.read_bytes())
    assert answer == {"result": 0}
    item = library.item(key)
    assert item["kind"] == "thermal" and item["camera"] == "thermal"
    assert item["position"] == {"lat": 51.3661299, "lng": 12.3089511, "absolute_altitude_m": 252.475, "relative_altitude_m": 94.992}
    assert item["captured_at"] == "2022-06-02T12:35:32Z"
    assert item["gimbal"] == {"yaw_deg": 6.0, "pitch_deg": -90.0, "roll_deg": 0.0}
    assert item["sources"] == {"captured_at": "xmp_offset", "position": "xmp", "gimbal": "xmp"}
    reported = item["metadata"]["reported"]
    assert (reported["position"]["lat"], reported["captured_at"]) == (47.3769, "2026-05-10T08:15:30Z")
    assert any("the device reported the capture" in warning for warning in item["warnings"])
    assert any("m from the file's own" in warning for warning in item["warnings"])
    assert item["metadata"]["photo"]["footprint"]["cut"] is False
    # the same report again does not undo what was read
    with ForeignDock(library.dock) as dock:
        storage = dock.storage()
        again = dock.event("file_upload_callback", {**json.loads(json.dumps(_report(key, path.name, item["flight_id"])))})
        assert again == {"result": 0} and storage
    after = library.item(key)
    assert (after["position"], after["captured_at"], after["sources"]) == (item["position"], item["captured_at"], item["sources"])


def _report(key, name, flight_id):
    from foreign_dock import report
    return report(key, name, flight_id)


def mp4(created_s=3_000_000_000):
    """A video of nothing: an index without tracks."""
    box = lambda kind, body: struct.pack(">I4s", len(body) + 8, kind) + body
    mvhd = box(b"mvhd", struct.pack(">IIIII", 0, created_s, created_s, 1000, 4000) + bytes(80))
    return box(b"ftyp", b"isom\0\0\0\0") + box(b"mdat", bytes(100)) + box(b"moov", mvhd)


SRT = """1
00:00:00,000 --> 00:00:00,033
<font size="28">FrameCnt: 1, DiffTime: 33ms
2026-11-23 06:14:22.000
[iso: 100] [latitude: 47.51000] [longitude: 8.25000] [rel_alt: 52.100 abs_alt: 512.250] [gb_yaw: -4.5 gb_pitch: -90.0 gb_roll: 0.0] </font>

"""


@pytest.mark.parametrize("order", [("MP4", "SRT"), ("SRT", "MP4")])
def test_a_video_takes_its_position_from_the_subtitles_beside_it(library, order):
    flight, stem = str(uuid.uuid4()), f"DJI_20261123061422_{order[0]}"
    bodies = {"MP4": mp4(), "SRT": SRT.encode()}
    keys = {}
    with ForeignDock(library.dock) as dock:
        for extension in order:
            name = f"{stem}.{extension}"
            answer, keys[extension], _ = dock.upload(name=name, body=bodies[extension], flight_id=flight, metadata=None)
            assert answer == {"result": 0}
            library.item(keys[extension])
    wait_for(lambda: library.item(keys["MP4"])["position"], "the video's position")
    video = library.item(keys["MP4"])
    assert (video["kind"], video["position"]["lat"], video["sources"]["position"]) == ("video", 47.51, "srt")
    assert video["gimbal"]["pitch_deg"] == -90.0
    assert library.item(keys["SRT"])["metadata"]["subtitle"]["record_count"] == 1


def test_stored_files_are_read_again_on_request(library):
    with ForeignDock(library.dock) as dock:
        storage = dock.storage()
        keys = [dock.upload(storage=storage)[1] for _ in range(5)]
    before = {key: library.item(key)["updated_at"] for key in keys}
    run = library.server.run("jobs", "rerun", "--kind", "extract-metadata", "--workspace", library.dock["workspace_id"], "--wait", "--json")
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert said["queued"] == 5
    assert "5 of 5 files" in run.stderr or "done" in run.stderr
    after = {key: library.item(key)["updated_at"] for key in keys}
    assert all(after[key] > before[key] for key in keys)
    job = library.get(f"jobs/{said['job_id']}").json()
    assert (job["state"], job["progress"]) == ("done", {"done": 5, "total": 5})
    old = library.server.cli("jobs", "rerun", "--kind", "extract-metadata", "--where", "reader_version=old",
                             "--workspace", library.dock["workspace_id"])
    assert old["queued"] == 0
    wrong = library.server.run("jobs", "rerun", "--kind", "extract-metadata", "--where", "colour=red")
    assert wrong.returncode == 1 and "gateway_sn=" in wrong.stderr


def test_inspect_describes_damage_and_says_what_it_cannot_open(tmp_path):
    video, text = tmp_path / "DJI_0001.MP4", tmp_path / "DJI_0002.JPG"
    video.write_bytes(mp4()[:40])
    text.write_text("no picture")
    status, seen, error = inspect(video, text, tmp_path / "nothing.JPG")
    assert status == 1 and "nothing.JPG" in error
    assert [one["kind"] for one in seen] == ["video", "photo"]
    assert all(one["warnings"] for one in seen)


class Shelf(ThreadingHTTPServer):
    """A web server with one file: it answers ranges (or not, or wrongly), and counts what it sends."""

    def __init__(self, file):
        self.file, self.sent_bytes, self.ranges, self.refuses = file, 0, True, 0
        super().__init__(("127.0.0.1", 0), Shelved)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, name):
        return f"http://127.0.0.1:{self.server_port}/bucket/{name}?X-Amz-Signature=5ec3e7"


class Shelved(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802, the base class's name
        shelf, size = self.server, self.server.file.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        if shelf.refuses:
            self.send_response(shelf.refuses)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first, last = (int(asked[1]), min(int(asked[2]), size - 1)) if shelf.ranges else (0, size - 1)
        self.send_response(206 if shelf.ranges else 200)
        if shelf.ranges:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        with shelf.file.open("rb") as file:
            file.seek(first)
            self.wfile.write(file.read(last - first + 1))
        shelf.sent_bytes += last - first + 1

    def log_message(self, *_):
        pass


def test_a_large_video_on_another_machine_is_understood_by_ranges(tmp_path):
    made = subprocess.run([binary("eyrie-sim"), "photo", tmp_path, "--count", "1", "--video-s", "20", "--telemetry", "djmd", "--width", "64", "--height", "48"],
                          capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    (video,) = tmp_path.glob("*.MP4")
    large = tmp_path / "DJI_20260510101600_0007_V.MP4"
    frames = spread(video, large, 1 << 30)
    shelf = Shelf(large)
    status, (local,), _ = inspect(large)
    assert status == 0 and local["metadata"]["track"]["sample_count"] == frames
    status, (remote,), error = inspect(shelf.url(large.name))
    assert status == 0, error
    assert remote.pop("file") == f"http://127.0.0.1:{shelf.server_port}/bucket/{large.name}", "without what gives access"
    assert remote == {name: value for name, value in local.items() if name != "file"}
    assert shelf.sent_bytes < 0.02 * large.stat().st_size
    shelf.ranges = False
    shelf.file = video
    for refuses, want in ((0, "ignores Range"), (403, "403")):
        shelf.refuses = refuses
        status, seen, error = inspect(shelf.url(video.name))
        assert (status, seen) == (1, []) and want in error and "5ec3e7" not in error, error
    shelf.shutdown()
    shelf.server_close()
    status, seen, error = inspect(shelf.url(video.name))
    assert (status, seen) == (1, []) and "did not answer" in error and "5ec3e7" not in error, error


def test_a_stored_file_is_understood_through_its_signed_address(library, tmp_path):
    made = subprocess.run([binary("eyrie-sim"), "photo", tmp_path, "--count", "1", "--width", "64", "--height", "48"], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    photo = min(tmp_path.glob("*.JPG"))
    with ForeignDock(library.dock) as dock:
        answer, key, _ = dock.upload(name=photo.name, body=photo.read_bytes())
    assert answer == {"result": 0}
    signed = library.session.get(f"{library.base}/media/{library.item(key)['id']}/content", allow_redirects=False, timeout=30).headers["Location"]
    _, (local,), _ = inspect(photo)
    status, (remote,), error = inspect(signed)
    assert status == 0, error
    assert local.pop("file") != remote.pop("file")
    assert remote == local
    status, seen, error = inspect(signed.replace("X-Amz-Expires=", "X-Amz-Expires=1"))
    assert (status, seen) == (1, []) and "403" in error, error


def test_a_simulated_video_gives_its_track_in_every_format(library, tmp_path):
    made = subprocess.run([binary("eyrie-sim"), "photo", tmp_path, "--video-s", "2", "--telemetry", "djmd", "--width", "64", "--height", "48"],
                          capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    path = next(path for path in sorted(tmp_path.iterdir()) if path.suffix.upper() == ".MP4")
    with ForeignDock(library.dock) as dock:
        answer, key, _ = dock.upload(name=path.name, body=path.read_bytes(), flight_id="flight-track")
    assert answer == {"result": 0}
    item = library.item(key)
    assert item["sources"]["position"] == "djmd" and item["position"]
    track = library.get(f"media/{item['id']}/telemetry").json()
    assert track["source"] == "djmd" and len(track["samples"]) == 60
    assert set(track["samples"][0]) >= {"t_s", "at", "position", "gimbal", "aircraft", "camera"}
    first = track["samples"][0]["position"]
    assert (first["lat"], first["lng"]) == (pytest.approx(item["position"]["lat"], abs=1e-9), pytest.approx(item["position"]["lng"], abs=1e-9))
    types = {"geojson": "application/geo+json", "gpx": "application/gpx+xml", "kml": "application/vnd.google-earth.kml+xml",
             "csv": "text/csv; charset=utf-8", "srt": "application/x-subrip; charset=utf-8"}
    for name, content_type in types.items():
        answer = library.get(f"media/{item['id']}/telemetry", format=name)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
        assert f"{path.stem}.{name}" in answer.headers["Content-Disposition"]
    line = library.get(f"media/{item['id']}/telemetry", format="geojson").json()
    assert line["geometry"]["type"] == "LineString" and len(line["geometry"]["coordinates"]) == 60
    # the subtitles that we write are subtitles that we read
    srt = tmp_path / "track.SRT"
    srt.write_bytes(library.get(f"media/{item['id']}/telemetry", format="srt").content)
    assert inspect(srt)[1][0]["metadata"]["subtitle"]["record_count"] == 60
    assert library.get(f"media/{item['id']}/telemetry", format="xml").status_code == 400
    flight = library.get("flights/flight-track/telemetry").json()
    assert flight["source"] == "flight" and len(flight["samples"]) == 60


def test_a_selection_is_exported_with_and_without_positions(library):
    with ForeignDock(library.dock) as dock:
        storage = dock.storage()
        keys = [dock.upload(storage=storage, flight_id="exported", metadata=None if n == 2 else ...)[1] for n in range(3)]
    items = [library.item(key) for key in keys]
    points = library.get("media/export", format="geojson", flight_id="exported").json()
    assert points["type"] == "FeatureCollection" and len(points["features"]) == 3
    assert sorted(feature["id"] for feature in points["features"]) == sorted(item["id"] for item in items)
    assert [feature["geometry"] for feature in points["features"]].count(None) == 1
    rows = library.get("media/export", format="csv", flight_id="exported").text.splitlines()
    assert len(rows) == 4 and rows[0].startswith("id,name,kind,captured_at,lat,lng")
    assert library.get("media/export", format="kml", flight_id="exported").text.count("<Placemark") == 2
    assert library.get("media/export", format="csv", flight_id="nothing").text.count("\n") == 1
    photo = library.get(f"media/{items[0]['id']}/telemetry")
    assert photo.status_code == 404 and "no telemetry" in photo.json()["detail"]


@needs_samples
def test_the_raw_thermal_plane_downloads_unchanged_and_says_what_it_is_not(library, dock, tmp_path):
    path = pathlib.Path(SAMPLES) / "thermal" / "M3TD_DJI_0002_R.JPG"
    with ForeignDock(dock) as drone:
        storage = drone.storage()
        answer, key, _ = drone.upload(path.name, path.read_bytes(), str(uuid.uuid4()), storage)
        assert answer["result"] == 0
    item = library.item(key)
    assert item["kind"] == "thermal"
    # the values as exiftool joins them from the file's segments
    raw = subprocess.run(["exiftool", "-b", "-ThermalData", path], capture_output=True, check=True).stdout
    assert len(raw) == 640 * 512 * 2
    tiff = library.get(f"media/{item['id']}/thermal")
    assert (tiff.status_code, tiff.headers["content-type"]) == (200, "image/tiff")
    assert "not temperatures" in tiff.headers["x-thermal-note"] and tiff.content.endswith(raw)
    assert 'filename="M3TD_DJI_0002_R_raw.tiff"' in tiff.headers["content-disposition"]
    png = library.get(f"media/{item['id']}/thermal", format="png")
    assert (png.headers["content-type"], png.content[:8], png.content[16:25]) == ("image/png", b"\x89PNG\r\n\x1a\n", struct.pack(">IIB", 640, 512, 16))
    told = library.get(f"media/{item['id']}/thermal", format="json").json()
    assert (told["plane"]["width_px"], told["plane"]["height_px"], told["parameters"]) == (640, 512, None)
    assert len(told["missing"]) == 2 and "Thermal SDK" in told["missing"][0]
    assert library.get(f"media/{item['id']}/thermal", format="jpeg").status_code == 400

    out = tmp_path / "plane.tiff"
    command = [binary(), "media", "thermal", path, "--out", out]
    done = subprocess.run(command, env=clean_env(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "not temperatures" in done.stdout, done.stderr
    assert out.read_bytes() == tiff.content
    assert subprocess.run(command, env=clean_env(), capture_output=True, timeout=60).returncode == 1, "nothing is overwritten"
