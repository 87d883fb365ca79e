/** The registry of commands. Each is loaded only when it is called, or to tell of itself. */
import type { Command } from './command.ts';

// biome-ignore format: a table, a row a line
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  trigger:  async () => (await import('./trigger.ts')).trigger,
  status:   async () => (await import('./status.ts')).status,
  collect:  async () => (await import('./collect.ts')).collect,
  doctor:   async () => (await import('./doctor.ts')).doctor,
  hunt:     async () => (await import('./hunt.ts')).hunt,
  captures: async () => (await import('./captures.ts')).captures,
  show:     async () => (await import('./show.ts')).show,
  report:   async () => (await import('./report.ts')).report,
  timeline: async () => (await import('./timeline.ts')).timeline,
  pull:     async () => (await import('./pull.ts')).pull,
  verify:   async () => (await import('./verify.ts')).verify,
  salvage:  async () => (await import('./salvage.ts')).salvage,
  decrypt:  async () => (await import('./decrypt.ts')).decrypt,
};
