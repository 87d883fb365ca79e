import http.client
import socket

database = [socket.create_connection(("10.0.12.5", 5432)) for _ in range(4)]
partner = http.client.HTTPConnection("198.51.100.20", 443)


def handler(event, context):
    for connection in database:
        connection.send(b"select 1")
    partner.request("GET", "/")
    answer = partner.getresponse()
    answer.read()
    return answer.status
