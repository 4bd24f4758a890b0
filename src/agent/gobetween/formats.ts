/** How gobetween's configuration may be written. Apart from the reading of it, which a command line that only names them does without. */
import { extname } from 'node:path';

export const FORMATS = ['toml', 'json'] as const;
export type GobetweenFormat = (typeof FORMATS)[number];

/** Of a file whose format nobody says. */
export function usualFormat(name: string): GobetweenFormat {
  return extname(name).toLowerCase() === '.json' ? 'json' : 'toml';
}
