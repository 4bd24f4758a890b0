// @ts-check
// What is sent to the DNS port: questions about everything that it answers for, and packets that are hardly any.
import { mutated } from './random.mjs';
import { MADE_BEFORE, ODD, word } from './words.mjs';

/** @typedef {import('./random.mjs').Random} Random */

/** @typedef {{ kind: 'udp', parts: Buffer[] } | { kind: 'tcp', parts: Buffer[] }} DnsInput */

const TYPES = [1, 28, 33, 16, 12, 5, 6, 2, 255, 10, 13, 35, 41, 46, 64, 250, 251, 252, 0, 65_535];

/** @param {Random} random */
function labels(random) {
  const one = (/** @type {string} */ name) => word(random, name);
  const base = random
    .pick(['consul', 'CONSUL', 'dc1.consul', 'dc2.consul', 'muster', 'example.com', ''])
    .split('.');
  const name = random.pick([
    () => [one('service'), 'service'],
    () => [one('tag'), one('service'), 'service'],
    () => [`_${one('service')}`, `_${random.pick(['tcp', 'udp', one('tag')])}`, 'service'],
    () => [one('node'), 'node'],
    () => [one('service'), 'query'],
    () => [MADE_BEFORE, 'query'],
    () => [random.pick(['7f000001', 'zz', '00000000000000000000000000000001', '7f0000']), 'addr'],
    () => [one('service'), random.pick(['connect', 'ingress', 'virtual', 'peer', 'ns', 'ap', ''])],
    () => ['1', '0', '0', '127', 'in-addr', 'arpa', ''],
    () => [...random.times(random.pick([32, 5, 40]), () => '0'), 'ip6', 'arpa', ''],
    () => random.times(random.below(130), () => 'a'),
    () => [random.pick(ODD)],
  ])();
  return name.at(-1) === '' ? name : [...name, ...base];
}

/** @param {Random} random @returns {Buffer} */
function nameOf(random) {
  const parts = labels(random).flatMap((label) => {
    const bytes = Buffer.from(label);
    // An empty label would end the name, a long one would be a pointer.
    return bytes.length === 0 || bytes.length > 63 ? [] : [Buffer.from([bytes.length]), bytes];
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

/** @param {Random} random */
function options(random) {
  const data = random.pick([
    Buffer.alloc(0),
    Buffer.from('000800070001180010203a', 'hex'),
    Buffer.from('0008000400010000', 'hex'),
    Buffer.from('00080005ffffffff00', 'hex'),
    Buffer.from('000affff', 'hex'),
    Buffer.from('000a00080102030405060708', 'hex'),
    random.bytes(random.below(40)),
  ]);
  const size = random.pick([0, 511, 512, 513, 1_232, 4_096, 65_535]);
  const extended = random.pick([0, 0, 0, 0x8000, 0x00010000, 0xff000000]);
  const record = Buffer.alloc(11);
  record.writeUInt16BE(41, 1);
  record.writeUInt16BE(size, 3);
  record.writeUInt32BE(extended, 5);
  record.writeUInt16BE(data.length, 9);
  return Buffer.concat([record, data]);
}

/** A question as clients send it, with EDNS or without. @param {Random} random @returns {Buffer} */
export function question(random) {
  const withOptions = random.below(3);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(random.below(65_536), 0);
  head.writeUInt16BE(random.pick([0x0100, 0x0120, 0x0000, 0x0110]), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(withOptions, 10);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(random.pick(TYPES), 0);
  tail.writeUInt16BE(random.pick([1, 1, 1, 1, 255, 3, 0]), 2);
  return Buffer.concat([head, nameOf(random), tail, ...random.times(withOptions, () => options(random))]);
}

/** @param {Random} random @returns {Buffer} */
function packet(random) {
  const bytes = question(random);
  const odd = random.below(10);
  if (odd < 5) return bytes;
  if (odd < 8) return mutated(random, bytes);
  return random.pick([
    () => random.bytes(random.below(100)),
    // Pointers: to itself, to each other, beyond the end.
    () => Buffer.concat([bytes.subarray(0, 12), Buffer.from('c00c00010001', 'hex')]),
    () => Buffer.concat([bytes.subarray(0, 12), Buffer.from('c00ec00c00010001', 'hex')]),
    () => Buffer.concat([bytes.subarray(0, 12), Buffer.from('0161ffff00010001', 'hex')]),
    () =>
      Buffer.concat([bytes.subarray(0, 12), Buffer.alloc(600, Buffer.from('\u0001a')), bytes.subarray(-5)]),
    // Counts that promise more than there is, and several questions.
    () => withWord(bytes, random.pick([4, 6, 8, 10]), random.pick([0, 2, 65_535])),
    () => withWord(bytes, 2, random.below(65_536)),
    () => Buffer.concat([bytes, random.bytes(random.pick([1, 2_000, 8_000]))]),
  ])();
}

/** @param {Buffer} bytes @param {number} at @param {number} value */
function withWord(bytes, at, value) {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(value, at);
  return copy;
}

/** @param {Random} random @returns {DnsInput} */
export function udpInput(random) {
  return { kind: 'udp', parts: [packet(random)] };
}

/** @param {Random} random @returns {DnsInput} */
export function tcpInput(random) {
  const framed = random.times(1 + random.below(random.pick([2, 40])), () => {
    const bytes = packet(random);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(random.chance(0.95) ? bytes.length : random.pick([0, 1, 11, 65_535]));
    return Buffer.concat([length, bytes]);
  });
  const all = Buffer.concat(framed);
  const bytes = random.chance(0.8) ? all : all.subarray(0, random.below(all.length));
  if (random.chance(0.7)) return { kind: 'tcp', parts: [bytes] };
  const place = random.below(bytes.length + 1);
  return { kind: 'tcp', parts: [bytes.subarray(0, place), bytes.subarray(place)] };
}
