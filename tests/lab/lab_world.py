"""The servers of the lab, run inside the `world` namespace: `python lab_world.py FOLDER`. Standard library only.

FOLDER/config.json lists the services: `{"name", "ip", "ports": {"80": "http", "443": "https"}, "content", "app"}`.
How each behaves is read from FOLDER/behave/<name>.json at every connection, so that a test changes a fault by
writing a file. Keys, all optional:

tcp   `reset` after accepting, `close`, `hang`
tls   a certificate kind of lab_pki, `hang` (accept, never a handshake), `reset` (after the ClientHello), `plain`
      (HTTP on the TLS port), `reset-once` (the first connection only)
match, first    the HTTP faults below apply to request paths that match this regex, and only to the first N of them
status, headers, body, type     answer that
delay seconds before the answer; drip bytes a second; cut, reset_after, hang_after: after that many body bytes
"""

import contextlib
import gzip
import http.server
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import Counter
from http import HTTPStatus
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
SEEN: Counter[tuple[str, str]] = Counter()  # (service, behaviour text) -> requests that matched
LOCK = threading.Lock()
IDLE = 300.0


def behaviour(name: str) -> tuple[dict[str, Any], str]:
    with contextlib.suppress(OSError, ValueError):
        text = (FOLDER / "behave" / f"{name}.json").read_text()
        return json.loads(text), text
    return {}, ""


