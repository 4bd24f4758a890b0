import { cut } from './cut.ts';
import type { Fault } from './fault.ts';
import { kill } from './kill.ts';
import { pause } from './pause.ts';
import { slow } from './slow.ts';

/** Every kind of fault: a file and a line here. */
export const FAULTS = { kill, pause, slow, cut } as const satisfies Record<string, Fault>;

export type FaultKind = keyof typeof FAULTS;
export const FAULT_KINDS = Object.keys(FAULTS) as [FaultKind, ...FaultKind[]];
