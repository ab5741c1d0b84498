"""Expectations of the parser corpus that a line itself cannot justify, named one by one in corpus-unjustifiable.json.

A vector of the corpus may expect what only the set-up of the project that owns it knew: the label of a file, the user of
another line, another notation of the same address. Such an expectation is listed, with its reason, by file, line and field,
and is not met by a trick. The list is held to three things: what it names exists, is in truth not met, and all that is wrong
and not listed counts against the score `justified fields right`.

The vendor header lines (those with a Splunk source type) name their host by a placeholder that the corpus filled in.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIST = Path(__file__).resolve().parent / "corpus-unjustifiable.json"
# What the corpus put where a template of its source says "host".
RENDERED_HOST = "gw-host-01"
HOST = "host.hostname"


def line_numbers(text):
    """The lines that `1-3,7` names."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def listed():
    """Every listed expectation as (file, line, field), with its reason."""
    return {
        (file, line, field): entry["reason"]
        for entry in json.loads(LIST.read_text(encoding="utf-8"))
        for file, fields in entry["expectations"].items()
        for field, lines in fields.items()
        for line in line_numbers(lines)
    }


def records(expected, header_lines):
    """The records of the corpus as (file, line, record); of the header lines only those, with their host as expectation."""
    for path in sorted(expected.glob("*.jsonl")):
        for number, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if not text:
                continue
            record = json.loads(text)
            if header_lines:
                if "splunk.sourcetype" not in (record.get("class") or {}):
                    continue
                record["ecs"] = {HOST: RENDERED_HOST}
            yield path.name, number, record


def wrong(shared, binary, header_lines):
    """What score-parsers calls wrong, what is expected, how many lines there are, and how many were recognised."""
    tool = shared / "tools" / "score-parsers"
    expected, lines = set(), 0
    with tempfile.TemporaryDirectory() as folder:
        with open(Path(folder) / "all.jsonl", "w", encoding="utf-8") as out:
            for file, number, record in records(shared / "corpus/parsers/expected", header_lines):
                lines += 1
                expected.update((file, number, field) for field in record.get("ecs") or {})
                # Line ends in an answer would break the tool's report into pieces that look like findings.
                out.write(json.dumps(record | {"id": f"{file}|{number}", "format": "all"}) + "\n")
        command = [sys.executable, str(tool), str(binary), folder, "--show", "all"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    if done.returncode != 0:
        sys.exit(f"{tool.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found = {}
    for text in done.stdout.split("\n"):
        place, _, rest = text.partition(": ")
        file, _, number = place.partition("|")
        field, _, said = rest.partition(": ")
        if number.isdigit() and (file, int(number), field) in expected:
            found[(file, int(number), field)] = said
    last = done.stdout.rstrip().split("\n")[-2:]
    recognised = int(last[0].split()[2].split("/")[0])
    right, total = map(int, last[1].split()[2].split("/"))
    if total - right != len(found):
        sys.exit(f"{tool.name} counts {total - right} wrong fields but shows {len(found)}")
    return found, expected, total, lines, recognised


def check(shared, binary):
    """The scores that the list bears on, and what is wrong with the list itself."""
    reasons, mistakes = listed(), []
    fields, expected, total, _, _ = wrong(shared, binary, header_lines=False)
    hosts, expected_hosts, host_total, lines, recognised = wrong(shared, binary, header_lines=True)
    # A header line's host may also be an ordinary expectation; then it is the same one.
    for place in reasons:
        name = "{}:{} {}".format(*place)
        if place not in expected and place not in expected_hosts:
            mistakes.append(f"{name}: listed as unjustifiable, but there is no such expectation")
        elif place not in fields and place not in hosts:
            mistakes.append(f"{name}: listed as unjustifiable, but met")
    open_fields = {place: said for place, said in fields.items() if place not in reasons}
    open_hosts = {place: said for place, said in hosts.items() if place not in reasons}
    print(f"== expectations that the line justifies ({len(reasons)} that it does not are listed in {LIST.name})")
    for place, said in sorted((open_fields | open_hosts).items()):
        print("  {}:{} {}: {}".format(*place, said[:120]))
    fields_held = total - (len(fields) - len(open_fields))
    hosts_held = host_total - (len(hosts) - len(open_hosts))
    print(f"fields right {fields_held - len(open_fields)}/{fields_held} of those justified")
    print(f"header lines: host right {host_total - len(hosts)}/{host_total}, of those justified {hosts_held - len(open_hosts)}/{hosts_held}")
    print(f"header lines: source recognised {recognised}/{lines}", flush=True)
    scores = {
        "parsers: justified fields right": 100 * (1 - len(open_fields) / fields_held),
        "header lines: host right": 100 * (1 - len(hosts) / host_total),
        "header lines: justified host right": 100 * (1 - len(open_hosts) / hosts_held),
        "header lines: source recognised": 100 * recognised / lines,
    }
    return {name: round(score, 2) for name, score in scores.items()}, mistakes
