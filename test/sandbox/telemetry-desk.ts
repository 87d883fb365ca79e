/**
 * The Telemetry API from the platform's side: platform events, buffered and posted to those who subscribed.
 * Source: AWS, "Lambda Telemetry API reference" and "Lambda Telemetry API Event schema reference" (schema 2022-12-13).
 */
import { Agent, request } from 'node:http';

interface Subscription {
  readonly port: number;
  readonly path: string;
  readonly timeoutMs: number;
  readonly events: object[];
  timer: NodeJS.Timeout | undefined;
}

export class TelemetryDesk {
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #agent = new Agent({ keepAlive: true });

  /** False: the request is not valid. */
  subscribe(name: string, body: string): boolean {
    try {
      const wanted = JSON.parse(body) as {
        types?: string[];
        destination?: { protocol?: string; URI?: string };
        buffering?: { timeoutMs?: number };
      };
      const url = new URL(wanted.destination?.URI ?? '');
      const timeoutMs = wanted.buffering?.timeoutMs ?? 1000;
      // Limits of "buffering": 25 to 30,000 ms. The host must be the sandbox's own name.
      if (
        wanted.destination?.protocol !== 'HTTP' ||
        url.hostname !== 'sandbox.localdomain' ||
        timeoutMs < 25 ||
        timeoutMs > 30_000
      )
        return false;
      if (wanted.types?.includes('platform') === true) {
        this.#subscriptions.set(name, {
          port: Number(url.port),
          path: url.pathname,
          timeoutMs,
          events: [],
          timer: undefined,
        });
      }
      return true;
    } catch {
      return false;
    }
  }

  /** Tells every subscriber after its buffering time. */
  tell(type: string, record: object): void {
    for (const one of this.#subscriptions.values()) {
      one.events.push({ time: new Date().toISOString(), type, record });
      one.timer ??= setTimeout(() => this.#post(one), one.timeoutMs);
    }
  }

  close(): void {
    for (const { timer } of this.#subscriptions.values()) clearTimeout(timer);
    this.#subscriptions.clear();
    this.#agent.destroy();
  }

  #post(one: Subscription): void {
    one.timer = undefined;
    const body = JSON.stringify(one.events.splice(0));
    const call = request(
      {
        host: '127.0.0.1',
        port: one.port,
        path: one.path,
        method: 'POST',
        agent: this.#agent,
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      },
      (response) => response.resume(),
    );
    call.on('error', () => undefined); // frozen or gone: what it missed is lost to it, as on the platform
    call.end(body);
  }
}
