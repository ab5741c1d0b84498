"""Evidence that leaves the machine: to a real rsyslog, an HTTPS address and a folder; and a history written anew is told."""

import http.server
import json
import shutil
import socket
import ssl
import subprocess
import threading

import world
from world import wait_for

RSYSLOG = """
global(workDirectory="{work}")
module(load="imtcp")
template(name="whole" type="string" string="%rawmsg%\\n")
ruleset(name="keep") {{ action(type="omfile" file="{work}/kept" template="whole") }}
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="keep")
"""

CONFIG = """
[evidence.push]
folder = "{folder}"
url = "https://127.0.0.1:{url_port}/checkpoints"
url_ca = "{ca}"
syslog_tcp = "127.0.0.1:{port}"
"""


class Keeper(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted and gives all of it back."""

    notes = []

    def do_POST(self):
        self.notes.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.send_response(204)
        self.end_headers()

    def do_GET(self):
        body = "\n".join(self.notes).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def keeper(files):
    Keeper.notes = []
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem", files / "server.key")
    served.socket = context.wrap_socket(served.socket, server_side=True)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    return served


def verify(data, *arguments):
    command = [str(world.BINARY), "verify", "--data", str(data), "--format", "json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def send(server, text):
    with socket.create_connection(server.address("syslog_tcp"), timeout=10) as stream:
        stream.sendall(f"<13>1 2026-03-01T00:00:00Z web e2e 1 - - {text}\n".encode())
    wait_for(lambda: server.count(text) == 1, 30, text)


def test_checkpoints_leave_the_machine_and_tell_a_history_that_was_written_anew():
    with world.folder() as place:
        files = world.certificates(place / "tls")
        work, folder = place / "rsyslog", place / "keep"
        work.mkdir()
        folder.mkdir()
        port = world.free_port()
        served = keeper(files)
        (work / "rsyslog.conf").write_text(RSYSLOG.format(work=work, port=port))
        config = place / "longan.toml"
        config.write_text(CONFIG.format(folder=folder, url_port=served.server_port, ca=files / "ca.pem", port=port))
        flags = ["--syslog-udp", "off", "--relp", "off", "--http", "off"]
        with world.daemon(["rsyslogd", "-n", "-f", str(work / "rsyslog.conf"), "-i", str(work / "pid")]):
            with world.server(*flags, data=place, config=config) as server:
                send(server, "beforehand")
                places = wait_for(lambda: all(row["given"] for row in server.status()["pushes"]) and server.status()["pushes"],
                                  60, "every place given a checkpoint")
                assert len(places) == 3, places
                assert all(row["behind_since"] is None or row["error"] is None for row in places), places
                # The two logs are given one after the other.
                wait_for(lambda: any("/audit" in path.read_text() for path in folder.iterdir()), 90, "the audit log's checkpoint")
                wait_for(lambda: (work / "kept").exists() and "/audit" in (work / "kept").read_text(), 90, "the same by syslog")
                data = server.data
            wait_for(lambda: (work / "kept").exists() and "longan-checkpoint" in (work / "kept").read_text(), 30, "the line")
        url = f"https://127.0.0.1:{served.server_port}/checkpoints"
        against = [("--against", folder), ("--against", work / "kept"), ("--against", url, "--against-ca", files / "ca.pem")]
        for arguments in against:
            assert verify(data, *arguments)["is_right"], arguments

        # Whoever has the machine and its key takes the audit log away and lets the program begin it anew.
        shutil.rmtree(data / "evidence" / "audit")
        with world.server(*flags, data=place) as server:
            send(server, "afterwards")
        assert verify(data)["is_right"], "the machine alone cannot tell"
        for arguments in against:
            report = verify(data, *arguments)
            assert any("audit" in finding["place"] for finding in report["findings"]), (arguments, report, [(path.name, path.read_text()) for path in folder.iterdir()])
        served.shutdown()


def test_saved_searches_are_kept_and_run():
    with world.server("--syslog-udp", "off", "--relp", "off", "--http", "off") as server:
        send(server, "alpha")
        server.run("searches", "save", "the first", "alpha", "--since", "2020-01-01", "--shared")
        assert len(server.run("search", "--saved", "the first", "--format", "json").splitlines()) == 1
        assert server.run("search", "beta", "--saved", "the first", "--format", "json", ok=(1,)) == ""
        server.run("searches", "save", "wrong", "user.name:(", ok=(2,))
        server.run("search", "--saved", "nothing", ok=(2,))
        listed = server.run("searches", "list", "--format", "json").splitlines()
        assert [json.loads(line)["name"] for line in listed] == ["the first"]
        server.run("searches", "delete", "the first", ok=(1,))
        told = server.run("audit", "--action", "change", "--format", "json")
        assert "/v1/searches/save" in told and "/v1/searches/delete" in told, told
