/**
 * A worker of the proxy whose loop never comes to the changes of routes and pools that it is sent, nor to being told to look for them:
 * they are found only by who looks of his own accord.
 */
import { MessagePort, parentPort } from 'node:worker_threads';
import type { ToWorker } from '../../src/proxy/messages.ts';

type Listen = (type: string, listener: (message: ToWorker) => void) => unknown;

const ports = MessagePort.prototype as { on: Listen };
const listen = ports.on;
ports.on = function (this: unknown, type, listener) {
  if (this !== parentPort) return this;
  return listen.call(this, type, (message) => {
    if (message.type !== 'look') listener(message);
  });
};
await import('../../src/proxy/worker.ts');
