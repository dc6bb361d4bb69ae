"""Telemetry as foreign readers see it: exiftool and ffprobe on made videos, plain regular expressions on real subtitles.

What the media crate reads comes from its own example: `cargo build -p eyrie-media --example telemetry`.
"""

import csv
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from conftest import ROOT, binary

# the first that reads djmd as the fact sheet has it
EXIFTOOL_AT_LEAST = (13, 58)
FRAMES = 90
KML = "{http://www.opengis.net/kml/2.2}"
GX = "{http://www.google.com/kml/ext/2.2}"
GPX = "{http://www.topografix.com/GPX/1/1}"


def telemetry(path, how="json"):
    program = binary("examples") / "telemetry"
    if not program.exists():
        pytest.skip("not built: cargo build -p eyrie-media --example telemetry")
    done = subprocess.run([program, path, how], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if how in ("json", "geojson") else done.stdout


def version_of(exiftool):
    done = subprocess.run([exiftool, "-ver"], capture_output=True, text=True, check=False)
    return tuple(int(part) for part in done.stdout.strip().split(".")) if done.returncode == 0 else (0,)


@pytest.fixture(scope="session")
def exiftool():
    """One that is new enough: the system's, or the one that an npm package ships, kept below target/."""
    folder = ROOT / "target" / "exiftool"
    shipped = folder / "node_modules" / "exiftool-vendored.pl" / "bin" / "exiftool"
    for found in filter(None, [shutil.which("exiftool"), shipped if shipped.exists() else None]):
        if version_of(found) >= EXIFTOOL_AT_LEAST:
            return found
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("exiftool 13.58 or later is not installed, nor npm to fetch it")
    fetch = [npm, "install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", "exiftool-vendored.pl"]
    try:
        done = subprocess.run(fetch, capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("exiftool could not be fetched in 3 minutes")
    if done.returncode != 0 or not shipped.exists() or version_of(shipped) < EXIFTOOL_AT_LEAST:
        pytest.skip(f"exiftool 13.58 or later could not be fetched: {done.stderr[-200:]}")
    return shipped


def made(tmp_path, carriers):
    command = [binary("eyrie-sim"), "photo", tmp_path, "--count", "5", "--width", "16", "--height", "16"]
    done = subprocess.run([*command, "--video-s", "3", "--telemetry", carriers], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("*.MP4")
    return path


def frames_of(exiftool, path):
    """Each sample's tags by exiftool, in order."""
    command = [exiftool, "-ee", "-json", "-G3", "-n", "-api", "RequestAll=2", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    frames = {}
    for key, value in json.loads(done.stdout)[0].items():
        group, tag = key.split(":", 1) if ":" in key else ("Main", key)
        if group.startswith("Doc"):
            frames.setdefault(int(group[3:].split("-")[0]), {})[tag] = value
    return [frames[number] for number in sorted(frames)]


def test_exiftool_reads_the_protobuf_track_as_we_do(exiftool, tmp_path):
    path = made(tmp_path, "djmd")
    theirs, ours = frames_of(exiftool, path), telemetry(path)
    assert ours["source"] == "djmd"
    assert len(theirs) == len(ours["samples"]) == FRAMES
    assert theirs[0]["Protocol"] == "dvtm_pm320.proto"
    for a, b in zip(theirs, ours["samples"], strict=True):
        place, gimbal, camera = b["position"], b["gimbal"], b["camera"]
        for tag, value, tolerance in [
            ("SampleTime", b["t_s"], 1e-6),
            ("GPSLatitude", place["lat"], 1e-9),
            ("GPSLongitude", place["lng"], 1e-9),
            ("AbsoluteAltitude", place["absolute_altitude_m"], 1e-3),
            ("RelativeAltitude", place["relative_altitude_m"], 1e-3),
            ("GimbalPitch", gimbal["pitch_deg"], 1e-6),
            ("GimbalYaw", gimbal["yaw_deg"], 1e-6),
            ("DroneYaw", b["aircraft"]["yaw_deg"], 1e-6),
            # its first two names are turned: the schema's field 1 is the pitch
            ("DroneRoll", b["aircraft"]["pitch_deg"], 1e-6),
            ("DronePitch", b["aircraft"]["roll_deg"], 1e-6),
            ("ISO", camera["iso"], 1e-6),
            ("ShutterSpeed", camera["shutter_s"], 1e-9),
            ("FNumber", camera["f_number"], 1e-6),
            ("DigitalZoom", camera["zoom"], 1e-6),
        ]:
            assert float(a[tag]) == pytest.approx(value, abs=tolerance), (tag, a)
    places = {(a["GPSLatitude"], a["GPSLongitude"]) for a in theirs}
    assert len(places) > FRAMES / 2, "the aircraft moves"
    # its time is the file's plus the sample's, ours as well
    assert theirs[30]["GPSDateTime"][:19].replace(":", "-", 2).replace(" ", "T") == ours["samples"][30]["at"][:19]


def test_exiftool_reads_the_text_track_as_we_do(exiftool, tmp_path):
    path = made(tmp_path, "tx3g")
    theirs, ours = frames_of(exiftool, path), telemetry(path)
    assert ours["source"] == "tx3g"
    assert len(theirs) == len(ours["samples"]) == FRAMES
    for a, b in zip(theirs, ours["samples"], strict=True):
        word = {key: float(value) for key, value in re.findall(r"(\w+): ([-\d.]+)", a["Text"])}
        place = b["position"]
        read = (place["lat"], place["lng"], place["relative_altitude_m"], place["absolute_altitude_m"], b["gimbal"]["pitch_deg"])
        assert read == (word["latitude"], word["longitude"], word["rel_alt"], word["abs_alt"], word["gb_pitch"])
        assert a["SampleTime"] == pytest.approx(b["t_s"], abs=1e-6)


def test_ffprobe_finds_both_tracks(tmp_path):
    if not shutil.which("ffprobe"):
        pytest.skip("ffprobe is not installed")
    path = made(tmp_path, "both")
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_packets", "-of", "json", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stderr
    found = json.loads(done.stdout)
    tags = [(stream["codec_tag_string"], int(stream["nb_frames"])) for stream in found["streams"]]
    assert tags == [("djmd", FRAMES), ("tx3g", FRAMES)]
    times = [float(packet["pts_time"]) for packet in found["packets"] if packet["stream_index"] == 0]
    assert times == pytest.approx([sample["t_s"] for sample in telemetry(path)["samples"]], abs=1e-5)


def inspected(path):
    """What `eyrie media inspect` understands of a video."""
    done = subprocess.run([binary("eyrie"), "media", "inspect", "--json", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def probed(path):
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return json.loads(done.stdout)


def tags_of(path):
    exiftool = shutil.which("exiftool")
    if not exiftool:
        return None
    done = subprocess.run([exiftool, "-json", "-n", "-api", "QuickTimeUTC=1", path], capture_output=True, text=True, timeout=60, env={**os.environ, "TZ": "UTC"})
    return json.loads(done.stdout)[0]


@pytest.mark.parametrize("carriers", ["djmd", "tx3g", "both"])
def test_ffprobe_and_exiftool_agree_on_the_simulators_videos(tmp_path, carriers):
    if not shutil.which("ffprobe"):
        pytest.skip("ffprobe is not installed")
    path = made(tmp_path, carriers)
    ours, theirs, tags = inspected(path), probed(path), tags_of(path)
    video, wrapper = ours["metadata"]["video"], theirs["format"]
    assert video["duration_s"] == pytest.approx(float(wrapper["duration"]), abs=1e-3)
    assert video["brand"] == wrapper["tags"]["major_brand"].strip()
    assert ours["captured_at"][:19] == wrapper["tags"]["creation_time"][:19]
    wanted = {"both": ["djmd", "tx3g"]}.get(carriers, [carriers])
    assert video["telemetry"] == wanted == [stream["codec_tag_string"] for stream in theirs["streams"]]
    assert {video["telemetry_sample_count"]} == {int(stream["nb_frames"]) for stream in theirs["streams"]}
    assert not any(stream["codec_type"] == "video" for stream in theirs["streams"]) and video["codec"] is None
    if tags:
        assert video["duration_s"] == pytest.approx(tags["Duration"], abs=1e-3)
        assert ours["captured_at"][:19] == tags["CreateDate"][:19].replace(":", "-", 2).replace(" ", "T")


# file, codec as we call it, what ffmpeg is told: also what makes a reader stumble
VIDEOS = [
    ("a.mp4", "h264", ["-c:v", "libx264", "-movflags", "+faststart"]),
    ("b.mp4", "h264", ["-c:v", "libx264", "-bf", "2"]),
    ("c.mov", "h264", ["-c:v", "libx264"]),
    ("d.mp4", "h265", ["-c:v", "libx265", "-tag:v", "hvc1", "-x265-params", "log-level=error"]),
    ("e.mp4", "h264", ["-c:v", "libx264", "-movflags", "+frag_keyframe+empty_moov"]),
    ("f.mov", "prores", ["-c:v", "prores_ks"]),
]


@pytest.mark.parametrize(("name", "codec", "how"), VIDEOS, ids=[name for name, *_ in VIDEOS])
def test_ffprobe_and_exiftool_agree_on_videos_of_every_wrapper(tmp_path, name, codec, how):
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        pytest.skip("ffmpeg is not installed")
    path = tmp_path / name
    source = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30000/1001:duration=2", "-f", "lavfi", "-i", "sine=duration=2"]
    words = ["-metadata", "creation_time=2026-11-23T05:14:22Z", "-metadata", "location=+47.5000-008.2500+412.500/"]
    audio = ["-c:a", "aac", "-shortest"] if name != "b.mp4" else ["-an"]
    command = ["ffmpeg", "-v", "error", "-y", *source, *how, "-pix_fmt", "yuv422p10le" if codec == "prores" else "yuv420p", *audio, *words, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    ours, theirs, tags = inspected(path), probed(path), tags_of(path)
    video = ours["metadata"]["video"]
    (picture,) = [stream for stream in theirs["streams"] if stream["codec_type"] == "video"]
    assert ours["kind"] == "video" and not ours["warnings"], ours["warnings"]
    assert (video["width_px"], video["height_px"]) == (picture["width"], picture["height"]) == (640, 360)
    assert video["codec"] == codec == {"hevc": "h265"}.get(picture["codec_name"], picture["codec_name"])
    assert video["sample_entry"] == picture["codec_tag_string"].strip()
    assert video["has_audio"] == any(stream["codec_type"] == "audio" for stream in theirs["streams"])
    assert video["fragmented"] == (name == "e.mp4")
    # an empty index tells no duration: its fragments do
    if not video["fragmented"]:
        assert video["duration_s"] == pytest.approx(float(theirs["format"]["duration"]), abs=0.05)
        rate = [int(part) for part in picture["avg_frame_rate"].split("/")]
        assert video["frame_rate_hz"] == pytest.approx(rate[0] / rate[1], rel=0.02)
    assert ours["captured_at"] == "2026-11-23T05:14:22Z" and theirs["format"]["tags"]["creation_time"][:19] == ours["captured_at"][:19]
    location = theirs["format"]["tags"].get("location")
    assert location, theirs["format"]["tags"]
    position = ours["position"]
    assert f"{position['lat']:+08.4f}{position['lng']:+09.4f}" == location[:17]
    if tags:
        assert (tags["ImageWidth"], tags["ImageHeight"]) == (video["width_px"], video["height_px"])
        assert tags["CreateDate"][:19].replace(":", "-", 2).replace(" ", "T") == ours["captured_at"][:19]
        # in MOV it is Apple's word, in MP4 3GPP's box
        told = str(tags.get("GPSCoordinates") or re.sub(r".*Lat=(\S+) Lon=(\S+).*", r"\1 \2", tags["LocationInformation"]))
        lat, lng, *_ = [float(word) for word in told.split()]
        assert (lat, lng) == pytest.approx((position["lat"], position["lng"]), abs=1e-6)


def test_every_format_tells_the_same_positions(tmp_path):
    path = made(tmp_path, "djmd")
    samples = telemetry(path)["samples"]
    places = [(sample["position"]["lat"], sample["position"]["lng"]) for sample in samples]

    def same(found, tolerance=1e-9):
        assert len(found) == len(places)
        for one, other in zip(found, places, strict=True):
            assert one == pytest.approx(other, abs=tolerance)

    line = telemetry(path, "geojson")
    same([(lat, lng) for lng, lat, _ in line["geometry"]["coordinates"]])
    assert line["properties"]["coordTimes"] == [sample["at"] for sample in samples]
    gpx = ElementTree.fromstring(telemetry(path, "gpx"))
    same([(float(point.get("lat")), float(point.get("lon"))) for point in gpx.iter(f"{GPX}trkpt")])
    kml = ElementTree.fromstring(telemetry(path, "kml"))
    same([tuple(map(float, reversed(coord.text.split()[:2]))) for coord in kml.iter(f"{GX}coord")])
    assert [when.text for when in kml.iter(f"{KML}when")] == [sample["at"] for sample in samples]
    rows = list(csv.DictReader(io.StringIO(telemetry(path, "csv"))))
    same([(float(row["lat"]), float(row["lng"])) for row in rows])
    assert [float(row["gimbal_pitch_deg"]) for row in rows] == [sample["gimbal"]["pitch_deg"] for sample in samples]
    subtitles = tmp_path / "out.SRT"
    subtitles.write_text(telemetry(path, "srt"))
    same(positions_by_pattern(subtitles.read_text()), 6e-8)
    same([(s["position"]["lat"], s["position"]["lng"]) for s in telemetry(subtitles)["samples"]], 6e-8)


def positions_by_pattern(text):
    """Latitude and longitude of each record with a position, read by pattern alone."""
    number = r"([-+]?\d+(?:\.\d+)?)"
    by_key = rf"latitude\s*:\s*{number}\]\s*\[long?t?itude\s*:\s*{number}\]"
    by_group = rf"GPS\s*\({number}\s*,\s*{number}\s*,"
    found = []
    for match in re.finditer(rf"{by_key}|{by_group}", text):
        lat, lng, first, second = match.groups()
        # the older families have the longitude first
        found.append((float(lat), float(lng)) if lat else (float(second), float(first)))
    return found


def real_subtitles():
    folder = os.environ.get("EYRIE_SAMPLES")
    return sorted(pathlib.Path(folder, "srt").iterdir()) if folder else []


@pytest.mark.parametrize("path", real_subtitles() or [None], ids=lambda path: path.name if path else "none")
def test_real_subtitles_have_the_positions_that_a_pattern_finds(path):
    if path is None:
        pytest.skip("EYRIE_SAMPLES is not set: real files are not read")
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    samples = telemetry(path)["samples"]
    # a record has a timing line, but for the style without any
    records = text.count("-->") or len(re.findall(r"^\d+$", text, re.MULTILINE))
    assert len(samples) == records
    ours = [(sample["position"]["lat"], sample["position"]["lng"]) for sample in samples if sample["position"]]
    assert ours == positions_by_pattern(text)
    times = [sample["t_s"] for sample in samples]
    assert times == sorted(times)
