"""`kill -9` at random moments under acknowledged load: every acknowledged event is found exactly once, every alert raised once."""

import os
import random
import time

import load
import world

ROUNDS = int(os.environ.get("E2E_KILL_ROUNDS", "10"))
ALERT_EVERY = 250

RULE = """
title: End-to-end marker
id: 7c4c3c5e-6a53-4a8e-9d8e-0d1f2f8f4a01
status: test
description: Every marked event must raise exactly one detection.
author: Longan
date: 2026-01-01
logsource:
    definition: every event, recognised or not
detection:
    selection:
        message|contains: 'kill-marker'
    condition: selection
level: high
"""


def line(name, number):
    marker = " kill-marker" if number % ALERT_EVERY == 0 else ""
    return f"<134>1 2026-11-24T00:00:00Z {name} load 1 - - {name} number {number} end{marker}"


def numbers_found(server, name):
    events = server.search(f"host.hostname:{name}")
    return [(int(event["event.original"].split(" number ")[1].split(" ")[0]), event["longan.id"]) for event in events]


def check(server, name, acknowledged, sent):
    found = numbers_found(server, name)
    numbers = [number for number, _ in found]
    different = set(numbers)
    missing = acknowledged - different
    print(f"  {name}: acknowledged {len(acknowledged)}, sent {len(sent)}, found {len(numbers)}, missing {len(missing)}, "
          f"twice {len(numbers) - len(different)}, never sent {len(different - sent)}", flush=True)
    assert not missing, f"{name}: acknowledged but lost: {sorted(missing)[:10]}"
    assert len(numbers) == len(different), f"{name}: found twice"
    assert different <= sent
    return {event_id for number, event_id in found if number % ALERT_EVERY == 0}


def test_acknowledged_events_survive_kill():
    with world.folder() as place:
        rules = place / "rules"
        rules.mkdir()
        (rules / "marker.yml").write_text(RULE)
        config = place / "longan.toml"
        config.write_text(f'[rules]\nfolder = "{rules}"\n[store]\nseal_seconds = 3\nhot_events_max = 20000\n')
        server = world.Server(place / "data", config=config)
        chance = random.Random(int(os.environ.get("E2E_SEED", "0")) or None)
        acknowledged = {"e2e-relp": set(), "e2e-http": set()}
        sent = {name: set() for name in acknowledged}
        following = dict.fromkeys(acknowledged, 0)
        for round_number in range(ROUNDS):
            server.start()
            senders = [load.RelpSender("e2e-relp", server.address("relp"), following["e2e-relp"], line),
                       load.HttpSender("e2e-http", server.address("http"), following["e2e-http"], line)]
            for sender in senders:
                sender.start()
            time.sleep(chance.uniform(0.3, 3.0))
            server.kill()
            for sender in senders:
                sender.stopping.set()
                sender.join(30)
                assert not sender.is_alive()
                acknowledged[sender.name].update(*map(set, sender.acknowledged))
                sent[sender.name].update(*map(set, sender.sent))
                following[sender.name] = sender.next
            print(f"  round {round_number + 1}: acknowledged {sum(map(len, acknowledged.values()))} so far", flush=True)
        server.start(120)
        world.wait_for(lambda: server.status()["last_searchable"] >= server.status()["last_event"], 60, "all replayed")
        marked = set()
        for name in acknowledged:
            marked |= check(server, name, acknowledged[name], sent[name])
        alerts = [alert for alert in server.alerts() if alert["title"] == "End-to-end marker"]
        raised = sum(alert["count"] for alert in alerts)
        print(f"  marked events {len(marked)}, detections in alerts {raised}, alerts {len(alerts)}")
        assert raised == len(marked), "every marked event raises exactly one detection"
        server.stop()
