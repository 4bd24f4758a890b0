/** Data that users name on the command line: files, `@FILE`, `-` for standard input, or the words themselves. */
import fs from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { fileTrouble, MusterError } from '../errors.ts';
import type { Terminal } from './verb.ts';

/** The words as they are, `@FILE`, or `-` for standard input, as Consul's commands take them. */
export async function dataFrom(words: string, terminal: Terminal): Promise<Buffer> {
  if (words === '-') return buffer(terminal.stdin);
  return words.startsWith('@') ? readBytes(words.slice(1)) : Buffer.from(words);
}

/** Of a file, or of standard input for `-`. */
export async function bytesOf(file: string, terminal: Terminal): Promise<Buffer> {
  return file === '-' ? buffer(terminal.stdin) : readBytes(file);
}

/** Throws `config.unreadable`. */
export function readBytes(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot read ${file}: ${fileTrouble(cause)}`, { cause });
  }
}
