"""Load that is acknowledged: numbered events over RELP and HTTP, and a record of which were said to be durable."""

import http.client
import json
import socket
import threading
import time


class Sender(threading.Thread):
    """Sends numbered events until the connection breaks; remembers which batches were acknowledged.

    `line` makes the event of a number out of the sender's name and the number.
    """

    def __init__(self, name, address, first, line, rate=10_000, batch=500):
        super().__init__(daemon=True)
        self.name, self.address, self.next = name, address, first
        self.make_line, self.rate, self.batch = line, rate, batch
        self.acknowledged, self.sent = [], []
        # How many events of the batch under way have been answered, where each has an answer of its own.
        self.answered = 0
        self.stopping = threading.Event()

    def line(self, number):
        return self.make_line(self.name, number)

    def run(self):
        started = time.monotonic()
        sent = 0
        try:
            self.connect()
            while not self.stopping.is_set():
                numbers = range(self.next, self.next + self.batch)
                self.next += self.batch
                self.sent.append(numbers)
                self.answered = 0
                self.send(numbers)
                self.acknowledged.append(numbers)
                self.answered = 0
                sent += self.batch
                ahead = sent / self.rate - (time.monotonic() - started)
                if ahead > 0:
                    time.sleep(ahead)
        except (OSError, http.client.HTTPException, EOFError):
            if self.answered:
                self.acknowledged.append(self.sent[-1][:self.answered])
        finally:
            self.close()


class HttpSender(Sender):
    def connect(self):
        self.connection = http.client.HTTPConnection(*self.address, timeout=20)

    def send(self, numbers):
        body = "\n".join(json.dumps({"message": self.line(number)}) for number in numbers)
        self.connection.request("POST", "/ingest/ndjson", body.encode(), {"Content-Type": "application/x-ndjson"})
        answer = self.connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise EOFError(answer.status)

    def close(self):
        self.connection.close()


class RelpSender(Sender):
    def connect(self):
        self.socket = socket.create_connection(self.address, timeout=20)
        self.transaction, self.buffer = 1, b""
        offer = b"relp_version=0\nrelp_software=e2e\ncommands=syslog"
        self.socket.sendall(b"1 open %d %s\n" % (len(offer), offer))
        self.responses(range(1, 2))

    def responses(self, transactions):
        """Reads the answer to each transaction, in order; each must say 200."""
        waiting = list(transactions)
        while waiting:
            header, separator, rest = self.buffer.partition(b" rsp ")
            length_text, space, _ = rest.partition(b" ")
            if separator and space:
                end = len(header) + len(separator) + len(length_text) + 1 + int(length_text)
                if len(self.buffer) > end:
                    assert int(header) == waiting.pop(0), self.buffer[:80]
                    assert self.buffer[end - int(length_text):end].startswith(b"200"), self.buffer[:80]
                    self.buffer = self.buffer[end + 1:]
                    self.answered += 1
                    continue
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                raise EOFError
            self.buffer += chunk

    def send(self, numbers):
        frames, transactions = [], []
        for number in numbers:
            self.transaction = self.transaction % 999_999_999 + 1
            transactions.append(self.transaction)
            line = self.line(number).encode()
            frames.append(b"%d syslog %d %s\n" % (self.transaction, len(line), line))
        self.socket.sendall(b"".join(frames))
        self.responses(transactions)

    def close(self):
        self.socket.close()
