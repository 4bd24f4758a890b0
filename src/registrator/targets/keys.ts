import { createHash } from 'node:crypto';

/** `<prefix>/<name>/<id>`, the shape of registrator's keys. `base` is the prefix with its slash, or "". */
export function keyIn(base: string, { name, id }: { name: string; id: string }): string {
  return `${base}${name}/${id}`;
}

/** The service that a key stands for; undefined for other keys. */
export function serviceOfKey(base: string, key: string): { name: string; id: string } | undefined {
  if (!key.startsWith(base)) return undefined;
  const rest = key.slice(base.length);
  const at = rest.lastIndexOf('/');
  return at <= 0 || at === rest.length - 1 ? undefined : { name: rest.slice(0, at), id: rest.slice(at + 1) };
}

/** A number that stands for a host, within what JSON carries exactly, and hardly anybody else's: 2^52 apart. */
export function ownerNumber(hostname: string, what = ''): number {
  const hash = createHash('sha256').update(`registrator\0${hostname}\0${what}`).digest();
  return hash.readUIntBE(0, 6) * 16 + ((hash[6] as number) & 15) + 1;
}
