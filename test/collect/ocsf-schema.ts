/** Judges an event by the published schema of OCSF: names, types, values, what is required, and nothing else. */
import { readFileSync } from 'node:fs';

type Json = Readonly<Record<string, unknown>>;

interface Attribute {
  /** Name of a type, or of an object. */
  readonly t?: string;
  readonly o?: string;
  /** `required`, `recommended`. */
  readonly r?: string;
  /** An array of it. */
  readonly a?: 1;
  /** Values of an enumeration. */
  readonly e?: readonly string[];
  /** It belongs to a profile, which the event must declare. */
  readonly p?: string;
}

interface Schema {
  readonly version: string;
  readonly class: { readonly uid: number; readonly attributes: Readonly<Record<string, Attribute>> };
  readonly objects: Readonly<
    Record<
      string,
      {
        readonly attributes: Readonly<Record<string, Attribute>>;
        readonly constraints?: { readonly at_least_one?: readonly string[] };
      } | null
    >
  >;
  readonly types: Readonly<Record<string, { readonly type?: string }>>;
}

const SCHEMA = JSON.parse(readFileSync('test/fixtures/ocsf-detection-finding-1.4.0.json', 'utf8')) as Schema;
/** Their values are those of the class, not those of the class that it extends. */
const OF_THE_CLASS = new Set(['class_uid', 'category_uid']);

/** What is wrong with the event, empty if nothing is. */
export function faultsOf(event: Json): string[] {
  const metadata = event['metadata'] as Json | undefined;
  const profiles = new Set((metadata?.['profiles'] ?? []) as readonly string[]);
  const faults = inObject(event, SCHEMA.class.attributes, 'event', profiles);
  if (metadata?.['version'] !== SCHEMA.version) faults.push(`it declares ${String(metadata?.['version'])}`);
  if (event['class_uid'] !== SCHEMA.class.uid) faults.push('class_uid');
  return faults;
}

function inObject(
  value: Json,
  attributes: Readonly<Record<string, Attribute>>,
  path: string,
  profiles: ReadonlySet<string>,
): string[] {
  const faults: string[] = [];
  for (const [name, attribute] of Object.entries(attributes)) {
    const applies = attribute.p === undefined || profiles.has(attribute.p);
    if (attribute.r === 'required' && applies && !(name in value)) faults.push(`${path}.${name} is required`);
  }
  for (const [name, given] of Object.entries(value)) {
    const attribute = attributes[name];
    if (attribute === undefined) faults.push(`${path}.${name} is not in the schema`);
    else if (attribute.p !== undefined && !profiles.has(attribute.p))
      faults.push(`${path}.${name} needs the profile ${attribute.p}`);
    else faults.push(...inAttribute(given, attribute, `${path}.${name}`, profiles));
  }
  return faults;
}

function inAttribute(given: unknown, attribute: Attribute, path: string, profiles: ReadonlySet<string>): string[] {
  if (attribute.a === 1) {
    if (!Array.isArray(given)) return [`${path} is no array`];
    return given.flatMap((one, index) => inOne(one, attribute, `${path}[${index}]`, profiles));
  }
  return inOne(given, attribute, path, profiles);
}

function inOne(given: unknown, { t, o, e }: Attribute, path: string, profiles: ReadonlySet<string>): string[] {
  if (o !== undefined) {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return [`${path} is no object`];
    const schema = SCHEMA.objects[o];
    if (schema === null || schema === undefined || o === 'object') return [];
    const faults = inObject(given as Json, schema.attributes, path, profiles);
    const oneOf = schema.constraints?.at_least_one;
    if (oneOf !== undefined && !oneOf.some((name) => name in given))
      faults.push(`${path} has none of ${oneOf.join(', ')}`);
    return faults;
  }
  if (e !== undefined && !OF_THE_CLASS.has(path.split('.').at(-1) ?? '') && !e.includes(String(given)))
    return [`${path} is ${JSON.stringify(given)}, none of ${e.join(', ')}`];
  const wanted = baseOf(t ?? '');
  const fits =
    wanted === 'json_t' ||
    (wanted === 'boolean_t'
      ? typeof given === 'boolean'
      : wanted === 'integer_t' || wanted === 'long_t'
        ? Number.isInteger(given)
        : wanted === 'float_t'
          ? typeof given === 'number'
          : typeof given === 'string');
  return fits ? [] : [`${path} is ${typeof given}, not ${t ?? ''}`];
}

function baseOf(name: string): string {
  const { type } = SCHEMA.types[name] ?? {};
  return type === undefined ? name : baseOf(type);
}
