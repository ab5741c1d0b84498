"""RFC 5424 to the letter: the corpus's vectors of a strict reader, valid and invalid.

A valid vector must be read as RFC 5424 with every part as expected; an invalid one must not be, and its line must still be
kept whole. Where the corpus keeps the backslashes of structured data, RFC 5424 §6.3.3 decides: they are taken away.
"""

import json
import re
import subprocess
from datetime import datetime

FORMAT = "syslog_rfc5424.jsonl"
# The project whose vectors say of each line whether it is valid.
STRICT = "influxdata/go-syslog"
NAMES = {
    "priority": "log.syslog.priority",
    "facility": "log.syslog.facility.code",
    "severity": "log.syslog.severity.code",
    "version": "log.syslog.version",
    "hostname": "log.syslog.hostname",
    "appname": "log.syslog.appname",
    "procid": "log.syslog.procid",
    "msgid": "log.syslog.msgid",
}


def expected(fields):
    """The parts of a valid message under the names of an event; None where the message leaves one out."""
    parts = {ours: fields.get(theirs) for theirs, ours in NAMES.items()}
    for element, pairs in (fields.get("structured_data") or {}).items():
        for name, value in pairs.items():
            parts[f"log.syslog.structured_data.{element}.{name}"] = re.sub(r'\\(["\\\]])', r"\1", value)
    return parts


def wrong(line, native, binary):
    """What is wrong with how one line is read, or None."""
    command = [str(binary), "parsers", "explain", "--format", "json", line]
    done = subprocess.run(command, capture_output=True, timeout=60)
    explained = json.loads(done.stdout.decode("utf-8"))
    header, event = explained["steps"][0], explained["event"]
    strict = header["format"] == "rfc5424"
    if event["event.original"] != line:
        return "the line is not kept whole"
    if not native["valid"]:
        return "read as RFC 5424, though it is not" if strict else None
    if not strict:
        return f"read as {header['format']}"
    fields = native["fields"]
    for name, value in expected(fields).items():
        # A part whose value is empty says nothing and is left out of an event.
        if event.get(name, "") != ("" if value is None else value) and str(event.get(name)) != str(value):
            return f"{name} is {event.get(name)!r}, not {value!r}"
    # The byte order mark says that UTF-8 follows (§6.4) and is no part of what the sender says; blanks before a text are not kept apart.
    if header["body"] != fields.get("message", "").removeprefix("\ufeff").lstrip():
        return f"the message is {header['body']!r}"
    if "timestamp" in fields and datetime.fromisoformat(event["@timestamp"]) != datetime.fromisoformat(fields["timestamp"]):
        return f"the time is {event['@timestamp']}"
    return None


def check(shared, binary):
    """The two scores; what is wrong is printed."""
    right = {True: 0, False: 0}
    total = {True: 0, False: 0}
    path = shared / "corpus/parsers/expected" / FORMAT
    print("== vectors of RFC 5424")
    for number, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        record = json.loads(text) if text else {}
        if record.get("src", {}).get("repo") != STRICT:
            continue
        valid = record["native"]["valid"]
        total[valid] += 1
        mistake = wrong(record["input"], record["native"], binary)
        right[valid] += mistake is None
        if mistake:
            print(f"  {FORMAT}:{number}: {mistake}: {record['input'][:100]!r}")
    print(f"valid, exactly read: {right[True]}/{total[True]}; invalid, not taken for RFC 5424: {right[False]}/{total[False]}", flush=True)
    return {
        "RFC 5424: valid vectors exact": round(100 * right[True] / total[True], 2),
        "RFC 5424: invalid vectors refused": round(100 * right[False] / total[False], 2),
    }
