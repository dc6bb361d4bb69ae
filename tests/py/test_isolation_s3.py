"""Isolation of objects as a matrix: every S3 operation that a client can name, on every dock's objects, with every kind of
credential. What is allowed must work and what is not must be refused: a table that allowed nothing would fail too.
"""

import time
import uuid

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import Server
from foreign_dock import ForeignDock, s3_client
from test_isolation import World

BODY = b"body" * 2_000
# a HEAD has no body: the code is then only its status
DENIED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "400", "403"}
# what is offered to nobody, to who sees the bucket
NOT_OFFERED = {"AccessDenied", "NotImplemented", "NoSuchBucketPolicy"}


@pytest.fixture(scope="module")
def world(server):
    return World(server)


class Target:
    """One dock's corner of the store, with an object and an upload under way that its owner made."""

    def __init__(self, storage):
        self.bucket, self.prefix = storage["bucket"], storage["object_key_prefix"]
        self.storage = storage
        self.key = f"{self.prefix}/{uuid.uuid4()}/file.JPG"
        self.s3 = s3_client(storage)
        self.s3.put_object(Bucket=self.bucket, Key=self.key, Body=BODY)
        self.upload_id, self.tag = self.begin()

    def begin(self):
        """A fresh upload with one part, so that an operation that works harms no other row."""
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key=self.key + ".parts")["UploadId"]
        part = self.s3.upload_part(Bucket=self.bucket, Key=self.key + ".parts", UploadId=upload, PartNumber=1, Body=BODY)
        return upload, part["ETag"]

    @property
    def upload(self):
        upload, tag = self.begin()
        return {"Bucket": self.bucket, "Key": self.key + ".parts", "UploadId": upload}, tag


def new(target):
    return {"Bucket": target.bucket, "Key": f"{target.prefix}/new-{uuid.uuid4().hex}"}


def the(target):
    return {"Bucket": target.bucket, "Key": target.key}


def copy_source(target):
    return {"CopySource": {"Bucket": target.bucket, "Key": target.key}}


def delete_objects(s3, target):
    answer = s3.delete_objects(Bucket=target.bucket, Delete={"Objects": [{"Key": victim(target)}]})
    # refused for each key in a 200
    for error in answer.get("Errors", []):
        raise ClientError({"Error": {"Code": error["Code"]}}, "DeleteObjects")


def victim(target):
    key = new(target)["Key"]
    target.s3.put_object(Bucket=target.bucket, Key=key, Body=b"x")
    return key


def complete(s3, target):
    upload, tag = target.upload
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})


