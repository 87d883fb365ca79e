"""A Python function that does what an intruder does: a child, a connection, a file in /tmp, an open file without a name."""
import os
import signal
import socket
import subprocess
import time

kept = []


def handler(event, context):
    if event.get("leave"):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        nameless = open("/tmp/nameless", "w+")
        nameless.write("deleted and still open\n")
        nameless.flush()
        os.unlink("/tmp/nameless")
        with open("/tmp/dropped.sh", "w") as script:
            script.write("#!/bin/sh\nexec sleep 1000\n")
        os.chmod("/tmp/dropped.sh", 0o755)
        kept.extend([listener, nameless, subprocess.Popen(["/tmp/dropped.sh"])])
        return {"pid": os.getpid(), "child": kept[-1].pid, "port": listener.getsockname()[1]}
    while event.get("spin"):
        pass
    if event.get("run"):
        subprocess.run(event["run"], shell=True, check=False)
    if event.get("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if event.get("exit"):
        os._exit(event["exit"])
    time.sleep(event.get("waitMs", 0) / 1000)
    return "done"
