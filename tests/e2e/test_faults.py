"""Kills at chosen moments, with seals, archives, merges and retention under way (tests/faults/run); a disk that fails."""

import importlib.machinery
import importlib.util
import os
import subprocess
from pathlib import Path

import load
import world

KILLS = int(os.environ.get("E2E_FAULT_KILLS", "5"))


def test_kills_at_chosen_moments():
    path = Path(__file__).resolve().parents[1] / "faults" / "run"
    loader = importlib.machinery.SourceFileLoader("faults_run", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("faults_run", loader))
    loader.exec_module(module)
    seed = int(os.environ.get("E2E_SEED", "0")) or module.random.randrange(1_000_000)
    assert module.kills(KILLS, seed) == 0


def line(name, number):
    return f"<134>1 2026-11-24T00:00:00Z {name} load 1 - - {name} number {number} end"


def test_a_sync_that_fails_is_never_taken_for_done():
    """The disk answers a sync with EIO: nothing more is acknowledged, the program ends and says why, and what was acknowledged is there."""
    wrapper = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=30+"]
    with world.folder() as place:
        server = world.Server(place / "data", wrapper=wrapper).start(120)
        try:
            sender = load.HttpSender("eio", server.address("http"), 0, line, batch=20)
            sender.start()
            sender.join(60)
            assert not sender.is_alive(), "the failing sync was never told"
            acknowledged = set().union(*sender.acknowledged)
            assert 0 < len(acknowledged) < 2_000, len(acknowledged)
            code = server.process.wait(60)
            assert code not in (0, None), "a disk that fails is no clean end"
            assert "nothing is taken in any more" in server.tail() and "Input/output error" in server.tail(), server.tail()
        finally:
            server.kill()
        server.wrapper = []
        server.start(120)
        try:
            world.wait_for(lambda: server.status()["last_searchable"] >= server.status()["last_event"], 60, "all replayed")
            found = [int(event["event.original"].split(" number ")[1].split(" ")[0]) for event in server.search("host.hostname:eio")]
            assert len(found) == len(set(found)) and acknowledged <= set(found), (len(found), len(acknowledged))
        finally:
            server.stop()


def longan(*arguments, language="C"):
    environment = {**{key: value for key, value in os.environ.items() if not key.startswith("LONGAN")}, "LC_ALL": language}
    command = [str(world.BINARY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, stdin=subprocess.DEVNULL)


def test_a_partition_that_is_cut_or_gone_is_named_and_the_rest_is_found():
    with world.folder() as place:
        config = place / "longan.toml"
        config.write_text("[store]\nseal_seconds = 1\nhot_events_max = 1000\nreserve_bytes = 0\n")
        server = world.Server(place / "data", config=config).start(120)

        def send(name):
            sender = load.HttpSender(name, server.address("http"), 0, line, batch=50)
            sender.connect()
            sender.send(range(50))
            sender.close()
            world.wait_for(lambda: server.count(f"host.hostname:{name}") == 50, 60, "all are found")

        try:
            send("first")
            server.stop()
            # The program's own events may have partitions of their own: all are cut.
            partitions = list((server.data / "store/partitions").iterdir())
            right = {partition / "meta.json": (partition / "meta.json").read_bytes() for partition in partitions}
            for path, content in right.items():
                path.write_bytes(content[: len(content) // 2])
            server.start(120)
            send("second")
            assert server.count("host.hostname:first") == 0
            for partition in partitions:
                told = [problem for problem in server.status()["problems"] if partition.name in problem]
                assert told and "longan verify" in told[0], server.status()["problems"]
            for language, verdict, what in (("C", "NOT INTACT", "it has"), ("vi_VN.UTF-8", "KHÔNG NGUYÊN VẸN", "trước đây có")):
                done = longan("verify", "--data", server.data, "--format", "table", language=language)
                named = [text for text in done.stdout.splitlines() if "/meta.json, byte" in text]
                assert done.returncode == 1 and verdict in done.stdout, done.stdout
                assert len(named) == len(partitions) and all(what in text for text in named), done.stdout
            server.stop()
            for path, content in right.items():
                path.write_bytes(content)
            server.start(120)
            assert server.count("host.hostname:first") == 50 and server.status()["problems"] == []
        finally:
            server.stop()
        # A newer version's folder is refused with place and hint, in both languages, and nothing is touched.
        manifest = server.data / "store/manifest.json"
        changed = manifest.read_text().replace('"format": 1', '"format": 2')
        manifest.write_text(changed)
        for language, hint in (("C", "a newer version wrote this folder"), ("vi_VN.UTF-8", "một bản mới hơn đã ghi thư mục này")):
            done = longan("start", "--headless", "--data", server.data, "--config", config, language=language)
            assert done.returncode != 0 and "manifest.json" in done.stderr and hint in done.stderr, done.stderr
        assert manifest.read_text() == changed


def test_a_clock_ten_years_ahead_deletes_nothing():
    library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
    assert library, "the package libfaketime"
    with world.folder() as place:
        config, clock = place / "longan.toml", place / "clock"
        config.write_text("[store]\nseal_seconds = 1\nhot_events_max = 1000\nretention_days = 90\nreserve_bytes = 0\n")
        clock.write_text("+0")
        environment = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
                       "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        server = world.Server(place / "data", config=config, environment=environment).start(120)
        try:
            sender = load.HttpSender("kept", server.address("http"), 0, line, batch=50)
            sender.connect()
            sender.send(range(50))
            sender.close()
            world.wait_for(lambda: server.count("host.hostname:kept") == 50, 60, "all are found")
            server.stop()
            jumped = lambda: [problem for problem in server.status()["problems"] if "has jumped ahead" in problem]
            for offset, is_told in (("+3650d", True), ("-3650d", False), ("+0", False)):
                clock.write_text(offset)
                server.start(120)
                if is_told:
                    world.wait_for(jumped, 60, "the clock is told of")
                assert server.count("host.hostname:kept") == 50 and bool(jumped()) == is_told, (offset, server.status()["problems"])
                server.stop()
            assert '"tombstones": []' in (server.data / "store/manifest.json").read_text()
            # Who says that the server was off for so long is believed.
            config.write_text(config.read_text() + "clock_jump_days = 4000\n")
            clock.write_text("+3650d")
            server.start(120)
            world.wait_for(lambda: server.count("host.hostname:kept") == 0, 60, "what is over is deleted")
            server.stop()
        finally:
            if server.process and server.process.poll() is None:
                server.kill()
