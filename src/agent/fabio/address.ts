import { MusterError } from '../../errors.ts';
import { fillAddress } from '../../lib/sockaddr.ts';

/** A text with an address of this machine for each of go-sockaddr's templates in it. Throws `config.invalid` for one that fits none. */
export function addressOf(setting: string, text: string): string {
  const filled = fillAddress(text);
  if (!filled.includes('{{')) return filled;
  throw new MusterError('config.invalid', `${setting}: no address of this machine fits ${text}`);
}
