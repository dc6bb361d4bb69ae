"""S3 and STS, judged by clients that others wrote and by requests made by hand."""

import base64
import concurrent.futures
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import uuid
import xml.etree.ElementTree

import boto3
import minio
import pytest
import requests
from botocore.client import Config
from botocore.exceptions import ClientError
from foreign_dock import ForeignDock
from s3_wire import EMPTY, Access, Wire, crc32, quote, transmit

MIB = 1024 * 1024
UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
CHECKSUMS = ["CRC32", "SHA1", "SHA256"]


def operator_key(server, access, workspace="default"):
    key = server.cli("s3-key", "create", "--workspace", workspace, "--access", access)
    return Access(server.s3_url, key["access_key_id"], key["secret_access_key"], key["bucket"], region=key["region"])


@pytest.fixture(scope="module")
def writer(server):
    return operator_key(server, "write")


@pytest.fixture(scope="module")
def reader(server):
    return operator_key(server, "read")


@pytest.fixture(scope="module")
def session(server):
    """A dock's session: (access, prefix)."""
    dock = server.cli("dock", "add", "--workspace", "default", "--sn", f"PYDOCK{uuid.uuid4().hex[:8].upper()}")
    with ForeignDock(dock) as foreign:
        storage = foreign.storage()
    credentials = storage["credentials"]
    access = Access(
        storage["endpoint"],
        credentials["access_key_id"],
        credentials["access_key_secret"],
        storage["bucket"],
        credentials["security_token"],
        storage["region"],
    )
    return access, storage["object_key_prefix"]


def boto(access, service="s3", **config):
    return boto3.client(
        service,
        endpoint_url=access.url,
        region_name=access.region,
        aws_access_key_id=access.key,
        aws_secret_access_key=access.secret,
        aws_session_token=access.token,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path", **config.pop("s3", {})}, **config),
    )


@pytest.fixture(scope="module")
def s3(writer):
    return boto(writer)


@pytest.fixture
def key():
    return f"t/{uuid.uuid4().hex}"


def code_of(call, **arguments):
    """The error code of a refused call."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def stored(access, key):
    """The object's bytes, or None."""
    try:
        return boto(access).get_object(Bucket=access.bucket, Key=key)["Body"].read()
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("NoSuchKey", "404")
        return None


# clients


@pytest.mark.parametrize("signing", ["signed", "unsigned"])
def test_boto3_round_trip(writer, key, signing):
    s3 = boto(writer, s3={"payload_signing_enabled": signing == "signed"})
    body = os.urandom(MIB + 7)
    put = s3.put_object(Bucket=writer.bucket, Key=key, Body=body, ContentType="image/jpeg", Metadata={"flight": "7"}, CacheControl="no-cache")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=writer.bucket, Key=key, ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    assert got["ContentType"] == "image/jpeg" and got["Metadata"] == {"flight": "7"} and got["CacheControl"] == "no-cache"
    assert got["ChecksumCRC32"] == crc32(body) and got["AcceptRanges"] == "bytes"
    head = s3.head_object(Bucket=writer.bucket, Key=key)
    assert head["ContentLength"] == len(body) and "ContentEncoding" not in head and "ChecksumCRC32" not in head
    listed = s3.list_objects_v2(Bucket=writer.bucket, Prefix=key)["Contents"]
    assert [(item["Key"], item["Size"], item["ETag"]) for item in listed] == [(key, len(body), put["ETag"])]
    assert s3.delete_object(Bucket=writer.bucket, Key=key)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert stored(writer, key) is None


@pytest.mark.parametrize("algorithm", CHECKSUMS)
def test_boto3_multipart_with_checksums(s3, writer, key, algorithm):
    upload = s3.create_multipart_upload(Bucket=writer.bucket, Key=key, ChecksumAlgorithm=algorithm, Metadata={"a": "b"})["UploadId"]
    bodies = [os.urandom(5 * MIB), os.urandom(5 * MIB), os.urandom(3)]
    where = {"Bucket": writer.bucket, "Key": key, "UploadId": upload}
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(**where, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)
        parts.append({"PartNumber": number, "ETag": part["ETag"], f"Checksum{algorithm}": part[f"Checksum{algorithm}"]})
    listed = s3.list_parts(**where)["Parts"]
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in listed] == [(part["PartNumber"], len(body), part["ETag"]) for part, body in zip(parts, bodies)]
    uploads = s3.list_multipart_uploads(Bucket=writer.bucket, Prefix=key)["Uploads"]
    assert [(item["Key"], item["UploadId"]) for item in uploads] == [(key, upload)]
    assert stored(writer, key) is None
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    md5 = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest()
    assert done["ETag"] == f'"{md5}-3"' and done["ChecksumType"] == "COMPOSITE"
    assert done[f"Checksum{algorithm}"].endswith("-3")
    assert stored(writer, key) == b"".join(bodies)
    assert s3.head_object(Bucket=writer.bucket, Key=key)["Metadata"] == {"a": "b"}
    part = s3.get_object(Bucket=writer.bucket, Key=key, PartNumber=3)
    assert part["Body"].read() == bodies[2] and part["PartsCount"] == 3
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=writer.bucket, Prefix=key)


