/** The parts of systeminformation that Amber loads: alone they take 2 ms each, the whole package 25. */
declare module 'systeminformation/lib/memory.js' {
  export function mem(): Promise<object>;
}
declare module 'systeminformation/lib/cpu.js' {
  export function fullLoad(): Promise<number>;
}
declare module 'systeminformation/lib/filesystem.js' {
  export function fsOpenFiles(): Promise<object>;
}
declare module 'systeminformation/lib/docker.js' {
  export function dockerInfo(): Promise<object>;
}
