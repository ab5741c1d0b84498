"""What deploy/ hands out is read by the programs it is for: rsyslog, syslog-ng, systemd, and our own configuration check."""

import json
import os
import shutil
import subprocess

import world
from world import BINARY, ROOT

DEPLOY = ROOT / "deploy"
SYSLOG_NG = ROOT / "target/e2e/syslog-ng/usr"


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, **options)
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{output}"
    return output


def local_snippet(name, place, certificates):
    """The snippet with its certificates where they are here: both programs look for them."""
    text = (DEPLOY / "clients" / name).read_text()
    for installed, here in (("ca.pem", "ca.pem"), ("client.pem", "client.pem"), ("client.key", "client.key")):
        text = text.replace(f"/etc/ssl/longan/{installed}", str(certificates / here))
    path = place / name
    path.write_text(text)
    return path


def test_rsyslog_reads_its_snippets():
    with world.folder() as place:
        certificates = world.certificates(place / "tls")
        for name in ("rsyslog-relp.conf", "rsyslog-tls.conf"):
            path = local_snippet(name, place, certificates)
            path.write_text(f'global(workDirectory="{place}")\n' + path.read_text())
            output = run("rsyslogd", "-N1", "-f", path)
            assert "error" not in output.lower(), output


def test_syslog_ng_reads_its_snippet():
    with world.folder() as place:
        snippet = local_snippet("syslog-ng-tls.conf", place, world.certificates(place / "tls"))
        conf = place / "syslog-ng.conf"
        conf.write_text(f"@version: 3.38\nsource s_src {{ internal(); }};\n{snippet.read_text()}")
        library = SYSLOG_NG / "lib/syslog-ng"
        modules = next(path for path in library.iterdir() if path.is_dir())
        run(SYSLOG_NG / "sbin/syslog-ng", "--syntax-only", "-f", conf, "-R", place / "persist", "-c", place / "ctl",
            "--module-path", modules, "--no-caps", env={**os.environ, "LD_LIBRARY_PATH": str(library)})


def test_systemd_accepts_the_unit():
    if not shutil.which("systemd-analyze"):
        print("  systemd-analyze is not here; the unit is not checked")
        return
    with world.folder() as place:
        unit = place / "longan.service"
        unit.write_text((DEPLOY / "systemd/longan.service").read_text().replace("/usr/bin/longan", "/bin/true"))
        output = run("systemd-analyze", "verify", unit)
        assert "longan.service" not in output, output


def test_the_example_configuration_is_right():
    with world.folder() as place:
        certificates = world.certificates(place / "tls")
        (place / "tokens").write_text("sender:secret-of-the-sender\n")
        text = (DEPLOY / "longan.toml").read_text()
        for installed, here in (("tls/server.pem", certificates / "server.pem"), ("tls/server.key", certificates / "server.key"),
                                ("tls/clients-ca.pem", certificates / "ca.pem"), ("tokens", place / "tokens")):
            text = text.replace(f"/etc/longan/{installed}", str(here))
        config = place / "longan.toml"
        config.write_text(text)
        output = run(BINARY, "config", "check", "--config", config)
        # What is told is that folders of one's own are not there yet, and no more.
        told = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        assert all(one["severity"] == "warning" and ".folder`" in one["error"] for one in told), output

        # The example as it stands names what an installation brings: each file that is absent is told.
        done = subprocess.run([str(BINARY), "config", "check", "--config", str(DEPLOY / "longan.toml")],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 3 and "`tls.certificate`" in done.stdout, done.stdout + done.stderr
        assert "`input.http.token_file`" in done.stdout, done.stdout
