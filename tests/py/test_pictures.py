"""Pictures to look at: a dock uploads files, thumbnails and previews come, and Pillow judges them."""

import io
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import requests
from botocore.exceptions import ClientError
from PIL import Image

from foreign_dock import ForeignDock, s3_client, wait_for

WITHIN_S = 30
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 40), (30, 40, 210), (240, 240, 240)


def jpeg(width=1600, height=1200, orientation=None, **options):
    """Quadrants: red, green above; blue, white below, as stored."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    if orientation:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def near(color, wanted):
    return all(abs(a - b) < 40 for a, b in zip(color, wanted))


class Library:
    def __init__(self, server, workspace, dock):
        self.server, self.dock = server, dock
        token = server.cli("token", "create", "--workspace", workspace["id"], "--role", "operator")["token"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.url = f"{server.http_url}/api/v1/workspaces/{workspace['id']}"

    def get(self, path, **options):
        return self.session.get(f"{self.url}{path}", timeout=40, allow_redirects=False, **options)

    def upload(self, *files):
        """The dock uploads and reports (name, bytes) each; the files as the library knows them, understood."""
        with ForeignDock(self.dock) as foreign:
            storage = foreign.storage()
            sent = [foreign.upload(name=name, body=body, storage=storage) for name, body in files]
        for answer, _key, _body in sent:
            assert answer["result"] == 0, answer
        return [self.understood(key) for _answer, key, _body in sent]

    def understood(self, key):
        return wait_for(lambda: self.by_key(key), f"{key} understood", WITHIN_S)

    def by_key(self, key):
        items = self.get("/media", params={"status": "all", "limit": 1000}).json()["items"]
        found = [item for item in items if item["object_key"] == key]
        return found[0] if found and found[0]["processing"] != "pending" else None

    def item(self, media):
        return self.get(f"/media/{media['id']}").json()

    def made(self, media):
        """The file with its picture's facts."""
        return wait_for(lambda: (item := self.item(media)) and item["thumbhash"] and item, "a picture", WITHIN_S)

    def jobs(self, kind, state):
        return self.get("/jobs", params={"kind": kind, "state": state}).json()["items"]

    def ended(self, job_id, within_s=WITHIN_S):
        """The job when it is over."""
        over = lambda: (job := self.get(f"/jobs/{job_id}").json()) and job["state"] in ("done", "dead") and job
        return wait_for(over, "the job's end", within_s)

    def picture(self, media, form, accept=None):
        headers = {"Accept": accept} if accept else None

        def ask():
            reply = self.get(f"/media/{media['id']}/{form}", headers=headers)
            return reply if reply.status_code != 503 else None

        reply = wait_for(ask, f"a {form}", 60, every_s=1)
        assert reply.status_code == 200, reply.text
        return reply, Image.open(io.BytesIO(reply.content))


@pytest.fixture
def library(server, workspace, dock):
    return Library(server, workspace, dock)


def derived_objects(server):
    """The files of derived objects on the disk."""
    buckets = [path for path in (server.data / "objects" / "buckets").iterdir() if path.name.startswith("derived-")]
    return [path for bucket in buckets for path in bucket.rglob("*") if path.is_file() and not path.name.startswith("%")]


