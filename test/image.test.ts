import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeImage, tryImage } from '../scripts/packaging/image.mjs';
import { missingPrograms } from '../scripts/support/system-packages.mjs';
import { missingForEngine, TestEngine } from '../src/docker/engine.test-support.ts';
import { testFolder } from './support/muster.ts';

const missing = [...missingForEngine, ...missingPrograms('docker')];
let engine: TestEngine;

beforeAll(async () => {
  // The best driver that works here: vfs copies everything for each line of the Dockerfile.
  if (missing.length === 0) engine = await TestEngine.start(['--storage-driver=']);
});

afterAll(() => engine?.close());

it.skipIf(missing.length > 0)(
  'the container image is built, and does its job as nobody special',
  async () => {
    const { host } = engine;
    const tag = await makeImage(testFolder(), { host, tag: 'muster:test' });
    // Members, service, DNS, traffic, health, SIGTERM.
    await tryImage(tag, { host });
    const { Config } = JSON.parse(await engine.call('GET', `/images/${tag}/json`)) as {
      Config: { User: string; Healthcheck?: { Test: string[] } };
    };
    expect(Config).toMatchObject({ User: '8500:8500', Healthcheck: { Test: expect.any(Array) } });
  },
  180_000,
);
