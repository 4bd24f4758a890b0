/** What differs between the platforms that this client runs on: only Node has files, Unix sockets and certificates. */
import { MusterError } from '../errors.ts';

/** Those that are needed here. */
interface Modules {
  'node:fs': typeof import('node:fs');
  'node:http': typeof import('node:http');
  'node:https': typeof import('node:https');
  'node:path': typeof import('node:path');
  'node:stream': typeof import('node:stream');
}

/** A browser, or what is like one. */
export const isBrowser = typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function';

/** A module of Node's, asked for when it is needed: a browser loads all the rest without. Throws `config.invalid` there. */
export function ofNode<Name extends keyof Modules>(name: Name): Modules[Name] {
  if (isBrowser)
    throw new MusterError(
      'config.invalid',
      `${name} is not there in a browser: files, Unix sockets and certificates can be named where Node runs only.`,
    );
  return process.getBuiltinModule(name) as Modules[Name];
}

export function toBase64(bytes: Uint8Array): string {
  if (!isBrowser) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function fromBase64(text: string): Uint8Array {
  if (!isBrowser) return new Uint8Array(Buffer.from(text, 'base64'));
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
