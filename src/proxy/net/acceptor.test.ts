import { once } from 'node:events';
import { connect, Server } from 'node:net';
import { constants } from 'node:os';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Lack } from '../shortage.ts';
import { Acceptor } from './acceptor.ts';

/** What libuv calls when it could not accept. */
type Failed = (status: number, connection: undefined) => void;

/** An acceptor whose spare descriptor is taken by somebody else when it is given up. */
async function robbed() {
  const listen = vi.spyOn(Server.prototype, 'listen');
  const acceptor = await Acceptor.listen({ id: 'one', host: '127.0.0.1', port: 0 }, undefined);
  const server = listen.mock.contexts[0] as unknown as { _handle: { onconnection: Failed } };
  listen.mockRestore();
  onTestFinished(() => acceptor.close());
  const said: (Lack | string)[] = [];
  let isHeld = true;
  const spare = {
    giveUp() {
      const wasHeld = isHeld;
      isHeld = false;
      said.push(`given up: ${wasHeld}`);
      return wasHeld;
    },
    takeBack: () => isHeld,
  };
  acceptor.begin(() => said.push('accepted'), {
    spare,
    refused: (lack) => said.push(lack),
    makeRoom: () => said.push('make room'),
  });
  const fail = (name: 'EMFILE' | 'ENOMEM') => server._handle.onconnection(-constants.errno[name], undefined);
  return { acceptor, said, fail };
}

it('gives its own spare descriptor up when libuv has lost its one, and refuses who comes in by it', async () => {
  const { acceptor, said, fail } = await robbed();
  fail('EMFILE');
  expect(said).toEqual(['given up: true']);
  const newcomer = connect(acceptor.address);
  newcomer.on('error', () => {});
  await once(newcomer, 'close');
  expect(said).toEqual(['given up: true', 'files']);
});

it('asks for room where that is gone too, and tells a lack of memory as one', async () => {
  const { said, fail } = await robbed();
  fail('EMFILE');
  fail('EMFILE');
  fail('ENOMEM');
  expect(said).toEqual(['given up: true', 'given up: false', 'files', 'make room', 'memory']);
});