# operation: (who may: "dock" below its own prefix, "read" and "write" keys of its workspace; the call)
OPERATIONS = {
    "put_object": ({"dock", "write"}, lambda s3, t: s3.put_object(**new(t), Body=b"x")),
    "put_object_over": ({"dock", "write"}, lambda s3, t: s3.put_object(Bucket=t.bucket, Key=victim(t), Body=b"y")),
    "create_multipart_upload": ({"dock", "write"}, lambda s3, t: s3.create_multipart_upload(**new(t))),
    "upload_part": ({"dock", "write"}, lambda s3, t: s3.upload_part(**t.upload[0], PartNumber=2, Body=b"x")),
    "complete_multipart_upload": ({"dock", "write"}, complete),
    "abort_multipart_upload": ({"dock", "write"}, lambda s3, t: s3.abort_multipart_upload(**t.upload[0])),
    "list_parts": ({"dock", "read", "write"}, lambda s3, t: s3.list_parts(**t.upload[0])),
    "get_object": ({"read", "write"}, lambda s3, t: s3.get_object(**the(t))),
    "get_object_range": ({"read", "write"}, lambda s3, t: s3.get_object(**the(t), Range="bytes=0-1")),
    "head_object": ({"read", "write"}, lambda s3, t: s3.head_object(**the(t))),
    "get_object_attributes": ({"read", "write"}, lambda s3, t: s3.get_object_attributes(**the(t), ObjectAttributes=["ETag"])),
    "get_object_acl": ({"read", "write"}, lambda s3, t: s3.get_object_acl(**the(t))),
    "list_objects": ({"read", "write"}, lambda s3, t: s3.list_objects(Bucket=t.bucket, Prefix=t.prefix)),
    "list_objects_v2": ({"read", "write"}, lambda s3, t: s3.list_objects_v2(Bucket=t.bucket, Prefix=t.prefix)),
    "list_object_versions": ({"read", "write"}, lambda s3, t: s3.list_object_versions(Bucket=t.bucket, Prefix=t.prefix)),
    "list_multipart_uploads": ({"read", "write"}, lambda s3, t: s3.list_multipart_uploads(Bucket=t.bucket, Prefix=t.prefix)),
    "head_bucket": ({"read", "write"}, lambda s3, t: s3.head_bucket(Bucket=t.bucket)),
    "get_bucket_location": ({"read", "write"}, lambda s3, t: s3.get_bucket_location(Bucket=t.bucket)),
    "get_bucket_acl": ({"read", "write"}, lambda s3, t: s3.get_bucket_acl(Bucket=t.bucket)),
    "copy_object": ({"write"}, lambda s3, t: s3.copy_object(**new(t), **copy_source(t))),
    "upload_part_copy": ({"write"}, lambda s3, t: s3.upload_part_copy(**t.upload[0], PartNumber=2, **copy_source(t))),
    "delete_object": ({"write"}, lambda s3, t: s3.delete_object(Bucket=t.bucket, Key=victim(t))),
    "delete_objects": ({"write"}, delete_objects),
    "get_bucket_policy": (set(), lambda s3, t: s3.get_bucket_policy(Bucket=t.bucket)),
    "put_bucket_policy": (set(), lambda s3, t: s3.put_bucket_policy(Bucket=t.bucket, Policy="{}")),
    "put_bucket_versioning": (set(), lambda s3, t: s3.put_bucket_versioning(Bucket=t.bucket, VersioningConfiguration={"Status": "Enabled"})),
    "put_bucket_cors": (set(), lambda s3, t: s3.put_bucket_cors(Bucket=t.bucket, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]})),
    "put_bucket_lifecycle": (set(), lambda s3, t: s3.put_bucket_lifecycle_configuration(Bucket=t.bucket, LifecycleConfiguration={"Rules": []})),
    "delete_bucket": (set(), lambda s3, t: s3.delete_bucket(Bucket=t.bucket)),
    "create_bucket": (set(), lambda s3, t: s3.create_bucket(Bucket=f"eyrie-{uuid.uuid4().hex[:12]}")),
}  # fmt: skip
WRONG = {"tampered", "no_token", "wrong_secret", "foreign_token", "revoked", "anonymous"}


def role(server_storage, credentials, policy=None):
    """A session of an operator's key, by STS."""
    sts = boto3.client(
        "sts", endpoint_url=server_storage["endpoint"], region_name=server_storage["region"],
        aws_access_key_id=credentials["access_key_id"], aws_secret_access_key=credentials["access_key_secret"],
        aws_session_token=credentials["security_token"],
    )  # fmt: skip
    more = {"Policy": policy} if policy else {}
    made = sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/any", RoleSessionName="matrix", **more)["Credentials"]
    return {"access_key_id": made["AccessKeyId"], "access_key_secret": made["SecretAccessKey"], "security_token": made["SessionToken"]}


@pytest.fixture(scope="module")
def targets(world):
    found = {}
    for name in world.dock:
        with ForeignDock(world.dock[name]) as live:
            found[name] = Target(live.storage())
    return found


@pytest.fixture(scope="module")
def who(world, targets):
    """Name: (credentials, what each target grants them)."""
    a1 = targets["a1"].storage
    docks = {name: (target.storage["credentials"], {name: "dock"}) for name, target in targets.items()}
    reach = {"a": ("a1", "a2"), "b": ("b1",)}
    keys = {f"{access}_{ws}": (world.key(ws, access), dict.fromkeys(reach[ws], access)) for ws in "ab" for access in ("read", "write")}
    write_a = keys["write_a"][0]
    below_a1 = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],'
        f'"Resource":"arn:aws:s3:::{a1["bucket"]}/{a1["object_key_prefix"]}/*"}}]}}'
    )
    roles = {
        "role_write_a": (role(a1, write_a), dict.fromkeys(reach["a"], "write")),
        "role_below_a1": (role(a1, write_a, below_a1), {"a1": "policy"}),
    }
    dock = docks["a1"][0]
    revoked = world.key("a", "write")
    world.server.cli("s3-key", "revoke", revoked["access_key_id"])
    wrong = {
        "tampered": {**dock, "security_token": dock["security_token"][:-4] + "AAAA"},
        "no_token": {**dock, "security_token": None},
        "wrong_secret": {**dock, "access_key_secret": "x" * 40},
        "foreign_token": {**dock, "security_token": docks["b1"][0]["security_token"]},
        "revoked": revoked,
        "anonymous": None,
    }
    return {**docks, **keys, **roles, **{name: (credentials, {}) for name, credentials in wrong.items()}}


