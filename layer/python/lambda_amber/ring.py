"""The ring of a Python process: 512 slots of 512 bytes in a memfd that nobody else can write.

The format is that of src/contracts/recorded.ts; budgets and shares of a slot are those of src/record.
A forked child writes on in the ring of its parent, since its own would be gone with it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import sys
import time
from json.encoder import encode_basestring_ascii as as_json

from .words import is_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

SLOTS = SLOT_BYTES = 512
MAX_RINGS = 4
MAX_KEYS = 128
MAX_KEY = 200
# Events of a kind at once, and how many more each second allows, times ten.
RARE, USUAL = (32, 5), (64, 20)
KINDS = {"spawn": (128, 40)}
for _kind in "fork connect resolve request code module write read".split():
    KINDS[_kind] = USUAL
for _kind in (
    "begin away limit execve datagram listen worker addon signal unpickle heap builtin method variable hook inspector"
).split():
    KINDS[_kind] = RARE
ORIGIN_BYTES, ORIGIN_EACH, STDIO_BYTES, DETAIL_BYTES, DETAIL_EACH, LEAST_BYTES, CUT_BYTES = 112, 72, 42, 108, 100, 6, 22
# The numbers that the function gets stay what they are without the ring.
LOWEST_FD = 900
# linux/fcntl.h: F_ADD_SEALS; F_SEAL_SEAL, SHRINK, GROW, WRITE, FUTURE_WRITE (Linux 5.1).
ADD_SEALS, SIZE_SEALS, WRITE_SEAL, FUTURE_WRITE_SEAL = 1033, 0x1 | 0x2 | 0x4, 0x8, 0x10


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def quote(text: str, room: int) -> tuple[str, int]:
    """JSON of the beginning of a text in at most `room` bytes, and how many UTF-16 units were left out."""
    start = text if len(text) <= room else text[: max(room, 0)]
    json: str = as_json(start)
    if len(json) > room:
        low, high = 0, len(start)
        while low < high:
            middle = (low + high + 1) // 2
            if len(as_json(start[:middle])) <= room:
                low = middle
            else:
                high = middle - 1
        start = start[:low]
        json = as_json(start)
    return json, 0 if len(start) == len(text) else units(text[len(start) :])


def quote_list(texts: Iterable[str], room: int, each: int) -> tuple[str, int]:
    json, left = "", 0
    for text in texts:
        free = min(each, room - len(json) - 1)
        if free < LEAST_BYTES:
            left += units(text)
            continue
        one, more = quote(text, free)
        json = json + "," + one if json else one
        left += more
    return json, left


def detail_json(detail: Mapping[str, str | int]) -> str:
    json = ""
    for name, value in detail.items():
        room = min(DETAIL_EACH, DETAIL_BYTES - len(json) - len(name) - 4)
        if room < LEAST_BYTES:
            break
        json += '%s"%s":%s' % ("," if json else "", name, quote(value, room)[0] if isinstance(value, str) else value)
    return ',"d":{%s}' % json if json else ""


def slot(
    head: str,
    subject: str,
    argv: list[str] | None,
    origin: list[str],
    stdio: list[str] | None,
    detail: Mapping[str, str | int] | None,
) -> bytes:
    if origin:
        head += ',"o":[%s]' % quote_list(origin, ORIGIN_BYTES, ORIGIN_EACH)[0]
    if stdio:
        head += ',"l":{"stdio":[%s]}' % quote_list(stdio, STDIO_BYTES, STDIO_BYTES)[0]
    if detail:
        head += detail_json(detail)
    room = SLOT_BYTES - 1 - CUT_BYTES - len(head)
    if argv is None:
        json, left = quote(subject, room - 5)
    else:
        json, left = quote(subject, (room - 12) >> 1)
        more, cut = quote_list(argv, room - 12 - len(json), room)
        json += ',"a":[%s]' % more
        left += cut
    line = '%s,"s":%s%s}' % (head, json, ',"x":%d' % left if left else "")
    return line.encode("ascii").ljust(SLOT_BYTES - 1) + b"\n"


def sealed_file(name: str, bytes_: int) -> int:
    low = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(low, bytes_)
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, LOWEST_FD)
    except OSError as refused:
        if not is_ours(refused):
            raise
        return low
    os.close(low)
    return high


class Ring:
    """Never raises for what it is told; what it cannot write is counted."""

    def __init__(self, language: str, origin: Callable[[], list[str]]) -> None:
        self.language, self.origin = language, origin
        self.invocation = self.rings = self.unwritten = 0
        self.shared = False
        self.seen: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        # Shared with forked children: the sequence, then of each kind its room, when that was filled, events left out.
        self.cells = memoryview(mmap.mmap(-1, 4096)).cast("q")
        self.at = {kind: 1 + 3 * index for index, kind in enumerate(KINDS)}
        self.map: mmap.mmap | None = None
        # Never let go: its end would close the number that it had, which may be one of the function's by then.
        self.maps: list[mmap.mmap] = []
        self.fill()
        self.renew("init")
        os.register_at_fork(before=self.share)

    def share(self) -> None:
        self.shared = True

    def fill(self) -> None:
        """Gives every kind its whole allowance: what init used does not silence the first invocation."""
        now = time.time_ns() // 1_000_000
        for kind, at in self.at.items():
            self.cells[at], self.cells[at + 1] = KINDS[kind][0] * 10_000, now

    def renew(self, why: str) -> None:
        """Goes on in a new ring: somebody took the one before, or a snapshot was restored."""
        self.map = None
        if self.rings == MAX_RINGS:
            return
        self.rings += 1
        self.fd = sealed_file("amber-ring", SLOTS * SLOT_BYTES)
        # Before 3.13 the mapping takes a number of its own, the lowest that is free.
        untracked: dict[str, Any] = {"trackfd": False} if sys.version_info >= (3, 13) else {}
        self.map = mmap.mmap(self.fd, SLOTS * SLOT_BYTES, **untracked)
        self.maps.append(self.map)
        detail: dict[str, str | int] = {"ring": self.rings, "why": why}
        try:
            fcntl.fcntl(self.fd, ADD_SEALS, SIZE_SEALS | FUTURE_WRITE_SEAL)
        except OSError as refused:
            if not is_ours(refused):
                raise
            detail["unsealed"] = str(refused.errno)
        stat = os.fstat(self.fd)
        self.identity = (stat.st_ino, stat.st_dev)
        self.cells[0] = 0
        self.write(time.time_ns() // 1_000_000, "begin", self.language, 1, None, None, detail)

    def put(
        self,
        kind: str,
        subject: str,
        argv: list[str] | None = None,
        detail: Mapping[str, str | int] | None = None,
        stdio: Callable[[], list[str]] | None = None,
    ) -> None:
        key = subject if argv is None else subject + "\0" + "\0".join(argv)
        if detail is not None and "by" in detail:
            key = "%s\0%s" % (key, detail["by"])
        if len(key) > MAX_KEY:
            key = "%d %d" % (len(key), hash(key))
        counts = self.seen[kind]
        count = counts.get(key, 0) + 1
        if count == 1 and len(counts) >= MAX_KEYS:
            counts.clear()
        counts[key] = count
        if count & (count - 1) == 0:
            now = time.time_ns() // 1_000_000
            if self.admits(kind, now):
                self.write(now, kind, subject, count, argv, stdio and stdio(), detail)

    def admits(self, kind: str, now: int) -> bool:
        """A bucket of tokens, in ten-thousandths of an event. A clock that goes back gives and takes nothing."""
        at, cells, (burst, tenths) = self.at[kind], self.cells, KINDS[kind]
        room = min(burst * 10_000, cells[at] + max(now - cells[at + 1], 0) * tenths)
        cells[at + 1] = now
        if room >= 10_000:
            cells[at] = room - 10_000
            return True
        cells[at] = room
        left = cells[at + 2] = cells[at + 2] + 1
        if left & (left - 1) == 0 and kind != "limit" and self.admits("limit", now):
            self.write(now, "limit", kind, 1, None, None, {"left": left})
        return False

    def write(
        self,
        now: int,
        kind: str,
        subject: str,
        count: int,
        argv: list[str] | None,
        stdio: list[str] | None,
        detail: Mapping[str, str | int] | None,
    ) -> None:
        if not self.is_in_place():
            self.renew("taken away")
        ring, cells = self.map, self.cells
        if ring is None:
            self.unwritten += 1
            return
        origin = self.origin()
        locked = self.shared and self.lock()
        while True:
            sequence = cells[0] + 1
            head = '{"v":1,"n":%d,"t":%d,"i":%d,"p":%d,"k":"%s","c":%d' % (
                sequence,
                now,
                self.invocation,
                os.getpid(),
                kind,
                count,
            )
            line = slot(head, subject, argv, origin, stdio, detail)
            at = (sequence - 1) % SLOTS * SLOT_BYTES
            end = at + SLOT_BYTES
            # No call stands between these lines: no thread of this process and no handler of a signal comes in between.
            if cells[0] + 1 == sequence:
                cells[0] = sequence
                ring[at:end] = line
                break
        if locked:
            fcntl.lockf(self.fd, fcntl.LOCK_UN)
        # A write into mapped memory wakes nobody who watches the file; a new time of it does.
        os.utime(self.fd)

    def lock(self) -> bool:
        """Between processes. It waits for no other: a process that holds the lock for ever would hold the function."""
        for _ in range(3):
            try:
                fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError as held:
                if not is_ours(held):
                    raise
        return False

    def is_in_place(self) -> bool:
        """False where the function has closed the descriptor: its number may lead to a file of the function by now."""
        if self.map is None:
            return self.rings == MAX_RINGS
        try:
            stat = os.fstat(self.fd)
        except OSError as gone:
            if not is_ours(gone):
                raise
            return False
        return (stat.st_ino, stat.st_dev) == self.identity
