"""A Pilot 2 made of clients that others wrote: requests for DJI's paths, boto3 for the upload, paho-mqtt for the rest."""

import hashlib
import json
import uuid

import boto3
import requests
from botocore.config import Config

PATHS = {
    "fast-upload": "/media/api/v1/workspaces/{ws}/fast-upload",
    "tiny-fingerprints": "/media/api/v1/workspaces/{ws}/files/tiny-fingerprints",
    "sts": "/storage/api/v1/workspaces/{ws}/sts",
    "upload-callback": "/media/api/v1/workspaces/{ws}/upload-callback",
    "group-upload-callback": "/media/api/v1/workspaces/{ws}/group-upload-callback",
}


def fingerprint(data):
    return hashlib.md5(data).hexdigest().upper()


def tiny(data, time=(2026, 6, 1, 8, 5, 1)):
    return f"{hashlib.md5(data[:1024]).hexdigest()}_{'_'.join(map(str, time))}"


class ForeignPilot:
    """Speaks for one controller with exactly what its login answered."""

    def __init__(self, api_host, workspace_id, token):
        self.api_host, self.workspace_id = api_host.rstrip("/"), workspace_id
        self.http = requests.Session()
        self.http.headers.update({"X-Auth-Token": token, "User-Agent": "okhttp/4.9.1"})
        self.storage = None

    @classmethod
    def of_login(cls, session):
        return cls(session["api_host"], session["workspace_id"], session["token"])

    def post(self, what, body=None, workspace=None, **more):
        """The HTTP answer; its body is checked to be DJI's envelope and nothing else."""
        url = self.api_host + PATHS[what].format(ws=workspace or self.workspace_id)
        headers = {"X-Request-ID": str(uuid.uuid4()), "Content-Type": "application/json; charset=utf-8"}
        data = body if isinstance(body, (bytes, str)) or body is None else json.dumps(body)
        answer = self.http.post(url, data=data, headers=headers, timeout=30, **more)
        envelope = answer.json()
        assert set(envelope) == {"code", "message", "data"}, envelope
        assert type(envelope["code"]) is int and type(envelope["message"]) is str, envelope
        return answer

    def ok(self, what, body=None):
        """The data of a call that must work."""
        answer = self.post(what, body)
        assert answer.status_code == 200 and answer.json()["code"] == 0, answer.text
        return answer.json()["data"]

    def s3(self, sts):
        """A client with the credentials to the letter; `minio` means path-style addresses."""
        style = "path" if sts["provider"] == "minio" else "virtual"
        return boto3.client(
            "s3",
            endpoint_url=sts["endpoint"],
            region_name=sts["region"],
            aws_access_key_id=sts["credentials"]["access_key_id"],
            aws_secret_access_key=sts["credentials"]["access_key_secret"],
            aws_session_token=sts["credentials"]["security_token"],
            config=Config(s3={"addressing_style": style}, retries={"max_attempts": 1}),
        )

    def put(self, name, data):
        """Asks for credentials and uploads below the prefix. Returns the key."""
        self.storage = self.ok("sts")
        key = f"{self.storage['object_key_prefix']}/{uuid.uuid4().hex[:8]}/{name}"
        self.s3(self.storage).put_object(Bucket=self.storage["bucket"], Key=key, Body=data)
        return key

    def upload(self, name, data, **more):
        """The documented order: fast-upload, tiny-fingerprints, sts, PUT, upload-callback. Returns the key, or None when the
        server has the file already."""
        mark = fingerprint(data)
        asked = self.post("fast-upload", {"fingerprint": mark, "name": name, "path": "", "ext": {"tinny_fingerprint": tiny(data)}})
        if asked.json()["code"] == 0:
            return None
        if self.ok("tiny-fingerprints", {"tiny_fingerprints": [tiny(data)]})["tiny_fingerprints"]:
            return None
        key = self.put(name, data)
        report = callback(key, name, data)
        report.update(more)
        assert self.ok("upload-callback", report)["object_key"] == key
        return key


def callback(key, name, data):
    """DJI's body with every field it documents."""
    return {
        "result": 0,
        "object_key": key,
        "name": name,
        "path": "",
        "fingerprint": fingerprint(data),
        "sub_file_type": 0,
        "ext": {
            "drone_model_key": "0-67-1",
            "payload_model_key": "1-53-0",
            "is_original": True,
            "tinny_fingerprint": tiny(data),
            "sn": "1581F5BKD225D00BP891",
        },
        "metadata": {
            "absolute_altitude": 567.31,
            "relative_altitude": 40.2,
            "gimbal_yaw_degree": -91.4,
            "created_time": "2026-06-01T10:05:01+02:00",
            "shoot_position": {"lat": 47.3769, "lng": 8.5417},
        },
    }
