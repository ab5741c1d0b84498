"""PostgreSQL and MariaDB from Debian, each on a loopback port with a data folder of its own."""

import contextlib
import os
import pwd
import signal
import shutil
import subprocess
from pathlib import Path

import world
from world import free_port, wait_for

PASSWORD = "mật-khẩu 'của' \\soc"


class Database:
    """A running server; `sql` speaks to it as its owner."""

    kind = ""
    # What ends the server at once, in good order.
    stop_signal = signal.SIGTERM

    def __init__(self, place, port=None, tls=None):
        self.place = Path(place)
        self.port = port or free_port()
        self.tls = tls
        self.process = None

    def start(self):
        log = open(self.place / f"{self.kind}.log", "ab")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.run_as())
        log.close()
        wait_for(self.answers, 60, f"{self.kind} to answer")
        return self

    def run_as(self):
        return {}

    def answers(self):
        assert self.process.poll() is None, (self.place / f"{self.kind}.log").read_text(errors="replace")[-2_000:]
        with contextlib.suppress(subprocess.CalledProcessError):
            self.sql("SELECT 1")
            return True

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def sql(self, text):
        return subprocess.run(self.client(), input=text, text=True, capture_output=True, check=True, timeout=120).stdout

    def session(self):
        """A client that stays open, for a transaction that is committed later."""
        return subprocess.Popen(self.client(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


class PostgreSql(Database):
    kind = "postgresql"
    # SIGTERM would wait for its clients to go, and the one that is tested does not go by itself.
    stop_signal = signal.SIGINT

    def binary(self, name):
        return str(max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))

    def run_as(self):
        # PostgreSQL refuses to run as root.
        if os.geteuid() != 0:
            return {}
        owner = pwd.getpwnam("postgres")
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def make(self):
        data = self.place / "pg"
        data.mkdir()
        if self.run_as():
            os.chmod(self.place, 0o755)
            shutil.chown(data, "postgres", "postgres")
        subprocess.run([self.binary("initdb"), "-D", str(data), "-U", "owner", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust"],
                       check=True, capture_output=True, timeout=120, **self.run_as())
        rules = "local all owner trust\nhost all owner 127.0.0.1/32 trust\n"
        rules += ("hostssl" if self.tls else "host") + " all soc 127.0.0.1/32 scram-sha-256\n"
        (data / "pg_hba.conf").write_text(rules)
        if self.tls:
            for name in ("server.pem", "server.key"):
                shutil.copy(self.tls / name, data / name)
                if self.run_as():
                    shutil.chown(data / name, "postgres", "postgres")
            os.chmod(data / "server.key", 0o600)
        self.start()
        self.sql("CREATE DATABASE opencps", database="postgres")
        password = PASSWORD.replace("'", "''")
        self.sql(f"CREATE ROLE soc LOGIN PASSWORD '{password}'")
        return self

    def command(self):
        command = [self.binary("postgres"), "-D", str(self.place / "pg"), "-p", str(self.port), "-h", "127.0.0.1", "-k", "",
                   "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "timezone=UTC"]
        if self.tls:
            command += ["-c", "ssl=on", "-c", "ssl_cert_file=server.pem", "-c", "ssl_key_file=server.key"]
        return command

    def client(self, database="opencps"):
        return [self.binary("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "owner", "-d", database, "-v", "ON_ERROR_STOP=1",
                "-qAt"]

    def sql(self, text, database=None):
        command = self.client(database or ("postgres" if text == "SELECT 1" else "opencps"))
        return subprocess.run(command, input=text, text=True, capture_output=True, check=True, timeout=120).stdout

    def grant(self, table):
        self.sql(f"GRANT SELECT ON {table} TO soc")


class MariaDb(Database):
    kind = "mysql"

    def make(self):
        data = self.place / "maria"
        data.mkdir()
        owner = pwd.getpwuid(os.geteuid()).pw_name
        subprocess.run(["mariadb-install-db", f"--datadir={data}", f"--user={owner}", "--auth-root-authentication-method=normal",
                        "--skip-test-db", "--no-defaults"], check=False, capture_output=True, timeout=300)
        self.start()
        password = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        self.sql("CREATE DATABASE opencps CHARACTER SET utf8mb4;"
                 f"CREATE USER soc@'127.0.0.1' IDENTIFIED BY '{password}'{' REQUIRE SSL' if self.tls else ''};")
        return self

    def command(self):
        command = ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.place / 'maria'}", f"--port={self.port}",
                   "--bind-address=127.0.0.1", f"--socket={self.place / 'm.sock'}", "--skip-name-resolve",
                   f"--user={pwd.getpwuid(os.geteuid()).pw_name}", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
                   f"--pid-file={self.place / 'm.pid'}", "--character-set-server=utf8mb4", "--default-time-zone=+00:00"]
        if self.tls:
            command += [f"--ssl-cert={self.tls / 'server.pem'}", f"--ssl-key={self.tls / 'server.key'}", f"--ssl-ca={self.tls / 'ca.pem'}"]
        return command

    def client(self):
        return ["mariadb", "--no-defaults", f"--socket={self.place / 'm.sock'}", "-u", "root", "-N", "--default-character-set=utf8mb4"]

    def sql(self, text):
        text = text if text == "SELECT 1" or "CREATE DATABASE" in text else f"USE opencps;\n{text}"
        return subprocess.run(self.client(), input=text, text=True, capture_output=True, check=True, timeout=120).stdout

    def grant(self, table):
        self.sql(f"GRANT SELECT ON opencps.{table} TO soc@'127.0.0.1'")


@contextlib.contextmanager
def database(kind, place, tls=None):
    place.mkdir(exist_ok=True)
    os.chmod(place.parent, 0o755)
    it = kind(place, tls=tls)
    try:
        yield it.make()
    finally:
        it.stop()


def config(place, it, **keys):
    """Writes the configuration of a server that polls `it` every second."""
    secret = place / "db.secret"
    secret.write_text(PASSWORD + "\n")
    section = {"name": "opencps", "kind": it.kind, "host": "127.0.0.1", "port": it.port, "database": "opencps", "user": "soc",
               "password_file": str(secret), "poll_seconds": 1, **keys}
    literal = lambda value: str(value).lower() if isinstance(value, (bool, int)) else world.json.dumps(str(value))
    path = place / "longan.toml"
    path.write_text("[[input.database]]\n" + "".join(f"{key} = {literal(value)}\n" for key, value in section.items()))
    return path
