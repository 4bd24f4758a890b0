// @ts-check
// Texts that stand in requests: mostly such as clients send, so that what is sent gets far, and odd ones. There are
// only so many of them: what a run leaves in the catalog is bounded.

/** @typedef {import('./random.mjs').Random} Random */

/** Stands in an input where the runner puts the ID of something that the agent has made: as long as that. */
export const MADE_BEFORE = '5eed5eed-5eed-4eed-8eed-5eed5eed5eed';

/** Secret of the agent that is sent to; it may do everything. */
export const TOKEN = '00000000-feed-4eed-8eed-000000000000';

/** Checks are carried out: no address but these may ever be one's target. Nothing listens on port 1. */
const HERE = ['127.0.0.1:1', '[::1]:1', '127.0.0.1:0', '127.0.0.1', ''];
const URLS = ['http://127.0.0.1:1/', 'https://127.0.0.1:1/x?y#z', 'http://', 'unix:///nowhere', ''];

export const ODD = [
  '',
  ' ',
  '.',
  '..',
  '/',
  '\u0000',
  'a\u0000b',
  'a\r\nX-Injected: 1',
  '\u2028',
  '\ud800',
  'x\udfff',
  '\ufeffbom',
  'é',
  'e\u0301',
  'İ',
  'ß',
  'ﬀ',
  '👩‍👩‍👧',
  '\u202eabc',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'then',
  'length',
  'null',
  'undefined',
  'NaN',
  '-0',
  '0x10',
  '1e400',
  '9'.repeat(400),
  '%00',
  '%2e%2e%2f',
  '$'.concat('{match(1)}'),
  '$'.concat('{').repeat(50),
  '$'.concat('{name.full}'.repeat(20)),
  '<script>&',
  'a'.repeat(63),
  'a'.repeat(64),
  'a'.repeat(255),
  'a'.repeat(2_000),
  'a'.repeat(40_000),
  `${'a.'.repeat(120)}b`,
  '/'.repeat(500),
  'urlprefix-/',
  'urlprefix-:0 proto=tcp',
  'urlprefix-*.a.b/c strip=/c weight=1e999 opts=',
  'urlprefix-/x redirect=999,http://[',
  'urlprefix-/y?z#',
  MADE_BEFORE,
];

const NODES = ['n0', 'n1', 'n2', 'n3', 'N3'];
const SERVICES = ['web', 'db', 'cache', 'Web', 'a-b', 'a.b', 'a_b'];
const IDS = ['web', 'web-1', 'web-2', 'db-1', 'cache:1', MADE_BEFORE];
const DURATIONS = [
  '10s',
  '1ms',
  '0',
  '0s',
  '-1s',
  '1h',
  '24h',
  '1.5s',
  '9999999h',
  '1e9s',
  '1',
  'x',
  '5m5',
  '',
];
const ADDRESSES = [
  '10.0.0.1',
  '127.0.0.1',
  '::1',
  'fe80::1%eth0',
  'example.invalid',
  '999.1.1.1',
  '',
  '[::1]',
];

/** By the name of the field or parameter, in lower case: what stands there usually. @type {Record<string, readonly string[]>} */
const USUAL = {
  node: NODES,
  service: SERVICES,
  name: SERVICES,
  servicename: SERVICES,
  id: IDS,
  serviceid: IDS,
  checkid: IDS,
  session: [MADE_BEFORE],
  status: ['passing', 'warning', 'critical', 'any', ''],
  state: ['passing', 'warning', 'critical', 'any'],
  address: ADDRESSES,
  datacenter: ['dc1', 'DC1', 'dc2', ''],
  dc: ['dc1', 'dc2'],
  ttl: DURATIONS,
  interval: DURATIONS,
  timeout: DURATIONS,
  lockdelay: DURATIONS,
  deregistercriticalserviceafter: DURATIONS,
  wait: ['1ms', '10ms', '0', '-1s', 'x', '9999999h'],
  index: ['0', '1', '2', '10', '100', '-1', '18446744073709551615', '1e3', 'x', '0x1'],
  behavior: ['release', 'delete', 'x'],
  verb: [
    'set',
    'get',
    'cas',
    'lock',
    'unlock',
    'delete',
    'delete-cas',
    'delete-tree',
    'get-tree',
    'check-index',
  ].concat(['check-session', 'check-not-exists', 'SET', 'x']),
  key: ['a', 'a/b', 'a/b/c', 'a/', '/a', 'z'],
  value: ['YQ==', 'YWJj', '', '=', 'YQ', '////'],
  kind: ['service-defaults', 'proxy-defaults', 'service-router', 'ingress-gateway', 'x', ''],
  type: ['name_prefix_match', 'http', 'ttl', 'client', 'x', ''],
  regexp: [
    '^(a+)+$',
    '^geo-(.*?)-([^-]+?)$',
    '(',
    '(?P<x>a)(?P<x>b)',
    '(a{1,1000}){1,1000}',
    '\\pL+',
    '(?i)web',
  ],
  near: ['_agent', '_ip', 'n0', 'n9'],
  tag: ['v1', 'v2', 'web', ''],
  tags: ['v1', 'v2', 'urlprefix-/web', 'urlprefix-web.test/ weight=0.5', 'urlprefix-:29999 proto=tcp'],
  filter: ['ServiceID == web', 'Node == n0', 'Status == passing', 'Checks.Status == critical'],
  rules: [
    'key "" { policy = "read" }',
    'service_prefix "web" { policy = "write" }',
    '{"key":{"":{"policy":"deny"}}}',
  ],
  enable: ['true', 'false', ''],
  cas: ['0', '1', '99', '-1', 'x'],
  flags: ['0', '42', '18446744073709551615', '18446744073709551616', '-1'],
  acquire: [MADE_BEFORE],
  release: [MADE_BEFORE],
  url: ['http://web.test/a', '/x', '::', 'http://[', ''],
  loglevel: ['trace', 'debug', 'warn', 'x'],
  format: ['text', 'prometheus', 'json'],
  'node-meta': ['rack:a', 'rack', ':', 'a:b:c', ''],
  separator: ['/', '', 'b', '//'],
  limit: ['0', '1', '-1', '999999999999', 'x'],
};

/** What would be connected to. */
const TARGETS = new Set(['http', 'tcp', 'udp', 'grpc', 'h2ping', 'join', 'dockercontainerid', 'script']);

/**
 * A text for a field, a parameter or a place in a path.
 * @param {Random} random @param {string} [name] @param {{ targets?: boolean }} [options] without `targets` nothing is named that could be connected to
 */
export function word(random, name = '', { targets = true } = {}) {
  const key = name.toLowerCase();
  if (TARGETS.has(key)) return targets ? random.pick(key === 'http' ? URLS : HERE) : '';
  const usual = Object.hasOwn(USUAL, key) ? USUAL[key] : undefined;
  if (usual !== undefined && random.chance(0.85)) return random.pick(usual);
  return random.chance(0.5) ? random.pick(IDS) : random.pick(ODD);
}
