/** What the detectors on the Runtime API share: where it is, and who listens there. */
import type { Observation, ObservedProcess, ObservedSocket } from '../contracts/evidence.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:9001`, as Lambda writes it. */
export function endpointOf(value: string | undefined): Endpoint | undefined {
  const match = /^(?:http:\/\/)?([^:/\s]+):(\d{1,5})\/?$/u.exec(value ?? '');
  return match === null ? undefined : { host: match[1] ?? '', port: Number(match[2]) };
}

export const RUNTIME_API = 'AWS_LAMBDA_RUNTIME_API';

/** The value with which each process of the platform was started. */
export function declaredApis({
  processes,
}: Observation): readonly { readonly process: ObservedProcess; readonly value: string }[] {
  return processes.flatMap((process) => {
    const value = process.env?.[RUNTIME_API];
    return value === undefined || process.role === 'other' || process.role === 'init' ? [] : [{ process, value }];
  });
}

/** The socket that listens on a port, with the processes that hold it. */
export function listenerOn({ sockets }: Observation, port: number): ObservedSocket | undefined {
  return sockets.find((socket) => socket.state === 'LISTEN' && socket.localPort === port);
}
