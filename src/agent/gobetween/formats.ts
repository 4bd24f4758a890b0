/** How gobetween's configuration may be written. Apart from the reading of it, which a command line that only names them does without. */
export const FORMATS = ['toml', 'json'] as const;
export type GobetweenFormat = (typeof FORMATS)[number];
