"""A survey solved from its page: the base is chosen, the solution comes, and a photo shows its corrected place beside its own."""

import os
import pathlib
import shutil
import uuid

import pytest
from conftest import ROOT
from page import DESK, PASSWORD, PHONE
from playwright.sync_api import expect
from test_api import as_role
from test_ppk import FIRST_TOW_S, mrk_line, read, send

pytestmark = [
    pytest.mark.skipif(
        not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
    ),
    pytest.mark.skipif(not shutil.which("rnx2rtkp"), reason="RTKLIB is not installed (apt install rtklib)"),
    pytest.mark.skipif("EYRIE_SAMPLES" not in os.environ, reason="EYRIE_SAMPLES does not name the folder of sample files"),
]
SOLVE_MS = 240_000


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


def test_a_survey_is_solved_and_shown(server, workspace, dock, person):
    api, flight = as_role(server, workspace, "operator"), str(uuid.uuid4())
    pair = pathlib.Path(os.environ["EYRIE_SAMPLES"]) / "ppk/static_pair"
    files = [(name, (pair / name).read_bytes()) for name in ("rover.obs", "base.obs", "base.nav")]
    seconds = (10.0, 30.0)
    files.append(("DJI_202406241020_001_Timestamp.MRK", "".join(mrk_line(n, FIRST_TOW_S + s, (0, 0, 500)) for n, s in enumerate(seconds, 1)).encode()))
    photos = [(f"DJI_202406241020{round(s):02}_{n:04}_V.JPG", b"\xff\xd8\xff\xd9" + bytes([n]), int(s) + 12) for n, s in enumerate(seconds, 1)]
    send(dock, flight, files + photos)
    media = read(api, flight, len(files) + len(photos))

    admin = person(size=DESK).log_in()
    page = admin.open(f"/w/{workspace['name']}/flights/{flight}")
    survey = page.get_by_role("region", name="Survey files (PPK)")
    expect(survey).to_contain_text("2 files missing")
    survey.get_by_label("Base").select_option(value=media["base.obs"]["id"])
    survey.get_by_role("button", name="Solve").click()
    expect(survey.locator(".solved")).to_contain_text("100 % fixed", timeout=SOLVE_MS)
    expect(survey.locator(".solved")).to_contain_text("(301 of 301 epochs)")
    expect(survey.locator(".solved")).to_contain_text("2 of 2 exposures have a place, 2 of them fixed")
    with page.expect_download() as download:
        survey.locator(".solved").get_by_role("link", name="CSV").click()
    assert download.value.path().read_text().count("\n") == 3
    assert admin.faults() == []

    page = admin.open(f"/w/{workspace['name']}/media/{media[photos[0][0]]['id']}")
    place = api.get(f"media/{media[photos[0][0]]['id']}").json()["corrected_position"]
    corrected = page.locator(".facts > div", has_text="Corrected position (PPK)")
    expect(corrected).to_contain_text(f"{place['lat']:.8f}, {place['lng']:.8f}")
    expect(corrected).to_contain_text(f"Fixed · {place['ellipsoid_height_m']:.2f} m above the ellipsoid")

    crew = person(size=PHONE, theme="dark").log_in()
    page = crew.open(f"/w/{workspace['name']}/flights/{flight}")
    expect(page.locator(".solved")).to_contain_text("100 % fixed")
    assert crew.faults() == []
