import { readFileSync } from 'node:fs';
import { MusterError, messageOf } from '../../errors.ts';
import type { CertificateSource } from './config.ts';

/** Certificate and key (PEM) for one of our own pages; undefined without a source. Throws `config.*`. */
export function certificateFile(
  setting: string,
  name: string,
  sources: readonly CertificateSource[],
): { cert: string; key: string } | undefined {
  const source = sources.find((one) => one.name === name);
  if (source === undefined) return undefined;
  if (source.type !== 'file')
    throw new MusterError(
      'config.invalid',
      `${setting}: the certificate has to come from a file (cs=${name})`,
    );
  try {
    return { cert: readFileSync(source.cert, 'utf8'), key: readFileSync(source.key || source.cert, 'utf8') };
  } catch (cause) {
    throw new MusterError('config.unreadable', `${setting}: ${messageOf(cause)}`, { cause });
  }
}
