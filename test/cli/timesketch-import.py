"""Reads a timeline as Timesketch's own importer does, up to the request: only the server is a stand-in.

Prints one JSON document: the events as they would be uploaded, and what the importer complained of.
"""
import json
import logging
import sys

from timesketch_import_client import importer


class Complaints(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())


class Answer:
    status_code = 200

    def json(self):
        return {"objects": [{"id": 1, "searchindex": {"index_name": "x"}}], "meta": {"task_id": "t"}}


class Session:
    def __init__(self):
        self.uploads = []

    def post(self, _url, data=None, files=None):
        self.uploads.append(files["events"][1])
        return Answer()


class Api:
    api_root = "http://timesketch.invalid/api/v1"

    def __init__(self):
        self.session = Session()


class Sketch:
    id = 1

    def __init__(self):
        self.api = Api()


complaints = Complaints()
logging.getLogger("timesketch_importer").addHandler(complaints)
sketch = Sketch()
with importer.ImportStreamer() as streamer:
    streamer.set_sketch(sketch)
    streamer.set_entry_threshold(7)  # several uploads, as a long timeline has
    streamer.add_file(sys.argv[1])
events = [json.loads(line) for upload in sketch.api.session.uploads for line in upload.split("\n") if line]
json.dump({"events": events, "uploads": len(sketch.api.session.uploads), "complaints": complaints.said}, sys.stdout)
