/** A worker of the proxy whose loop never comes to the changes of routes and pools that it is sent: they are found only by who looks. */
import { MessagePort, parentPort } from 'node:worker_threads';

type Listen = (type: string, listener: (message: unknown) => void) => unknown;

const ports = MessagePort.prototype as { on: Listen };
const listen = ports.on;
ports.on = function (this: unknown, type, listener) {
  return this === parentPort ? listen.call(this, type, listener) : this;
};
await import('../../src/proxy/worker.ts');
