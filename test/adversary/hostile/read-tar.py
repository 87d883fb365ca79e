"""Reads a tar stream from standard input with Python's tarfile and tells of it in JSON lines; names are in latin1.

Arguments: a text that must not be in the stream, and a folder for the members that the tests read.
"""
import hashlib, json, os, sys, tarfile

canary, folder = sys.argv[1].encode(), sys.argv[2]
KEPT = ("capture.json", "manifest/", "bodyfile/", "live_response/", "timeline/")


class Searched:
    """The stream, searched on its way."""

    def __init__(self, raw):
        self.raw, self.tail, self.found = raw, b"", 0

    def read(self, size):
        data = self.raw.read(size)
        text = self.tail + data
        self.found += text.count(canary)
        self.tail = text[-(len(canary) - 1):]
        return data


def name(text):
    return os.fsencode(text).decode("latin1")


def take(tar, member, whole, row, path):
    digest = hashlib.sha256()
    kept = open(path, "wb") if member.name.startswith(KEPT) else None
    body = tar.extractfile(member)
    while piece := body.read(1 << 20):
        digest.update(piece)
        whole.update(piece)
        if kept:
            kept.write(piece)
    if kept:
        kept.close()
        row["kept"] = path
    row["sha256"] = digest.hexdigest()


stream = Searched(sys.stdin.buffer)
whole = hashlib.sha256()
with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 16, encoding="utf-8", errors="surrogateescape") as tar:
    for number, member in enumerate(tar):
        tar.members = []  # it would keep them all
        row = {"name": name(member.name), "type": member.type.decode(), "size": member.size, "link": name(member.linkname)}
        if member.isreg():
            take(tar, member, whole, row, os.path.join(folder, "%06d" % number))
        print(json.dumps(row))
while stream.read(1 << 20):
    pass
print(json.dumps({"bodies": whole.hexdigest(), "canary": stream.found}))
