# Sixty workers, each with a connection to a service on the internet.
import os
import socket
import time

workers = []


def handler(event, context):
    while len(workers) < 60:
        pid = os.fork()
        if pid == 0:
            partner = socket.create_connection(("198.51.100.20", 443))
            while True:
                time.sleep(0.2)
        workers.append(pid)
    time.sleep(0.2)
    return len(workers)
