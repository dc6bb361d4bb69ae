"""S3 requests made and signed by hand, for what no client library sends: broken bodies, odd paths, tampered signatures."""

import base64
import dataclasses
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import zlib

EMPTY = hashlib.sha256(b"").hexdigest()
UNRESERVED = "-_.~"


@dataclasses.dataclass(frozen=True)
class Access:
    """Where, who, and in which bucket."""

    url: str
    key: str
    secret: str
    bucket: str
    token: str | None = None
    region: str = "us-east-1"

    @property
    def authority(self):
        return urllib.parse.urlparse(self.url).netloc


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def code(self):
        """The error's code, or None."""
        before, _, rest = self.body.partition(b"<Code>")
        return rest.partition(b"</Code>")[0].decode() if rest else None


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=UNRESERVED + safe)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


class Wire:
    """One signer at one moment; `skew_s` moves its clock."""

    def __init__(self, access, skew_s=0, service="s3"):
        self.access, self.service = access, service
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=skew_s)
        self.time = now.strftime("%Y%m%dT%H%M%SZ")
        self.scope = f"{self.time[:8]}/{access.region}/{service}/aws4_request"

    def _sign(self, text):
        key = f"AWS4{self.access.secret}".encode()
        for part in (self.time[:8], self.access.region, self.service, "aws4_request"):
            key = mac(key, part)
        return mac(key, text).hex()

    def _signature(self, canonical):
        return self._sign("\n".join(["AWS4-HMAC-SHA256", self.time, self.scope, sha256(canonical.encode())]))

    def signed_headers(self, method, path, query, headers, payload, host=None):
        """`headers` with everything that makes them a signed request, and the signature."""
        headers = {"host": host or self.access.authority, "x-amz-date": self.time, **headers}
        if self.service == "s3":
            headers["x-amz-content-sha256"] = payload
        if self.access.token:
            headers["x-amz-security-token"] = self.access.token
        headers = {name.lower(): value for name, value in headers.items()}
        names = sorted(name for name in headers if name not in ("content-length", "expect", "transfer-encoding", "connection"))
        canonical_query = "&".join(sorted(f"{quote(name)}={quote(value)}" for name, value in query))
        lines = [method, path, canonical_query, *(f"{name}:{headers[name]}" for name in names), "", ";".join(names), payload]
        signature = self._signature("\n".join(lines))
        credential = f"{self.access.key}/{self.scope}"
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={';'.join(names)},Signature={signature}"
        return headers, signature

    def send(self, method, key=None, body=b"", query=(), headers=(), payload=None, path=None, host=None, sent=None):
        """`sent`: what really goes over the wire as the body, when that is not what was signed."""
        path = path or f"/{self.access.bucket}" + ("" if key is None else "/" + quote(key, safe="/"))
        payload = payload or sha256(body)
        headers, _ = self.signed_headers(method, path, list(query), dict(headers), payload, host)
        return transmit(self.access, method, path, query, headers, body if sent is None else sent)

    def presigned(self, method, key, lifetime_s=60, path=None, query=()):
        path = path or f"/{self.access.bucket}/{quote(key, safe='/')}"
        query = [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", f"{self.access.key}/{self.scope}"),
            ("X-Amz-Date", self.time),
            ("X-Amz-Expires", str(lifetime_s)),
            ("X-Amz-SignedHeaders", "host"),
            *query,
        ]
        if self.access.token:
            query.append(("X-Amz-Security-Token", self.access.token))
        text = "&".join(sorted(f"{quote(name)}={quote(value)}" for name, value in query))
        canonical = "\n".join([method, path, text, f"host:{self.access.authority}", "", "host", "UNSIGNED-PAYLOAD"])
        return f"{path}?{text}&X-Amz-Signature={self._signature(canonical)}"

    def put_chunked(self, key, body, form, chunk=65536, trailers=(), announced=None, headers=(), spoil=None, length=None):
        """PUT in one of the aws-chunked forms.

        `trailers` stand behind the body, `announced` (default: their names) in x-amz-trailer; `spoil(framed)` changes the
        framed bytes before they are sent; `length` is the decoded length that is announced.
        """
        signed = not form.startswith("STREAMING-UNSIGNED")
        trailers = dict(trailers)
        announced = list(trailers) if announced is None else announced
        headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(body) if length is None else length), **dict(headers)}
        if form.endswith("TRAILER"):
            headers["x-amz-trailer"] = ",".join(announced)
        path = f"/{self.access.bucket}/{quote(key, safe='/')}"
        headers, previous = self.signed_headers("PUT", path, [], headers, form)
        framed = b""
        pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)] + [b""]
        for piece in pieces:
            extension = ""
            if signed:
                text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", self.time, self.scope, previous, EMPTY, sha256(piece)])
                previous = self._sign(text)
                extension = f";chunk-signature={previous}"
            framed += f"{len(piece):x}{extension}\r\n".encode() + piece + (b"\r\n" if piece else b"")
        if form.endswith("TRAILER"):
            lines = "".join(f"{name}:{value}\n" for name, value in sorted(trailers.items()))
            framed += lines.replace("\n", "\r\n").encode()
            if signed:
                text = "\n".join(["AWS4-HMAC-SHA256-TRAILER", self.time, self.scope, previous, sha256(lines.encode())])
                framed += f"x-amz-trailer-signature:{self._sign(text)}\r\n".encode()
        framed += b"\r\n"
        return transmit(self.access, "PUT", path, (), headers, spoil(framed) if spoil else framed)


def transmit(access, method, path, query=(), headers=(), body=b""):
    """One request over one connection; a connection that the server closes is an error."""
    connection = http.client.HTTPConnection(access.authority, timeout=30)
    try:
        text = "&".join(f"{quote(name)}={quote(value)}" for name, value in query)
        connection.putrequest(method, path + (f"?{text}" if text else ""), skip_host=True, skip_accept_encoding=True)
        headers = dict(headers)
        headers.setdefault("host", access.authority)
        if body or method in ("PUT", "POST"):
            headers.setdefault("content-length", str(len(body)))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
