/**
 * A function of Python under AWS's own client, bare and behind the recorder: results, errors, exit codes and output are
 * the same, by both ways of attaching it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pythonHook } from '../../../layer/python-hook.ts';
import { STARTS_BOTH, type Client } from '../../sandbox/clients.ts';
import { record, type Recording, type Script } from '../../sandbox/record.ts';
import { unpackedPart } from '../unpacked.ts';
import { absent, pythonClient, VERSIONS } from './pythons.ts';

const HANDLERS = `
import json, logging, os, subprocess, sys, threading
from dataclasses import dataclass

class Refused(Exception):
    pass

@dataclass
class Item:
    name: str

def echo(event, context):
    print("heard", event)
    logging.getLogger().warning("warned")
    return {"event": event, "id": len(context.aws_request_id), "item": Item("x").name}

def fails(event, context):
    raise Refused("no: %s" % event)

def chained(event, context):
    try:
        {}["absent"]
    except KeyError as error:
        raise Refused("behind") from error

def deep(event, context):
    def down(level):
        try:
            return down(level + 1)
        except RecursionError:
            return "caught"
    return down(0)

def children(event, context):
    done = subprocess.run(["/bin/echo", "out"], capture_output=True, text=True)
    refused = subprocess.run("exit 7", shell=True).returncode
    try:
        subprocess.run(["/absent"])
    except FileNotFoundError as error:
        return [done.stdout, refused, str(error)]

def forked(event, context):
    pid = os.fork()
    if pid == 0:
        os._exit(5)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def environment(event, context):
    seen = {name: value for name, value in os.environ.items() if not name.startswith(("AMBER_", "AWS_LAMBDA_RUNTIME"))}
    return [sorted(seen.items()), sys.argv[1:], __name__, sorted(threading.enumerate(), key=id)[0].name, threading.active_count()]

def shows(event, context):
    return sys._getframe(1).f_code.co_name

def unserialisable(event, context):
    return {1, 2}

def leaves(event, context):
    sys.exit(3)

def dies(event, context):
    os._exit(4)

def killed(event, context):
    os.kill(os.getpid(), 9)

class Methods:
    @staticmethod
    def handler(event, context):
        return globals()[event["do"]](event, context)
method = Methods.handler
`;
// biome-ignore format: a table, a row a module
const BROKEN: Readonly<Record<string, string>> = {
  syntax: 'def handler(:\n', raises: 'raise ValueError("at init")\n', imports: 'import absent_module\n', empty: '',
  exits: 'import sys\nsys.exit(9)\n', ends: 'import os\nos._exit(8)\n',
};
const NAMES = [
  'echo',
  'fails',
  'chained',
  'deep',
  'children',
  'forked',
  'environment',
  'tree',
  'shows',
  'unserialisable',
];
const ENDS = ['leaves', 'dies', 'killed'];

let taskRoot: string;
let opt: string;
before(async () => {
  opt = await unpackedPart(pythonHook);
  taskRoot = mkdtempSync(join(tmpdir(), 'amber-python-task-'));
  writeFileSync(join(taskRoot, 'function.py'), HANDLERS);
  for (const [name, text] of Object.entries(BROKEN)) writeFileSync(join(taskRoot, `${name}.py`), text);
});
after(() => {
  rmSync(taskRoot, { recursive: true });
  rmSync(opt, { recursive: true });
});

const WAYS = ['redirect', 'exec'] as const;

async function run(
  way: 'bare' | (typeof WAYS)[number],
  { client, ric }: { client: Client; ric: string },
  handler: string,
  more: Partial<Script> = {},
): Promise<Recording> {
  const env = {
    PYTHONPATH: `${taskRoot}:${ric}:${join(opt, 'python')}`,
    AMBER_RECORD: 'events',
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const script = { events: [{ a: 1 }, { a: 2 }], timeoutMs: 20_000, taskRoot, ...more };
  if (way === 'bare') return record(client, { ...script, handler, env });
  if (way === 'redirect')
    return record(client, { ...script, handler: 'lambda_amber.handler', env: { ...env, AMBER_HANDLER: handler } });
  const wrapped = { ...client, node: join(opt, 'amber-exec'), args: () => [client.node, ...client.args(handler)] };
  return record(wrapped, { ...script, handler, env });
}

/** A module that cannot be loaded has frames of the loader in its stack, and they go to the log with it. */
function withoutStack({ init, exit, amber }: Recording): unknown {
  const { errorType, errorMessage } = JSON.parse(init?.body ?? '{}') as Record<string, unknown>;
  return { exit, amber, errorType, errorMessage };
}

type Found = Parameters<typeof run>[1];

/** All that is compared, by name: one sandbox for the handlers that answer, one for each that ends or cannot be loaded. */
async function all(way: Parameters<typeof run>[0], found: Found): Promise<Readonly<Record<string, unknown>>> {
  const events = NAMES.flatMap((name) => [{ do: name }, { do: name, again: true }]);
  const recordings: Record<string, unknown> = { answers: await run(way, found, 'function.method', { events }) };
  for (const name of ENDS)
    recordings[name] = await run(way, found, `function.${name}`, { events: [{}], end: 'itself' });
  for (const handler of [...Object.keys(BROKEN).map((name) => `${name}.handler`), 'absent.handler', 'function.absent'])
    recordings[handler] = withoutStack(await run(way, found, handler));
  return recordings;
}

for (const version of VERSIONS) {
  test(`a function of Python ${version} answers, fails and ends as it does bare, by redirect and by exec`, {
    skip: STARTS_BOTH,
  }, async (t) => {
    const found = pythonClient(version);
    if (found === undefined) return void absent(t, version, ' and its pip');
    const bare = await all('bare', found);
    for (const way of WAYS) assert.deepEqual(await all(way, found), bare, way);
  });
}
