"""Hostile inputs as a table: each with its expected outcome, and what honest senders sent meanwhile is all there."""

import contextlib
import json
import os
import resource
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import world
from world import wait_for

MIB = 1 << 20


def send_tcp(server, data, listener="syslog_tcp"):
    with socket.create_connection(server.address(listener), timeout=60) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            connection.settimeout(20)
            connection.recv(1)


def line(host, text):
    return f"<13>Nov 24 00:00:00 {host} app[1]: ".encode() + (text if isinstance(text, bytes) else text.encode()) + b"\n"


def raw_of(server, host):
    return [event["event.original"] for event in server.search(f"host.hostname:{host}")]


def oversized_frame(server, host):
    body = line(host, b"A" * (2 * MIB))[:-1]
    send_tcp(server, b"%d %s" % (len(body), body) + line(host, "after"))
    return lambda: [len(raw) for raw in sorted(raw_of(server, host), key=len)][:1] == [len(line(host, "after")) - 1] and \
        max(map(len, raw_of(server, host))) <= MIB and len(raw_of(server, host)) == 2


def bad_length(server, host):
    send_tcp(server, b"999999999999999999999 <13>lie\n" + line(host, "one") + b"12x " + line(host, "two") + b"-5 \n" + line(host, "three"))
    # What stood before a header that cannot be a length stays in the raw line, and the line is found by its words.
    found = lambda: [event["event.original"] for event in server.search(f"longan.input:syslog_tcp AND {host}")]
    return lambda: all(any(raw.endswith(word) for raw in found()) for word in ("one", "two", "three"))


def invalid_utf8(server, host):
    send_tcp(server, line(host, b"before \xff\xfe\xc3( after"))
    return lambda: any("before" in raw and "after" in raw for raw in raw_of(server, host))


def nul_bytes(server, host):
    send_tcp(server, line(host, b"a\x00b\x00c"))
    return lambda: any("a\x00b\x00c" in raw for raw in raw_of(server, host))


def terminal_escapes(server, host):
    send_tcp(server, line(host, b"\x1b[2J\x1b]0;owned\x07 red \x1b[31m \xe2\x80\xae gnp.exe"))

    def is_harmless():
        table = server.run("search", f"host.hostname:{host}", "--format", "table", ok=(0, 1), text=False)
        found = b"owned" in table
        assert b"\x1b" not in table and b"\x07" not in table and "\u202e".encode() not in table, table
        return found and any("\x1b[2J" in raw for raw in raw_of(server, host))
    return is_harmless


def hundred_megabytes(server, host):
    before = server.status()["memory_bytes"]
    with socket.create_connection(server.address("syslog_tcp"), timeout=120) as connection:
        connection.sendall(f"<13>Nov 24 00:00:00 {host} app[1]: ".encode())
        chunk = b"x" * MIB
        for _ in range(100):
            connection.sendall(chunk)
        connection.sendall(b"\n" + line(host, "after"))
    growth = server.status()["memory_bytes"] - before
    assert growth < 80 * MIB, f"100 MB line took {growth / MIB:.0f} MiB"
    return lambda: any("after" in raw for raw in raw_of(server, host)) and max(map(len, raw_of(server, host))) <= MIB


def slow_client(server, host):
    """One byte at a time, while others are served."""
    connection = socket.create_connection(server.address("syslog_tcp"), timeout=60)

    def trickle():
        for byte in line(host, "slowly"):
            connection.send(bytes([byte]))
            time.sleep(0.01)
        connection.close()
    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    send_tcp(server, line(host, "quick"))
    wait_for(lambda: any("quick" in raw for raw in raw_of(server, host)), 20, "the quick one is not held up")
    thread.join(60)
    return lambda: any("slowly" in raw for raw in raw_of(server, host))


def half_tls_hello(server, host):
    """A handshake that never goes on must not hold up the next."""
    held = [socket.create_connection(server.address("syslog_tls"), timeout=60) for _ in range(50)]
    for connection in held:
        connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    context = ssl.create_default_context(cafile=server.tls / "ca.pem")
    context.load_cert_chain(server.tls / "client.pem", server.tls / "client.key")
    address = server.address("syslog_tls")
    with context.wrap_socket(socket.create_connection(address, timeout=30), server_hostname="localhost") as connection:
        body = line(host, "behind them")[:-1]
        connection.sendall(b"%d %s" % (len(body), body))
    for connection in held:
        connection.close()
    return lambda: any("behind them" in raw for raw in raw_of(server, host))


