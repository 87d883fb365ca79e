# Harmless: the files are the function's own, and the key stands here.
import hashlib
import os

KINDS = ["csv", "json", "txt", "pdf"]
FOLDER = "/tmp/orders"

os.makedirs(FOLDER, exist_ok=True)
for turn in range(16):
    with open("%s/order-%d.%s" % (FOLDER, turn, KINDS[turn % 4]), "w") as order:
        order.write("order %d\n" % turn * 50)


def cover(text):
    stream = b"".join(hashlib.sha256(b"key %d" % turn).digest() for turn in range(len(text) // 32 + 1))
    return bytes(one ^ other for one, other in zip(text, stream))


def handler(event, context):
    if event.get("attack"):
        for name in os.listdir(FOLDER):
            path = FOLDER + "/" + name
            with open(path, "rb") as order:
                text = order.read()
            with open(path, "wb") as order:
                order.write(cover(text))
            os.rename(path, path + ".locked")
    return "ok"
