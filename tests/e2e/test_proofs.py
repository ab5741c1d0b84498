"""Evidence, the whole way with the real binary: taken in, sealed, archived, exported, checked elsewhere, tampered with, told."""

import http.client
import json
import os
import random
import shutil
import socket
import subprocess
from pathlib import Path

import load
import world

CONFIG = "[store]\nseal_seconds = 1\nhot_events_max = 1000\narchive_days = 1\nreserve_bytes = 0\n"
COUNT = 400


def line(name, number):
    return f"<86>1 2026-11-{20 + number % 2}T00:00:00Z {name} sshd {number} - - Failed password for an from 10.0.0.{number % 250} port {number}"


def send(server, name, count=COUNT):
    """Has `count` events acknowledged."""
    sender = load.HttpSender(name, server.address("http"), 0, line, rate=1_000_000, batch=100)
    sender.connect()
    for first in range(0, count, 100):
        sender.send(range(first, first + 100))
    sender.close()
    world.wait_for(lambda: server.count(f"host.hostname:{name}") == count, 60, "all are found")


def verify(*arguments, cwd=None):
    """`longan verify` with a clean environment; returns its code and report, or its errors."""
    command = [str(world.BINARY), "verify", *map(str, arguments), "--format", "json"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LONGAN")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, env=environment, stdin=subprocess.DEVNULL)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, done.stderr


def intact(*arguments, **options):
    code, report = verify(*arguments, **options)
    assert code == 0 and report["is_right"], report
    return report


def told(*arguments, **options):
    code, report = verify(*arguments, **options)
    assert code == 1 and report["findings"], (code, report)
    return report["findings"]


class Socket(http.client.HTTPConnection):
    """The API over the server's local socket, as the holder of a token."""

    def __init__(self, server, token):
        super().__init__("localhost", timeout=30)
        self.path, self.token = server.endpoints["socket"], token

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def get(self, path):
        self.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = self.getresponse()
        return answer.status, answer.read()


def flip(path, offset, bit=3):
    content = bytearray(Path(path).read_bytes())
    content[offset] ^= 1 << bit
    Path(path).write_bytes(content)


def faketime(place, offset):
    library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
    assert library, "the package libfaketime"
    (place / "clock").write_text(offset)
    return {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(place / "clock"), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def test_a_bundle_is_checked_elsewhere_with_the_public_key_alone():
    with world.folder() as place:
        config = place / "longan.toml"
        config.write_text(CONFIG)
        server = world.Server(place / "data", config=config).start()
        try:
            send(server, "proof")
            server.run("export", "host.hostname:proof", "-o", place / "case.tar")
            old_key = (server.data / "evidence/key.pub").read_text()
            # Another folder, another machine: the file, and the key as it was noted down.
            elsewhere = place / "elsewhere"
            elsewhere.mkdir()
            bundle = elsewhere / "case.tar"
            shutil.copy(place / "case.tar", bundle)
            (elsewhere / "noted.vkey").write_text(old_key)
            report = intact("case.tar", "--key", "noted.vkey", cwd=elsewhere)
            assert report["records"] == COUNT and report["unsealed"] == 0, report

            right, chance = bundle.read_bytes(), random.Random(5)
            for offset in sorted(chance.sample(range(len(right)), 40)):
                flip(bundle, offset, chance.randrange(8))
                told("case.tar", "--key", "noted.vkey", cwd=elsewhere)
                bundle.write_bytes(right)
            first, second = right.find(b"number" if b"number" in right else b"Failed"), right.rfind(b"Failed")
            swapped = bytearray(right)
            swapped[first:first + 8], swapped[second:second + 8] = swapped[second:second + 8], b"Accepted"
            for changed in (right[:-1024], right[:len(right) // 2], bytes(swapped), right + right):
                bundle.write_bytes(changed)
                told("case.tar", "--key", "noted.vkey", cwd=elsewhere)
            bundle.write_bytes(right)

            # A new key: what the old one signed stays checkable, with the old one or with a file of both.
            server.stop()
            (server.data / "evidence/key").unlink()
            server.start()
            server.run("export", "host.hostname:proof", "-o", elsewhere / "later.tar")
            both = (server.data / "evidence/key.pub").read_text()
            assert both.startswith(old_key) and len(both.splitlines()) == 2, both
            (elsewhere / "both.vkey").write_text(both)
            for file in ("case.tar", "later.tar"):
                intact(file, "--key", "both.vkey", cwd=elsewhere)
            told("later.tar", "--key", "noted.vkey", cwd=elsewhere)
            intact("--data", server.data, "--key", elsewhere / "both.vkey")
            findings = told("--data", server.data, "--key", elsewhere / "noted.vkey")
            assert any("came after the one that was given" in finding["what"] for finding in findings), findings
        finally:
            server.stop()


def test_sealed_and_archived_records_are_proven_and_tampering_is_named():
    with world.folder() as place:
        config = place / "longan.toml"
        config.write_text(CONFIG)
        server = world.Server(place / "data", config=config).start()
        try:
            send(server, "kept")
            server.stop()
            sealed = list((server.data / "store/partitions").iterdir())
            assert sealed
            before = {path.name for path in sealed}
            archives = lambda: [path for path in server.data.glob("store/partitions/2026-11-2[01]*") if path.name not in before]
            intact("--data", server.data)
            # Some days later the days are over.
            server.environment = faketime(place, "+9d")
            server.start()
            world.wait_for(lambda: len(archives()) == 2, 60, "two archives")
            world.wait_for(lambda: verify("--data", server.data)[1].get("records", 0) >= COUNT, 30, "a whole look")
            intact("--data", server.data)
            assert server.count("host.hostname:kept") == COUNT
            server.stop()
            intact("--data", server.data)
            chance = random.Random(6)
            for path in sorted(server.data.glob("store/partitions/*/archive.bin")):
                right = path.read_bytes()
                for offset in chance.sample(range(len(right)), 10):
                    flip(path, offset)
                    named = {(finding["place"], finding.get("offset")) for finding in told("--data", server.data)}
                    assert (str(path.relative_to(server.data)), offset) in named, (path, offset, named)
                    path.write_bytes(right)
            intact("--data", server.data)
        finally:
            server.stop()


def test_the_audit_log_has_every_deed_and_without_it_nothing_is_done():
    with world.folder() as place:
        config = place / "longan.toml"
        config.write_text(CONFIG)
        server = world.Server(place / "data", config=config).start()
        try:
            send(server, "watched")
            token = server.run("token", "issue", "kiem", "--role", "auditor").split()[0]
            if token.startswith("{"):
                token = json.loads(server.run("token", "issue", "kiem2", "--role", "auditor", "--format", "json"))["token"]
            auditor = Socket(server, token)
            assert auditor.get("/v1/alerts")[0] == 200
            server.run("export", "user.name:an", "-o", place / "case.tar")
            entries = [json.loads(entry) for entry in server.run("audit", "--format", "json").splitlines()]
            deeds = {(entry["action"], entry["role"]) for entry in entries}
            for wanted in (("search", "admin"), ("export", "admin"), ("view", "auditor"), ("login", "auditor"), ("start", "")):
                assert wanted in deeds, (wanted, sorted(deeds))
            assert any("user.name:an" in entry["detail"] for entry in entries if entry["action"] == "export"), entries
            server.stop()

            # Damaged below its last checkpoint: going on would be a second history, and not writing would be none.
            log = server.data / "evidence/audit/entries-000000000"
            right = log.read_bytes()
            flip(log, 40)
            findings = told("--data", server.data)
            assert [(finding["place"], finding["offset"]) for finding in findings][:1] == [("evidence/audit/entries-000000000", 40)], findings
            server.start()
            auditor = Socket(server, token)
            for path in ("/v1/search?q=*", "/v1/alerts", "/v1/audit"):
                status, body = auditor.get(path)
                assert status == 503 and json.loads(body)["type"] == "not_audited", (path, status, body)
                assert b"longan verify" in body, body
            refused = subprocess.run([str(world.BINARY), "search", "*", "--data", str(server.data)], capture_output=True, text=True, timeout=60)
            assert refused.returncode == 4 and "audit log" in refused.stderr, refused
            assert auditor.get("/v1/status")[0] == 200
            # Events are taken in all the same.
            sender = load.HttpSender("meanwhile", server.address("http"), 0, line, batch=100)
            sender.connect()
            sender.send(range(100))
            sender.close()
            server.stop()
            shutil.move(server.data / "evidence/audit", place / "kept-as-evidence")
            server.start()
            world.wait_for(lambda: server.count("host.hostname:meanwhile") == 100, 60, "what came meanwhile")
            assert log.read_bytes() != right, "a new log was begun"
        finally:
            server.stop()
