import { describe, expect, it } from 'vitest';
import { namesOf } from './conformance.mjs';

describe('the lines of the conformance runners', () => {
  it('give the same name whether a case passes or fails', () => {
    const consul = 'ok   consul/kv: ?cas=0 creates (12 ms)\nFAIL consul/kv: a (b) — step 2: 404 is not 200\n';
    const http = 'ok    limits: a long line\nFAIL  limits: a short line (must)\n      seen: fails\n';
    const routing = 'ok    paths: longest first\nFAIL  paths: strip\n      no\n';
    expect(namesOf(consul, 'ok')).toEqual(['consul/kv: ?cas=0 creates']);
    expect(namesOf(consul, 'FAIL')).toEqual(['consul/kv: a (b)']);
    expect(namesOf(http, 'ok')).toEqual(['limits: a long line']);
    expect(namesOf(http, 'FAIL')).toEqual(['limits: a short line']);
    expect(namesOf(routing, 'ok')).toEqual(['paths: longest first']);
    expect(namesOf(routing, 'FAIL')).toEqual(['paths: strip']);
  });
});
