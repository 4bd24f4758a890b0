import type { CheckKind } from './kind.ts';
import { alias } from './kinds/alias.ts';
import { docker } from './kinds/docker.ts';
import { grpc } from './kinds/grpc.ts';
import { h2ping } from './kinds/h2ping.ts';
import { http } from './kinds/http.ts';
import { script } from './kinds/script.ts';
import { tcp } from './kinds/tcp.ts';
import { ttl } from './kinds/ttl.ts';
import { udp } from './kinds/udp.ts';
import type { CheckSpec } from './spec.ts';

/**
 * The kinds of checks that this agent carries out. A new kind is a file and a line here. Where a spec has the
 * fields of several kinds the first one takes it.
 */
const CHECK_KINDS = {
  grpc,
  http,
  ttl,
  tcp,
  udp,
  alias,
  docker,
  script,
  h2ping,
} as const satisfies Record<string, CheckKind>;

export type CheckKindName = keyof typeof CHECK_KINDS;

const NAMES = Object.keys(CHECK_KINDS) as CheckKindName[];

/** Undefined when no kind that is carried out here takes the spec. */
export function kindOf(spec: CheckSpec): CheckKindName | undefined {
  return NAMES.find((name) => CHECK_KINDS[name].recognises(spec));
}

export function checkKind(name: CheckKindName): CheckKind {
  return CHECK_KINDS[name];
}
