# Harmless: the shared object is the system's libdl, and the child is `sleep` for 30 seconds at most.
import glob
import os
import shutil
import subprocess


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    shutil.copy(glob.glob("/usr/lib/*-linux-gnu/libdl.so.2")[0], "/tmp/.libstat.so")
    os.environ["LD_PRELOAD"] = "/tmp/.libstat.so"
    subprocess.Popen(["/usr/bin/sleep", "30"])
    return "ok"