def test_a_photo_gets_its_pictures(library):
    (photo,) = library.upload(("DJI_20260510101530_0001_W.JPG", jpeg(4000, 3000)))
    made = library.made(photo)
    assert (made["width_px"], made["height_px"], made["warnings"]) == (4000, 3000, [])
    assert made["average_color"].startswith("#") and len(made["average_color"]) == 7
    for form, size in [("thumbnail", (512, 384)), ("preview", (2048, 1536))]:
        reply, picture = library.picture(photo, form)
        assert (reply.headers["content-type"], picture.format, picture.size) == ("image/webp", "WEBP", size)
        assert reply.headers["cache-control"] == "private, no-cache" and "accept" in reply.headers["vary"]
        rgb = picture.convert("RGB")
        assert near(rgb.getpixel((5, 5)), RED) and near(rgb.getpixel((size[0] - 6, size[1] - 6)), WHITE)
        again = library.get(f"/media/{photo['id']}/{form}", headers={"If-None-Match": reply.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        reply, picture = library.picture(photo, form, accept="image/jpeg")
        assert (reply.headers["content-type"], picture.format, picture.size) == ("image/jpeg", "JPEG", size)
        browser = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
        assert library.picture(photo, form, accept=browser)[1].format == "WEBP"
    kept = library.get(f"/media/{photo['id']}/thumbnail", params={"v": photo["etag"]})
    assert kept.headers["cache-control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize("orientation, corner", [(1, RED), (3, WHITE), (6, BLUE), (8, GREEN)])
def test_orientation_is_applied(library, orientation, corner):
    (photo,) = library.upload((f"DJI_20260510101530_000{orientation}_W.JPG", jpeg(900, 600, orientation)))
    size = (600, 900) if orientation >= 5 else (900, 600)
    made = library.made(photo)
    assert (made["width_px"], made["height_px"]) == size
    _, preview = library.picture(photo, "preview")
    assert preview.size == size and not preview.getexif()
    assert near(preview.convert("RGB").getpixel((5, 5)), corner)


def test_damaged_files_have_no_picture_and_stay(library):
    whole = jpeg(1600, 1200)
    bomb = bytearray(jpeg(64, 64))
    frame = bomb.index(b"\xff\xc0")
    bomb[frame + 5 : frame + 9] = b"\xfd\xe8\xfd\xe8"
    files = {
        "DJI_20260510101530_0001_W.JPG": whole[: len(whole) // 2],
        "DJI_20260510101530_0002_W.JPG": b"\xff\xd8\xff\xe0" + os.urandom(5000),
        "DJI_20260510101530_0003_W.JPG": bytes(bomb),
        "DJI_20260510101530_0004_W.JPG": b"no picture at all",
    }
    for media, (name, body) in zip(library.upload(*files.items()), files.items()):
        assert media["name"] == name
        item = wait_for(lambda: (item := library.item(media)) and item["warnings"] and item, f"a warning of {name}", WITHIN_S)
        assert item["status"] == "stored" and item["thumbhash"] is None
        for form in ("thumbnail", "preview"):
            reply = library.get(f"/media/{media['id']}/{form}")
            assert reply.status_code == 404, name
            assert reply.headers["content-type"] == "application/problem+json"
        location = library.get(f"/media/{media['id']}/content").headers["location"]
        assert requests.get(location, timeout=30).content == body
    claims = wait_for(lambda: [w for w in library.item(media_named(library, "0003"))["warnings"] if "65000" in w], "the bomb refused", WITHIN_S)
    assert claims == ["the picture claims 65000 x 65000 pixels, more than are decoded"]


def media_named(library, part):
    (found,) = library.get("/media", params={"q": part}).json()["items"]
    return found


def test_files_of_other_kinds_have_no_picture(library):
    (text,) = library.upload(("DJI_20260510101530_0001_PPKNAV.nav", b"     3.03           N: GNSS NAV DATA"))
    reply = library.get(f"/media/{text['id']}/thumbnail")
    assert reply.status_code == 404 and "picture" in reply.json()["detail"]


def test_what_is_deleted_from_the_disk_is_made_again(server, library):
    (photo,) = library.upload(("DJI_20260510101530_0001_W.JPG", jpeg()))
    library.made(photo)
    gone = derived_objects(server)
    assert len([path for path in gone if photo["id"].replace("-", "") in str(path)]) == 2
    for path in gone:
        path.unlink()
    for form, size in [("thumbnail", (512, 384)), ("preview", (1600, 1200))]:
        _, picture = library.picture(photo, form)
        assert picture.size == size and near(picture.convert("RGB").getpixel((5, 5)), RED)


def test_an_overwritten_photo_never_shows_its_old_picture(library):
    def plain(color):
        out = io.BytesIO()
        Image.new("RGB", (1200, 900), color).save(out, "JPEG")
        return out.getvalue()

    with ForeignDock(library.dock) as foreign:
        storage = foreign.storage()
        for color in (RED, GREEN, BLUE):
            answer, key, _ = foreign.upload("DJI_1_W.JPG", plain(color), flight_id="overwritten", storage=storage)
            assert answer["result"] == 0
            _, picture = library.picture(library.understood(key), "thumbnail")
            assert near(picture.convert("RGB").getpixel((256, 192)), color)


def test_derived_objects_are_nobody_elses(server, workspace, library):
    (photo,) = library.upload(("DJI_20260510101530_0001_W.JPG", jpeg()))
    library.made(photo)
    bucket = f"derived-{workspace['id'].replace('-', '')}"
    assert (server.data / "objects" / "buckets" / bucket).is_dir()
    key = server.cli("s3-key", "create", "--workspace", workspace["id"], "--access", "write")
    s3 = s3_client(
        {
            "endpoint": key["endpoint"],
            "region": key["region"],
            "credentials": {
                "access_key_id": key["access_key_id"],
                "access_key_secret": key["secret_access_key"],
                "security_token": None,
            },
        }
    )
    assert [found["Name"] for found in s3.list_buckets()["Buckets"]] == [key["bucket"]]
    listed = s3.list_objects_v2(Bucket=key["bucket"])["Contents"]
    assert [found["Key"] for found in listed] == [photo["object_key"]]
    for call in (s3.list_objects_v2, s3.head_bucket):
        with pytest.raises(ClientError) as refused:
            call(Bucket=bucket)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert server.cli("reconcile")["adopted"] == 0
    named = server.cli("workspace", "add", bucket)
    assert server.cli("s3-key", "create", "--workspace", named["id"], "--access", "read")["bucket"] != bucket


def test_real_photos(library):
    if "EYRIE_SAMPLES" not in os.environ:
        pytest.skip("EYRIE_SAMPLES is not set")
    samples = pathlib.Path(os.environ["EYRIE_SAMPLES"])
    paths = [samples / "photos/DJI_20220602143532_0191_T.JPG", *sorted((samples / "thermal").glob("*_0001_R.JPG"))]
    for media, path in zip(library.upload(*[(path.name, path.read_bytes()) for path in paths]), paths):
        made = library.made(media)
        with Image.open(path) as original:
            assert (made["width_px"], made["height_px"]) == original.size, path.name
            _, thumbnail = library.picture(media, "thumbnail")
            assert max(thumbnail.size) == 512
            assert abs(thumbnail.width / thumbnail.height - original.width / original.height) < 0.02, path.name
            small = (8, 8)
            pairs = zip(thumbnail.convert("L").resize(small).tobytes(), original.convert("L").resize(small).tobytes())
            assert sum(abs(a - b) for a, b in pairs) / 64 < 24, f"{path.name} shows something else"


needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def video(folder, seconds=4, size="1920x1080", rate=30, filters=("testsrc2",)):
    """An H.264 video as MP4, the index at its end."""
    path = folder / "video.mp4"
    source = f"{filters[0]}=size={size}:rate={rate}:duration={seconds}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", "-g", "300", path], check=True, timeout=120)
    return path.read_bytes()


def probe(path):
    out = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-show_frames", "-select_streams", "v:0", "-of", "json", path],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return json.loads(out.stdout)


@needs_ffmpeg
def test_a_video_has_a_poster_and_a_proxy(library, tmp_path):
    (media,) = library.upload(("DJI_20260510101530_0001_V.MP4", video(tmp_path)))
    made = library.made(media)
    assert (made["kind"], made["width_px"], made["height_px"]) == ("video", 1920, 1080)
    for form, size in [("thumbnail", (512, 288)), ("preview", (1920, 1080))]:
        _, picture = library.picture(media, form)
        assert picture.size == size
    reply = library.get(f"/media/{media['id']}/proxy")
    assert reply.status_code == 404 and "no proxy yet" in reply.json()["detail"]
    reply = library.session.post(f"{library.url}/media/{media['id']}/proxy", timeout=30)
    assert reply.status_code == 202, reply.text
    job = library.ended(reply.json()["job_id"], 120)
    assert (job["kind"], job["state"], job["error"]) == ("make-proxy", "done", None)
    assert job["progress"]["done"] == job["progress"]["total"] == 4
    location = library.get(f"/media/{media['id']}/proxy").headers["location"]
    part = requests.get(location, headers={"Range": "bytes=0-99"}, timeout=30)
    assert (part.status_code, len(part.content), part.headers["content-type"]) == (206, 100, "video/mp4")
    proxy = tmp_path / "proxy.mp4"
    proxy.write_bytes(requests.get(location, timeout=30).content)
    body = proxy.read_bytes()
    assert 0 < body.index(b"moov") < body.index(b"mdat"), "it starts to play before it is whole"
    found = probe(proxy)
    (stream,) = found["streams"]
    assert (stream["codec_name"], stream["pix_fmt"], stream["width"], stream["height"]) == ("h264", "yuv420p", 1280, 720)
    keys = [float(frame["pts_time"]) for frame in found["frames"] if frame["key_frame"]]
    assert len(keys) >= 4 and all(b - a <= 1.05 for a, b in zip(keys, keys[1:])), keys


@needs_ffmpeg
def test_a_damaged_video_says_so_and_keeps_no_secret(server, library):
    body = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + os.urandom(20_000)
    (media,) = library.upload(("DJI_20260510101530_0002_V.MP4", body))
    reply = library.get(f"/media/{media['id']}/thumbnail")
    assert reply.status_code == 404 and "ffmpeg" in reply.json()["detail"]
    warnings = library.item(media)["warnings"]
    assert any("ffmpeg" in warning for warning in warnings) and "X-Amz" not in "".join(warnings)
    assert "X-Amz-Signature" not in server.log()
    location = library.get(f"/media/{media['id']}/content").headers["location"]
    assert requests.get(location, timeout=30).content == body


@needs_ffmpeg
def test_a_playlist_that_calls_itself_a_video_reaches_nothing(library, tmp_path):
    secret = tmp_path / "secret.ts"
    secret.write_bytes(b"G" * 188)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
    (media,) = library.upload(("DJI_20260510101530_0003_V.MP4", playlist))
    assert library.get(f"/media/{media['id']}/thumbnail").status_code == 404


def test_a_running_job_is_cancelled_with_its_program(new_server, tmp_path):
    """The program is one that never ends; the test sees it start and go."""
    pid_file = tmp_path / "pid"
    program = tmp_path / "ffmpeg"
    program.write_text(f'#!/bin/sh\necho $$ > {pid_file}.new\n/bin/mv {pid_file}.new {pid_file}\nexec /bin/sleep 600\n')
    program.chmod(0o755)
    server = new_server(EYRIE_MEDIA_FFMPEG=program)
    workspace = server.cli("workspace", "add", "cancelling")
    library = Library(server, workspace, server.cli("dock", "add", "--workspace", "cancelling", "--sn", "PYCANCEL1"))
    (media,) = library.upload(("DJI_20260510101530_0001_V.MP4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"))
    # the poster's job never ends either: it goes first
    poster = wait_for(lambda: library.jobs("make-pictures", "running"), "the poster's job", WITHIN_S)[0]
    wait_for(pid_file.exists, "the program", WITHIN_S)
    pid = int(pid_file.read_text())
    reply = library.session.post(f"{library.url}/jobs/{poster['id']}/cancel", timeout=30)
    assert reply.status_code == 200, reply.text
    assert reply.json()["state"] == "dead" and reply.json()["error"].startswith("cancelled by ")
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}/cmdline").exists() or not is_alive(pid), "the program's end", WITHIN_S)
    again = library.session.post(f"{library.url}/jobs/{poster['id']}/cancel", timeout=30)
    assert again.status_code == 409
    pid_file.unlink()
    job_id = library.session.post(f"{library.url}/media/{media['id']}/proxy", timeout=30).json()["job_id"]
    wait_for(pid_file.exists, "the program again", WITHIN_S)
    same = library.session.post(f"{library.url}/media/{media['id']}/proxy", timeout=30)
    assert same.json()["job_id"] == job_id
    # files that arrive meanwhile do not wait for it
    (photo,) = library.upload(("DJI_20260510101530_0002_W.JPG", jpeg(800, 600)))
    library.made(photo)
    assert library.get(f"/jobs/{job_id}").json()["state"] == "running"
    library.session.post(f"{library.url}/jobs/{job_id}/cancel", timeout=30)
    assert library.get(f"/jobs/{job_id}").json()["state"] == "dead"
    pid = int(pid_file.read_text())
    wait_for(lambda: not is_alive(pid), "the program's end", WITHIN_S)


def is_alive(pid):
    try:
        return "\nState:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_without_ffmpeg_everything_else_works_and_says_so(new_server):
    server = new_server(PATH="/nonexistent")
    workspace = server.cli("workspace", "add", "plain")
    library = Library(server, workspace, server.cli("dock", "add", "--workspace", "plain", "--sn", "PYPLAIN1"))
    video, photo = library.upload(
        ("DJI_20260510101530_0001_V.MP4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"), ("DJI_2_W.JPG", jpeg(800, 600))
    )
    library.made(photo)
    for form in ("thumbnail", "preview", "proxy"):
        reply = library.get(f"/media/{video['id']}/{form}")
        assert reply.status_code == 404 and "apt install ffmpeg" in reply.json()["detail"], form
    reply = library.session.post(f"{library.url}/media/{video['id']}/proxy", timeout=30)
    assert reply.status_code == 409 and "media.ffmpeg" in reply.json()["detail"]
    assert not library.jobs("make-pictures", "failed") and not library.jobs("make-pictures", "dead")


def test_the_operators_program_measures_temperatures(new_server, tmp_path):
    """The program is a small one of the test's own that answers as DJI's does."""
    samples = os.environ.get("EYRIE_SAMPLES")
    if not samples:
        pytest.skip("EYRIE_SAMPLES is not set")
    program = tmp_path / "irp"
    program.write_text(
        f"""#!{sys.executable}
import array, sys
args = sys.argv[1:]
assert args[:1] == ["-s"] and args[2:] == ["-a", "measure", "-o", "temperatures.raw", "--measurefmt", "float32"], args
assert open(args[1], "rb").read(2) == b"\\xff\\xd8"
values = array.array("f", [21.5]) * (640 * 512)
values[640 * 10 + 7] = 88.25
values[640 * 500 + 600] = -12.5
open("temperatures.raw", "wb").write(values.tobytes())
"""
    )
    program.chmod(0o755)
    server = new_server(EYRIE_MEDIA_THERMAL_PROGRAM=program)
    server.cli("workspace", "add", "thermal")
    library = Library(server, {"id": "thermal"}, server.cli("dock", "add", "--workspace", "thermal", "--sn", "PYTHERMAL1"))
    path = pathlib.Path(samples) / "thermal/M30T_DJI_0001_R.JPG"
    (media,) = library.upload((path.name, path.read_bytes()))
    measured = wait_for(lambda: library.item(media)["metadata"].get("temperature"), "temperatures", WITHIN_S)
    assert measured["hot_spot"] == {"x_px": 7, "y_px": 10} and measured["cold_spot"] == {"x_px": 600, "y_px": 500}
    assert (measured["max_celsius"], measured["min_celsius"]) == (88.25, -12.5)
    assert abs(measured["mean_celsius"] - 21.5) < 0.01 and measured["program"] == "irp"
    program.write_text("#!/bin/sh\nexit 3\n")
    (media,) = library.upload((path.name, path.read_bytes() + b"other bytes"))
    failed = wait_for(lambda: library.jobs("measure-thermal", "dead"), "the failure", WITHIN_S)
    assert "exit status: 3" in failed[0]["error"]
    assert "temperature" not in library.item(media)["metadata"]
