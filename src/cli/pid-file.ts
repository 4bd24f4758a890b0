import fs from 'node:fs';
import { fileTrouble, MusterError } from '../errors.ts';

/**
 * Writes this process's id into a file, when there is to be one. The answer removes the file, unless another process, which has
 * taken over, has written its own. Throws `config.unreadable`.
 */
export function writePidFile(file: string | undefined): () => void {
  if (file === undefined) return () => {};
  const own = `${process.pid}\n`;
  try {
    fs.writeFileSync(file, own);
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot write the pid file ${file}: ${fileTrouble(cause)}`, {
      cause,
    });
  }
  return () => {
    try {
      if (fs.readFileSync(file, 'utf8') === own) fs.rmSync(file);
    } catch {
      // Somebody has removed it already.
    }
  };
}