def no_client_certificate(server, host):
    context = ssl.create_default_context(cafile=server.tls / "ca.pem")
    with contextlib.suppress(OSError):
        with context.wrap_socket(socket.create_connection(server.address("syslog_tls"), timeout=30), server_hostname="localhost") as c:
            c.sendall(line(host, "nobody"))
            c.recv(1)
    send_tcp(server, line(host, "somebody"))
    return lambda: any("somebody" in raw for raw in raw_of(server, host)) and not any("nobody" in raw for raw in raw_of(server, host))


def idle_connections(server, host):
    count = 5_000
    held = []
    try:
        for _ in range(count):
            held.append(socket.create_connection(server.address("syslog_tcp"), timeout=60))
        send_tcp(server, line(host, "among thousands"))
        wait_for(lambda: any("among thousands" in raw for raw in raw_of(server, host)), 30, "served among 5,000 idle")
        held[-1].sendall(line(host, "from an idle one"))
        return lambda: any("from an idle one" in raw for raw in raw_of(server, host))
    finally:
        for connection in held:
            connection.close()


def http_nonsense(server, host):
    base = "http://%s:%d" % server.address("http")
    for path, body, headers, wanted in (
        ("/ingest/ndjson", b"x" * (64 * MIB), {}, {413}),
        ("/_bulk", b'{"index":{}}\n{"broken', {}, {200, 400}),
        ("/services/collector/event", b'{"event": ', {}, {400}),
        ("/ingest/ndjson", b"\x1f\x8b\x08 not gzip", {"Content-Encoding": "gzip"}, {400}),
        ("/nothing", b"", {}, {404, 405}),
    ):
        request = urllib.request.Request(base + path, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        except (urllib.error.URLError, OSError):
            status = 413 if wanted == {413} else 0
        assert status in wanted, f"{path}: {status}, wanted {wanted}"
    good = json.dumps({"message": line(host, "good").decode().strip()}).encode()
    with urllib.request.urlopen(urllib.request.Request(base + "/ingest/ndjson", good, method="POST"), timeout=60) as answer:
        assert answer.status == 200
    return lambda: any("good" in raw for raw in raw_of(server, host))


NETWORK = [oversized_frame, bad_length, invalid_utf8, nul_bytes, terminal_escapes, hundred_megabytes, slow_client, half_tls_hello,
           no_client_certificate, idle_connections, http_nonsense]


def honest(server, stop, counts):
    """Somebody who goes on working through all of it."""
    number = 0
    with socket.create_connection(server.address("syslog_tcp"), timeout=60) as connection:
        while not stop.is_set():
            connection.sendall(line("honest", f"number {number} end"))
            number += 1
            time.sleep(0.005)
    counts.append(number)


def test_hostile_network():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536) if hard > 0 else 65_536, hard))
    with world.folder() as place:
        tls = world.certificates(place / "tls")
        config = place / "longan.toml"
        config.write_text(f'[tls]\ncertificate = "{tls}/server.pem"\nkey = "{tls}/server.key"\nclient_ca = "{tls}/ca.pem"\n'
                          "[input.syslog_tcp]\nframe_bytes_max = 1048576\n")
        with world.server("--syslog-tls", "127.0.0.1:0", data=place, config=config) as server:
            server.tls = tls
            stop, counts = threading.Event(), []
            thread = threading.Thread(target=honest, args=(server, stop, counts), daemon=True)
            thread.start()
            for case in NETWORK:
                host = case.__name__.replace("_", "-")
                outcome = case(server, host)
                wait_for(outcome, 60, f"the outcome of {case.__name__}")
                print(f"  {case.__name__}: as expected", flush=True)
            stop.set()
            thread.join(60)
            sent = counts[0]
            wait_for(lambda: server.count("host.hostname:honest") == sent, 60, f"{sent} honest messages")
            print(f"  honest sender: {sent} sent, all found once")


