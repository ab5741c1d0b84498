"""`longan import`: into a folder, into a running server over TLS, and what it refuses."""

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
            untrusted = run(log, "--data", server.data, LONGAN_TOKEN="secret-of-the-import")
            assert untrusted.returncode != 0 and "--tls-ca" in untrusted.stderr, untrusted
            other = run(log, "--data", server.data, *ca, "--tls-name", "other.test", LONGAN_TOKEN="secret-of-the-import")
            assert other.returncode != 0 and "other.test" in other.stderr, other
            assert "LONGAN_TOKEN" in run(log, "--data", server.data, *ca).stderr
            assert server.count("process.name:sshd") == len(LINES)
