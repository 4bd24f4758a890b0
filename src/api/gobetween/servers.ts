/** What gobetween's REST API and metrics are about. Types only; the agent has the servers. */

/** As `GET /servers/NAME/stats` tells them. */
export interface ServerStats {
  readonly active_connections: number;
  readonly rx_total: number;
  readonly tx_total: number;
  readonly rx_second: number;
  readonly tx_second: number;
  readonly backends: readonly BackendStats[];
}

export interface BackendStats {
  /** IPv6 in brackets, as there. */
  readonly host: string;
  /** Text, as there. */
  readonly port: string;
  readonly priority: number;
  readonly weight: number;
  readonly max_connections?: number;
  readonly sni?: string;
  readonly stats: {
    readonly live: boolean;
    readonly discovered: boolean;
    readonly total_connections: number;
    readonly active_connections: number;
    readonly refused_connections: number;
    readonly rx: number;
    readonly tx: number;
    readonly rx_second: number;
    readonly tx_second: number;
  };
}

export interface GobetweenServers {
  /** Every server's configuration, with its defaults, by name. */
  all(): Readonly<Record<string, unknown>>;
  /** Undefined: there is none. */
  get(name: string): unknown;
  /** Starts one. Throws `request.invalid` for what is no server at all, `config.invalid` and `listen.*` for one that cannot be. */
  create(name: string, value: unknown): Promise<void>;
  /** Stops one with all of its connections; nothing when there is none. */
  delete(name: string): void;
  stats(name: string): ServerStats | undefined;
  /** The configuration in force. Throws `request.invalid` for a format that is neither toml nor json. */
  dump(format: string): string;
}
