import { type ChangeKind, type ChangeLine, MAX_CHANGE_INSTANCES, type State } from './wire.ts';

/** One thing that happened, before it is told. */
export interface Happening {
  readonly kind: ChangeKind;
  /** "hello-3", "/hello/", "config/limit" */
  readonly what: string;
  /** Key of the instance, when it is one. */
  readonly instance?: string;
  readonly service?: string;
  readonly state?: State;
  /** Why, as a sentence; left out when many things are told in one line. */
  readonly reason?: string;
  /** For keys, nodes and routes: what became of it ("set", "gone"). */
  readonly became?: string;
}

/** More things of one sort than this in one turn become one line: "38 instances joined web". */
const MOST_SINGLE = 4;

/** What happened in one turn as lines in words, in the order in which it happened. `seq` is that of the first. */
export function tell(happenings: readonly Happening[], seq: number, at: number): ChangeLine[] {
  const groups = new Map<string, Happening[]>();
  for (const one of happenings) {
    const sort = [one.kind, one.service, one.state, one.became].join('\u0000');
    const group = groups.get(sort);
    if (group === undefined) groups.set(sort, [one]);
    else group.push(one);
  }
  const lines: ChangeLine[] = [];
  for (const group of groups.values()) {
    const first = group[0] as Happening;
    const texts = group.length > MOST_SINGLE ? [sentenceOfMany(first, group.length)] : group.map(sentence);
    texts.forEach((text, index) => {
      const concerned = texts.length === 1 ? group : group.slice(index, index + 1);
      lines.push({
        seq: seq + lines.length,
        at,
        kind: first.kind,
        text,
        reason: concerned.length === 1 ? (concerned[0]?.reason ?? '') : '',
        service: first.service ?? '',
        instances: concerned.flatMap(({ instance }) => instance ?? []).slice(0, MAX_CHANGE_INSTANCES),
        state: first.state ?? null,
      });
    });
  }
  return lines;
}

function sentence({ kind, what, service, state, became }: Happening): string {
  switch (kind) {
    case 'joined':
      return `instance ${what} joined ${service}${state === 'passing' ? '' : `, ${state}`}`;
    case 'left':
      return `instance ${what} left ${service}`;
    case 'state':
      return `instance ${what} of ${service} is ${state === 'maintenance' ? 'in ' : ''}${state}`;
    case 'route':
      return `route ${what} to ${service} ${became}`;
    case 'node':
      return `node ${what} ${became}`;
    case 'key':
      return `key ${what} ${became}`;
  }
}

function sentenceOfMany({ kind, service, state, became }: Happening, count: number): string {
  switch (kind) {
    case 'joined':
      return `${count} instances joined ${service}`;
    case 'left':
      return `${count} instances left ${service}`;
    case 'state':
      return `${count} instances of ${service} are ${state === 'maintenance' ? 'in ' : ''}${state}`;
    case 'route':
      return `${count} routes to ${service} ${became}`;
    case 'node':
      return `${count} nodes ${became}`;
    case 'key':
      return `${count} keys ${became}`;
  }
}
