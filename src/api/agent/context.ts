import type { LogSink } from '../../lib/log.ts';
import type { Carriage } from '../../proxy/choice.ts';
import type { Registry } from '../../registry/registry.ts';
import type { ApiContext } from '../context.ts';
import { HttpError } from '../http-error.ts';

/** What the agent itself does for those who ask over HTTP; `agent` puts it together. */
export interface AgentControl {
  readonly registry: Registry;
  /** Reads the configuration again; rejects with what is wrong with it. */
  /** Resolves with the settings that were changed and wait for another process. */
  reload(): Promise<readonly string[]>;
  /** Has a new process take over from this one; resolves with its pid. Rejects with why this one goes on. */
  replace?(): Promise<number>;
  /** Leaves for good, and has the program end soon after it resolves. Rejects when the others could not be told; it ends then, too. */
  leave(): Promise<void>;
  /** Joins the cluster at `address` ("host:port"). Without it this agent stands alone. */
  join?(address: string, wan: boolean): Promise<void>;
  /** Hands every line of the log, whatever its level, to `sink` until the answer is called. */
  tailLog(sink: LogSink): () => void;
  /** For `/v1/agent/host`: where the data are, or the working directory. */
  readonly dataDirectory: string;
  /** Answer metrics in Prometheus' format too. */
  readonly prometheus: boolean;
  readonly server: boolean;
  /** Whether it began without a server and what needs one is not there yet. */
  isStarting?(): boolean;
  /** Whether it is about to end: no traffic should be sent to it any more. */
  isDraining?(): boolean;
  /** Why what is written at this agent is not kept; undefined: it is. */
  diskTrouble?(): string | undefined;
  /** How the traffic of its balancer is carried; undefined without one. */
  readonly carriage?: () => Carriage | undefined;
}

/** Throws 503 in a process that serves the API without being an agent. */
export function agentOf({ agent }: ApiContext): AgentControl {
  if (agent === undefined) throw new HttpError(503, 'This process is no agent: it registers nothing itself');
  return agent;
}
