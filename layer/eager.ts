/**
 * Functions that every cold start runs. V8 skips a function when it reads a file and reads it again when it is called.
 * One that stands in parentheses it compiles at once: that takes a tenth off the start. esbuild keeps the parentheses,
 * here and in a bundle of a user.
 */
import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';
import ts from 'typescript';
import { AmberError } from '../src/errors.ts';

/** By the file that holds them. */
const AT_START: Readonly<Record<string, readonly string[]>> = {
  'layer/idle.ts': ['withCapture'],
  'src/host/wrapper/idle.ts': ['wrapIdle', 'wrapped', 'copyOf', 'standBy'],
  'src/host/wrapper/plain.ts': ['readPlain', 'plainOf', 'isGiven', 'isPlain'],
  'src/host/wrapper/record.ts': ['startRecording'],
  'src/host/wrapper/progress.ts': ['openProgress'],
  'src/host/wrapper/proxied.ts': ['proxied', 'makeNoted'],
  'src/host/limits/state.ts': ['shared', 'sandboxState', 'freshState'],
  'src/host/monitor/builtins.ts': ['notedFunctions', 'builtinGroups', 'addGroups', 'groupOf', 'holderIn', 'isHolder'],
  'src/host/monitor/change-monitor.ts': ['openChangeMonitor', 'hearOfChildren'],
  'src/host/monitor/probe.ts': ['openProbe', 'marksOf', 'haveMoved', 'memoryMark', 'initNumber'],
  'src/host/monitor/local-trees.ts': ['localTrees', 'mountsText', 'lookUp', 'mountOf', 'written', 'above'],
  'src/host/monitor/notes.ts': ['makeNotes'],
  'src/record/arm.ts': ['armRecorder', 'identityHere', 'inspectorHere', 'namesInObjects'],
  'src/record/begin.ts': ['beginRing', 'firstSlots'],
  'src/record/place.ts': ['tmpfileFlag', 'known'],
  'src/record/hooks/places.ts': ['bindingsBarred', 'takePlaces', 'hear', 'heardBy', 'bindingOf', 'putBefore'],
};

/** In the idle part: those functions in parentheses. */
export const EAGER: Plugin = {
  name: 'functions that every cold start runs',
  setup: (builder) => {
    builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const [file, names] = Object.entries(AT_START).find(([one]) => path.endsWith(`/${one}`)) ?? [];
      return file === undefined || names === undefined
        ? undefined
        : { loader: 'ts', contents: inParentheses(file, readFileSync(path, 'utf8'), names) };
    });
  },
};

function inParentheses(file: string, text: string, names: readonly string[]): string {
  const wanted = new Set(names);
  let made = '';
  let at = 0;
  for (const one of ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true).statements) {
    if (!ts.isFunctionDeclaration(one) || one.name === undefined || !wanted.delete(one.name.text)) continue;
    const start = one.getStart();
    const code = text.slice(start, one.end);
    const bare = code.replace(/^export /u, '');
    made += `${text.slice(at, start)}${bare === code ? '' : 'export '}const ${one.name.text} = (${bare});`;
    at = one.end;
  }
  if (wanted.size > 0) throw new AmberError('BUG', `${file} has no function ${[...wanted].join(', ')}`);
  return made + text.slice(at);
}
