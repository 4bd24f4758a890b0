/** Layout of the archive: Consul's, with our rows among its records. Others are refused rather than guessed at. */
export const FORMAT = 3;
/** A line of JSON for each row: what earlier builds wrote. */
export const LINES_FORMAT = 2;
/** Names of Consul's: its files, their sums, and the types of what it knows of the first. */
export const META = 'meta.json';
export const STATE = 'state.bin';
export const SUMS = 'SHA256SUMS';
