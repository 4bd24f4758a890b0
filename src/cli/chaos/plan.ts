/** What a plan says: a load, and faults that come again and again. Times in ms behind the schema. */
import fs from 'node:fs';
import * as z from 'zod';
import { duration, hostPort, label } from '../../agent/config/fields.ts';
import { toCodeNames, toFileNames } from '../../agent/config/names.ts';
import { readConfigFile } from '../../agent/config/read.ts';
import { pathText, sentence } from '../../agent/config/sentences.ts';
import { MusterError } from '../../errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { FAULT_KINDS } from './faults/kinds.ts';

const ruleSchema = z.strictObject({
  /** `roll` replaces the instances of the groups as `muster group roll` does. */
  kind: z.enum([...FAULT_KINDS, 'roll']),
  /** Left out: every group with more than one instance. */
  groups: z.array(label()).default([]),
  every: duration({ least: 100 }),
  /** Left out: somewhere in the first `every`. */
  first: duration().optional(),
  for: duration({ least: 100 }).prefault('2s'),
  /** So many of these groups' instances have to be well besides: the last one is spared. */
  spare: z.int().min(0).default(1),
});

const planSchema = z.strictObject({
  seed: z.int().min(0).default(1),
  /** Left out: the route of the stack's first group that has one. */
  url: z.string().optional(),
  /** Name server for the URL's host. */
  resolver: hostPort().optional(),
  load: z
    .array(z.strictObject({ rate: z.number().gt(0), for: duration({ least: 1000 }) }))
    .min(1)
    .prefault([{ rate: 100, for: '30s' }]),
  /** So many browsers send in turn, each on at most six connections that it keeps. */
  clients: z.int().min(1).max(10_000).default(50),
  /** APIs of the agents that run the groups. Left out: the stack's own. */
  agents: z.array(hostPort()).default([]),
  fault: z.array(ruleSchema).prefault([
    { kind: 'kill', every: '6s' },
    { kind: 'pause', every: '9s', for: '2s' },
    { kind: 'slow', every: '11s', for: '3s' },
    { kind: 'cut', every: '13s', for: '2s' },
  ]),
});

export type Plan = z.output<typeof planSchema>;
export type Rule = Plan['fault'][number];

/** The plan of a file; undefined: the usual one. Throws `config.invalid` with all that is wrong and where. */
export function readPlan(file: string | undefined): Plan {
  if (file === undefined) return planSchema.parse({});
  const source = readConfigFile(file);
  const faults: string[] = [];
  const named = toCodeNames(planSchema, source.value, ({ path, known }) => {
    const key = String(path.at(-1));
    const near = nearest(key, known);
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
    faults.push(`${source.place(path, 'key')}: unknown key "${key}"; ${hint}`);
  });
  const checked = planSchema.safeParse(named, { reportInput: true });
  if (checked.success && faults.length === 0) return checked.data;
  for (const issue of checked.error?.issues ?? []) {
    const path = toFileNames(planSchema, issue.path);
    faults.push(`${source.place(path, 'value')}: ${pathText(path)}: ${sentence(issue)}`);
  }
  throw new MusterError('config.invalid', faults.join('\n'));
}

/** "stacks/hello.toml" has "stacks/hello.chaos.toml" beside it; undefined when there is none. */
export function planBeside(stack: string): string | undefined {
  const file = stack.replace(/\.[^./]*$/, '.chaos.toml');
  return fs.existsSync(file) ? file : undefined;
}

/** How long the whole load takes, in ms. */
export const lengthOf = ({ load }: Pick<Plan, 'load'>): number =>
  load.reduce((sum, phase) => sum + phase.for, 0);
