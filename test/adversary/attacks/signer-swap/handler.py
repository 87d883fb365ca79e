# Harmless: what is copied stays in the memory. The signer is not botocore; it has its name and its place.
from botocore.auth import SigV4Auth

copies = []


def handler(event, context):
    if event.get("attack"):
        sign = SigV4Auth.add_auth

        def add_auth(self, request):
            copies.append(dict(request))
            return sign(self, request)

        SigV4Auth.add_auth = add_auth
    request = {"key": "orders/1"}
    SigV4Auth().add_auth(request)
    return request["signature"]
