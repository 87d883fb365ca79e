/**
 * A finding as an event of the Open Cybersecurity Schema Framework: class Detection Finding (2004), version 1.4.0, with
 * all attributes that the class and its objects require and those that they recommend and we know.
 * https://schema.ocsf.io/1.4.0/classes/detection_finding
 */
import type { Finding, CollectorContext, Severity } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { readIdentity } from '../lambda/identity.ts';
import { VERSION } from '../version.ts';

const CLASS = 2004;
/** Create: each finding is told once. */
const ACTIVITY = 1;
const SEVERITIES: Readonly<Record<Severity, readonly [id: number, caption: string]>> = {
  low: [2, 'Low'],
  medium: [3, 'Medium'],
  high: [4, 'High'],
  critical: [5, 'Critical'],
};

/**
 * Gives the event. Times are milliseconds since the epoch (timestamp_t): `time` and `created_time` are those of the
 * capture, `first_seen_time` is that of the thing itself.
 */
export function detectionFinding(
  finding: Finding,
  context: Pick<CollectorContext, 'captureId' | 'startedMs' | 'env' | 'invocation'>,
): Readonly<Record<string, unknown>> {
  const [severityId, severity] = SEVERITIES[finding.severity];
  const { functionName, functionArn, account, region } = readIdentity(context.env, context.invocation);
  return {
    class_uid: CLASS,
    class_name: 'Detection Finding',
    category_uid: 2,
    category_name: 'Findings',
    activity_id: ACTIVITY,
    activity_name: 'Create',
    type_uid: CLASS * 100 + ACTIVITY,
    type_name: 'Detection Finding: Create',
    time: context.startedMs,
    severity_id: severityId,
    severity,
    status_id: 1,
    status: 'New',
    is_alert: finding.severity === 'high' || finding.severity === 'critical',
    message: `${finding.title}${finding.handedOver === true ? ' (as a process of the function says)' : ''}`,
    metadata: {
      version: '1.4.0',
      product: { name: 'Amber', vendor_name: 'lambda-amber', version: VERSION },
      profiles: ['cloud'],
      correlation_uid: context.captureId,
    },
    cloud: { provider: 'AWS', account: { uid: account, name: account, type_id: 10, type: 'AWS Account' }, region },
    finding_info: infoOf(finding, context),
    evidences: [{ data: { subject: finding.subject, evidence: finding.evidence }, ...processOf(finding) }],
    resources: [
      {
        type: 'AWS::Lambda::Function',
        name: functionName,
        ...defined({ uid: functionArn }),
        cloud_partition: 'aws',
        region,
      },
    ],
    ...unmappedOf(finding),
  };
}

function infoOf(
  finding: Finding,
  { captureId, startedMs }: Pick<CollectorContext, 'captureId' | 'startedMs'>,
): Readonly<Record<string, unknown>> {
  const beganMs = finding.happened === undefined ? undefined : Date.parse(finding.happened.time);
  return {
    created_time: startedMs,
    ...defined({ first_seen_time: beganMs }),
    uid: `${captureId}/${finding.key}`,
    title: finding.title,
    types: [finding.kind],
    desc: `Looks the same: ${finding.benign.join('; ')}.`,
    analytic: { uid: finding.detector, name: finding.detector, type_id: 1, type: 'Rule' },
    attacks: [{ version: finding.attackVersion, ...attackOf(finding) }],
  };
}

function unmappedOf({ raisedBy, handedOver }: Finding): { unmapped?: Readonly<Record<string, unknown>> } {
  const unmapped = {
    ...defined({ raised_by: raisedBy }),
    ...(handedOver === true ? { handed_over: true } : {}),
  };
  return Object.keys(unmapped).length === 0 ? {} : { unmapped };
}

/** A sub-technique stands in an object of its own, beside the technique that it belongs to. */
function attackOf({ technique: { id, name } }: Finding): Readonly<Record<string, unknown>> {
  const [parent = id, sub] = id.split('.');
  return sub === undefined
    ? { technique: { uid: id, name } }
    : { technique: { uid: parent }, sub_technique: { uid: id, name } };
}

function processOf({ subject: { pid }, happened }: Finding): { process?: { pid: number; created_time?: number } } {
  if (pid === undefined) return {};
  return { process: { pid, ...(happened?.of === 'process' ? { created_time: Date.parse(happened.time) } : {}) } };
}
