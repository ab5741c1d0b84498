"""The running whole as its operators meet it: reload while running, restart, import, followed files, the demo."""

import gzip
import json
import os
import socket
import subprocess
import time

import world
from world import wait_for

RULE = """
title: {title}
id: 2f5cbb7a-11d1-4d0a-8a51-0f7a3a1f0e0{digit}
status: test
description: Marked events raise an alert.
author: Longan
logsource:
    definition: every event
detection:
    selection:
        message|contains: '{marker}'
    condition: selection
level: high
"""


def send(server, *texts, host="e2e-run"):
    with socket.create_connection(server.address("syslog_tcp"), timeout=30) as connection:
        for text in texts:
            line = f"<13>1 2026-11-24T00:00:00Z {host} app 1 - - {text}".encode()
            connection.sendall(b"%d %s" % (len(line), line))


def titles(server):
    return sorted(alert["title"] for alert in server.alerts())


def with_folders(place):
    (place / "rules").mkdir()
    (place / "parsers").mkdir()
    config = place / "longan.toml"
    config.write_text(f'[rules]\nfolder = "{place}/rules"\n[parsers]\nfolder = "{place}/parsers"\n')
    return config


def test_rules_and_packs_are_reloaded_while_events_flow():
    with world.folder() as place:
        config = with_folders(place)
        (place / "rules/first.yml").write_text(RULE.format(title="First", digit=1, marker="first-marker"))
        with world.server(data=place, config=config) as server:
            send(server, "first-marker one", "second-marker one")
            wait_for(lambda: titles(server) == ["First"], 20, "the first rule's alert")
            (place / "rules/second.yml").write_text(RULE.format(title="Second", digit=2, marker="second-marker"))
            (place / "parsers/e2eapp.toml").write_text(
                'name = "e2eapp"\ntitle = "x"\n[[recognise]]\napp_name = "e2eapp"\n'
                "[[pattern]]\ntext = 'hello {user.name:word}'\n"
                "[[sample]]\nline = '<13>Mar 1 00:00:00 h e2eapp: hello an'\nexpect = { \"user.name\" = \"an\" }\n")

            def reloaded():
                send(server, "second-marker again")
                return titles(server) == ["First", "Second"]
            wait_for(reloaded, 30, "the second rule is in force")
            line = b"<13>Mar  1 00:00:00 h e2eapp: hello lan"
            with socket.create_connection(server.address("syslog_tcp"), timeout=30) as connection:
                connection.sendall(b"%d %s" % (len(line), line))
            wait_for(lambda: server.count("user.name:lan") == 1, 20, "the new pack is in force")
            (place / "rules/second.yml").write_text("title: broken\ndetection: [")
            wait_for(lambda: any("second.yml" in problem for problem in server.status()["problems"]), 30, "the problem is told")
            send(server, "first-marker two")
            wait_for(lambda: [alert["count"] for alert in server.alerts() if alert["title"] == "First"] == [2], 20, "the first rule goes on")
            wait_for(lambda: server.count("longan.input:longan AND second.yml") >= 1, 20, "an event of our own tells it")


def test_what_was_done_is_there_after_a_restart():
    with world.folder() as place:
        config = with_folders(place)
        (place / "rules/first.yml").write_text(RULE.format(title="First", digit=1, marker="first-marker"))
        server = world.Server(place / "data", config=config).start()
        try:
            send(server, "first-marker one")
            wait_for(lambda: titles(server) == ["First"], 20, "an alert")
            alert = server.alerts()[0]
            number = str(alert["id"])
            server.run("alerts", "take", number)
            server.run("alerts", "close", number, "--as", "true_positive", "--note", "đã xử lý")
            server.stop()
            assert server.count("first-marker") == 1, "the store is searched without a server"
            assert server.alerts()[0]["status"] == "closed", "the alerts are listed without a server"
            server.start()
            assert server.alerts()[0]["status"] == "closed"
            detail = json.loads(server.run("alerts", "show", number, "--format", "json"))
            actions = [entry["action"] for entry in detail["history"]]
            assert actions == ["raised", "taken", "closed"], actions
            assert server.count("first-marker") == 1
        finally:
            server.stop()


