"""`longan import`: into a folder, into a running server over TLS, and what it refuses."""

import gzip
import os
import subprocess

import world
from world import wait_for

LINES = [f"Mar 14 08:{second // 60:02}:{second % 60:02} portal sshd[9]: Failed password for root from 203.0.113.9 port 4000 ssh2"
         for second in range(120)]


def run(*arguments, **environment):
    command = [str(world.BINARY), "import", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})


def test_a_folder_spelled_wrong_is_not_made():
    with world.folder() as place:
        log = place / "auth.log"
        log.write_text("\n".join(LINES) + "\n")
        wrong = run(log, "--data", place / "dta")
        assert wrong.returncode == 2 and "--create" in wrong.stderr and not (place / "dta").exists(), wrong
        done = run(log, "--data", place / "data", "--create")
        assert done.returncode == 0 and f"{len(LINES)} events imported" in done.stderr, done
        assert "new alert" in done.stderr and "no new alert" not in done.stderr, done.stderr
        assert run(log, "--data", place / "data", "--as", "nopack").returncode == 2


def test_traces_are_joined():
    with world.folder() as place:
        log = place / "app.log"
        log.write_text("2026-03-14 09:26:53,123 ERROR [main] vn.gov.Portal: boom\njava.lang.IllegalStateException: no\n\tat a.b(C.java:1)\n"
                       "2026-03-14 09:26:54,000 INFO [main] vn.gov.Portal: fine\n")
        done = run(log, "--data", place / "data", "--create", "--multiline", "java")
        assert done.returncode == 0 and "2 events imported" in done.stderr, done


def test_into_a_running_server_over_tls():
    with world.folder() as place:
        tls = world.certificates(place / "tls")
        (place / "tokens").write_text("admin:secret-of-the-import\n")
        config = place / "longan.toml"
        config.write_text(f'[tls]\ncertificate = "{tls}/server.pem"\nkey = "{tls}/server.key"\n'
                          f'[input.http]\ntls = true\ntoken_file = "{place}/tokens"\n')
        log = place / "auth.log"
        log.write_text("\n".join(LINES) + "\n")
        with world.server(data=place, config=config) as server:
            ca = ("--tls-ca", tls / "ca.pem")
            done = run(log, "--data", server.data, *ca, LONGAN_TOKEN="secret-of-the-import")
            assert done.returncode == 0, done
            wait_for(lambda: server.count("process.name:sshd") == len(LINES), 30, "the imported lines")
            untrusted = run(log, "--again", "--data", server.data, LONGAN_TOKEN="secret-of-the-import")
            assert untrusted.returncode != 0 and "--tls-ca" in untrusted.stderr, untrusted
            other = run(log, "--again", "--data", server.data, *ca, "--tls-name", "other.test", LONGAN_TOKEN="secret-of-the-import")
            assert other.returncode != 0 and "other.test" in other.stderr, other
            assert "LONGAN_TOKEN" in run(log, "--again", "--data", server.data, *ca).stderr
            assert server.count("process.name:sshd") == len(LINES)


def count(data, query="*"):
    done = subprocess.run([str(world.BINARY), "search", query, "--count", "--data", str(data)], capture_output=True, text=True, timeout=120)
    return int(done.stdout)


def test_what_is_there_already_is_not_imported_again():
    with world.folder() as place:
        log, data = place / "auth.log", place / "data"
        log.write_text("\n".join(LINES) + "\n")
        assert f"{len(LINES)} events imported" in run(log, "--data", data, "--create").stderr
        again = run(log, "--data", data)
        assert "0 events imported" in again.stderr and f"already there: {len(LINES)}" in again.stderr, again
        # A compressed copy under another name is the same content; what was added since is not.
        with open(log, "a") as more:
            more.write("\n".join(line.replace("root", "an") for line in LINES[:7]) + "\n")
        copy = place / "old.gz"
        copy.write_bytes(gzip.compress(log.read_bytes()))
        grown = run(copy, "--data", data)
        assert "7 events imported" in grown.stderr and f"already there: {len(LINES)}" in grown.stderr, grown
        other = place / "other.log"
        other.write_text("\n".join(reversed(LINES)) + "\n")
        assert f"{len(LINES)} events imported" in run(other, "--data", data).stderr
        assert count(data, "process.name:sshd") == 2 * len(LINES) + 7
        assert f"{len(LINES) + 7} events imported" in run(log, "--data", data, "--again").stderr


def test_a_killed_import_goes_on_and_nothing_is_there_twice():
    lines = [f"{LINES[number % 120]} #{number}" for number in range(12_000)]
    with world.folder() as place:
        log, data = place / "auth.log", place / "data"
        log.write_text("\n".join(lines) + "\n")
        for _ in range(2):
            killed = subprocess.Popen([str(world.BINARY), "import", str(log), "--data", str(data), "--create"], stderr=subprocess.PIPE)
            journals = lambda: sum(path.read_text().count('{"done"') for path in data.glob("imports/*.jsonl")) if data.exists() else 0
            before = journals()
            wait_for(lambda: journals() > before + 2 or killed.poll() is not None, 60, "some groups")
            killed.kill()
            killed.communicate()
        done = run(log, "--data", data)
        assert done.returncode == 0 and "already there" in done.stderr, done
        assert count(data, "process.name:sshd") == len(lines), done
        assert "0 events imported" in run(log, "--data", data).stderr


def test_into_a_server_once():
    with world.folder() as place:
        log = place / "auth.log"
        log.write_text("\n".join(LINES) + "\n")
        with world.server(data=place) as server:
            assert f"{len(LINES)} events imported" in run(log, "--data", server.data).stderr
            again = run(log, "--data", server.data)
            assert "0 events imported" in again.stderr and f"already there: {len(LINES)}" in again.stderr, again
            wait_for(lambda: server.count("process.name:sshd") == len(LINES), 30, "the imported lines")


def test_lines_that_a_container_runtime_cut_are_joined():
    with world.folder() as place:
        log = place / "0.log"
        time = "2026-03-14T02:26:53.123456789Z"
        log.write_text(f"{time} stdout P Mar 14 08:26:53 portal sshd[9]: Failed password for ro\n{time} stdout F ot from 203.0.113.9 port 4000 ssh2\n"
                       f"{time} stderr F another\n")
        done = run(log, "--data", place / "data", "--create", "--multiline", "container")
        assert "2 events imported" in done.stderr, done
        assert count(place / "data", '"Failed password for root"') == 1
