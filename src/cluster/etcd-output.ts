/** Longer than any reason that etcd gives in a line, in characters. */
const LONGEST = 500;
/** As zap calls them: what etcd ends with. */
const GRAVE: ReadonlySet<unknown> = new Set(['error', 'panic', 'fatal']);

/** Why an etcd has ended, in a line, from the end of what it printed: JSON, a line each, with a stack trace in the one that matters. */
export function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const records = lines
    .map(recordIn)
    .filter((one) => one !== undefined)
    .reverse();
  const grave =
    records.find(({ level }) => GRAVE.has(level)) ?? records.find(({ error }) => error !== undefined);
  const panic = lines.findLast((line) => line.startsWith('panic: '));
  const words =
    grave === undefined ? (panic ?? lines.at(-1) ?? '') : [grave.msg, grave.error].filter(Boolean).join(': ');
  return words.slice(0, LONGEST);
}

function recordIn(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    // The first line that was kept may have lost its beginning, a last one its end.
    return undefined;
  }
}