def test_history_is_imported_with_and_without_a_server():
    with world.folder() as place:
        config = with_folders(place)
        (place / "rules/first.yml").write_text(RULE.format(title="First", digit=1, marker="first-marker"))
        plain, packed = place / "old.log", place / "older.log.gz"
        plain.write_text("".join(f"Nov  1 00:00:{n % 60:02} host-a app: plain number {n} end\n" for n in range(5_000)))
        with gzip.open(packed, "wt") as file:
            file.writelines(f"Oct  1 00:00:{n % 60:02} host-b app: packed number {n} first-marker\n" for n in range(3_000))
        server = world.Server(place / "data", config=config)
        environment = {**os.environ, "LONGAN_RULES__FOLDER": f"{place}/rules"}
        command = [str(world.BINARY), "import", str(plain), str(packed), "--create", "--data", str(server.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, stdin=subprocess.DEVNULL)
        assert done.returncode == 0 and "8000 events" in done.stderr, (done.returncode, done.stderr)
        assert server.count("host.hostname:host-a") == 5_000 and server.count("host.hostname:host-b") == 3_000
        assert [alert["count"] for alert in server.alerts()] == [3_000]
        server.start()
        try:
            more = place / "more.log"
            more.write_text("".join(f"Nov  2 00:00:00 host-c app: more number {n} end\n" for n in range(2_500)))
            server.run("import", more)
            wait_for(lambda: server.count("host.hostname:host-c") == 2_500, 20, "imported through the server")
            assert "cannot read" in subprocess.run([str(world.BINARY), "import", str(place / "none.log"), "--data", str(server.data)],
                                                   capture_output=True, text=True, timeout=60).stderr
        finally:
            server.stop()


def test_a_killed_server_s_folder_is_searched_whole_without_it():
    with world.folder() as place:
        server = world.Server(place / "data").start()
        send(server, *(f"sealed number {n} end" for n in range(50)))
        wait_for(lambda: server.count('"sealed number"') == 50, 20, "the first events")
        server.stop()
        server.start()
        send(server, *(f"unsealed number {n} end" for n in range(70)))
        wait_for(lambda: server.count('"unsealed number"') == 70, 20, "the later events")
        server.kill()
        assert server.count("host.hostname:e2e-run") == 120
        ids = [event["longan.id"] for event in server.search("host.hostname:e2e-run")]
        assert len(set(ids)) == 120 and ids == sorted(ids, reverse=True), "newest first, each once"
        server.start()
        assert wait_for(lambda: server.count("host.hostname:e2e-run") == 120, 20, "all of them after the start")
        server.stop()


def test_followed_files_survive_rotation_and_restart():
    with world.folder() as place:
        log = place / "app.log"
        config = place / "longan.toml"
        config.write_text(f'[[input.file]]\npath = "{place}/app.log"\n')
        write = lambda *numbers: log.open("a").write("".join(f"Nov 24 00:00:00 filehost app: number {n} end\n" for n in numbers))
        write(*range(100))
        server = world.Server(place / "data", config=config).start()
        numbers = lambda: sorted(int(e["event.original"].split("number ")[1].split(" ")[0]) for e in server.search("host.hostname:filehost"))
        try:
            wait_for(lambda: numbers() == list(range(100)), 20, "what stood there")
            log.rename(place / "app.log.1")
            write(*range(100, 200))
            wait_for(lambda: numbers() == list(range(200)), 20, "after a rotation by rename")
            server.kill()
            write(*range(200, 300))
            server.start()
            wait_for(lambda: numbers() == list(range(300)), 30, "after kill -9, each once")
            log.write_text("")
            write(*range(300, 310))
            wait_for(lambda: numbers() == list(range(310)), 30, "after copy and truncate")
        finally:
            server.stop()


def test_the_demo_raises_alerts():
    with world.folder() as place:
        server = world.Server(place / "data", "--demo").start()
        try:
            wait_for(lambda: any(alert["level"] == "critical" for alert in server.alerts()), 60, "a critical alert of the demo")
            alert = next(alert for alert in server.alerts() if alert["level"] == "critical")
            assert alert["events"], alert
            event = server.search(f"longan.id:{alert['events'][0]}")
            assert len(event) == 1 and event[0]["event.original"], event
        finally:
            server.stop()


def test_events_are_searchable_within_a_second():
    with world.server() as server:
        waits = []
        for number in range(10):
            send(server, f"timely {number} end")
            began = time.monotonic()
            wait_for(lambda number=number: server.count(f'"timely {number} end"') == 1, 10, "searchable")
            waits.append(time.monotonic() - began)
        waits.sort()
        print(f"  until found, the search command included: median {waits[5]:.2f} s, longest {waits[-1]:.2f} s")
        assert waits[5] < 1.5, waits
