/** Which functions of Node are noted, and that one which stands before an inherited one is another. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, test } from 'node:test';
import { builtinGroups, builtinPlaces } from '../../../src/host/monitor/builtins.ts';
import { haveChanged, makeNotes } from '../../../src/host/monitor/notes.ts';

describe('the functions that are compared', () => {
  test('each is noted with the function that stands there, be it inherited', () => {
    const names = builtinPlaces().map(({ name }) => name);
    for (const name of ['http.ClientRequest', 'http.ClientRequest.prototype.end', 'JSON.parse', 'Reflect.apply'])
      assert.ok(names.includes(name), name);
  });

  test('a method that stands before the inherited one is a change, once', (t) => {
    const notes = makeNotes({}, builtinGroups());
    assert.equal(haveChanged(notes), false);
    t.after(() => Reflect.deleteProperty(http.ClientRequest.prototype, 'end'));
    Object.defineProperty(http.ClientRequest.prototype, 'end', { value: () => undefined, configurable: true });
    assert.equal(haveChanged(notes), true);
    assert.equal(haveChanged(notes), false);
  });
});
