"""Kills at chosen moments, with seals, archives, merges and retention under way (tests/faults/run); a disk that fails."""

import importlib.machinery
import importlib.util
import os
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
