"""A real journal is followed by the real journalctl: each entry once, through kill -9 of both, and bytes that are no text."""

import os
import signal
import subprocess
import time
from pathlib import Path

import world
from world import wait_for

REMOTE = "/lib/systemd/systemd-journal-remote"
MACHINE, BOOT = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
QUERY = "event.module:journald OR process.name:sshd"


def entry(number, message, identifier="app", binary=False):
    """One entry in the journal's export format."""
    clock = 1_773_480_413_000_000 + number
    message = message if isinstance(message, bytes) else message.encode()
    body = b"MESSAGE\n%b%b\n" % (len(message).to_bytes(8, "little"), message) if binary else b"MESSAGE=%b\n" % message
    return (f"__CURSOR=\n__REALTIME_TIMESTAMP={clock}\n__MONOTONIC_TIMESTAMP={number}\n_BOOT_ID={BOOT}\n_MACHINE_ID={MACHINE}\n"
            f"_HOSTNAME=gw-{number % 3:02}\nSYSLOG_IDENTIFIER={identifier}\n_PID=211\nPRIORITY=6\nSYSLOG_PID={number}\n").encode() + body + b"\n"


def write(journal, entries, name):
    subprocess.run([REMOTE, f"--output={journal / name}", "-"], input=b"".join(entries), check=True, capture_output=True, timeout=120)


def config(place, journal, **keys):
    path = place / "longan.toml"
    lines = ["[input.journald]", "enabled = true", f'folder = "{journal}"', "from_beginning = true"]
    path.write_text("\n".join(lines + [f"{key} = {value}" for key, value in keys.items()]) + "\n")
    return path


def child_of(server):
    """The journalctl the server runs."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == server.process.pid and (entry / "comm").read_text().strip() == "journalctl":
                return int(entry.name)
        except (OSError, ValueError):
            continue
    return None


def numbers(server):
    return sorted(int(event["log.syslog.procid"]) for event in server.search(QUERY))


def test_each_entry_of_the_journal_comes_once():
    with world.folder() as place:
        journal = place / "journal"
        journal.mkdir()
        write(journal, [entry(number, f"dòng {number}") for number in range(3_000)], "first.journal")
        server = world.Server(place / "data", config=config(place, journal))
        server.start()
        wait_for(lambda: server.count(QUERY) > 0, 60, "the first entries")
        server.kill()
        server.start()
        wait_for(lambda: server.count(QUERY) >= 3_000, 60, "all entries")
        # While nobody reads, and after the program that reads was killed.
        server.stop()
        write(journal, [entry(number, f"dòng {number}") for number in range(3_000, 3_100)], "second.journal")
        server.start()
        wait_for(lambda: server.count(QUERY) >= 3_100, 60, "what was written meanwhile")
        wait_for(lambda: child_of(server) is not None, 30, "journalctl")
        os.kill(child_of(server), signal.SIGKILL)
        write(journal, [entry(number, f"dòng {number}") for number in range(3_100, 3_200)], "third.journal")
        wait_for(lambda: server.count(QUERY) >= 3_200, 60, "what came after")
        time.sleep(1.5)
        assert numbers(server) == list(range(3_200))
        server.stop()


def test_a_message_that_is_no_text_hides_nothing():
    with world.folder() as place:
        journal = place / "journal"
        journal.mkdir()
        line = "Failed password for invalid user {} from 203.0.113.9 port 4022 ssh2"
        write(journal, [
            entry(1, line.format("admin"), "sshd"),
            entry(2, line.format("ad\x1b[2Jmin").encode(), "sshd", binary=True),
            entry(3, line.format("x").encode() + b"\xff", "sshd", binary=True),
        ], "one.journal")
        server = world.Server(place / "data", config=config(place, journal))
        server.start()
        wait_for(lambda: server.count("process.name:sshd") >= 3, 60, "the entries")
        assert server.count("source.ip:203.0.113.9 event.outcome:failure") >= 2, server.search("process.name:sshd")
        assert server.count("Failed password") == 3
        server.stop()


def test_a_missing_journal_is_told_and_waited_for():
    with world.folder() as place:
        journal = place / "journal"
        server = world.Server(place / "data", config=config(place, journal))
        server.start()
        wait_for(lambda: "the journal is not read" in server.tail(200), 30, "a word about it")
        journal.mkdir()
        write(journal, [entry(1, "da ve")], "one.journal")
        wait_for(lambda: server.count(QUERY) == 1, 90, "the entry")
        server.stop()
