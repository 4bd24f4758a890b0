import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { soon } from '../../lib/soon.test-support.ts';
import type { Keyring } from './keyring.ts';
import { askForLines, type Outlet } from './lines.ts';
import { dialLink, type LinkServer } from './link.ts';
import { listen, newKey, ringOf } from './links.test-support.ts';

describe('lines', () => {
  const ask = async (
    server: LinkServer,
    keyring: Keyring,
    request: unknown,
    { line = () => {}, heard = () => {}, end = () => {} }: Partial<Parameters<typeof askForLines>[2]> = {},
  ) => {
    const asked = await askForLines(server.address, request, { keyring, timeout: 2000, line, heard, end });
    onTestFinished(() => asked.close());
    return asked;
  };

  it('come in any length until one side ends it', async () => {
    const keyring = ringOf(newKey());
    const closed = vi.fn();
    const { server } = await listen(keyring, {}, (to: number, outlet) => {
      for (let i = 0; i < to; i++)
        outlet.write(Buffer.from(`${JSON.stringify({ i, text: 'ä\n'.repeat(i * 100) })}\n`));
      outlet.onClose(closed);
    });
    const seen: { i: number; text: string }[] = [];
    const asked = await ask(server, keyring, 200, { line: (text) => seen.push(JSON.parse(text)) });
    await soon(() => expect(seen).toHaveLength(200));
    expect(seen[199]).toEqual({ i: 199, text: 'ä\n'.repeat(19_900) });
    asked.close();
    await soon(() => expect(closed).toHaveBeenCalledTimes(1));
  });

  it('go with signs of life, which both sides see', async () => {
    const keyring = ringOf(newKey());
    let outlet: Outlet | undefined;
    const { server } = await listen(keyring, {}, (_request, one) => {
      outlet = one;
    });
    const [line, heard, end] = [vi.fn(), vi.fn(), vi.fn()];
    const asked = await ask(server, keyring, 'quiet', { line, heard, end });
    await soon(() => expect(outlet).toBeDefined());
    const before = outlet?.received ?? 0;
    const told = vi.fn();
    outlet?.onNumber(told);
    expect(heard).not.toHaveBeenCalled();
    asked.sign(999_999_999_999_999);
    await soon(() => expect(heard).toHaveBeenCalledTimes(1));
    expect(outlet?.received).toBeGreaterThan(before);
    expect(told).toHaveBeenLastCalledWith(999_999_999_999_999);
    asked.sign(0);
    await soon(() => expect(told).toHaveBeenLastCalledWith(0));
    expect(line).not.toHaveBeenCalled();
    expect(end).not.toHaveBeenCalled();
    outlet?.close();
    await soon(() => expect(end).toHaveBeenCalledTimes(1));
    asked.sign(1);
  });

  it('take signs of life without a number, as of older versions, and whatever else comes for no number', async () => {
    const keyring = ringOf(newKey());
    let outlet: Outlet | undefined;
    const told = vi.fn();
    const { server } = await listen(keyring, {}, (_request, one) => {
      outlet = one;
      one.onNumber(told);
    });
    const link = await dialLink(server.address, 'lines', { keyring, timeout: 2000 });
    onTestFinished(() => void link.destroy());
    link.resume();
    link.write('"all"\n');
    await soon(() => expect(outlet).toBeDefined());
    const signs = ['\n', '12', '\n', 'x\n', '-\n', `${'9'.repeat(40)}\n`, '7 8\n', '12\n\n'];
    for (const [at, sign] of signs.entries()) {
      link.write(sign);
      await soon(() => expect(outlet?.received).toBe(at + 1));
    }
    expect(told.mock.calls).toEqual([[999_999_999_999_999], [8]]);
  });

  it('wait for one who does not take them, and are counted', async () => {
    const keyring = ringOf(newKey());
    let outlet: Outlet | undefined;
    const { server } = await listen(keyring, {}, (_request, one) => {
      outlet = one;
    });
    const link = await dialLink(server.address, 'lines', { keyring, timeout: 2000 });
    onTestFinished(() => void link.destroy());
    link.write('"all"\n');
    await soon(() => expect(outlet).toBeDefined());
    const line = Buffer.from(`${'x'.repeat(1_000_000)}\n`);
    for (let i = 0; i < 50; i++) outlet?.write(line);
    expect(outlet?.backlog).toBeGreaterThan(20_000_000);
    link.resume();
    await soon(() => expect(outlet?.backlog).toBe(0));
  });

  it.each([
    ['no JSON', 'nonsense\n', 1],
    ['too long', 'x'.repeat(5_000), 0],
    ['long, and then at an end', `"${'x'.repeat(5_000)}"\n`, 0],
    ['what the node cannot do', '"throw"\n', 1],
  ])('are refused to a request that is %s', async (_, request, told) => {
    const keyring = ringOf(newKey());
    const handle = vi.fn(() => {
      throw new Error('on purpose');
    });
    const { server, failures } = await listen(keyring, {}, handle);
    const link = await dialLink(server.address, 'lines', { keyring, timeout: 2000 });
    link.resume();
    link.write(request);
    await new Promise<void>((resolve) => link.once('close', () => resolve()));
    expect(failures).toHaveLength(told);
  });
});
