# The shape of a worker of loky: it answers until its pipe ends, and asks a service on the internet.
import socket
import sys

partner = socket.create_connection(("198.51.100.20", 443))
for line in sys.stdin:
    partner.send(b"GET / HTTP/1.1\r\n\r\n")
    partner.recv(4096)
    print(int(line) ** 2, flush=True)
