"""Promise 9: secrets stay out of logs, at every level, and out of the data directory."""

import base64
import urllib.parse

import boto3
import pytest
import requests
from botocore.config import Config
from foreign_dock import ForeignDock, NoAnswer

APP_KEY, APP_LICENSE = "app-key-0b7f1d3c", "app-license-55e0c9aa"
PASSWORD = "chosen-administrator-password"
BINDING = "binding code"


@pytest.fixture(scope="module")
def talk(new_server):
    """A whole conversation on a server that logs everything it can: (server, {what: secret})."""
    server = new_server(
        "--log", "trace", EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_CLOUD_API_APP_KEY=APP_KEY, EYRIE_CLOUD_API_APP_LICENSE=APP_LICENSE
    )
    secrets = {"administrator's password": PASSWORD, "app key": APP_KEY, "app license": APP_LICENSE}

    access = server.cli("dock", "add", "--workspace", "default", "--sn", "SECRETDOCK1")
    secrets["dock's password"] = access["password"]
    with ForeignDock(access) as dock:
        dock.request("config", {"config_type": "json", "config_scope": "product"})
        asked = {"device_binding_code": access["binding_code"], "organization_id": access["organization_id"]}
        assert dock.request("airport_organization_get", asked)["result"] == 0
        device = {**asked, "device_callsign": "", "sn": dock.sn, "device_model_key": "3-2-0"}
        assert dock.request("airport_organization_bind", {"bind_devices": [device]})["result"] == 0
        secrets[BINDING] = access["binding_code"]
        secrets["device secret"] = "device-secret-6d0f"
        topology = {"domain": 3, "type": 2, "sub_type": 0, "device_secret": secrets["device secret"], "nonce": "",
                    "thing_version": "1.1.2", "sub_devices": []}
        assert dock.ask("status", "update_topo", topology, root="sys")["data"] == {"result": 0}
        storage = dock.storage()
        credentials = storage["credentials"]
        secrets["dock's S3 secret"] = credentials["access_key_secret"]
        secrets["dock's session token"] = credentials["security_token"]
        answer, key, _ = dock.upload(storage=storage)
        assert answer["result"] == 0
    rotated = server.cli("dock", "rotate", "SECRETDOCK1")
    secrets["dock's new password"] = rotated["password"]
    wrong = {**access, "password": "wrong-password-of-a-dock"}
    secrets["wrong password"] = wrong["password"]
    with pytest.raises(NoAnswer):
        import foreign_dock

        patience, foreign_dock.ANSWER_S = foreign_dock.ANSWER_S, 2
        try:
            refused = ForeignDock(wrong)
            refused.connect()
        finally:
            refused.close()
            foreign_dock.ANSWER_S = patience

    token = server.cli("token", "create", "--workspace", "default", "--role", "admin")["token"]
    secrets["token"] = token
    api = requests.Session()
    api.headers["Authorization"] = f"Bearer {token}"
    media = api.get(f"{server.http_url}/api/v1/workspaces/default/media", timeout=30).json()["items"]
    assert [item["object_key"] for item in media] == [key]
    link = api.get(
        f"{server.http_url}/api/v1/workspaces/default/media/{media[0]['id']}/content", allow_redirects=False, timeout=30
    ).headers["Location"]
    assert requests.get(link, timeout=30).ok
    query = urllib.parse.parse_qs(urllib.parse.urlparse(link).query)
    secrets["signature of a link"] = query["X-Amz-Signature"][0]
    # a signed link that is wrong is refused, and told no more of
    signature = secrets["signature of a link"]
    assert requests.get(link.replace(signature, signature[::-1]), timeout=30).status_code == 403

    session = requests.Session()
    assert session.post(f"{server.http_url}/api/v1/session", json={"name": "admin", "password": PASSWORD}, timeout=30).ok
    secrets.update({f"cookie {cookie.name}": cookie.value for cookie in session.cookies})
    secrets["wrong login"] = "wrong-password-of-a-person"
    login = {"name": "admin", "password": secrets["wrong login"]}
    assert requests.post(f"{server.http_url}/api/v1/session", json=login, timeout=30).status_code == 401
    bad = requests.get(f"{server.http_url}/api/v1/workspaces", headers={"Authorization": "Bearer eyrie_wrong_token_1"}, timeout=30)
    assert bad.status_code == 401
    secrets["wrong token"] = "eyrie_wrong_token_1"

    s3_key = server.cli("s3-key", "create", "--workspace", "default", "--access", "write")
    secrets["operator's S3 secret"] = s3_key["secret_access_key"]
    s3 = boto3.client(
        "s3", endpoint_url=s3_key["endpoint"], region_name=s3_key["region"], aws_access_key_id=s3_key["access_key_id"],
        aws_secret_access_key=s3_key["secret_access_key"], config=Config(s3={"addressing_style": "path"}),
    )
    assert s3.list_objects_v2(Bucket=s3_key["bucket"])["KeyCount"] == 1
    sts = boto3.client(
        "sts", endpoint_url=s3_key["endpoint"], region_name=s3_key["region"], aws_access_key_id=s3_key["access_key_id"],
        aws_secret_access_key=s3_key["secret_access_key"],
    )
    role = sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/anything", RoleSessionName="test")["Credentials"]
    secrets["role's S3 secret"], secrets["role's session token"] = role["SecretAccessKey"], role["SessionToken"]
    person = server.cli("user", "add", "--workspace", "default", "--role", "viewer", "maria")
    secrets["person's password"] = person["password"]
    controller = server.cli("controller", "add", "--workspace", "default", "--sn", "SECRETRC1")
    secrets["controller's password"], secrets["controller's token"] = controller["password"], controller["token"]
    server.restart()
    assert server.stop() == 0
    return server, secrets


def forms(secret):
    """How a secret could be written down."""
    raw = secret.encode()
    return {raw, base64.b64encode(raw).rstrip(b"="), urllib.parse.quote(secret, safe="").encode(), raw.hex().encode(),
            str(list(raw)).strip("[]").encode()}


def test_no_secret_is_in_the_log(talk):
    server, secrets = talk
    log = server.log_path.read_bytes() + server.out_path.read_bytes()
    # the negative control: the log is there and it is talkative
    assert b"DEBUG" in log and b"SECRETDOCK1" in log
    found = [what for what, secret in secrets.items() for form in forms(secret) if form in log]
    assert found == []
    assert b"X-Amz-Signature" not in log and b"AWS4-HMAC-SHA256" not in log


def test_no_secret_is_in_the_data_directory(talk):
    server, secrets = talk
    # told to docks as they are, so they cannot be hashed; they come from the configuration and stay there
    kept = {path: path.read_bytes() for path in server.data.rglob("*") if path.is_file()}
    assert any(b"SECRETDOCK1" in content for content in kept.values())
    # a workspace's binding code is shown with each dock that is added, so it is the one that is kept readable
    hidden = {what: secret for what, secret in secrets.items() if what != BINDING}
    found = [(what, path.name) for what, secret in hidden.items() for path, content in kept.items() if secret.encode() in content]
    assert found == []
