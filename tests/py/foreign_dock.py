"""A dock made of clients that others wrote: paho-mqtt for the conversation, boto3 for the upload."""

import hashlib
import json
import queue
import threading
import time
import urllib.parse
import uuid

import boto3
import paho.mqtt.client as mqtt
from botocore.config import Config

ANSWER_S = 20


class NoAnswer(Exception):
    pass


class ForeignDock:
    """Speaks for one SN. `access` is what `eyrie dock add --json` printed."""

    def __init__(self, access, protocol=mqtt.MQTTv311, client_id=None, transport="tcp", qos=1):
        self.sn = access["sn"]
        self.access = access
        url = urllib.parse.urlparse(access["mqtt_url"])
        self.host, self.port = url.hostname, url.port
        self.waiting = {}
        self.services = queue.Queue()
        self.subscribed = threading.Event()
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=client_id or f"{self.sn}-{uuid.uuid4().hex[:6]}", protocol=protocol,
            transport=transport,
        )
        self.qos = qos
        self.client.username_pw_set(access["username"], access["password"])
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self._on_message
        self.refused = None

    def connect(self):
        self.client.connect(self.host, self.port, keepalive=30)
        self.client.loop_start()
        if not self.subscribed.wait(ANSWER_S):
            raise NoAnswer(f"no SUBACK; CONNACK said {self.refused}")
        return self

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def __enter__(self):
        return self.connect()

    def __exit__(self, *_):
        self.close()

    def _on_connect(self, client, _userdata, _flags, reason, _properties=None):
        self.refused = str(reason)
        if reason == 0 or str(reason) == "Success":
            base = f"thing/product/{self.sn}"
            topics = [f"{base}/requests_reply", f"{base}/events_reply", f"{base}/services", f"{base}/status_reply", f"sys/product/{self.sn}/status_reply"]
            client.subscribe([(topic, self.qos) for topic in topics])

    def _on_message(self, _client, _userdata, message):
        body = json.loads(message.payload)
        if message.topic.endswith("/services"):
            self.services.put(body)
            return
        waiting = self.waiting.get(body["tid"])
        if waiting is not None:
            waiting.put((message.topic, body))

    def publish(self, kind, body, qos=None, sn=None, root="thing"):
        payload = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.client.publish(f"{root}/product/{sn or self.sn}/{kind}", payload, qos=self.qos if qos is None else qos)

    def ask(self, kind, method, data, timeout_s=ANSWER_S, root="thing", tid=None, bid=None, **envelope):
        """Publishes and waits for the answer with the same tid. Returns the whole reply, checked as a strict dock would."""
        tid, bid = tid or str(uuid.uuid4()), bid or str(uuid.uuid4())
        body = {"tid": tid, "bid": bid, "timestamp": int(time.time() * 1000), "gateway": self.sn, "method": method, "data": data}
        body.update(envelope)
        body = {name: value for name, value in body.items() if value is not ...}
        replies = self.waiting.setdefault(tid, queue.Queue())
        self.publish(kind, body, root=root)
        try:
            topic, reply = replies.get(timeout=timeout_s)
        except queue.Empty:
            raise NoAnswer(f"{method} was not answered within {timeout_s} s") from None
        assert topic == f"{root}/product/{self.sn}/{kind}_reply"
        assert reply["tid"] == tid and reply["bid"] == bid, "a reply repeats tid and bid"
        assert type(reply["timestamp"]) is int and reply["timestamp"] > 1_600_000_000_000
        if method is not ...:
            assert reply["method"] == method
        return reply

    def request(self, method, data, **more):
        return self.ask("requests", method, data, **more)["data"]

    def event(self, method, data, need_reply=1, **more):
        return self.ask("events", method, data, need_reply=need_reply, **more)["data"]

    def storage(self, module=0):
        reply = self.request("storage_config_get", {"module": module})
        assert reply["result"] == 0, reply
        output = reply["output"]
        assert set(output) == {"bucket", "credentials", "endpoint", "object_key_prefix", "provider", "region"}
        credentials = output["credentials"]
        assert set(credentials) == {"access_key_id", "access_key_secret", "expire", "security_token"}
        assert type(credentials["expire"]) is int and credentials["expire"] >= 900
        assert all(type(credentials[name]) is str for name in ("access_key_id", "access_key_secret", "security_token"))
        assert output["provider"] in ("minio", "aws", "ali")
        return output

    def put(self, storage, key, body, **more):
        return s3_client(storage).put_object(Bucket=storage["bucket"], Key=key, Body=body, **more)

    def upload(self, name=None, body=None, flight_id=None, storage=None, metadata=..., **callback):
        """One file through the whole path. Returns (answer, key, body)."""
        storage = storage or self.storage()
        name = name or f"DJI_20260510101530_{uuid.uuid4().hex[:4]}_V.JPG"
        body = body if body is not None else uuid.uuid4().bytes * 64
        flight_id = flight_id or str(uuid.uuid4())
        key = f"{storage['object_key_prefix']}/{flight_id}/{name}"
        self.put(storage, key, body)
        return self.event("file_upload_callback", report(key, name, flight_id, metadata=metadata, **callback)), key, body


def report(key, name, flight_id, metadata=..., **more):
    """`data` of a file_upload_callback in its current documented form."""
    if metadata is ...:
        metadata = {
            "gimbal_yaw_degree": "-91.4",
            "absolute_altitude": 156.237,
            "relative_altitude": 42.5,
            "create_time": "2026-05-10T10:15:30+02:00",
            "shoot_position": {"lat": 47.3769, "lng": 8.5417},
        }
    file = {
        "object_key": key,
        "path": "",
        "name": name,
        "cloud_to_cloud_id": "DEFAULT",
        "ext": {"flight_id": flight_id, "drone_model_key": "0-91-1", "payload_model_key": "1-81-0", "is_original": True},
        "metadata": metadata,
    }
    data = {"file": file, "flight_task": {"uploaded_file_count": 1, "expected_file_count": 1, "flight_type": 0}}
    data.update(more)
    return data


def s3_client(storage, **config):
    """boto3 as a dock would use it, from the answer to storage_config_get."""
    credentials = storage["credentials"]
    return boto3.client(
        "s3",
        endpoint_url=storage["endpoint"],
        region_name=storage["region"],
        aws_access_key_id=credentials["access_key_id"],
        aws_secret_access_key=credentials["access_key_secret"],
        aws_session_token=credentials["security_token"],
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, **config),
    )


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def wait_for(check, what, timeout_s=20, every_s=0.05):
    """Waits until `check()` is truthy and returns it."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout_s} s")
        time.sleep(every_s)
