"""Values for the cron schedules of `src/schedule/trigger`: 200 schedules (20 patterns in 10 time zones) over the year 2025.

    pip install croniter==7.0.0 cronsim==2.8 tzdata==2026.6
    python tests/oracle/schedules.py            # writes tests/data/oracle/schedules.json
    python tests/oracle/schedules.py --compare  # prints where croniter and cronsim differ

The truth is computed here, without any cron library and without the program: each moment of the year, in steps of five minutes
(which divide all changes of clocks and all minutes of the patterns), is put on the wall clock of the zone by `zoneinfo`; a
pattern is a set of allowed numbers per field. The rules are those of the program:

- A pattern is a wildcard where its minute or its hour holds `*` or a step. It occurs at each moment whose time on the wall
  clock matches.
- Other patterns are of fixed times. Each time on the wall clock that matches occurs once: in its first pass where it comes
  twice; at the first moment that exists behind it where it does not come. Times that come to the same moment are one.
- Day of the month and weekday: one of them is enough where neither is `*`.
- The second, where there is a field for it, is one number here: it is added to the minute.

croniter and cronsim are asked too by `--compare`, which prints for each schedule on which they differ how many occurrences
are only here and only there. What it prints, and why the rules above stand:

- Of the 200, cronsim agrees on 183; it refuses 10 (it does not know `15W`) and differs on 7. It applies the rule of Debian's
  cron, which is the one above, to patterns of five fields only: with a second all follow elapsed time there, so what is
  skipped is lost and what is repeated is told twice (4). It takes only fields that *begin* with `*` for wildcards, so
  `0 0-23/4 * * *` is of fixed times (2, where midnight is skipped). It steps by whole hours, and so loses `0 */6 * * *` on
  the days on which Lord Howe changes by half an hour (1).
- croniter agrees on 162; it refuses 10 (`LW`) and differs on 28. It has no rule for fixed times: in a repeated hour it tells
  them twice. It makes up for skipped times of wildcards, and moves a skipped time with a second to another second.
"""

import datetime as dt
import itertools
import json
import pathlib
import re
import sys
import zoneinfo

import tzdata
from croniter import croniter
from cronsim import CronSim

zoneinfo.reset_tzpath(())  # The package tzdata, not what the machine has.

YEAR = 2025
UTC = dt.timezone.utc
START = dt.datetime(YEAR, 1, 1, tzinfo=UTC)
END = dt.datetime(YEAR + 1, 1, 1, tzinfo=UTC)
STEP = dt.timedelta(minutes=5)

ZONES = [
    "UTC",
    "Europe/Berlin",  # an hour, at 02:00 and 03:00
    "America/New_York",
    "America/St_Johns",  # three and a half hours behind
    "America/Santiago",  # south; at midnight, which is skipped and repeated
    "Africa/Cairo",  # midnight to 01:00 is skipped
    "Africa/Casablanca",  # the clock goes back for Ramadan, in February, and forward in April
    "Asia/Kathmandu",  # five hours and three quarters ahead, no changes
    "Australia/Lord_Howe",  # changes of half an hour
    "Pacific/Chatham",  # twelve hours and three quarters ahead, at 02:45
]

PATTERNS = [
    "*/15 * * * *",
    "5 * * * *",
    "0 */6 * * *",
    "0 0-23/4 * * *",
    "*/20 1-3 * * *",
    "0 0 * * *",
    "15 0 * * *",
    "30 1 * * *",
    "30 2 * * *",
    "45 2 * * *",
    "0,30 0,2,3 * * *",
    "10 1-3 * * SUN",
    "0 3 * * SUN",
    "30 2 * * MON-FRI",
    "30 23 L * *",
    "15 2 15W * *",
    "30 2 LW * *",
    "0 2 * MAR-APR,SEP-NOV SUN#1,SUNL",
    "30 2 1,15 * SAT",
    "20 30 2 * * *",
]

NAMES = {
    name: str(number)
    for names, first in (
        ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1),
        ("SUN MON TUE WED THU FRI SAT", 0),
    )
    for number, name in enumerate(names.split(), first)
}


def numbers(field, low, high):
    """The numbers that a field without `L`, `W` and `#` allows."""
    allowed = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, last = (low, high) if span == "*" else (span.split("-") * 2)[:2]
        allowed.update(range(int(first), int(last) + 1, int(step or 1)))
    return allowed


def last_day(day):
    return ((day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)).day


def nearest_weekday(day, number):
    """The day from Monday to Friday that is nearest to the `number`-th, within the month of `day`."""
    length = last_day(day)
    if number > length:
        return None
    month = [day.replace(day=n) for n in range(1, length + 1)]
    working = [d for d in month if d.weekday() < 5]
    return min(working, key=lambda d: (abs(d.day - number), d.day))


def day_of_month_matches(field, day):
    for item in field.split(","):
        if item == "L":
            if day.day == last_day(day):
                return True
        elif item == "LW":
            working = [n for n in range(1, last_day(day) + 1) if day.replace(day=n).weekday() < 5]
            if day.day == working[-1]:
                return True
        elif item.endswith("W"):
            if nearest_weekday(day, int(item[:-1])) == day:
                return True
        elif day.day in numbers(item, 1, 31):
            return True
    return False


def weekday_matches(field, day):
    sunday_first = day.isoweekday() % 7
    for item in field.split(","):
        if "#" in item:
            weekday, which = map(int, item.split("#"))
            if sunday_first == weekday % 7 and (day.day + 6) // 7 == which:
                return True
        elif item.endswith("L"):
            if sunday_first == int(item[:-1]) % 7 and day.day + 7 > last_day(day):
                return True
        elif sunday_first in {number % 7 for number in numbers(item, 0, 7)}:
            return True
    return False


