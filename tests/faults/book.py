"""The book that the outside keeps: what was sent, what was acknowledged, and what must be found after a fault."""

import json
import time

DAY = 86_400


class Book:
    """Numbered events by sender; each belongs to the life of the server that it was sent in."""

    def __init__(self, names):
        self.names = list(names)
        self.acknowledged = {name: set() for name in self.names}
        self.sent = {name: set() for name in self.names}
        # Found once, an event must be found again: what can be read was there.
        self.seen = {name: set() for name in self.names}
        self.following = dict.fromkeys(self.names, 0)
        # Day (by the server's clock) on which each number was sent: retention counts from it.
        self.day_of = {name: {} for name in self.names}
        self.lost = self.twice = self.unreadable = 0
        self.problems, self.told = [], set()

    def take(self, sender, day):
        """Writes down what a sender did in one life."""
        self.acknowledged[sender.name].update(*map(set, sender.acknowledged))
        for numbers in sender.sent:
            self.sent[sender.name].update(numbers)
            self.day_of[sender.name].update(dict.fromkeys(numbers, day))
        self.following[sender.name] = sender.next

    def count(self):
        return sum(map(len, self.acknowledged.values()))

    def problem(self, text):
        self.problems.append(text)
        print(f"    PROBLEM: {text}", flush=True)

    def check(self, search, deleted, last_day_gone):
        """Compares the book with what a search finds; events sent up to `last_day_gone` may have been deleted by retention.

        `search` gives the events of a query, `deleted` is how many events the tombstones tell of.
        """
        ids, gone = [], 0
        for name in self.names:
            found = [numbered(event) for event in search(f"host.hostname:{name}")]
            ids += [event_id for _, event_id in found]
            numbers = [number for number, _ in found]
            different = set(numbers)
            expected = self.acknowledged[name] | self.seen[name]
            missing = expected - different
            excused = {number for number in missing if self.day_of[name][number] <= last_day_gone}
            lost = sorted(missing - excused)
            gone += len(excused)
            if lost:
                self.lost += len(lost)
                self.problem(f"{name}: {len(lost)} acknowledged events are lost, from number {lost[0]} to {lost[-1]}")
            if len(numbers) != len(different):
                self.twice += len(numbers) - len(different)
                self.problem(f"{name}: {len(numbers) - len(different)} events are there twice")
            if different - self.sent[name]:
                self.problem(f"{name}: {len(different - self.sent[name])} events were never sent")
            self.seen[name] |= different
            # Each fault is counted once.
            for known in (self.acknowledged[name], self.seen[name]):
                known.difference_update(lost)
        if len(ids) != len(set(ids)):
            self.twice += len(ids) - len(set(ids))
            self.problem("one event id stands for two events")
        if gone > deleted:
            self.lost += gone - deleted
            self.problem(f"{gone} events are gone, and the tombstones tell of {deleted}")
        return len(ids), gone

    def verify(self, ended, when):
        """`longan verify` must have called the folder intact; every finding is a problem. `ended` is code, output and errors."""
        code, output, errors = ended
        try:
            findings = json.loads(output)["findings"]
        except ValueError:
            self.unreadable += 1
            return self.problem(f"verify {when} ended with {code}: {errors.strip()[-400:]}")
        for finding in map(json.dumps, findings):
            # What is found again is no second fault.
            if finding not in self.told:
                self.told.add(finding)
                self.unreadable += 1
                self.problem(f"verify {when}: {finding}")
        if code != (1 if findings else 0):
            self.problem(f"verify {when} ended with {code}")

    def summary(self, what):
        problems = f", {len(self.problems)} problems" if self.problems else ""
        return f"{what}: {self.lost} lost, {self.twice} duplicated, {self.unreadable} unreadable{problems}"


def numbered(event):
    return int(event["event.original"].split(" number ")[1].split(" ")[0]), event["longan.id"]


def line(name, number, now):
    """The event of a number. Most are of today; some come late, a few are of a device whose clock is far ahead."""
    late = (0, 0, 0, 0, 0, 0, 1, 2, 4, -30)[number % 10]
    text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - late * DAY + number % 3600))
    return f"<134>1 {text} {name} load 1 - - {name} number {number} end {'x' * (number * 7 % 120)}"


def tombstoned(manifest):
    """How many events the tombstones in the text of a manifest tell of."""
    try:
        return sum(tombstone["events"] for tombstone in json.loads(manifest)["tombstones"])
    except ValueError:
        return 0
