class SigV4Auth:
    def add_auth(self, request):
        request["signature"] = "signed"
