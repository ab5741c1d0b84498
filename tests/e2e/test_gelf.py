"""GELF and OTLP as their senders speak them, found by search with the fields they brought."""

import gzip
import http.client
import json
import socket
import zlib

import world
from world import wait_for


def gelf(number, transport):
    return json.dumps({"version": "1.1", "host": f"app-{transport}", "short_message": f"hồ sơ số {number} lỗi", "timestamp": 1773455213.5,
                       "level": 3, "_user": "hoa.tran", "_number": number}).encode()


def test_gelf_over_udp_and_tcp():
    with world.folder() as place:
        config = place / "longan.toml"
        config.write_text('[input.gelf_udp]\naddress = "127.0.0.1:0"\n[input.gelf_tcp]\naddress = "127.0.0.1:0"\n')
        with world.server(data=place, config=config) as server:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.connect(server.address("gelf_udp"))
                for number in range(30):
                    packed = (gelf(number, "udp"), gzip.compress(gelf(number, "udp")), zlib.compress(gelf(number, "udp")))[number % 3]
                    if number % 2:
                        parts = [packed[at:at + 50] for at in range(0, len(packed), 50)]
                        for part in reversed(range(len(parts))):
                            udp.send(b"\x1e\x0f" + number.to_bytes(8) + bytes([part, len(parts)]) + parts[part])
                    else:
                        udp.send(packed)
            with socket.create_connection(server.address("gelf_tcp")) as tcp:
                tcp.sendall(b"".join(gelf(number, "tcp") + b"\0" for number in range(500)))
            for transport, count in (("udp", 30), ("tcp", 500)):
                wait_for(lambda: server.count(f"host.name:app-{transport}") == count, 30, f"{count} messages over {transport}")
            event = server.search("host.name:app-udp")[0]
            assert event["user.name"] == "hoa.tran" and event["@timestamp"].startswith("2026-03-14T02:26:53.5"), event


def test_otlp_as_json():
    with world.server() as server:
        records = [{"timeUnixNano": str(1773455213000000000 + number), "severityText": "ERROR", "body": {"stringValue": f"lỗi ký số {number}"},
                    "attributes": [{"key": "user.name", "value": {"stringValue": "hoa.tran"}}]} for number in range(200)]
        body = {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "lgsp"}}]},
                                  "scopeLogs": [{"logRecords": records}]}]}
        connection = http.client.HTTPConnection(*server.address("http"))
        connection.request("POST", "/v1/logs", gzip.compress(json.dumps(body).encode()),
                           {"content-type": "application/json", "content-encoding": "gzip"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {})
        wait_for(lambda: server.count('service.name:lgsp AND user.name:hoa.tran AND "loi ky so"') == 200, 30, "200 records")
