"""The world of an end-to-end run: a data folder, a running server, real senders, certificates. Standard library only."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("E2E_BINARY", ROOT / "target/debug/longan"))


def wait_for(condition, seconds=30.0, what="a condition"):
    """Polls until `condition` gives something true, and returns it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true in {seconds} s")
        time.sleep(0.05)


class Server:
    """`longan start --headless` on a data folder of its own; every listener on a loopback port the system chose."""

    LISTENERS = ("syslog-udp", "syslog-tcp", "relp", "http")

    def __init__(self, data, *flags, config=None, environment=None, wrapper=()):
        self.data = Path(data)
        self.flags = list(flags)
        self.config = config
        self.environment = environment or {}
        self.wrapper = list(wrapper)
        self.process = None
        self.endpoints = None
        self.log = self.data.parent / (self.data.name + ".log")

    def command(self):
        command = [*self.wrapper, str(BINARY), "start", "--headless", "--data", str(self.data)]
        for listener in self.LISTENERS:
            if f"--{listener}" not in self.flags:
                command += [f"--{listener}", "127.0.0.1:0"]
        if self.config:
            command += ["--config", str(self.config)]
        return command + self.flags

    def launch(self):
        """Starts the process and does not wait for it."""
        with contextlib.suppress(FileNotFoundError):
            (self.data / "endpoints.json").unlink()
        log = open(self.log, "ab")
        environment = {**os.environ, "LONGAN_LOG": "info", **self.environment}
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        log.close()

    def start(self, seconds=60.0):
        self.launch()

        def announced():
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.tail()}")
            with contextlib.suppress(FileNotFoundError):
                return json.loads((self.data / "endpoints.json").read_text())

        self.endpoints = wait_for(announced, seconds, "endpoints.json")
        return self

    def tail(self, count=30):
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        return ""

    def address(self, listener):
        host, port = self.endpoints[listener].rsplit(":", 1)
        return host.strip("[]"), int(port)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=60.0):
        """Asks with SIGTERM, as an init system would, and expects a clean end."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM was not obeyed in {seconds} s:\n{self.tail()}") from None
        assert code == 0, f"SIGTERM ended with {code}:\n{self.tail()}"
        assert not (self.data / "endpoints.json").exists(), "endpoints.json must go with the server"

    def run(self, *arguments, ok=(0,), text=True):
        command = [str(BINARY), *map(str, arguments), "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=text, timeout=300, stdin=subprocess.DEVNULL)
        assert done.returncode in ok, f"{command} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def count(self, query):
        return int(self.run("search", query, "--count", ok=(0, 1)).strip())

    def search(self, query):
        out = self.run("search", query, "--format", "json", ok=(0, 1))
        return [json.loads(line) for line in out.splitlines()]

    def alerts(self):
        out = self.run("alerts", "list", "--status", "all", "--format", "json", ok=(0, 1))
        return [json.loads(line) for line in out.splitlines()]

    def status(self):
        return json.loads(self.run("status", "--format", "json"))


@contextlib.contextmanager
def folder():
    path = Path(tempfile.mkdtemp(prefix="longan-e2e-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def server(*flags, data=None, **options):
    """A running server that is stopped cleanly at the end, or killed when the test failed."""
    with folder() if data is None else contextlib.nullcontext(Path(data)) as place:
        it = Server(place / "data", *flags, **options)
        try:
            it.start()
            yield it
        except BaseException:
            if it.process and it.process.poll() is None:
                it.kill()
            print(it.tail(), file=sys.stderr)
            raise
        it.stop()


def certificates(place):
    """An authority, a server certificate for `server.soc.test`, 127.0.0.1, and a client certificate `client.soc.test`."""
    place.mkdir(parents=True, exist_ok=True)

    def openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], cwd=place, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=Test authority", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for name, extra in (("server", "DNS:server.soc.test,DNS:localhost,IP:127.0.0.1"), ("client", "DNS:client.soc.test")):
        (place / f"{name}.ext").write_text(
            f"subjectAltName={extra}\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n"
            "extendedKeyUsage=serverAuth,clientAuth\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}.soc.test")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    return place


@contextlib.contextmanager
def daemon(command, **options):
    """A real sender that runs while the block does."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stdout.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
