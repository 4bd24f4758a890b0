import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { answerAround, askAround } from './auto-join.ts';
import { Keyring } from './link/keyring.ts';

const HOST = '127.0.0.1';

function ring(...texts: string[]): Keyring {
  const [first = '', ...more] = texts;
  const keyring = Keyring.open(first, undefined);
  for (const text of more) keyring.install(text);
  return keyring;
}

const keyText = () => randomBytes(32).toString('base64');
const at = (name: string, keyring: Keyring, clock = systemClock) => ({
  name,
  keyring,
  host: HOST,
  clock,
  logger: silentLogger,
});

/** Names are this test run's own: others on the network may run the same test. */
const shop = `shop-${randomBytes(4).toString('hex')}`;

it('finds the servers of the name that have the key, and only those', async () => {
  const [key, other] = [keyText(), keyText()];
  const ends = await Promise.all([
    answerAround(at(shop, ring(key)), () => ({ host: '10.0.0.1', port: 8300 })),
    answerAround(at(shop, ring(key)), () => ({ host: '10.0.0.2', port: 8301 })),
    answerAround(at(shop, ring(other)), () => ({ host: '10.0.0.3', port: 8300 })),
    answerAround(at(`${shop}-2`, ring(key)), () => ({ host: '10.0.0.4', port: 8300 })),
  ]);
  onTestFinished(() => {
    for (const end of ends) end();
  });
  expect((await askAround(at(shop, ring(key)))).sort()).toEqual(['10.0.0.1:8300', '10.0.0.2:8301']);
  expect(await askAround(at(shop.toUpperCase(), ring(other)))).toEqual(['10.0.0.3:8300']);
  expect(await askAround(at(shop, ring(keyText())))).toEqual([]);
  // While keys are exchanged.
  expect((await askAround(at(shop, ring(other, key)))).sort()).toEqual([
    '10.0.0.1:8300',
    '10.0.0.2:8301',
    '10.0.0.3:8300',
  ]);
});

it('answers a question once, no old one, and nothing that is no question', async () => {
  const key = keyText();
  const end = await answerAround(at(shop, ring(key)), () => ({ host: '10.0.0.1', port: 8300 }));
  onTestFinished(end);
  // What passes on the network, heard as anybody can.
  const ear = createSocket({ type: 'udp4', reuseAddr: true }).bind(5353);
  await once(ear, 'listening');
  ear.addMembership('224.0.0.251', HOST);
  const heard: Buffer[] = [];
  ear.on('message', (packet) => {
    if (packet.includes(shop)) heard.push(packet);
  });
  expect(await askAround(at(shop, ring(key)))).toEqual(['10.0.0.1:8300']);
  const [question] = heard;
  expect(heard).toHaveLength(1);
  expect(question?.includes('10.0.0')).toBe(false);

  const voice = createSocket('udp4').bind(0);
  await once(voice, 'listening');
  voice.setMulticastInterface(HOST);
  onTestFinished(() => {
    ear.close();
    voice.close();
  });
  const answers: Buffer[] = [];
  voice.on('message', (packet) => answers.push(packet));
  const send = (packet: Buffer) =>
    new Promise<void>((resolve) => voice.send(packet, 5353, '224.0.0.251', () => resolve()));
  await send(question as Buffer);
  for (let length = 0; length < 200; length++) await send(randomBytes(length));
  for (let cut = 1; cut < (question as Buffer).length; cut++)
    await send((question as Buffer).subarray(0, cut));
  // From an hour ago, as the clock of the one who asks has it.
  const late = { ...systemClock, now: () => Date.now() - 3_600_000 };
  expect(await askAround(at(shop, ring(key), late))).toEqual([]);
  // Answers come in the order of the questions: this one closes the list.
  expect(await askAround(at(shop, ring(key)))).toEqual(['10.0.0.1:8300']);
  expect(answers).toEqual([]);
});
