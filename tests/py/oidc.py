"""OpenID Connect providers for the login tests: a real one, and one that lies."""

import base64
import contextlib
import hashlib
import http.server
import json
import pathlib
import socket
import subprocess
import threading
import time
import urllib.parse

from conftest import ROOT, wait_for_port

CLIENT_ID, CLIENT_SECRET = "eyrie", "a secret with spaces & signs: +/="
REAL = ROOT / "target/oidc/node_modules/oidc-provider"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def real_provider(folder, port, redirect_uri, after_logout, people):
    """oidc-provider under node, on this port, for as long as the block lasts."""
    client = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [redirect_uri],
        "post_logout_redirect_uris": [after_logout],
    }
    settings = pathlib.Path(folder) / "provider.json"
    settings.write_text(json.dumps({"issuer": f"http://127.0.0.1:{port}", "port": port, "client": client, "people": people}))
    # it looks for its modules where it lies
    script = REAL.parents[1] / "provider.mjs"
    script.write_text((ROOT / "tests/oidc/provider.mjs").read_text())
    log = (pathlib.Path(folder) / "provider.log").open("w")
    process = subprocess.Popen(["node", script, settings], stdout=log, stderr=log)
    try:
        wait_for_port(port, within_s=30)
        yield
    finally:
        process.kill()
        process.wait(10)


def encoded(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An RSA key of openssl."""

    def __init__(self, folder, name):
        self.path = pathlib.Path(folder) / f"{name}.pem"
        self.name = name
        self._openssl("genrsa", "-out", self.path, "2048")

    @staticmethod
    def _openssl(*arguments, stdin=None):
        return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True, timeout=60).stdout

    def public(self):
        modulus = self._openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.name, "n": encoded(bytes.fromhex(modulus)), "e": "AQAB"}

    def sign(self, claims, **header):
        head = {"alg": "RS256", "typ": "JWT", "kid": self.name, **header}
        text = f"{encoded(head)}.{encoded(claims)}"
        return f"{text}.{encoded(self._openssl('dgst', '-sha256', '-sign', self.path, stdin=text.encode()))}"


class LyingProvider:
    """Does what it should, except for what a test changes. Logs everybody in at once, as `sub`."""

    def __init__(self, folder):
        self.key, self.other_key = Key(folder, "own"), Key(folder, "other")
        self.claims, self.metadata, self.answer = {}, {}, {}
        self.token = None
        self.users, self.status = {}, 200
        self.codes, self.asked = {}, []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                provider.get(self)

            def do_POST(self):
                provider.post(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def honest(self):
        self.claims, self.answer, self.token, self.users, self.status = {}, {}, None, {}, 200

    def get(self, request):
        url = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys", "userinfo_endpoint": "/me"}
            known = {name: self.issuer + path for name, path in names.items()}
            return self.say(request, 200, {"issuer": self.issuer, **known, **self.metadata})
        if url.path == "/keys":
            return self.say(request, 200, {"keys": [{"kty": "of tomorrow", "kid": "x"}, self.key.public()]})
        if url.path == "/me":
            return self.say(request, 200, {"sub": "somebody", **self.users})
        assert url.path == "/authorize", url.path
        self.asked.append(query)
        code = f"code-{len(self.asked)}"
        self.codes[code] = query
        answer = {"state": query["state"], "code": code, **self.answer}
        answer = {name: value for name, value in answer.items() if value is not None}
        request.send_response(303)
        request.send_header("Location", query["redirect_uri"] + "?" + urllib.parse.urlencode(answer))
        request.end_headers()

    def post(self, request):
        """The token endpoint, as strict as RFC 6749 and 7636 want it."""
        body = request.rfile.read(int(request.headers["content-length"])).decode()
        sent = dict(urllib.parse.parse_qsl(body))
        basic = base64.b64encode(f"{urllib.parse.quote_plus(CLIENT_ID)}:{urllib.parse.quote_plus(CLIENT_SECRET)}".encode()).decode()
        asked = self.codes.pop(sent["code"], None)
        if request.headers["authorization"] != f"Basic {basic}" or asked is None or sent["redirect_uri"] != asked["redirect_uri"]:
            return self.say(request, 400, {"error": "invalid_grant"})
        if encoded(hashlib.sha256(sent["code_verifier"].encode()).digest()) != asked["code_challenge"]:
            return self.say(request, 400, {"error": "invalid_grant"})
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "somebody", "aud": CLIENT_ID, "nonce": asked["nonce"], "iat": now, "exp": now + 300,
            "preferred_username": "somebody", "groups": ["crew"], **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        token = self.token(claims) if self.token else self.key.sign(claims)
        return self.say(request, self.status, {"token_type": "Bearer", "id_token": token, "access_token": "an-access-token"})

    @staticmethod
    def say(request, status, body):
        data = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