# what the policy of `role_below_a1` leaves of a write key
POLICY = {
    "put_object", "put_object_over", "create_multipart_upload", "upload_part", "complete_multipart_upload", "get_object",
    "get_object_range", "head_object", "copy_object", "upload_part_copy",
}  # fmt: skip
NAMES = [
    "a1", "a2", "b1", "read_a", "write_a", "read_b", "write_b", "role_write_a", "role_below_a1", "tampered", "no_token",
    "wrong_secret", "foreign_token", "revoked", "anonymous",
]  # fmt: skip


def client(storage, credentials):
    if credentials is not None:
        return s3_client({**storage, "credentials": credentials})
    return boto3.client("s3", endpoint_url=storage["endpoint"], region_name=storage["region"],
                        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, retries={"max_attempts": 1}))


@pytest.mark.parametrize("name", NAMES)
def test_each_operation_does_what_is_granted_and_nothing_else(targets, who, name):
    assert set(who) == set(NAMES), "each credential has a row"
    credentials, grants = who[name]
    s3 = client(targets["a1"].storage, credentials)
    worked = 0
    for target_name, target in targets.items():
        granted = grants.get(target_name)
        for operation, (may, call) in OPERATIONS.items():
            row = (name, operation, target_name)
            if granted in may or (granted == "policy" and operation in POLICY):
                call(s3, target)
                worked += 1
                continue
            with pytest.raises(ClientError) as error:
                call(s3, target)
            code = error.value.response["Error"]["Code"]
            sees = granted in ("read", "write")
            assert code in (NOT_OFFERED if sees and not may else DENIED), (*row, code)
    assert (worked > 0) == (name not in WRONG)
    for target in targets.values():
        assert target_body(who, target) == BODY, "what was there is as it was"


def target_body(who, target):
    for name in ("read_a", "read_b"):
        try:
            return client(target.storage, who[name][0]).get_object(Bucket=target.bucket, Key=target.key)["Body"].read()
        except ClientError:
            continue
    return None


@pytest.mark.parametrize("name", ["read_a", "write_a", "read_b"])
def test_a_key_lists_its_own_bucket_alone(targets, who, name):
    listed = client(targets["a1"].storage, who[name][0]).list_buckets()["Buckets"]
    own = targets["a1" if name.endswith("a") else "b1"].bucket
    assert [bucket["Name"] for bucket in listed] == [own]


@pytest.mark.parametrize("name", ["a1", "tampered", "anonymous", "revoked"])
def test_who_may_not_list_buckets(targets, who, name):
    with pytest.raises(ClientError) as error:
        client(targets["a1"].storage, who[name][0]).list_buckets()
    assert error.value.response["Error"]["Code"] in DENIED


@pytest.mark.parametrize("name", ["a1", "tampered", "wrong_secret", "revoked", "role_below_a1"])
def test_sts_gives_sessions_to_operators_keys_alone(targets, who, name):
    with pytest.raises(ClientError) as error:
        role(targets["a1"].storage, who[name][0])
    assert error.value.response["Error"]["Code"] in DENIED | {"InvalidClientTokenId"}


def test_an_expired_session_is_worth_nothing(tmp_path):
    """Sessions of seconds, so that the test sees one end."""
    lifetime_s = 3
    server = Server(tmp_path / "data", env={"EYRIE_S3_CREDENTIALS_LIFETIME": f"{lifetime_s} s"}).start()
    try:
        with ForeignDock(server.cli("dock", "add", "--workspace", "default", "--sn", "EXPIRES01")) as live:
            # `storage()` insists on the 900 s that a dock may count on
            storage = live.request("storage_config_get", {"module": 0})["output"]
            assert storage["credentials"]["expire"] == lifetime_s
            began = time.monotonic()
            s3 = s3_client(storage)
            key = f"{storage['object_key_prefix']}/a.JPG"
            s3.put_object(Bucket=storage["bucket"], Key=key, Body=b"in time")
            refused = None
            while refused is None and time.monotonic() < began + lifetime_s + 10:
                try:
                    s3.put_object(Bucket=storage["bucket"], Key=key, Body=b"still")
                    time.sleep(0.1)
                except ClientError as error:
                    refused = error.response["Error"]["Code"]
            assert refused == "ExpiredToken"
            assert time.monotonic() - began >= lifetime_s
            renewed = live.request("storage_config_get", {"module": 0})["output"]
            s3_client(renewed).put_object(Bucket=storage["bucket"], Key=key, Body=b"renewed")
    finally:
        server.kill9()
