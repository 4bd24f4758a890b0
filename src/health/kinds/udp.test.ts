import { createSocket, type Socket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { type CheckSpec, EMPTY_SPEC } from '../spec.ts';
import { udp } from './udp.ts';

const sockets: Socket[] = [];
const close = (socket: Socket) => new Promise<void>((resolve) => socket.close(() => resolve()));
afterEach(async () => {
  for (const socket of sockets.splice(0)) await close(socket);
});

async function serve(answers: boolean): Promise<{ target: string; seen: Buffer[] }> {
  const socket = createSocket('udp4');
  const seen: Buffer[] = [];
  sockets.push(socket);
  socket.on('message', (message, { port, address }) => {
    seen.push(message);
    if (answers) socket.send('here', port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { target: `127.0.0.1:${socket.address().port}`, seen };
}

function probe(target: string, fields: Partial<CheckSpec> = {}, signal = new AbortController().signal) {
  const spec = { ...EMPTY_SPEC, udp: target, interval: 1000, timeout: 60_000, ...fields };
  return udp.probe(spec, { signal, outputMaxSize: 4096 });
}

describe('udp check', () => {
  it('passes when an answer comes', async () => {
    const { target, seen } = await serve(true);
    expect(await probe(target)).toEqual({ status: 'passing', output: `UDP connect ${target}: Success` });
    expect(seen).toEqual([Buffer.alloc(0)]);
  });

  it('passes when nothing comes within the timeout', async () => {
    const { target } = await serve(false);
    expect((await probe(target, { timeout: 20 })).status).toBe('passing');
  });

  it('is critical when the port is refused', async () => {
    const { target } = await serve(false);
    await close(sockets.pop() as Socket);
    const { status, output } = await probe(target);
    expect(status).toBe('critical');
    expect(output).toContain('connection refused');
  });

  it('is critical for what is no address', async () => {
    expect((await probe('nowhere')).output).toBe('dial udp: address nowhere: missing port in address');
    expect(await probe('no-such-host.invalid:1')).toMatchObject({
      status: 'critical',
      output: expect.stringMatching(/^dial udp: lookup no-such-host\.invalid: /),
    });
  });

  it('ends when it is taken away', async () => {
    const { target } = await serve(false);
    const end = new AbortController();
    const running = probe(target, {}, end.signal);
    end.abort();
    expect((await running).status).toBe('critical');
  });
});