def day_matches(days, months, weekdays, day):
    if day.month not in numbers(months, 1, 12):
        return False
    if "*" in (days, weekdays):
        return day_of_month_matches(days, day) and weekday_matches(weekdays, day)
    return day_of_month_matches(days, day) or weekday_matches(weekdays, day)


class Year:
    """The wall clock of a zone, step by step."""

    def __init__(self, zone):
        self.zone = zoneinfo.ZoneInfo(zone)
        self.shown = []  # (moment, what the wall clock shows)
        self.first = {}  # what the wall clock shows -> the first moment at which it does
        moment = START - dt.timedelta(days=2)
        while moment < END + dt.timedelta(days=2):
            wall = moment.astimezone(self.zone).replace(tzinfo=None)
            self.shown.append((moment, wall))
            self.first.setdefault(wall, moment)
            moment += STEP

    def occurrences(self, pattern):
        fields = re.sub("[A-Z]{3}", lambda name: NAMES[name.group()], pattern).split()
        second = int(fields.pop(0)) if len(fields) == 6 else 0
        minute, hour, *day_fields = fields
        wildcard = any(sign in field for field in (minute, hour) for sign in "*/")
        minutes, hours = numbers(minute, 0, 59), numbers(hour, 0, 23)
        days = {}

        def matches(wall):
            if wall.minute not in minutes or wall.hour not in hours:
                return False
            day = wall.date()
            if day not in days:
                days[day] = day_matches(*day_fields, day)
            return days[day]

        if wildcard:
            found = {moment for moment, wall in self.shown if matches(wall)}
        else:
            found = set()
            day = dt.date(YEAR - 1, 12, 31)
            while day <= dt.date(YEAR + 1, 1, 1):
                for hour_, minute_ in itertools.product(hours, minutes) if day_matches(*day_fields, day) else ():
                    wall = shown = dt.datetime.combine(day, dt.time(hour_, minute_))
                    while shown not in self.first:  # The clock skips it.
                        shown += STEP
                    found.add((self.first[shown], shown == wall))
                day += dt.timedelta(days=1)
            # What is moved out of a gap begins with the first moment behind, whatever the second.
            found = {moment + dt.timedelta(seconds=second if exists else 0) for moment, exists in found}
            second = 0
        found = {moment + dt.timedelta(seconds=second) for moment in found}
        return sorted(moment for moment in found if START < moment <= END)

    def changes(self):
        """The moments at which the clock is changed."""
        offset = None
        for moment, wall in self.shown:
            now = wall - moment.replace(tzinfo=None)
            if offset is not None and now != offset and START < moment < END:
                yield moment
            offset = now


def fnv(moments):
    """FNV-1a, 64 bits, over the seconds since 1970 in decimal, each with a line feed."""
    value = 0xCBF29CE484222325
    for byte in "".join(f"{int(moment.timestamp())}\n" for moment in moments).encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def by_cronsim(pattern, zone):
    found = set()
    pattern = re.sub("[A-Z]{3}", lambda name: NAMES[name.group()], pattern)
    for moment in CronSim(pattern, START.astimezone(zone)):
        moment = moment.astimezone(UTC)
        if moment > END:
            return found
        found.add(moment)


def by_croniter(pattern, zone):
    fields = pattern.split()
    if len(fields) == 6:  # It has the second at the end.
        fields = fields[1:] + fields[:1]
    pattern = re.sub("([A-Z]{3})(#|L)", lambda m: NAMES[m[1]] + m[2] if m[2] == "#" else "L" + NAMES[m[1]], " ".join(fields))
    iterator = croniter(pattern, START.astimezone(zone))
    found = set()
    while True:
        moment = iterator.get_next(dt.datetime).astimezone(UTC)
        if moment > END:
            return found
        found.add(moment)


def difference(ask, pattern, year, truth):
    try:
        found = ask(pattern, year.zone)
    except Exception as error:
        return f"refuses it: {type(error).__name__}"
    truth = set(truth)
    return {"only_here": len(truth - found), "only_there": len(found - truth)} if found != truth else None


def compare():
    """Prints where croniter and cronsim differ from the truth."""
    agrees = {"cronsim": 0, "croniter": 0}
    for zone in ZONES:
        year = Year(zone)
        for pattern in PATTERNS:
            truth = year.occurrences(pattern)
            for name, ask in (("cronsim", by_cronsim), ("croniter", by_croniter)):
                found = difference(ask, pattern, year, truth)
                if found is None:
                    agrees[name] += 1
                else:
                    print(f"{name:9} {zone:20} {pattern:34} {found}", flush=True)
    print("of 200 agree:", agrees)


def main():
    schedules = []
    for zone in ZONES:
        year = Year(zone)
        changes = list(year.changes())
        print(zone, *(change.isoformat() for change in changes), flush=True)
        for pattern in PATTERNS:
            truth = year.occurrences(pattern)
            near = [m for m in truth if any(abs(m - change) <= dt.timedelta(hours=3) for change in changes)]
            schedules.append(
                {
                    "zone": zone,
                    "cron": pattern,
                    "count": len(truth),
                    "hash": fnv(truth),
                    "first": int(truth[0].timestamp()),
                    "last": int(truth[-1].timestamp()),
                    # For people, when the hash differs.
                    "near_changes": [m.strftime("%m-%dT%H:%M:%SZ") for m in near[:8]],
                }
            )
    path = pathlib.Path(__file__).parents[1] / "data" / "oracle" / "schedules.json"
    head = json.dumps({"year": YEAR, "tzdata": tzdata.IANA_VERSION})[:-1]
    lines = ",\n".join("  " + json.dumps(schedule) for schedule in schedules)
    path.write_text(f'{head}, "schedules": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    compare() if "--compare" in sys.argv else main()