def test_boto3_aborts_a_multipart_upload(s3, writer, key):
    upload = s3.create_multipart_upload(Bucket=writer.bucket, Key=key)["UploadId"]
    where = {"Bucket": writer.bucket, "Key": key, "UploadId": upload}
    s3.upload_part(**where, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(**where)
    assert code_of(s3.upload_part, **where, PartNumber=2, Body=b"x") == "NoSuchUpload"
    assert code_of(s3.list_parts, **where) == "NoSuchUpload"
    assert stored(writer, key) is None


def test_boto3_copies(s3, writer, key):
    body = os.urandom(6 * MIB)
    s3.put_object(Bucket=writer.bucket, Key=key, Body=body, Metadata={"a": "1"}, ContentType="text/plain")
    source = {"Bucket": writer.bucket, "Key": key}
    copied = s3.copy_object(Bucket=writer.bucket, Key=f"{key} ä", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert s3.head_object(Bucket=writer.bucket, Key=f"{key} ä")["Metadata"] == {"a": "1"}
    s3.copy_object(Bucket=writer.bucket, Key=key, CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"})
    head = s3.head_object(Bucket=writer.bucket, Key=key)
    assert head["Metadata"] == {"b": "2"} and head["ContentType"] == "binary/octet-stream"
    assert code_of(s3.copy_object, Bucket=writer.bucket, Key=key, CopySource=source) == "InvalidRequest"
    other = {"Bucket": "ws-of-another", "Key": key}
    assert code_of(s3.copy_object, Bucket=writer.bucket, Key="t/stolen", CopySource=other) == "AccessDenied"
    never = {"CopySourceIfMatch": '"00"'}
    assert code_of(s3.copy_object, Bucket=writer.bucket, Key="t/never", CopySource=source, **never) == "PreconditionFailed"
    upload = s3.create_multipart_upload(Bucket=writer.bucket, Key=f"{key}.parts")["UploadId"]
    where = {"Bucket": writer.bucket, "Key": f"{key}.parts", "UploadId": upload}
    ranges = [f"bytes=0-{5 * MIB - 1}", f"bytes={5 * MIB}-{len(body) - 1}"]
    parts = []
    for number, span in enumerate(ranges, 1):
        part = s3.upload_part_copy(**where, PartNumber=number, CopySource=source, CopySourceRange=span)
        parts.append({"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert stored(writer, f"{key}.parts") == body


def test_reads_by_range_and_condition(s3, writer, key):
    etag = s3.put_object(Bucket=writer.bucket, Key=key, Body=b"0123456789")["ETag"]
    where = {"Bucket": writer.bucket, "Key": key}
    for span, expected in [("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-3", b"789"), ("bytes=5-99", b"56789")]:
        got = s3.get_object(**where, Range=span)
        assert got["Body"].read() == expected and got["ResponseMetadata"]["HTTPStatusCode"] == 206
        start = b"0123456789".index(expected)
        assert got["ContentRange"] == f"bytes {start}-{start + len(expected) - 1}/10"
    assert code_of(s3.get_object, **where, Range="bytes=10-") == "InvalidRange"
    modified = s3.head_object(**where)["LastModified"]
    assert code_of(s3.get_object, **where, IfNoneMatch=etag) == "304"
    assert code_of(s3.get_object, **where, IfModifiedSince=modified) == "304"
    assert code_of(s3.get_object, **where, IfMatch='"00"') == "PreconditionFailed"
    assert code_of(s3.get_object, **where, IfUnmodifiedSince=modified.replace(year=2020)) == "PreconditionFailed"
    assert s3.get_object(**where, IfMatch=etag, IfUnmodifiedSince=modified.replace(year=2020))["Body"].read() == b"0123456789"
    got = s3.get_object(**where, ResponseContentType="a/b", ResponseContentDisposition='attachment; filename="ü"'.encode("ascii", "replace").decode())
    assert got["ContentType"] == "a/b"


def test_a_range_that_cannot_be_answered_is_the_whole(s3, writer, key):
    """RFC 9110: several ranges (S3 answers one), another unit, a range of another version."""
    etag = s3.put_object(Bucket=writer.bucket, Key=key, Body=b"0123456789")["ETag"]
    url = s3.generate_presigned_url("get_object", {"Bucket": writer.bucket, "Key": key})
    get = lambda **headers: requests.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=30)
    for span in ("bytes=0-1,5-6", "bytes=5-2", "items=0-1", "bytes=", "0-1"):
        whole = get(range=span)
        assert (whole.status_code, whole.content) == (200, b"0123456789"), span
    modified = get().headers["last-modified"]
    for known, status in ((etag, 206), (modified, 206), ('"another"', 200), (f"W/{etag}", 200), ("Mon, 01 Jan 2001 00:00:00 GMT", 200)):
        assert get(range="bytes=3-", if_range=known).status_code == status, known
    beyond = get(range="bytes=10-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10")


def test_writes_by_condition(s3, writer, key):
    where = {"Bucket": writer.bucket, "Key": key}
    assert code_of(s3.put_object, **where, Body=b"x", IfMatch='"00"') == "NoSuchKey"
    etag = s3.put_object(**where, Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(s3.put_object, **where, Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(**where, Body=b"3", IfMatch=etag)
    assert code_of(s3.put_object, **where, Body=b"4", IfMatch=etag) == "PreconditionFailed"
    assert stored(writer, key) == b"3"


def test_copies_by_condition(s3, writer, key):
    where, source = {"Bucket": writer.bucket, "Key": key}, {"Bucket": writer.bucket, "Key": f"{key}.source"}
    s3.put_object(**source, Body=b"new")
    assert code_of(s3.copy_object, **where, CopySource=source, IfMatch='"00"') == "NoSuchKey"
    etag = s3.copy_object(**where, CopySource=source, IfNoneMatch="*")["CopyObjectResult"]["ETag"]
    s3.put_object(**source, Body=b"newer")
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"00"'}):
        assert code_of(s3.copy_object, **where, CopySource=source, **condition) == "PreconditionFailed"
    assert stored(writer, key) == b"new"
    s3.copy_object(**where, CopySource=source, IfMatch=etag)
    assert stored(writer, key) == b"newer"


def test_an_access_control_list_comes_back_as_it_was_read(s3, writer, key):
    """What s3cmd does with each copy."""
    s3.put_object(Bucket=writer.bucket, Key=key, Body=b"x")
    read = s3.get_object_acl(Bucket=writer.bucket, Key=key)
    policy = {"Owner": read["Owner"], "Grants": read["Grants"]}
    s3.put_object_acl(Bucket=writer.bucket, Key=key, AccessControlPolicy=policy)
    everyone = {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}
    wider = {**policy, "Grants": [*policy["Grants"], everyone]}
    assert code_of(s3.put_object_acl, Bucket=writer.bucket, Key=key, AccessControlPolicy=wider) == "AccessControlListNotSupported"


def test_lists_in_pages(s3, writer):
    folder = f"l-{uuid.uuid4().hex[:8]}"
    names = ["a b", "a/1", "a/2", "b+c", "b&<>", "c%2F", "d/ä", "e"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: s3.put_object(Bucket=writer.bucket, Key=f"{folder}/{name}", Body=b""), names))
    expected = sorted((f"{folder}/{name}" for name in names), key=str.encode)
    for operation in ("list_objects", "list_objects_v2"):
        pages = list(s3.get_paginator(operation).paginate(Bucket=writer.bucket, Prefix=f"{folder}/", PaginationConfig={"PageSize": 3}))
        assert [len(page["Contents"]) for page in pages] == [3, 3, 2]
        assert [item["Key"] for page in pages for item in page["Contents"]] == expected
        page = getattr(s3, operation)(Bucket=writer.bucket, Prefix=f"{folder}/", Delimiter="/")
        assert [item["Prefix"] for item in page["CommonPrefixes"]] == [f"{folder}/a/", f"{folder}/d/"]
        assert len(page["Contents"]) == 5
        none = getattr(s3, operation)(Bucket=writer.bucket, Prefix=f"{folder}/", MaxKeys=0)
        assert "Contents" not in none and none["IsTruncated"] is False
        assert len(getattr(s3, operation)(Bucket=writer.bucket, Prefix=f"{folder}/", Delimiter="")["Contents"]) == len(names)
    after = s3.list_objects_v2(Bucket=writer.bucket, Prefix=f"{folder}/", StartAfter=expected[5], FetchOwner=True)["Contents"]
    assert [item["Key"] for item in after] == expected[6:] and all("Owner" in item for item in after)
    deleted = s3.delete_objects(Bucket=writer.bucket, Delete={"Objects": [{"Key": name} for name in expected] + [{"Key": f"{folder}/none"}]})
    assert len(deleted["Deleted"]) == len(names) + 1 and "Errors" not in deleted
    assert s3.list_objects_v2(Bucket=writer.bucket, Prefix=f"{folder}/")["KeyCount"] == 0


def test_what_clients_ask_of_a_bucket_first(s3, writer):
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [writer.bucket]
    s3.head_bucket(Bucket=writer.bucket)
    assert s3.get_bucket_location(Bucket=writer.bucket)["LocationConstraint"] in (None, writer.region)
    assert "Status" not in s3.get_bucket_versioning(Bucket=writer.bucket)
    s3.create_bucket(Bucket=writer.bucket)
    assert code_of(s3.create_bucket, Bucket="another-one") == "AccessDenied"
    assert code_of(s3.delete_bucket, Bucket=writer.bucket) == "AccessDenied"
    assert code_of(s3.head_bucket, Bucket="another-one") == "403"


def test_minio_round_trip(writer, key, tmp_path):
    client = minio.Minio(writer.authority, writer.key, writer.secret, secure=False, region=writer.region)
    body = os.urandom(11 * MIB)
    client.put_object(writer.bucket, key, io.BytesIO(body), len(body), part_size=5 * MIB, metadata={"x": "y"})
    assert client.get_object(writer.bucket, key).read() == body
    small = tmp_path / "small"
    small.write_bytes(b"small")
    client.fput_object(writer.bucket, f"{key}/small ä", str(small))
    assert client.stat_object(writer.bucket, f"{key}/small ä").size == 5
    assert {item.object_name for item in client.list_objects(writer.bucket, prefix=key, recursive=True)} == {key, f"{key}/small ä"}
    client.remove_object(writer.bucket, key)
    assert client.bucket_exists(writer.bucket)
    with pytest.raises(minio.error.S3Error, match="NoSuchKey"):
        client.stat_object(writer.bucket, key)


# a certificate bundle for the outside world is not for a server on loopback, and some tools fail on it
TOOL_ENV = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}


def run(*command, env=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, env={**TOOL_ENV, **(env or {})})
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def tool(name):
    beside = pathlib.Path(os.sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    return found or pytest.skip(f"{name} is not installed")


@pytest.fixture
def tree(tmp_path):
    """Files as a person has them, one large enough for a multipart upload."""
    folder = tmp_path / "tree"
    for name, body in {"a.txt": b"a", "sub/ä b.jpg": os.urandom(70_000), "sub/empty": b"", "large.bin": os.urandom(21 * MIB)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def same(one, other):
    files = lambda root: {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return files(one) == files(other)


def test_aws_cli_round_trip(writer, key, tree, tmp_path):
    aws = tool("aws")
    env = {"AWS_ACCESS_KEY_ID": writer.key, "AWS_SECRET_ACCESS_KEY": writer.secret, "AWS_DEFAULT_REGION": writer.region, "AWS_EC2_METADATA_DISABLED": "true"}
    at = lambda *words: run(aws, "--endpoint-url", writer.url, "s3", *words, env=env)
    at("sync", tree, f"s3://{writer.bucket}/{key}")
    at("sync", f"s3://{writer.bucket}/{key}", tmp_path / "back")
    assert same(tree, tmp_path / "back")
    assert "sub/" in at("ls", f"s3://{writer.bucket}/{key}/")
    at("mv", f"s3://{writer.bucket}/{key}/large.bin", f"s3://{writer.bucket}/{key}/moved.bin")
    at("rm", "--recursive", f"s3://{writer.bucket}/{key}")
    assert boto(writer).list_objects_v2(Bucket=writer.bucket, Prefix=key)["KeyCount"] == 0


def test_rclone_round_trip(writer, key, tree, tmp_path):
    rclone = tool("rclone")
    env = {f"RCLONE_CONFIG_E_{name}": value for name, value in {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": writer.url, "ACCESS_KEY_ID": writer.key, "SECRET_ACCESS_KEY": writer.secret, "REGION": writer.region}.items()}
    env["RCLONE_CONFIG"] = str(tmp_path / "none.conf")
    there = f"E:{writer.bucket}/{key}"
    run(rclone, "copy", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", tree, there, env=env)
    assert "0 differences found" in run(rclone, "check", "--download", tree, there, env=env)
    assert "0 differences found" in run(rclone, "check", tree, there, env=env)
    run(rclone, "copy", there, tmp_path / "back", env=env)
    assert same(tree, tmp_path / "back")
    run("sh", "-c", f"cat {tree}/a.txt | {rclone} rcat {there}/stream", env=env)
    run(rclone, "purge", there, env=env)
    assert boto(writer).list_objects_v2(Bucket=writer.bucket, Prefix=key)["KeyCount"] == 0


def test_s3cmd_round_trip(writer, key, tree, tmp_path):
    s3cmd = tool("s3cmd")
    config = tmp_path / "s3cfg"
    config.write_text(
        f"[default]\naccess_key = {writer.key}\nsecret_key = {writer.secret}\nhost_base = {writer.authority}\n"
        f"host_bucket = {writer.authority}\nbucket_location = {writer.region}\nuse_https = False\nmultipart_chunk_size_mb = 5\n"
    )
    at = lambda *words: run(s3cmd, "-c", config, "--no-progress", *words)
    there = f"s3://{writer.bucket}/{key}"
    at("sync", f"{tree}/", f"{there}/")
    (tmp_path / "back").mkdir()
    at("sync", f"{there}/", f"{tmp_path / 'back'}/")
    assert same(tree, tmp_path / "back")
    assert "large.bin" in at("ls", "--recursive", f"{there}/")
    at("cp", f"{there}/large.bin", f"{there}/copied.bin")
    at("mv", f"{there}/copied.bin", f"{there}/moved.bin")
    at("info", f"s3://{writer.bucket}")
    at("info", f"{there}/moved.bin")
    at("del", "--recursive", "--force", f"{there}/")
    assert boto(writer).list_objects_v2(Bucket=writer.bucket, Prefix=key)["KeyCount"] == 0


# bodies


BODY = bytes(range(256)) * 700


@pytest.mark.parametrize("form, trailers", [(SIGNED_CHUNKS, {}), (SIGNED_TRAILER, {"x-amz-checksum-crc32": crc32(BODY)}), (UNSIGNED_TRAILER, {"x-amz-checksum-crc32": crc32(BODY)})])
@pytest.mark.parametrize("chunk", [8192, 65537, len(BODY)])
def test_every_chunked_form_is_taken(writer, key, form, trailers, chunk):
    answer = Wire(writer).put_chunked(key, BODY, form, chunk, trailers, headers={"content-encoding": "aws-chunked,gzip"})
    assert answer.status == 200, answer.body
    assert stored(writer, key) == BODY
    assert boto(writer).head_object(Bucket=writer.bucket, Key=key)["ContentEncoding"] == "gzip"


def test_an_unsigned_chunk_may_be_as_long_as_the_body(writer, key):
    body = os.urandom(33 * MIB)
    answer = Wire(writer).put_chunked(key, body, UNSIGNED_TRAILER, len(body), {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(body).digest()).decode()})
    assert answer.status == 200, answer.body
    assert stored(writer, key) == body


def test_a_signed_chunk_has_a_limit(writer, key):
    answer = Wire(writer).put_chunked(key, os.urandom(40 * MIB), SIGNED_CHUNKS, 40 * MIB)
    assert (answer.status, answer.code) == (400, "InvalidChunkSizeError")
    assert stored(writer, key) is None


def md5_of(body):
    return base64.b64encode(hashlib.md5(body).digest()).decode()


WRONG = {
    "Content-MD5": (lambda wire, key: wire.send("PUT", key, BODY, headers={"content-md5": md5_of(b"other")}), 400, "BadDigest"),
    "a malformed Content-MD5": (lambda wire, key: wire.send("PUT", key, BODY, headers={"content-md5": "x"}), 400, "InvalidDigest"),
    "SHA-256 of the payload": (lambda wire, key: wire.send("PUT", key, BODY, sent=b"!" + BODY[1:]), 400, "XAmzContentSHA256Mismatch"),
    "a CRC32 header": (lambda wire, key: wire.send("PUT", key, BODY, headers={"x-amz-checksum-crc32": crc32(b"other")}), 400, "BadDigest"),
    "a CRC64NVME header": (lambda wire, key: wire.send("PUT", key, BODY, headers={"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}), 400, "BadDigest"),
    "a CRC32C header": (lambda wire, key: wire.send("PUT", key, BODY, headers={"x-amz-checksum-crc32c": "AAAAAA=="}), 400, "BadDigest"),
    "a SHA1 header": (lambda wire, key: wire.send("PUT", key, BODY, headers={"x-amz-checksum-sha1": "A" * 27 + "="}), 400, "BadDigest"),
    "a SHA256 header, unsigned": (lambda wire, key: wire.send("PUT", key, BODY, headers={"x-amz-checksum-sha256": "A" * 43 + "="}, payload=UNSIGNED), 400, "BadDigest"),
    "a CRC32 trailer": (lambda wire, key: wire.put_chunked(key, BODY, UNSIGNED_TRAILER, trailers={"x-amz-checksum-crc32": crc32(b"other")}), 400, "BadDigest"),
    "a signed CRC32 trailer": (lambda wire, key: wire.put_chunked(key, BODY, SIGNED_TRAILER, trailers={"x-amz-checksum-crc32": crc32(b"other")}), 400, "BadDigest"),
    "a trailer that does not come": (lambda wire, key: wire.put_chunked(key, BODY, UNSIGNED_TRAILER, announced=["x-amz-checksum-crc32"]), 400, "MalformedTrailerError"),
    "a trailer that is not known": (lambda wire, key: wire.put_chunked(key, BODY, UNSIGNED_TRAILER, trailers={"x-amz-checksum-md9": "AAAA"}), 400, "InvalidRequest"),
    "a changed byte in a signed chunk": (lambda wire, key: wire.put_chunked(key, BODY, SIGNED_CHUNKS, spoil=lambda framed: framed.replace(b"\x41\x42\x43", b"\x41\x42\x44", 1)), 403, "SignatureDoesNotMatch"),
    "a changed trailer signature": (lambda wire, key: wire.put_chunked(key, BODY, SIGNED_TRAILER, trailers={"x-amz-checksum-crc32": crc32(BODY)}, spoil=lambda framed: re.sub(rb"(trailer-signature:)....", rb"\g<1>0000", framed)), 403, "SignatureDoesNotMatch"),
    "a last chunk that is missing": (lambda wire, key: wire.put_chunked(key, BODY, UNSIGNED_TRAILER, trailers={"x-amz-checksum-crc32": crc32(BODY)}, spoil=lambda framed: framed[: framed.rindex(b"\r\n0\r\n") + 2]), 400, "MalformedTrailerError"),
    "signed chunks cut at a border": (lambda wire, key: wire.put_chunked(key, BODY, SIGNED_CHUNKS, spoil=lambda framed: framed[: framed.index(b"\r\n10000;", 20) + 2] if b"\r\n10000;" in framed[20:] else framed[:100]), 400, "IncompleteBody"),
    "a chunk cut short": (lambda wire, key: wire.put_chunked(key, BODY, SIGNED_CHUNKS, spoil=lambda framed: framed[:70_000]), 400, "IncompleteBody"),
    "a decoded length too long": (lambda wire, key: wire.put_chunked(key, BODY, UNSIGNED_TRAILER, length=len(BODY) + 1, trailers={"x-amz-checksum-crc32": crc32(BODY)}), 400, "IncompleteBody"),
    "a decoded length too short": (lambda wire, key: wire.put_chunked(key, BODY, SIGNED_CHUNKS, length=len(BODY) - 1), 400, "IncompleteBody"),
    "framing that is none": (lambda wire, key: wire.put_chunked(key, BODY, UNSIGNED_TRAILER, spoil=lambda framed: b"zz" + framed), 400, "InvalidRequest"),
    "a length over the limit": (lambda wire, key: wire.send("PUT", key, b"", headers={"x-amz-decoded-content-length": str(1 << 50)}), 400, "EntityTooLarge"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_body_is_refused_and_leaves_nothing(writer, key, what):
    send, status, code = WRONG[what]
    answer = send(Wire(writer), key)
    assert (answer.status, answer.code) == (status, code), answer.body
    assert stored(writer, key) is None


@pytest.mark.parametrize("what", ["Content-MD5", "a CRC32 trailer", "a chunk cut short"])
def test_a_wrong_body_leaves_what_was_there(writer, key, what):
    boto(writer).put_object(Bucket=writer.bucket, Key=key, Body=b"before")
    WRONG[what][0](Wire(writer), key)
    assert stored(writer, key) == b"before"


def test_a_body_that_ends_early_leaves_nothing(writer, key):
    path = f"/{writer.bucket}/{key}"
    headers, _ = Wire(writer).signed_headers("PUT", path, [], {}, UNSIGNED)
    head = f"PUT {path} HTTP/1.1\r\ncontent-length: 1000000\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    host, port = writer.authority.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"x" * 500_000)
    time.sleep(0.2)
    assert stored(writer, key) is None


def test_a_refusal_is_read_by_a_client_that_sends_its_whole_body_first(writer):
    answer = Wire(writer).send("PUT", "x", os.urandom(20 * MIB), path="/another-bucket/x", payload=UNSIGNED)
    assert (answer.status, answer.code) == (403, "AccessDenied")


# signatures


def test_wrong_signers_are_refused(writer, key):
    stranger = Access(writer.url, "EYRIE222222222222222", "x" * 40, writer.bucket)
    assert Wire(stranger).send("GET", key).code == "InvalidAccessKeyId"
    liar = Access(writer.url, writer.key, "x" * 40, writer.bucket)
    assert Wire(liar).send("GET", key).code == "SignatureDoesNotMatch"
    assert Wire(writer, skew_s=-1000).send("GET", key).code == "RequestTimeTooSkewed"
    assert Wire(writer, skew_s=1000).send("GET", key).code == "RequestTimeTooSkewed"
    assert Wire(writer, skew_s=600).send("GET", key).code == "NoSuchKey"
    assert transmit(writer, "GET", f"/{writer.bucket}/{key}").code == "AccessDenied"
    assert transmit(writer, "GET", "/").code == "AccessDenied"
    old = transmit(writer, "GET", f"/{writer.bucket}/{key}", headers={"authorization": f"AWS {writer.key}:AAAA", "date": "x"})
    assert (old.status, old.code) == (400, "InvalidRequest")
    for expires, code in [("9999999999", "AuthorizationQueryParametersError"), (str(int(time.time()) + 60), "SignatureDoesNotMatch"), ("1", "AccessDenied")]:
        assert transmit(writer, "GET", f"/{writer.bucket}/{key}", query=[("AWSAccessKeyId", writer.key), ("Signature", "x"), ("Expires", expires)]).code == code


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls(writer, reader, key, version):
    sign = lambda access: boto(access, signature_version=version)
    put = requests.put(sign(writer).generate_presigned_url("put_object", {"Bucket": writer.bucket, "Key": key}), b"x", timeout=30)
    assert put.status_code == 200, put.text
    url = sign(reader).generate_presigned_url("get_object", {"Bucket": writer.bucket, "Key": key, "ResponseContentType": "a/b"})
    got = requests.get(url, timeout=30)
    assert (got.content, got.headers["Content-Type"]) == (b"x", "a/b")
    right = re.search("Signature=(..)", url)[1]
    wrong = url.replace(f"Signature={right}", "Signature=" + ("00" if right != "00" else "11"))
    assert requests.get(wrong, timeout=30).status_code == 403
    assert requests.put(url, b"y", timeout=30).status_code == 403
    denied = sign(reader).generate_presigned_url("put_object", {"Bucket": writer.bucket, "Key": key})
    assert requests.put(denied, b"y", timeout=30).status_code == 403
    assert requests.get(sign(reader).generate_presigned_url("get_object", {"Bucket": writer.bucket, "Key": key}, ExpiresIn=8 * 24 * 3600), timeout=30).status_code == 403


def test_presigned_urls_end_exactly(writer, key):
    boto(writer).put_object(Bucket=writer.bucket, Key=key, Body=b"x")
    week = 7 * 24 * 3600
    assert transmit(writer, "GET", Wire(writer).presigned("GET", key, week)).status == 200
    assert transmit(writer, "GET", Wire(writer).presigned("GET", key, week + 1)).code == "AuthorizationQueryParametersError"
    assert transmit(writer, "GET", Wire(writer, skew_s=-10).presigned("GET", key, 11 + 5)).status == 200
    assert transmit(writer, "GET", Wire(writer, skew_s=-10).presigned("GET", key, 9)).status == 403


def test_hostile_keys_are_stored_under_their_name_or_refused(writer):
    s3 = boto(writer)
    folder = f"h-{uuid.uuid4().hex[:8]}"
    names = ["..", "../../etc/passwd", "a//b", "a/./b", "a/../b", ".", "%2e%2e/x", "ä/ü", "x" * 900, "a/" * 400 + "b", "\u202e", "a\nb", " ", "a?b#c", "con", "a\\b", "~", "a%00b"]
    kept = []
    for name in names:
        key = f"{folder}/{name}"
        answer = Wire(writer).send("PUT", key, name.encode())
        if answer.status == 200:
            kept.append(key)
            assert Wire(writer).send("GET", key).body == name.encode(), name
        else:
            assert answer.status == 400 and answer.code in ("InvalidURI", "KeyTooLongError"), (name, answer)
    assert len(kept) >= len(names) - 2
    assert Wire(writer).send("PUT", "x" * 1025, b"").code == "KeyTooLongError"
    for control in ("\0", "\x01", "\x1b", "\ufffe"):
        for operation in ({"method": "PUT"}, {"method": "POST", "query": [("uploads", "")]}):
            refused = Wire(writer).send(key=f"{folder}/a{control}b", **operation)
            assert (refused.status, refused.code) == (400, "InvalidURI"), "no XML can list it"
    listed = [item["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=writer.bucket, Prefix=f"{folder}/") for item in page["Contents"]]
    assert set(kept) == set(listed)
    plain = Wire(writer).send("GET", query=[("list-type", "2"), ("prefix", folder)])
    assert len(xml.etree.ElementTree.fromstring(plain.body).findall("{*}Contents")) == len(kept)


# access


def test_a_reading_key_reads(writer, reader, key):
    boto(writer).put_object(Bucket=writer.bucket, Key=key, Body=b"x")
    s3 = boto(reader)
    assert s3.get_object(Bucket=reader.bucket, Key=key)["Body"].read() == b"x"
    assert code_of(s3.put_object, Bucket=reader.bucket, Key=key, Body=b"y") == "AccessDenied"
    assert code_of(s3.delete_object, Bucket=reader.bucket, Key=key) == "AccessDenied"
    assert code_of(s3.create_multipart_upload, Bucket=reader.bucket, Key=key) == "AccessDenied"
    assert code_of(s3.copy_object, Bucket=reader.bucket, Key="c", CopySource={"Bucket": reader.bucket, "Key": key}) == "AccessDenied"


def test_keys_of_two_workspaces_do_not_meet(server, writer, workspace, key):
    other = operator_key(server, "write", workspace["id"])
    assert other.bucket != writer.bucket
    boto(writer).put_object(Bucket=writer.bucket, Key=key, Body=b"x")
    s3 = boto(other)
    for call, more in [(s3.get_object, {"Key": key}), (s3.head_object, {"Key": key}), (s3.put_object, {"Key": key}), (s3.list_objects_v2, {}), (s3.delete_object, {"Key": key}), (s3.delete_objects, {"Delete": {"Objects": [{"Key": key}]}})]:
        assert code_of(call, Bucket=writer.bucket, **more) in ("AccessDenied", "403")
    assert code_of(s3.copy_object, Bucket=other.bucket, Key="c", CopySource={"Bucket": writer.bucket, "Key": key}) == "AccessDenied"
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [other.bucket]


def test_a_dock_puts_below_its_prefix(session, writer):
    access, prefix = session
    s3 = boto(access)
    s3.put_object(Bucket=access.bucket, Key=f"{prefix}/f/a.jpg", Body=b"x")
    s3.put_object(Bucket=access.bucket, Key=f"{prefix}/", Body=b"")
    where = {"Bucket": access.bucket, "Key": f"{prefix}/f/b.mp4"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"video")
    assert len(s3.list_parts(**where, UploadId=upload)["Parts"]) == 1
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    s3.abort_multipart_upload(**where, UploadId=s3.create_multipart_upload(**where)["UploadId"])
    assert stored(writer, f"{prefix}/f/b.mp4") == b"video"
    url = boto(access, signature_version="s3v4").generate_presigned_url("put_object", {"Bucket": access.bucket, "Key": f"{prefix}/f/c"})
    put = requests.put(url, b"x", timeout=30)
    assert put.status_code == 200, put.text


def test_a_dock_may_nothing_else(session, writer):
    access, prefix = session
    s3, bucket, inside = boto(access), access.bucket, f"{prefix}/f/a.jpg"
    boto(writer).put_object(Bucket=bucket, Key=inside, Body=b"x")
    for call, more in [
        (s3.get_object, {"Key": inside}),
        (s3.head_object, {"Key": inside}),
        (s3.delete_object, {"Key": inside}),
        (s3.delete_objects, {"Delete": {"Objects": [{"Key": inside}]}}),
        (s3.list_objects, {"Prefix": prefix}),
        (s3.list_objects_v2, {"Prefix": prefix}),
        (s3.list_multipart_uploads, {"Prefix": prefix}),
        (s3.head_bucket, {}),
        (s3.get_bucket_location, {}),
        (s3.copy_object, {"Key": f"{prefix}/copy", "CopySource": {"Bucket": bucket, "Key": inside}}),
        (s3.put_object_tagging, {"Key": inside, "Tagging": {"TagSet": []}}),
        (s3.put_object_acl, {"Key": inside, "ACL": "public-read"}),
        (s3.get_object_attributes, {"Key": inside, "ObjectAttributes": ["ETag"]}),
    ]:
        assert code_of(call, Bucket=bucket, **more) in ("AccessDenied", "403"), call
    assert code_of(s3.list_buckets) == "AccessDenied"
    assert stored(writer, inside) == b"x"


def test_a_dock_stays_below_its_prefix_whatever_the_path_looks_like(session, writer):
    access, prefix = session
    parent, _, last = prefix.rpartition("/")
    outside = [prefix, f"{prefix}0/x", f"{parent}/x", "x", f"{prefix}%2Fx", f"/{prefix}/x", f"{parent}/./{last}/x", f"{parent}//{last}/x", prefix.swapcase() + "/x"]
    for key in outside:
        assert Wire(access).send("PUT", key, b"x").code == "AccessDenied", key
        assert transmit(access, "PUT", Wire(access).presigned("PUT", key), body=b"x").code == "AccessDenied", key
    for path in [f"/another-bucket/{prefix}/x", f"//{access.bucket}/{prefix}/x"]:
        assert Wire(access).send("PUT", path=path, body=b"x").status in (400, 403), path
    copied = Wire(access).send("PUT", f"{prefix}/copy", headers={"x-amz-copy-source": f"/{access.bucket}/{prefix}/f/a.jpg"})
    assert copied.code == "AccessDenied"
    keys = [item["Key"] for item in boto(writer).list_objects_v2(Bucket=access.bucket)["Contents"]]
    assert not set(outside) & set(keys) and f"{prefix}/copy" not in keys


def test_a_session_needs_its_own_token(session):
    access, prefix = session
    bare = Access(access.url, access.key, access.secret, access.bucket, None, access.region)
    assert Wire(bare).send("PUT", f"{prefix}/x", b"x").code == "InvalidToken"
    head, _, tail = access.token.partition(".")
    claims = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    forged = json.dumps(claims).replace(prefix, "docks").encode()
    forged = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    for token in ("x", f"{forged}.{tail}", f"{head}.", f"{head}.{tail[::-1]}"):
        other = Access(access.url, access.key, access.secret, access.bucket, token, access.region)
        assert Wire(other).send("PUT", f"{prefix}/x", b"x").code == "InvalidToken", token


def test_only_the_server_signs_with_its_own_key(writer, key):
    for secret in ("", "x", writer.secret):
        internal = Access(writer.url, "EYRIEINTERNAL", secret, writer.bucket)
        assert Wire(internal).send("GET", key).code == "SignatureDoesNotMatch"


# STS


ROLE = {"RoleArn": "arn:aws:iam::000000000000:role/anything", "RoleSessionName": "test"}


def assumed(access, **more):
    credentials = boto(access, "sts").assume_role(**ROLE, **more)["Credentials"]
    return Access(access.url, credentials["AccessKeyId"], credentials["SecretAccessKey"], access.bucket, credentials["SessionToken"], access.region)


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_a_role_has_the_rights_of_its_key(writer, reader, key):
    role = assumed(writer)
    boto(role).put_object(Bucket=role.bucket, Key=key, Body=b"x")
    assert stored(role, key) == b"x"
    assert stored(assumed(reader), key) == b"x"
    assert code_of(boto(assumed(reader)).put_object, Bucket=role.bucket, Key=key, Body=b"y") == "AccessDenied"
    url = boto(role, signature_version="s3v4").generate_presigned_url("get_object", {"Bucket": role.bucket, "Key": key})
    assert requests.get(url, timeout=30).content == b"x"


def test_minios_client_assumes_a_role_of_no_name(writer, key):
    boto(writer).put_object(Bucket=writer.bucket, Key=key, Body=b"x")
    provider = minio.credentials.AssumeRoleProvider(sts_endpoint=writer.url, access_key=writer.key, secret_key=writer.secret, region=writer.region)
    client = minio.Minio(endpoint=writer.authority, credentials=provider, secure=False, region=writer.region)
    assert client.get_object(bucket_name=writer.bucket, object_name=key).read() == b"x"


def test_a_session_policy_cuts_rights_down(writer, key):
    resource = f"arn:aws:s3:::{writer.bucket}/{key}*"
    role = assumed(writer, Policy=policy({"Effect": "Allow", "Action": ["s3:PutObject", "s3:Get*"], "Resource": resource}, {"Effect": "Deny", "Action": "s3:*", "Resource": f"{resource[:-1]}/no*"}), DurationSeconds=900)
    s3 = boto(role)
    s3.put_object(Bucket=role.bucket, Key=f"{key}/yes", Body=b"x")
    assert s3.get_object(Bucket=role.bucket, Key=f"{key}/yes")["Body"].read() == b"x"
    for call, more in [(s3.put_object, {"Key": f"{key}/no"}), (s3.put_object, {"Key": "other"}), (s3.delete_object, {"Key": f"{key}/yes"}), (s3.list_objects_v2, {})]:
        assert code_of(call, Bucket=role.bucket, **more) == "AccessDenied"
    deleted = Wire(role).send("POST", query=[("delete", "")], body=f"<Delete><Object><Key>{key}/yes</Key></Object></Delete>".encode())
    assert deleted.code == "AccessDenied"
    assert stored(writer, f"{key}/yes") == b"x"


def test_a_session_policy_may_say_what_is_listed(writer, key):
    bucket = f"arn:aws:s3:::{writer.bucket}"
    lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket, "Condition": {"StringLike": {"s3:prefix": f"{key}/*"}}}
    role = assumed(writer, Policy=policy(lists, {"Effect": "Allow", "Action": "s3:*Object", "Resource": f"{bucket}/{key}/*"}))
    s3 = boto(role)
    s3.put_object(Bucket=role.bucket, Key=f"{key}/mine", Body=b"x")
    for operation in (s3.list_objects, s3.list_objects_v2):
        assert [item["Key"] for item in operation(Bucket=role.bucket, Prefix=f"{key}/")["Contents"]] == [f"{key}/mine"]
        for prefix in ("", key, f"x{key}/"):
            assert code_of(operation, Bucket=role.bucket, Prefix=prefix) == "AccessDenied", prefix
        assert code_of(operation, Bucket=role.bucket) == "AccessDenied"
    twice = Wire(role).send("GET", query=[("prefix", f"{key}/"), ("prefix", "")])
    assert twice.status in (400, 403), twice


def test_what_sts_refuses(writer, session):
    sts = boto(writer, "sts")
    assume = lambda **more: code_of(sts.assume_role, **{**ROLE, **more})
    assert assume(Policy="{}") == "MalformedPolicyDocument"
    assert assume(Policy=policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a": "b"}}})) == "MalformedPolicyDocument"
    assert code_of(boto(assumed(writer), "sts").assume_role, **ROLE) == "AccessDenied"
    assert code_of(boto(session[0], "sts").assume_role, **ROLE) == "AccessDenied"
    liar = Access(writer.url, writer.key, "x" * 40, writer.bucket, None, writer.region)
    assert code_of(boto(liar, "sts").assume_role, **ROLE) == "SignatureDoesNotMatch"
    stranger = Access(writer.url, "EYRIE222222222222222", "x" * 40, writer.bucket, None, writer.region)
    assert code_of(boto(stranger, "sts").assume_role, **ROLE) == "InvalidClientTokenId"
    assert code_of(sts.get_caller_identity) == "InvalidAction"
    for duration in (899, 43201, "x"):
        form = urllib.parse.urlencode({"Action": "AssumeRole", "Version": "2011-06-15", **ROLE, "DurationSeconds": duration}).encode()
        refused = Wire(writer, service="sts").send("POST", path="/", body=form, headers={"content-type": "application/x-www-form-urlencoded"})
        assert (refused.status, refused.code) == (400, "ValidationError")
    as_s3 = Wire(writer).send("POST", path="/", body=form, headers={"content-type": "application/x-www-form-urlencoded"})
    assert (as_s3.status, as_s3.code) == (403, "AccessDenied")


# pages


def test_a_page_of_any_origin_may_try(writer, key):
    preflight = requests.options(f"{writer.url}/{writer.bucket}/{key}", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,x-amz-date"}, timeout=30)
    assert preflight.status_code == 200 and preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    assert preflight.headers["Access-Control-Allow-Headers"] == "authorization,x-amz-date"
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    boto(writer).put_object(Bucket=writer.bucket, Key=key, Body=b"x")
    url = boto(writer).generate_presigned_url("get_object", {"Bucket": writer.bucket, "Key": key})
    got = requests.get(url, headers={"Origin": "https://a.example"}, timeout=30)
    assert got.headers["Access-Control-Allow-Origin"] == "*" and "Access-Control-Allow-Credentials" not in got.headers


def test_what_is_not_offered_says_so(writer, key):
    wire = Wire(writer)
    for header, value in [("x-amz-server-side-encryption", "AES256"), ("x-amz-tagging", "a=b"), ("x-amz-object-lock-mode", "GOVERNANCE")]:
        assert wire.send("PUT", key, b"x", headers={header: value}).code == "NotImplemented"
    assert wire.send("PUT", key, b"x", headers={"x-amz-storage-class": "GLACIER"}).code == "InvalidStorageClass"
    assert wire.send("PUT", key, b"", headers={"x-amz-rename-source": "x"}).code == "NotImplemented"
    assert wire.send("PUT", query=[("versioning", "")], body=b"<VersioningConfiguration/>").code == "NotImplemented"
    for what, code in [("policy", "NoSuchBucketPolicy"), ("cors", "NoSuchCORSConfiguration"), ("lifecycle", "NoSuchLifecycleConfiguration")]:
        answer = wire.send("GET", query=[(what, "")])
        assert (answer.status, answer.code) == (404, code)
        assert wire.send("GET", path="/ws-of-another", query=[(what, "")]).code == "AccessDenied"
    assert stored(writer, key) is None
    assert EMPTY == hashlib.sha256(b"").hexdigest() and quote("/") == "%2F"


def test_virtual_host_style(new_server, key):
    server = new_server(EYRIE_S3_DOMAINS="s3.test")
    access = operator_key(server, "write")
    wire, host = Wire(access), f"{access.bucket}.s3.test"
    assert wire.send("PUT", path=f"/{key}", body=b"x", host=host).status == 200
    assert wire.send("GET", path=f"/{key}", host=host).body == b"x"
    assert wire.send("GET", path=f"/{access.bucket}/{key}", host="anything.example").body == b"x"
    assert wire.send("GET", path=f"/{access.bucket}/{key}", host="s3.test").body == b"x"
    assert wire.send("GET", path=f"/{key}", host="ws-of-another.s3.test").code == "AccessDenied"