def test_lost_datagrams_are_counted_and_raise_an_alert():
    """A flood over UDP into the smallest buffer: what the kernel dropped is in the account, and somebody is told."""
    with world.folder() as place:
        config = place / "longan.toml"
        config.write_text("[input.syslog_udp]\nreceive_buffer_bytes = 4096\n")
        with world.server(data=place, config=config) as server:
            row = lambda: next(row for row in server.status()["inputs"] if row["name"] == "syslog_udp")
            sent = 0
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
                flood.connect(server.address("syslog_udp"))
                while sent < 400_000 and (sent % 20_000 or not sent or not row()["dropped"]):
                    flood.send(b"<13>1 2026-11-24T00:00:00Z flood app 1 - - number %d end" % sent)
                    sent += 1
                # The kernel tells of drops with the next datagram it delivers.
                for _ in range(20):
                    time.sleep(0.05)
                    flood.send(b"<13>1 2026-11-24T00:00:00Z flood app 1 - - number %d end" % sent)
                    sent += 1
            wait_for(lambda: row()["received"] == sent, 20, f"all {sent} in the account")
            wait_for(lambda: row()["received"] == row()["stored"] + row()["rejected"] + row()["dropped"], 20, "the account is even")
            found = row()
            print(f"  sent {sent}, stored {found['stored']}, dropped {found['dropped']}")
            assert found["dropped"] > 0
            wait_for(lambda: server.count("host.hostname:flood") == found["stored"], 30, "what was stored is found")
            wait_for(lambda: any(alert["rule"] == "longan-input-dropped" for alert in server.alerts()), 30, "the alert")


def test_broken_rule_and_pack_are_told_and_left_out():
    with world.folder() as place:
        for name, file, text in (("rules", "broken.yml", "title: x\ndetection:\n  a:\n    b|containz: c\n  condition: a\n"),
                                 ("parsers", "broken.toml", "name = \n")):
            (place / name).mkdir()
            (place / name / file).write_text(text)
        config = place / "longan.toml"
        config.write_text(f'[rules]\nfolder = "{place}/rules"\n[parsers]\nfolder = "{place}/parsers"\n')
        with world.server(data=place, config=config) as server:
            status = server.status()
            problems = "\n".join(status["problems"])
            assert "broken.yml:4" in problems and "containz" in problems, problems
            assert "broken.toml:1" in problems, problems
            assert status["rules_loaded"] >= 30 and status["packs_loaded"] >= 10, status


def test_broken_configuration_is_refused_with_its_place():
    with world.folder() as place:
        config = place / "longan.toml"
        config.write_text("[input.syslog_tcp]\nadress = 1\n")
        done = subprocess.run([str(world.BINARY), "start", "--headless", "--data", str(place / "data"), "--config", str(config)],
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == 3, (done.returncode, done.stderr)
        assert "longan.toml:2:1" in done.stderr and "did you mean `address`" in done.stderr, done.stderr


def test_port_in_use_names_the_input():
    with world.folder() as place, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        command = [str(world.BINARY), "start", "--headless", "--data", str(place / "data"), "--syslog-tcp", address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == 3, (done.returncode, done.stderr)
        assert address in done.stderr and "syslog_tcp" in done.stderr.replace("-", "_"), done.stderr
        assert not (place / "data/endpoints.json").exists()


def test_two_servers_on_one_folder():
    with world.server() as server:
        done = subprocess.run(server.command(), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == 3, (done.returncode, done.stderr)
        assert str(server.process.pid) in done.stderr, done.stderr
        assert server.status()["version"]


def test_read_only_data_folder():
    with world.folder() as place:
        data = place / "data"
        data.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(data)], capture_output=True).returncode == 0
        if not mounted:
            os.chmod(data, 0o500)
        try:
            done = subprocess.run([str(world.BINARY), "start", "--headless", "--data", str(data)],
                                  capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
            assert done.returncode == 3, (done.returncode, done.stderr)
            assert str(data) in done.stderr, done.stderr
        finally:
            if mounted:
                subprocess.run(["umount", str(data)], check=True)
            else:
                os.chmod(data, 0o700)


def test_full_disk_refuses_and_recovers():
    """On a small tmpfs: acknowledged events are all there, the sender is refused (not lied to), and it goes on once there is room."""
    with world.folder() as place:
        data = place / "data"
        data.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(data)], capture_output=True).returncode:
            print("  no right to mount a tmpfs here: this case needs root")
            assert os.geteuid() != 0
            return
        try:
            ballast = data / "ballast"
            ballast.write_bytes(b"\0" * (10 * MIB))
            config = place / "longan.toml"
            config.write_text("[store]\nreserve_bytes = 2000000\n[limits]\nwal_segment_bytes = 1048576\n")
            server = world.Server(data, config=config)
            server.start()
            base = "http://%s:%d/ingest/ndjson" % server.address("http")
            acknowledged, refused, number = 0, None, 0
            while refused is None and number < 400_000:
                lines = "\n".join(json.dumps({"message": f"full number {n} end " + "y" * 400}) for n in range(number, number + 500))
                try:
                    with urllib.request.urlopen(urllib.request.Request(base, lines.encode(), method="POST"), timeout=60) as answer:
                        assert answer.status == 200
                    acknowledged += 500
                except urllib.error.HTTPError as error:
                    refused = error.code
                number += 500
            assert refused in (429, 503), refused
            assert server.status()["refusing"], "the status says that inputs refuse"
            print(f"  {acknowledged} acknowledged, then {refused}")
            ballast.unlink()
            wait_for(lambda: not server.status()["refusing"], 60, "accepting again")
            with urllib.request.urlopen(urllib.request.Request(base, b'{"message": "room again"}', method="POST"), timeout=60) as answer:
                assert answer.status == 200
            wait_for(lambda: server.count('"room again"') == 1, 30, "the event after")
            found = server.search('"full number"')
            numbers = [int(event["event.original"].split("number ")[1].split(" ")[0]) for event in found]
            assert len(set(numbers)) == len(numbers) and len(numbers) >= acknowledged, (len(numbers), acknowledged)
            server.stop()
        finally:
            if server.process and server.process.poll() is None:
                server.kill()
            subprocess.run(["umount", str(data)], check=True)


