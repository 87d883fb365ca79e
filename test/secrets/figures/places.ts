/**
 * The places in which a secret may stand, each as the program that writes it would: name and value in, evidence out.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Redactor } from '../../../src/secrets/contracts.ts';

export interface Place {
  readonly name: string;
  /** A secret without a telling name is expected to be found here, if it has a shape. */
  readonly plain?: true;
  /** What the redactor leaves of it, as a reader would decode it. */
  readonly shown: (redactor: Redactor, name: string, value: string) => string;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const decoded = (text: string): string => Buffer.from(text, 'base64').toString('utf8');
const json = (redactor: Redactor, value: unknown): string => JSON.stringify(redactor.json(value).value);
const texts = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'object' && value !== null
      ? Object.values(value).map(texts).join('\n')
      : '';
const text =
  (write: (name: string, value: string) => string): Place['shown'] =>
  (redactor, name, value) =>
    redactor.text(write(name, value)).value;
const event =
  (write: (name: string, value: string) => unknown): Place['shown'] =>
  (redactor, name, value) =>
    json(redactor, write(name, value));
const bytes = (redactor: Redactor, body: string, kind: 'environ' | 'cmdline'): string =>
  Buffer.from(redactor.bytes(Buffer.from(body), kind).value).toString();
/** Everything in base64 that stands in the text. */
const opened = (shown: string): string =>
  shown + [...shown.matchAll(/[\w+/-]{8,}={0,2}/gu)].map(([run]) => decoded(run)).join('\n');
const markup =
  (write: (name: string, value: string) => string): Place['shown'] =>
  (redactor, name, value) =>
    redactor.text(write(name, value)).value.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
const quoted = (value: string): string => JSON.stringify(value).slice(1, -1);

