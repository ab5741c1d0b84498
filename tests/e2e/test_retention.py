"""Retention classes, legal holds and the outlook: of a running server, and what is refused."""

import json
import os
import socket
import subprocess

import world
from world import wait_for


def longan(*arguments, **environment):
    command = [str(world.BINARY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "LC_ALL": "C", **environment})


CLASSES = """
[store]
seal_seconds = 1
[[retention.class]]
name = "dvc"
level = 4
days = 730
inputs = "syslog_tcp"
"""


def test_less_than_the_level_demands_is_refused():
    with world.folder() as place:
        config = place / "longan.toml"
        config.write_text(CLASSES.replace("730", "179"))
        refused = longan("config", "check", "--config", config)
        assert refused.returncode == 3, refused
        told = refused.stdout + refused.stderr
        assert '"line":7,"column":8' in told and "180" in told and "TCVN 11930:2017" in told, told
        config.write_text(CLASSES)
        assert longan("config", "check", "--config", config).returncode == 0


def test_classes_are_kept_apart_and_holds_are_audited():
    with world.folder() as place:
        config = place / "longan.toml"
        config.write_text(CLASSES)
        with world.server(data=place, config=config) as server:
            with socket.create_connection(server.address("syslog_tcp")) as sender:
                for second in range(20):
                    sender.sendall(f"<13>Mar 14 08:00:{second:02} portal app: line {second}\n".encode())
            wait_for(lambda: server.count("portal") == 20, 30, "the lines")

            def show():
                done = longan("retention", "show", "--data", server.data, "--format", "json")
                assert done.returncode == 0, done
                return json.loads(done.stdout)

            def sealed(name):
                return next(row for row in show()["classes"] if row["name"] == name)["sealed"]["events"]

            wait_for(lambda: sealed("dvc") == 20, 60, "a partition of the class")
            row = next(row for row in show()["classes"] if row["name"] == "dvc")
            assert (row["level"], row["days"], row["archive_days"]) == (4, 730, 3), row
            assert row["next_deletion"] > row["oldest"], row

            held = longan("retention", "hold", "app", "--source", "portal", "--why", "case 17", "--expires", "30d",
                          "--data", server.data, "--format", "json")
            assert held.returncode == 0 and json.loads(held.stdout)["is_in_force"], held
            everything = longan("retention", "hold", "--why", "all", "--data", server.data)
            assert everything.returncode != 0 and "needs a query" in everything.stderr, everything
            lifted = longan("retention", "lift", 1, "--why", "closed", "--data", server.data)
            assert lifted.returncode == 0 and "lifted_by" in lifted.stdout, lifted
            assert longan("retention", "lift", 1, "--why", "again", "--data", server.data).returncode != 0
            audit = longan("audit", "--action", "hold", "--data", server.data, "--format", "json").stdout
            assert "case 17" in audit and "closed" in audit, audit
            vietnamese = longan("retention", "show", "--data", server.data, "--format", "table", LC_ALL="vi_VN.UTF-8")
            assert "Cấp độ" in vietnamese.stdout and "đang đo" in vietnamese.stdout, vietnamese
        verified = longan("verify", "--data", server.data)
        assert verified.returncode == 0, verified
