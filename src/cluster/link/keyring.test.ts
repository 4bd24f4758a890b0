import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Keyring, parseKey } from './keyring.ts';
import { callerTo, listen, newKey, ringOf } from './links.test-support.ts';

describe('the keyring', () => {
  it('takes keys of 16 and 32 bytes in base64 and says what it wants otherwise', () => {
    expect(parseKey(newKey(16))).toHaveLength(16);
    for (const bad of ['', 'x', newKey(15), `${newKey()}=`, 'not base64 at all, but long enough to be one!'])
      expect(() => parseKey(bad)).toThrowError(/muster keygen/);
    expect(() => ringOf('')).toThrowError(/-encrypt/);
  });

  it('keys are exchanged without a node losing contact: install, use, remove', async () => {
    const [old, fresh] = [newKey(), newKey()];
    const [a, b] = [ringOf(old), ringOf(old)];
    const { server } = await listen(a);
    const reaches = () => callerTo(server, b).call('echo', 1, 2000);
    a.install(fresh);
    b.install(fresh);
    expect(await reaches()).toBe(1);
    b.use(fresh);
    expect(await reaches()).toBe(1);
    a.use(fresh);
    a.remove(old);
    b.remove(old);
    expect(await reaches()).toBe(1);
    await expect(callerTo(server, ringOf(old)).call('echo', 1, 2000)).rejects.toMatchObject({
      code: 'cluster.unreachable',
    });
    expect(() => a.remove(fresh)).toThrowError(/primary/);
    expect(() => a.use(old)).toThrowError(/not in the keyring/);
  });

  it('becomes that of another node, whatever was here', () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-keys-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const [one, other, third] = [newKey(), newKey(), newKey()];
    const ring = Keyring.open(one, folder);
    ring.replace([one]);
    expect(readdirSync(folder)).toEqual([]);
    ring.replace([other, third]);
    expect(ring.list()).toEqual([other, third]);
    expect(Keyring.open(one, folder).list()).toEqual([other, third]);
    // A node without a key could reach nobody.
    ring.replace([]);
    expect(ring.list()).toEqual([other, third]);
    // Nor with one that nobody has any more, because there was no room for another.
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    expect(() => ring.replace([one])).toThrow();
    expect(ring.list()).toEqual([one]);
  });

  it('is kept for the user of the program only, and counts instead of the configuration', () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-keys-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [one, other] = [newKey(), newKey()];
    const ring = Keyring.open(one, folder);
    ring.install(other);
    ring.use(other);
    expect(Keyring.open(one, folder).list()).toEqual([other, one]);
    expect(JSON.parse(readFileSync(join(folder, 'keyring.json'), 'utf8'))).toEqual([other, one]);
  });
});