export const PLACES: readonly Place[] = [
  {
    name: 'environ',
    plain: true,
    shown: (redactor, name, value) => bytes(redactor, `A=1\0${name}=${value}\0B=2\0`, 'environ'),
  },
  {
    name: 'argv',
    plain: true,
    shown: (redactor, name, value) => bytes(redactor, `node\0--${name}=${value}\0-v\0`, 'cmdline'),
  },
  { name: 'JSON', plain: true, shown: event((name, value) => ({ user: 'bob', [name]: value })) },
  {
    name: 'JSON in a log line',
    plain: true,
    shown: text((name, value) => `2026-08-01T00:00:00Z INFO {"user":"bob","${name}":"${quoted(value)}","n":1}`),
  },
  {
    name: 'assignment in a log line',
    plain: true,
    shown: text((name, value) => `starting with ${name}=${value}\nnext`),
  },
  {
    name: 'form body',
    shown: (redactor, name, value) =>
      decodeURIComponent(
        redactor.text(new URLSearchParams({ a: '1', [name]: value, b: 'c d' }).toString()).value.replaceAll('+', ' '),
      ),
  },
  {
    name: 'JSON in a form',
    shown: (redactor, name, value) =>
      decodeURIComponent(
        redactor
          .text(new URLSearchParams({ payload: JSON.stringify({ [name]: value }) }).toString())
          .value.replaceAll('+', ' '),
      ),
  },
  {
    name: 'URL-encoded JSON',
    shown: (redactor, name, value) =>
      decodeURIComponent(
        redactor.text(`https://h/x?q=${encodeURIComponent(JSON.stringify({ [name]: value }))}&b=1`).value,
      ),
  },
  {
    name: 'API Gateway body',
    shown: (redactor, name, value) =>
      opened(json(redactor, { isBase64Encoded: true, body: base64(JSON.stringify({ user: 'bob', [name]: value })) })),
  },
  {
    name: 'Kinesis record',
    shown: (redactor, name, value) =>
      opened(
        json(redactor, {
          Records: [{ kinesis: { partitionKey: '1', data: base64(JSON.stringify({ [name]: value, n: 1 })) } }],
        }),
      ),
  },
  {
    name: 'base64url of JSON',
    shown: (redactor, name, value) => {
      const shown = redactor.text(
        `state=${Buffer.from(JSON.stringify({ [name]: value })).toString('base64url')}&x=1`,
      ).value;
      return shown + opened(shown.replaceAll('-', '+').replaceAll('_', '/'));
    },
  },
  {
    name: 'SNS in SQS',
    shown: event((name, value) => ({
      Records: [
        { body: JSON.stringify({ Type: 'Notification', Message: JSON.stringify({ user: 'bob', [name]: value }) }) },
      ],
    })),
  },
  {
    name: 'CloudWatch Logs event',
    shown: (redactor, name, value) => {
      const copy = redactor.json({
        awslogs: {
          data: gzipSync(JSON.stringify({ logEvents: [{ message: JSON.stringify({ [name]: value }) }] })).toString(
            'base64',
          ),
        },
      }).value;
      return zipped(texts(copy));
    },
  },
  {
    name: 'JSON in JSON',
    shown: text((name, value) =>
      JSON.stringify({ body: JSON.stringify({ inner: JSON.stringify({ [name]: value }) }) }),
    ),
  },
  {
    name: 'JSON of .NET',
    shown: text((name, value) =>
      JSON.stringify({ body: JSON.stringify({ [name]: value }) }).replaceAll('\\"', '\\u0022'),
    ),
  },
  {
    name: 'XML element',
    shown: markup((name, value) => `<config><user>bob</user><${name}>${xml(value)}</${name}></config>`),
  },
  { name: 'XML attribute', shown: markup((name, value) => `<db user="bob" ${name}="${xml(value)}"/>`) },
  {
    name: 'XML key and value',
    shown: markup(
      (name, value) => `<add key="${name}" value="${xml(value)}"/><entry key="${name}">${xml(value)}</entry>`,
    ),
  },
  { name: 'YAML', shown: text((name, value) => `db:\n  user: bob\n  ${name}: ${value}\n  port: 1\n`) },
  { name: 'YAML block', shown: text((name, value) => `db:\n  ${name}: |\n    ${value}\n  port: 1\n`) },
  { name: 'YAML pair', shown: text((name, value) => `env:\n  - name: ${name}\n    value: ${value}\n`) },
  {
    name: 'form field',
    shown: text(
      (name, value) => `--b1\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n--b1--\r\n`,
    ),
  },
  {
    name: 'Key and Value',
    shown: event((name, value) => ({
      Parameters: [{ ParameterKey: name, ParameterValue: value }],
      Tags: [{ Key: name, Value: value }],
      Environment: [{ Value: value, Name: name }],
    })),
  },
  {
    name: 'Key and Value in a text',
    shown: text(
      (name, value) =>
        `put {"Key":"${name}","Value":"${quoted(value)}"} and {"Value":"${quoted(value)}","Name":"${name}"}`,
    ),
  },
  {
    name: 'Python',
    shown: text((name, value) => `cfg = {'${name}': '${value}'}\nos.environ["${name}"] = """${value}"""\n`),
  },
  {
    name: 'shell',
    shown: text(
      (name, value) =>
        `export ${name.replaceAll(/[.-]/gu, '_')}='${value}'\n${name.replaceAll(/[.-]/gu, '_')}=$'${value}' ./run\n`,
    ),
  },
  {
    name: 'Buffer',
    shown: (redactor, name, value) => {
      const copy = redactor.json(
        JSON.parse(JSON.stringify({ body: Buffer.from(`${name}=${value}`), [name]: Buffer.from(value) })),
      ).value;
      return Object.values(copy as Record<string, { data: number[] }>)
        .map((one) => (Array.isArray(one.data) ? Buffer.from(one.data).toString() : ''))
        .join('\n');
    },
  },
  { name: 'curl -u', shown: text((_name, value) => `running curl -s -u 'bob:${value}' https://h/x\n`) },
];

function xml(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function zipped(data: string): string {
  return Buffer.from(data, 'base64')
    .subarray(0, 2)
    .equals(Buffer.from([0x1f, 0x8b]))
    ? gunzipSync(Buffer.from(data, 'base64')).toString()
    : data;
}
