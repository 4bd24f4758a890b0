/** What of the Docker Engine API's answers is used, in its casing. Engines leave out what they have not. */

export interface PublishedPort {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

/** One of the containers of a list. */
export interface ContainerSummary {
  Id: string;
  /** With a slash in front; links add more. */
  Names?: string[];
  Image?: string;
  Labels?: Record<string, string> | null;
  /** "created", "running", "paused", "restarting", "exited", "dead". */
  State?: string;
  Status?: string;
  /** Seconds since the epoch. */
  Created?: number;
  Ports?: PublishedPort[] | null;
  HostConfig?: { NetworkMode?: string };
  NetworkSettings?: { Networks?: Record<string, NetworkEndpoint> | null };
}

export interface NetworkEndpoint {
  NetworkID?: string;
  IPAddress?: string;
  GlobalIPv6Address?: string;
}

export interface PortBinding {
  HostIp?: string;
  HostPort?: string;
}

/** All about one container. */
export interface ContainerDetails {
  Id: string;
  /** With a slash in front. */
  Name: string;
  Created?: string;
  Config: {
    Hostname?: string;
    Image?: string;
    Env?: string[] | null;
    Labels?: Record<string, string> | null;
    /** "80/tcp" to nothing. */
    ExposedPorts?: Record<string, unknown> | null;
    /** "SIGUSR1", "SIGRTMIN+3", "10"; SIGTERM unless given. */
    StopSignal?: string;
    /** Seconds until it is killed; the engine's own 10 unless given. */
    StopTimeout?: number | null;
  };
  HostConfig?: {
    /** "bridge", "default", "host", "none", a network's name, or "container:" and an ID. */
    NetworkMode?: string;
    PortBindings?: Record<string, PortBinding[] | null> | null;
  };
  NetworkSettings?: {
    IPAddress?: string;
    GlobalIPv6Address?: string;
    /** "80/tcp" to where it is published; null where it is only exposed. */
    Ports?: Record<string, PortBinding[] | null> | null;
    Networks?: Record<string, NetworkEndpoint | null> | null;
  };
  State?: {
    Status?: string;
    Running?: boolean;
    Paused?: boolean;
    Restarting?: boolean;
    ExitCode?: number;
    /** On the engine's machine; 0 when it does not run. */
    Pid?: number;
    /** Why it could not be started. */
    Error?: string;
    StartedAt?: string;
    Health?: { Status?: string };
  };
}

/** What a container is made from, as far as it is asked for here. */
export interface ContainerRequest {
  Image: string;
  Cmd?: readonly string[];
  Env?: readonly string[];
  Labels?: Readonly<Record<string, string>>;
  ExposedPorts?: Readonly<Record<string, object>>;
  HostConfig?: {
    NetworkMode?: string;
    PortBindings?: Readonly<Record<string, readonly PortBinding[]>>;
    Binds?: readonly string[];
    /** Bytes; 0: no limit. */
    Memory?: number;
    /** Billionths of a processor; 0: no limit. */
    NanoCpus?: number;
  };
}

/** What happened to something. */
export interface EngineEvent {
  /** "container", "network", … */
  Type?: string;
  /** "start", "die", "pause", "health_status: healthy", … */
  Action?: string;
  Actor?: { ID?: string; Attributes?: Record<string, string> };
  /** Seconds since the epoch. */
  time?: number;
  timeNano?: number;
}

export interface EngineVersion {
  Version?: string;
  ApiVersion?: string;
  MinAPIVersion?: string;
}

export interface ExecState {
  readonly running: boolean;
  /** Null while it runs. */
  readonly exitCode: number | null;
}
