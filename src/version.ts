import about from '../package.json' with { type: 'json' };

/** Muster's own version. */
export const VERSION: string = about.version;
