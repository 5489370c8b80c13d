# SPDX-License-Identifier: Apache-2.0
"""HTTP by hand, for what no client library does: half a request, an answer that is not read, many clients of
many addresses; and a reader of server-sent events that comes back as browsers do."""

import http.client
import json
import select
import socket
import threading

from .agentbox import PATIENCE


class Raw:
    """One connection of a client whose address may be any of 127.0.0.0/8."""

    def __init__(self, daemon, source="127.0.0.1", small=False):
        self.token = daemon.token
        self.host = daemon.url.split("//")[1]
        name, port = self.host.split(":")
        self.sock = socket.socket()
        self.sock.settimeout(PATIENCE)
        if small:  # takes little before it is read
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.bind((source, 0))
        self.sock.connect((name, int(port)))
        self.got = b""

    def head(self, method, path, *headers):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", f"Authorization: Bearer {self.token}", *headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def ask(self, method, path, *headers, body=b""):
        return self.send(self.head(method, path, *headers) + body)

    def push(self, data):
        """As much as the other side takes without our reading."""
        self.sock.setblocking(False)
        sent = 0
        try:
            while sent < len(data):
                sent += self.sock.send(data[sent:])
        except BlockingIOError:
            pass
        self.sock.settimeout(PATIENCE)
        return sent

    def until(self, text):
        while text not in self.got:
            piece = self.sock.recv(65536)
            if not piece:
                raise AssertionError(f"closed before {text!r}: {self.got[-300:]!r}")
            self.got += piece
        return self

    def answer(self):
        """(status, headers, body) of a response with a length."""
        self.until(b"\r\n\r\n")
        head, _, rest = self.got.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        n = int(headers.get("content-length", 0))
        while len(rest) < n:
            piece = self.sock.recv(65536)
            if not piece:
                raise AssertionError("closed within an answer")
            rest += piece
        self.got = rest[n:]
        return int(lines[0].split()[1]), headers, rest[:n]

    def rest(self):
        """All that comes until the other side closes."""
        while piece := self.sock.recv(65536):
            self.got += piece
        return self.got

    def is_closed(self):
        if not select.select([self.sock], [], [], 0)[0]:
            return False
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except ConnectionError:
            return True

    def close(self):
        self.sock.close()


class Watcher(threading.Thread):
    """An EventSource: takes events, and comes back with the last id when the stream ends, until stop()."""

    def __init__(self, daemon, path="/api/v1/events", last="0"):
        super().__init__(daemon=True)
        self.host, self.token, self.path = daemon.url.split("//")[1], daemon.token, path
        self.last, self.events, self.opened = last, [], 0    # events: (id, name, data)
        self.lock, self.over = threading.Condition(), False

    def run(self):
        while not self.over:
            try:
                self.follow()
            except (OSError, http.client.HTTPException):
                pass
            with self.lock:
                self.lock.wait(0.05)

    def follow(self):
        c = http.client.HTTPConnection(self.host, timeout=5)
        c.request("GET", self.path, headers={"Authorization": "Bearer " + self.token, "Last-Event-ID": self.last})
        r = c.getresponse()
        if r.status != 200:
            return
        self.opened += 1
        event = {}
        while not self.over and (line := r.readline()):
            key, _, value = line.decode().rstrip("\n").partition(": ")
            if key:
                event[key] = value
            elif "data" in event:
                self.take(event)
                event = {}
            else:
                event = {}
        c.close()

    def take(self, event):
        with self.lock:
            self.events.append((int(event["id"]) if "id" in event else None, event["event"], json.loads(event["data"])))
            self.last = event.get("id", self.last)
            self.lock.notify_all()

    def ids(self):
        with self.lock:
            return [number for number, _, _ in self.events if number is not None]

    def stop(self):
        self.over = True
        with self.lock:
            self.lock.notify_all()
        self.join(PATIENCE)
