# SPDX-License-Identifier: Apache-2.0
"""What a program says to a port, written down on the way."""

import socket
import threading


class Recorder:
    """A port before another one: passes everything on, and keeps what came first on each connection,
    in `pieces` of what recv() gave."""

    def __init__(self, port, pieces=2):
        self.port_behind, self.pieces = port, pieces
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer:
            try:
                behind = socket.create_connection(("127.0.0.1", self.port_behind))
            except OSError:
                return
            with behind:
                back = threading.Thread(target=self.carry, args=(behind, peer, None), daemon=True)
                back.start()
                self.carry(peer, behind, [])
                back.join()

    def carry(self, source, to, said):
        """One direction, to its end."""
        try:
            while data := source.recv(65536):
                if said is not None and len(said) < self.pieces:
                    said.append(data)
                    self.requests.append(data)
                to.sendall(data)
        except OSError:
            pass
        for s in (source, to):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
