/** Node writes a head and a string with one call, a head and bytes with another one that costs half as much again. */
export const SHORT_BODY = 8 * 1024;
