import json
import os
import urllib.request

URL = "http://localhost:2773/systemsmanager/parameters/get?name=colour"


def handler(event, context):
    question = urllib.request.Request(URL, headers={"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]})
    with urllib.request.urlopen(question) as answer:
        return json.load(answer)["Parameter"]["Value"]
