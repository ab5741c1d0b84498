"""Debian's own rsyslog, syslog-ng and logger send over every transport; each message sent is found exactly once by search."""

import os
import socket
import subprocess
import time

import world
from world import ROOT, wait_for

MESSAGES = 2_000
SYSLOG_NG = ROOT / "target/e2e/syslog-ng/usr"

RSYSLOG = """
global(workDirectory="{work}"
       defaultNetstreamDriverCAFile="{tls}/ca.pem"
       defaultNetstreamDriverCertFile="{tls}/client.pem"
       defaultNetstreamDriverKeyFile="{tls}/client.key")
module(load="imuxsock" SysSock.Use="off")
module(load="omrelp")
input(type="imuxsock" Socket="{work}/log" CreatePath="on" RateLimit.Interval="0" SysSock.RateLimit.Interval="0")
template(name="udp" type="string" string="<%PRI%>%TIMESTAMP% rsyslog-udp %syslogtag%%msg%")
template(name="tcp" type="string" string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% rsyslog-tcp %APP-NAME% %PROCID% - - %msg%")
template(name="tls" type="string" string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% rsyslog-tls %APP-NAME% %PROCID% - - %msg%")
template(name="relp" type="string" string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% rsyslog-relp %APP-NAME% %PROCID% - - %msg%")
action(type="omfwd" target="127.0.0.1" port="{udp}" protocol="udp" template="udp")
action(type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" TCP_Framing="octet-counted" template="tcp"
       action.resumeRetryCount="-1" queue.type="LinkedList")
action(type="omfwd" target="127.0.0.1" port="{tls_port}" protocol="tcp" TCP_Framing="octet-counted" template="tls"
       StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
       StreamDriverPermittedPeers="server.soc.test" action.resumeRetryCount="-1" queue.type="LinkedList")
action(type="omrelp" target="127.0.0.1" port="{relp}" template="relp" action.resumeRetryCount="-1" queue.type="LinkedList")
"""

SYSLOG_NG_CONF = """
@version: 3.38
options {{ keep-hostname(yes); stats-freq(0); }};
source s_local {{ unix-dgram("{work}/log" flags(no-parse)); }};
rewrite r_udp {{ set("ng-udp" value("HOST")); }};
rewrite r_tcp {{ set("ng-tcp" value("HOST")); }};
rewrite r_tls {{ set("ng-tls" value("HOST")); }};
destination d_udp {{ network("127.0.0.1" port({udp}) transport("udp")
    template("<13>$DATE ng-udp e2e[1]: ${{MESSAGE}}\\n")); }};
destination d_tcp {{ syslog("127.0.0.1" port({tcp}) transport("tcp")); }};
destination d_tls {{ syslog("127.0.0.1" port({tls_port}) transport("tls")
    tls(ca-file("{tls}/ca.pem") cert-file("{tls}/client.pem") key-file("{tls}/client.key")
        peer-verify(required-trusted) sni(no))); }};
log {{ source(s_local); destination(d_udp); flags(flow-control); }};
log {{ source(s_local); rewrite(r_tcp); destination(d_tcp); flags(flow-control); }};
log {{ source(s_local); rewrite(r_tls); destination(d_tls); flags(flow-control); }};
"""


def places(server, tls):
    port = lambda listener: server.address(listener)[1]
    return {"udp": port("syslog_udp"), "tcp": port("syslog_tcp"), "tls_port": port("syslog_tls"), "relp": port("relp"), "tls": tls}


def write_to(path, marker):
    """Writes numbered messages to a local log socket, as programs do, slowly enough for a datagram socket."""
    wait_for(path.exists, 20, f"the socket {path}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.connect(str(path))
        for number in range(MESSAGES):
            log.send(f"<13>e2e[1]: {marker} number {number} end".encode())
            if number % 100 == 0:
                time.sleep(0.02)


def expect_each_once(server, host, marker, needs_all=True):
    """Every number from 0 to MESSAGES is found once, under the host that names the transport."""
    query = f'host.hostname:{host} AND "{marker}"'
    try:
        wait_for(lambda: server.count(query) >= MESSAGES, 60, f"{MESSAGES} messages of {host}")
    finally:
        events = server.search(f"{query}")
        numbers = sorted(int(event["event.original"].split(" number ")[1].split(" ")[0]) for event in events)
        print(f"  {host}: sent {MESSAGES}, found {len(numbers)}, different {len(set(numbers))}")
    assert numbers == list(range(MESSAGES)), f"{host}: missing or repeated messages"
    return events


def tls_server(place):
    tls = world.certificates(place / "tls")
    config = place / "longan.toml"
    config.write_text(
        f'[tls]\ncertificate = "{tls}/server.pem"\nkey = "{tls}/server.key"\nclient_ca = "{tls}/ca.pem"\n'
        "require_client_certificate = true\n")
    return tls, config


def test_rsyslog_over_udp_tcp_tls_and_relp():
    with world.folder() as place:
        tls, config = tls_server(place)
        with world.server("--syslog-tls", "127.0.0.1:0", data=place, config=config) as server:
            work = place / "rsyslog"
            work.mkdir()
            conf = work / "rsyslog.conf"
            conf.write_text(RSYSLOG.format(work=work, **places(server, tls)))
            with world.daemon(["rsyslogd", "-n", "-f", str(conf), "-i", str(work / "pid")]):
                write_to(work / "log", "rsyslog")
                for host in ("rsyslog-udp", "rsyslog-tcp", "rsyslog-tls", "rsyslog-relp"):
                    events = expect_each_once(server, host, "rsyslog")
                    assert events[0]["process.name"] == "e2e", events[0]
                    if host == "rsyslog-tls":
                        assert "client.soc.test" in events[0]["longan.peer.identity"], events[0]


def test_syslog_ng_over_udp_tcp_and_tls():
    with world.folder() as place:
        tls, config = tls_server(place)
        with world.server("--syslog-tls", "127.0.0.1:0", data=place, config=config) as server:
            work = place / "syslog-ng"
            work.mkdir()
            conf = work / "syslog-ng.conf"
            conf.write_text(SYSLOG_NG_CONF.format(work=work, **places(server, tls)))
            library = SYSLOG_NG / "lib/syslog-ng"
            modules = next(path for path in library.iterdir() if path.is_dir())
            command = [str(SYSLOG_NG / "sbin/syslog-ng"), "-F", "-f", str(conf), "-R", str(work / "persist"), "-p", str(work / "pid"),
                       "-c", str(work / "ctl"), "--module-path", str(modules), "--no-caps", "--stderr"]
            environment = {**os.environ, "LD_LIBRARY_PATH": str(library)}
            with world.daemon(command, env=environment):
                write_to(work / "log", "syslogng")
                for host in ("ng-udp", "ng-tcp", "ng-tls"):
                    expect_each_once(server, host, "syslogng")


def test_logger_by_hand():
    with world.server() as server:
        host, port = server.address("syslog_udp")
        tcp_host, tcp_port = server.address("syslog_tcp")
        for extra in (["-d", "-P", str(port)], ["-T", "-P", str(tcp_port)], ["-T", "--octet-count", "-P", str(tcp_port)],
                      ["-d", "--rfc3164", "-P", str(port)]):
            subprocess.run(["logger", "-n", "127.0.0.1", *extra, "-t", "bysomebody", "--", "xin chào tỉnh"], check=True, timeout=30)
        wait_for(lambda: server.count('process.name:bysomebody AND "xin chào"') == 4, 20, "four messages of logger")
        assert server.count('process.name:bysomebody AND "xin chao"') == 4, "text without accents finds text with them"