def test_our_own_clock_that_jumps():
    """The machine's clock jumps two days ahead, three back, and home: everything is found once, live and after a restart."""
    library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
    assert library, "the package libfaketime"
    with world.folder() as place:
        clock = place / "clock"
        clock.write_text("+0")
        environment = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
                       "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        server = world.Server(place / "data", environment=environment).start()
        found = lambda: sorted(int(e["event.original"].split("jump ")[1].split(" ")[0]) for e in server.search("host.hostname:jumper"))
        try:
            sent = 0
            for offset in ("+0", "+2d", "-1d", "+0", "-300d", "+0"):
                clock.write_text(offset)
                # Without a time of its own the line is dated by our clock.
                send_tcp(server, b"".join(b"<13>1 - jumper app 1 - - jump %d end\n" % n for n in range(sent, sent + 40)))
                sent += 40
                wait_for(lambda: found() == list(range(sent)), 30, f"{sent} events after {offset}")
            assert not server.status()["refusing"]
            days = {event["@timestamp"][:10] for event in server.search("host.hostname:jumper")}
            assert len(days) >= 4, days
            server.stop()
            server.start()
            assert found() == list(range(sent))
        finally:
            server.stop()


def test_clock_that_jumps():
    """Device clocks far ahead and behind: all are found, under their own time, and order of arrival is kept by id."""
    with world.server() as server:
        stamps = ["2031-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2026-11-24T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-25T00:00:00Z"]
        send_tcp(server, b"".join(f"<13>1 {stamp} jumps app 1 - - at {stamp}\n".encode() for stamp in stamps))
        wait_for(lambda: server.count("host.hostname:jumps") == len(stamps), 20, "all events")
        events = server.search("host.hostname:jumps")
        assert [e["@timestamp"][:10] for e in events] == sorted((s[:10] for s in stamps), reverse=True), events
        by_id = sorted(events, key=lambda event: event["longan.id"])
        assert [e["event.original"].split(" at ")[1] for e in by_id] == stamps


def test_sigterm_under_load():
    """SIGTERM in the middle of acknowledged traffic: exit 0, and what was acknowledged is there after the next start."""
    with world.folder() as place:
        server = world.Server(place / "data").start()
        url = "http://%s:%d/ingest/ndjson" % server.address("http")
        acknowledged, stop = [], threading.Event()

        def load():
            number = 0
            while not stop.is_set():
                lines = "\n".join(json.dumps({"message": f"term number {n} end"}) for n in range(number, number + 200))
                try:
                    with urllib.request.urlopen(urllib.request.Request(url, lines.encode(), method="POST"), timeout=30) as answer:
                        if answer.status == 200:
                            acknowledged.extend(range(number, number + 200))
                except OSError:
                    return
                number += 200
        thread = threading.Thread(target=load, daemon=True)
        thread.start()
        time.sleep(1.5)
        server.stop()
        stop.set()
        thread.join(60)
        server.start()
        found = [int(e["event.original"].split("number ")[1].split(" ")[0]) for e in server.search('"term number"')]
        print(f"  acknowledged {len(acknowledged)}, found {len(found)}")
        assert acknowledged and set(acknowledged) <= set(found) and len(found) == len(set(found))
        server.stop()
