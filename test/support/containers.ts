import type { TestContext } from 'vitest';
import { afterAll, beforeAll } from 'vitest';
import { type ContainerRequest, missingForEngine, TestEngine } from '../../src/docker/engine.test-support.ts';
import { messageOf } from '../../src/errors.ts';
import { getJson } from './http.ts';
import type { Muster } from './muster.ts';

/** The name of this machine for registrators of tests. */
export const HOST = 'here';
export const NETWORK = 'muster-test-net';

/** A real engine for the tests of a file; `skipIfTrouble` skips those that need it, with the reason, where none can run. */
export function engineOfFile(): { engine: () => TestEngine; skipIfTrouble: (context: TestContext) => void } {
  let engine: TestEngine | undefined;
  let trouble =
    missingForEngine.length > 0
      ? `the registrator is not tested: needs ${missingForEngine.join(', ')}`
      : undefined;
  beforeAll(async () => {
    if (trouble !== undefined) return;
    try {
      engine = await TestEngine.start();
      await engine.call('POST', '/networks/create', { Name: NETWORK });
    } catch (error) {
      trouble = `the registrator is not tested: the engine cannot run here: ${messageOf(error)}`;
    }
    if (trouble !== undefined) console.warn(trouble);
  });
  afterAll(() => engine?.close());
  return {
    engine: () => engine as TestEngine,
    skipIfTrouble: ({ skip }) => skip(trouble !== undefined, trouble),
  };
}

/** With its ports on the host's loopback, and on a network that was made for it. */
export function published(ports: Record<string, object>): ContainerRequest {
  const bindings = Object.fromEntries(Object.keys(ports).map((port) => [port, [{ HostIp: '127.0.0.1' }]]));
  return { ExposedPorts: ports, HostConfig: { NetworkMode: NETWORK, PortBindings: bindings } };
}

/** All that the catalog has, apart from the registry itself. */
export async function registeredIds(muster: Muster): Promise<string[]> {
  const node = await getJson<{ Services: Record<string, unknown> }>(
    `${muster.api}/v1/catalog/node/${await nodeName(muster)}`,
  );
  return Object.keys(node.Services)
    .filter((id) => id !== 'consul')
    .sort();
}

async function nodeName(muster: Muster): Promise<string> {
  const self = await getJson<{ Config: { NodeName: string } }>(`${muster.api}/v1/agent/self`);
  return self.Config.NodeName;
}

export async function eachOf(
  names: readonly string[],
  task: (name: string) => Promise<unknown>,
): Promise<void> {
  await Promise.all(names.map(task));
}
