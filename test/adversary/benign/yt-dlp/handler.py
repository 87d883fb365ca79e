# As functions do that fetch the newest yt-dlp: an archive with a first line, below /tmp.
import os
import subprocess
import sys
import time
import zipfile

TOOL = "/tmp/bin/yt-dlp"
MAIN = """
import sys, time, urllib.request
urllib.request.urlopen("http://198.51.100.20:443/slow").read()
open(sys.argv[2], "w").write("video")
"""


def handler(event, context):
    os.makedirs("/tmp/bin", exist_ok=True)
    if not os.path.exists(TOOL):
        with open(TOOL, "wb") as tool:
            tool.write(b"#!/usr/bin/env python3\n")
            with zipfile.ZipFile(tool, "w") as archive:
                archive.writestr("__main__.py", MAIN)
        os.chmod(TOOL, 0o755)
    job = subprocess.Popen([TOOL, "-o", "/tmp/video.mp4", "https://example.com/watch?v=1"])
    # The answer does not wait for it the first time.
    return job.wait() if event.get("wait", True) else "started"