def reset(conn: socket.socket) -> None:
    """Close with RST: what a middlebox or a dying server does."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def hang(conn: socket.socket) -> None:
    """Keep the connection open and silent until the peer gives up."""
    conn.settimeout(IDLE)
    with contextlib.suppress(OSError):
        while conn.recv(65536):
            pass


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. `service` is its entry of the configuration."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE
    server_version = "lab"
    sys_version = ""

    def __init__(self, conn: socket.socket, peer: Any, service: dict[str, Any]) -> None:
        self.service = service
        super().__init__(conn, peer, None)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: Any) -> None:
        line = f"{self.service['name']} {self.command} {self.path}\n"
        with LOCK, (FOLDER / "access.log").open("a") as log:
            log.write(line)

    def do_GET(self) -> None:
        self.log_message("")
        how, text = behaviour(self.service["name"])
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        path = urllib.parse.unquote(self.path)
        fault = how if self._applies(how, text, path) else {}
        if fault.get("delay"):
            time.sleep(fault["delay"])
        if "status" in fault:
            self._answer(fault["status"], fault.get("headers", {}), fault.get("body", "").encode(),
                         fault.get("type", "text/plain; charset=utf-8"), fault)  # fmt: skip
        elif self.service["app"] == "git" and ("/info/refs" in path or path.endswith("git-upload-pack")):
            self._git(path, body, fault)
        else:
            self._file(path, fault)

    do_HEAD = do_POST = do_PUT = do_GET

    def _applies(self, how: dict[str, Any], text: str, path: str) -> bool:
        if not re.search(how.get("match", ""), path):
            return False
        with LOCK:
            key = (self.service["name"], text)
            SEEN[key] += 1
            return SEEN[key] <= int(how.get("first", 1 << 30))

    def _file(self, path: str, fault: dict[str, Any]) -> None:
        content = (FOLDER / "content" / self.service["content"]).resolve()
        file = (content / path.split("?", maxsplit=1)[0].strip("/")).resolve()
        if file.is_dir():
            file = file / "_index"
        if not file.is_relative_to(content) or not file.is_file():
            self._answer(404, {}, f"not found: {path}\n".encode(), "text/plain; charset=utf-8", fault)
            return
        kind = file.with_name(file.name + ".type")
        self._answer(200, {}, file.read_bytes(), kind.read_text() if kind.exists() else "text/plain", fault)

    def _git(self, path: str, body: bytes, fault: dict[str, Any]) -> None:
        """git's smart HTTP protocol, by `git upload-pack --stateless-rpc`."""
        advertise = "/info/refs" in path
        repo = (
            FOLDER / "content" / self.service["content"] / re.split(r"/info/refs|/git-upload-pack", path)[0].strip("/")
        )
        if not repo.is_dir():
            self._answer(404, {}, b"Repository not found.", "text/plain", fault)
            return
        env = {**os.environ, "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
        command = ["git", "-c", "safe.directory=*", "upload-pack", "--stateless-rpc"]
        command += [*(["--advertise-refs"] if advertise else []), str(repo)]
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        out = subprocess.run(command, input=body, capture_output=True, env=env, check=False).stdout
        if advertise:
            out = b"001e# service=git-upload-pack\n0000" + out
        kind = "advertisement" if advertise else "result"
        self._answer(200, {"Cache-Control": "no-cache"}, out, f"application/x-git-upload-pack-{kind}", fault)

    def _answer(self, status: int, headers: dict[str, str], body: bytes, kind: str, fault: dict[str, Any]) -> None:
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
        self.send_response(status, reason)
        for key, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        if self.service["app"] == "registry":
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.end_headers()
        if self.command != "HEAD":
            self._send(body, fault)

    def _send(self, body: bytes, fault: dict[str, Any]) -> None:
        stops = {k: fault[k] for k in ("cut", "reset_after", "hang_after") if k in fault}
        part = body[: min(stops.values())] if stops else body
        if "drip" in fault:
            chunk = max(1, int(fault["drip"]) // 5)
            for at in range(0, len(part), chunk):
                self.wfile.write(part[at : at + chunk])
                self.wfile.flush()
                time.sleep(0.2)
        else:
            self.wfile.write(part)
        if not stops or len(part) == len(body):
            return
        self.wfile.flush()
        self.close_connection = True
        if "reset_after" in stops:
            time.sleep(0.1)  # let what was sent arrive, else the RST overtakes it
            reset(self.connection)
        elif "hang_after" in stops:
            hang(self.connection)


def secure(conn: socket.socket, how: dict[str, Any]) -> socket.socket | None:
    """The TLS layer as the behaviour wants it; None when there is nothing more to do."""
    kind = how.get("tls", "ok")
    if kind == "reset-once":
        kind = "ok" if SEEN[("tls", str(how))] else "reset"
        SEEN[("tls", str(how))] += 1
    if kind == "hang":
        hang(conn)
        return None
    if kind == "reset":
        conn.recv(1)
        reset(conn)
        return None
    if kind == "plain":
        conn.recv(65536)
        conn.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER / "certs" / f"{kind}.pem")
    context.set_alpn_protocols(["http/1.1"])
    return context.wrap_socket(conn, server_side=True)


def serve_one(conn: socket.socket, peer: Any, service: dict[str, Any], scheme: str) -> None:
    how, _ = behaviour(service["name"])
    conn.settimeout(IDLE)
    try:
        tcp = how.get("tcp", "ok")
        if tcp == "reset":
            conn.recv(1)
            reset(conn)
        elif tcp == "hang":
            hang(conn)
        elif tcp == "ok":
            ready = secure(conn, how) if scheme == "https" else conn
            if ready is not None:
                Handler(ready, peer, service)
                ready.close()
    except (OSError, ValueError):
        pass  # the peer went away, or refused our certificate: that is the experiment
    finally:
        with contextlib.suppress(OSError):
            conn.close()


def accept(listener: socket.socket, service: dict[str, Any], scheme: str) -> None:
    while True:
        conn, peer = listener.accept()
        threading.Thread(target=serve_one, args=(conn, peer, service, scheme), daemon=True).start()


def answer_servfail() -> None:
    """An upstream resolver that answers SERVFAIL to everything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.2", 5399))
        while True:
            question, peer = sock.recvfrom(4096)
            sock.sendto(question[:2] + b"\x81\x82" + question[4:6] + bytes(6) + question[12:], peer)


def main() -> None:
    config = json.loads((FOLDER / "config.json").read_text())
    for service in config["services"]:
        for port, scheme in service["ports"].items():
            listener = socket.create_server((service["ip"], int(port)), backlog=64)
            threading.Thread(target=accept, args=(listener, service, scheme), daemon=True).start()
    threading.Thread(target=answer_servfail, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
