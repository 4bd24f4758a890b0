/**
 * The text format in which programs show their metrics to Prometheus (exposition format 0.0.4, and what OpenMetrics has
 * in common with it): as much of it as it takes to read one number.
 */

export interface Selector {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

const NAME = /^[A-Za-z_:][A-Za-z0-9_:]*/;
const LABEL = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?/;

/** Reads `jobs{queue="mail"}`; undefined when it is none. */
export function parseSelector(text: string): Selector | undefined {
  const parts = partsOf(text.trim());
  if (parts === undefined || parts.rest !== '') return undefined;
  return { name: parts.name, labels: parts.labels };
}

/** The sum of all samples of this name that have at least these labels; undefined when there is none. */
export function valueIn(page: string, { name, labels }: Selector): number | undefined {
  let sum: number | undefined;
  for (const line of page.split('\n')) {
    if (!line.startsWith(name)) continue;
    const sample = partsOf(line);
    if (sample === undefined || sample.name !== name) continue;
    if (![...labels].every(([label, value]) => sample.labels.get(label) === value)) continue;
    // "value", and perhaps when it was measured.
    const value = numberOf(sample.rest.trim().split(/\s+/, 1)[0] ?? '');
    if (value !== undefined) sum = (sum ?? 0) + value;
  }
  return sum;
}

function partsOf(line: string): (Selector & { rest: string }) | undefined {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) return undefined;
  const labels = new Map<string, string>();
  const rest = line.slice(name.length);
  if (!/^\s*\{/.test(rest)) return /^\s|^$/.test(rest) ? { name, labels, rest } : undefined;
  let inside = rest.slice(rest.indexOf('{') + 1);
  for (;;) {
    const end = /^\s*\}/.exec(inside);
    if (end !== null) return { name, labels, rest: inside.slice(end[0].length) };
    const label = LABEL.exec(inside);
    if (label === null) return undefined;
    labels.set(label[1]!, unescaped(label[2]!));
    inside = inside.slice(label[0].length);
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
}

function numberOf(text: string): number | undefined {
  const value =
    text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
  return text === '' || !Number.isFinite(value) ? undefined : value;
}
