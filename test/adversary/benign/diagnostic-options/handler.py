import os
import subprocess

os.environ["JAVA_TOOL_OPTIONS"] = "-XX:HeapDumpPath=/tmp/dumps"


def handler(event, context):
    return subprocess.run(["java", "-jar", "/var/task/report.jar"]).returncode
