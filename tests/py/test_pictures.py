"""Pictures to look at: a dock uploads files, thumbnails and previews come, and Pillow judges them."""

import io
import os
import pathlib

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
