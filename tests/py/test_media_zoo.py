"""Files that lie, are cut, or that nobody understands: all are kept, listed with the reason, and downloadable."""

import json
import os
import pathlib
import struct
import subprocess

import pytest
import requests
from conftest import binary
from foreign_dock import ForeignDock, wait_for

box = lambda kind, body: struct.pack(">I4s", len(body) + 8, kind) + body
FTYP = box(b"ftyp", b"isom\0\0\2\0isommp42")
JPEG_START = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"

# name, bytes, kind, a word of the reason
ZOO = [
    ("EMPTY_V.MP4", b"", "video", "empty"),
    ("EMPTY.SRT", b"", "subtitle", "empty"),
    ("EMPTY_W.JPG", b"", "photo", "empty"),
    ("ONE_V.MP4", b"\0", "video", "not one that is known"),
    ("ZEROS_V.MP4", bytes(100_000), "video", "not one that is known"),
    ("MATROSKA_V.MP4", b"\x1a\x45\xdf\xa3" + os.urandom(5_000), "video", "not one that is known"),
    ("CUT_V.MP4", FTYP + struct.pack(">I4sQ", 1, b"mdat", 1 << 33) + os.urandom(50_000), "video", "no index"),
    ("HEAD_V.MP4", FTYP, "video", "no index"),
    ("BOXES_V.MOV", FTYP + box(b"free", b"\0" * 9) + box(b"uuid", os.urandom(40)) + box(b"mdat", b"\0" * 99), "video", "no index"),
    ("NOISE.SRT", os.urandom(30_000), "subtitle", "not one that is known"),
    ("FILM.SRT", b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHello.\r\n", "subtitle", "no record"),
    ("TEXT_W.JPG", b"no picture at all", "photo", "not one that is known"),
    ("START_W.JPG", JPEG_START, "photo", ""),
    ("ARCHIVE_T.JPG", b"PK\3\4" + os.urandom(2_000), "thermal", "zip archive"),
    ("PICTURE_V.MP4", JPEG_START + bytes(50), "photo", "the content is photo"),
    ("PROGRAM.xyz", b"\x7fELF\2\1\1\0" + os.urandom(2_000), "other", "not understood"),
    ("NOTE.txt", b"the wind was strong\n", "other", None),
    ("LOG.rtk", os.urandom(4_000).replace(b"\xd3", b"\0"), "ppk", "not one that is known"),
]


def test_the_zoo_is_kept_listed_and_told(server, dock):
    token = server.cli("token", "create", "--workspace", dock["workspace_id"], "--role", "operator")["token"]
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    base = f"{server.http_url}/api/v1/workspaces/{dock['workspace_id']}"
    keys = {}
    with ForeignDock(dock) as drone:
        storage = drone.storage()
        for name, body, *_ in ZOO:
            answer, keys[name], _ = drone.upload(name=name, body=body, flight_id="zoo", storage=storage, metadata=None)
            assert answer == {"result": 0}, name

    def read():
        items = session.get(f"{base}/media", params={"flight_id": "zoo", "limit": 100}, timeout=30).json()["items"]
        return items if len(items) == len(ZOO) and all(item["processing"] != "pending" for item in items) else None

    items = {item["object_key"]: item for item in wait_for(read, "the zoo to be read", 60)}
    for name, body, kind, reason in ZOO:
        item = items[keys[name]]
        assert (item["name"], item["kind"], item["status"], item["size_bytes"]) == (name, kind, "stored", len(body))
        assert item["processing"] == "done", (name, item["warnings"])
        if reason is None:
            assert item["warnings"] == [], name
        else:
            assert any(reason in warning for warning in item["warnings"]) or not reason, (name, item["warnings"])
        assert session.get(f"{base}/media/{item['id']}/content", timeout=30).content == body, name
        for what in ("thumbnail", "preview", "telemetry"):
            answer = session.get(f"{base}/media/{item['id']}/{what}", timeout=30)
            assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json"), (name, what, answer.text)
    dead = session.get(f"{base}/jobs", params={"state": "dead"}, timeout=30).json()["items"]
    assert [job for job in dead if job["kind"] != "make-pictures"] == []
    assert requests.get(f"{server.http_url}/readyz", timeout=30).status_code == 200


def test_a_sparse_file_of_ten_gigabytes_is_described_in_a_moment(tmp_path):
    """The index lies behind a hole of 10 GB."""
    path = tmp_path / "DJI_20261123061422_0001_V.MP4"
    mvhd = box(b"mvhd", struct.pack(">IIIII", 0, 3_878_255_662, 3_878_255_662, 1000, 4000) + bytes(80))
    hole = 10 * (1 << 30)
    with open(path, "wb") as file:
        file.write(FTYP + struct.pack(">I4sQ", 1, b"mdat", hole))
        file.seek(len(FTYP) + hole)
        file.write(box(b"moov", mvhd))
    done = subprocess.run([binary(), "media", "inspect", "--json", path], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["kind"], seen["size_bytes"], seen["metadata"]["video"]["duration_s"]) == ("video", path.stat().st_size, 4.0)
    assert seen["warnings"] == []
    os.truncate(path, len(FTYP) + hole)
    # without its index it is searched in windows
    done = subprocess.run([binary(), "media", "inspect", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "no index (moov)" in done.stdout, done.stdout


def flown(begin_s):
    """Two records of a small model, a gap between them."""
    record = "F/2.8, SS 206.14, ISO 100, EV 0, DZOOM 1.000, GPS (8.2500, 47.5000, 20), D 3.9m, H {}m, H.S 0.2m/s, V.S 0.0m/s"
    cues = [(begin_s, 1.5), (begin_s + 1, 2.5)]
    return "".join(f"{n}\n00:00:0{at},000 --> 00:00:0{at},500\n{record.format(height)}\n\n" for n, (at, height) in enumerate(cues, 1))


@pytest.mark.parametrize("entry", ["tx3g", "text"])
def test_ffmpeg_s_subtitle_tracks_are_telemetry_and_a_films_are_not(tmp_path, entry):
    """As ffmpeg lays them: an empty cue in each gap, an edit list where the first cue comes late."""
    ffmpeg = next((pathlib.Path(folder, "ffmpeg") for folder in os.environ["PATH"].split(":") if pathlib.Path(folder, "ffmpeg").exists()), None)
    if not ffmpeg:
        pytest.skip("ffmpeg is not installed")

    def made(text, name):
        subtitles, video = tmp_path / f"{name}.srt", tmp_path / f"{name}.mp4"
        subtitles.write_text(text)
        picture = ["-f", "lavfi", "-i", "color=c=black:s=64x64:d=4:r=5"]
        # ffmpeg writes tx3g alone; the other entry has the same form
        command = [ffmpeg, "-v", "error", "-y", *picture, "-i", subtitles, "-c:v", "libx264", "-c:s", "mov_text", video]
        subprocess.run(command, check=True, timeout=120)
        video.write_bytes(video.read_bytes().replace(b"tx3g", entry.encode()))
        done = subprocess.run([binary(), "media", "inspect", "--json", video], capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout)

    for begin_s in (0, 2):
        seen = made(flown(begin_s), f"flight{begin_s}")
        assert seen["metadata"]["video"]["telemetry"] == ["tx3g"] and seen["sources"]["position"] == "tx3g"
        assert (seen["position"]["lat"], seen["position"]["relative_altitude_m"]) == (47.5, 1.5)
        track = seen["metadata"]["track"]
        assert (track["position_count"], track["relative_altitude_m"]) == (2, {"min": 1.5, "max": 2.5})
        assert seen["warnings"] == []
    film = made("1\n00:00:01,000 --> 00:00:02,000\nHello, world.\n", "film")
    assert film["metadata"]["video"]["telemetry"] == [] and "track" not in film["metadata"] and film["warnings"] == []
