import type { WantedService } from './wanted.ts';

/** A registration that stands in a registry. */
export interface PresentService {
  readonly id: string;
  readonly name: string;
  /** The host that registered it, where the registration says so apart from its ID. */
  readonly owner: string | undefined;
  /** What can be seen of it, for comparing with `Target.print`. */
  readonly print: string;
}

/** Where registrations go. Rejects with `client.unreachable` while it is away, and with `client.refused` for what it will not have. */
export interface Target {
  /** For messages: "consul://127.0.0.1:8500". */
  readonly address: string;
  /** Resolves when it can take registrations. */
  ping(signal: AbortSignal): Promise<void>;
  /** Everything that might be ours. */
  list(signal: AbortSignal): Promise<readonly PresentService[]>;
  /** As a present service would show it: equal prints need no new registration. */
  print(service: WantedService): string;
  put(service: WantedService, signal: AbortSignal): Promise<void>;
  remove(service: Pick<PresentService, 'id' | 'name'>, signal: AbortSignal): Promise<void>;
  /** Renews what runs out by itself; undefined where nothing does. */
  refresh?(signal: AbortSignal): Promise<void>;
  /** Ends what it holds open; undefined where that is nothing. */
  close?(): void;
}
