"""Slots of the recorder for all that JSON lines of stdin ask for; `code points` gives one for each few code points."""
import json
import sys

sys.path.insert(0, sys.argv[1])
from lambda_amber import ring  # noqa: E402

HEAD = '{"v":1,"n":1,"t":1,"i":0,"p":1,"k":"spawn","c":1'
out = sys.stdout.buffer
for line in sys.stdin:
    asked = json.loads(line)
    if asked == "code points":
        for start in range(0, 0x110000, 32):
            text = "".join(map(chr, range(start, start + 32)))
            out.write(ring.slot(HEAD, text, None, [], None, None))
        continue
    argv = asked.get("argv")
    if "bytes" in asked:
        argv = [bytes.fromhex(one).decode("utf-8", "surrogateescape") for one in asked["bytes"]]
    out.write(
        ring.slot(
            HEAD, asked["subject"], argv, asked.get("origin") or [], asked.get("stdio"), asked.get("detail")
        )
    )
