# The shape of gunicorn: a master that listens, and two forked workers, each with a connection to the internet.
import os
import socket

listener = socket.create_server(("127.0.0.1", 8080))
for _ in range(2):
    if os.fork() == 0:
        partner = socket.create_connection(("198.51.100.20", 443))
        while True:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
            connection.close()
os.wait()
