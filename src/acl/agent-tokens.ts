/** What the agent's own tokens are for. */
export const AGENT_TOKENS = ['default', 'agent', 'agentRecovery', 'replication'] as const;
export type AgentTokenName = (typeof AGENT_TOKENS)[number];
export type AgentTokenValues = Readonly<Record<AgentTokenName, string>>;

export const NO_AGENT_TOKENS: AgentTokenValues = {
  default: '',
  agent: '',
  agentRecovery: '',
  replication: '',
};

/**
 * The agent's own tokens. Those that were set while it runs come before those of the configuration; as in Consul they last until the
 * configuration is read again, and longer where they are kept.
 */
export class AgentTokens {
  #configured: AgentTokenValues;
  #set: Partial<AgentTokenValues>;
  readonly #persist: ((values: Partial<AgentTokenValues>) => Promise<void>) | undefined;

  /** `kept`: those that were set before. `persist` keeps what is set from now on; without it that is forgotten with the process. */
  constructor(
    configured: AgentTokenValues,
    kept: Partial<AgentTokenValues> = {},
    persist?: (values: Partial<AgentTokenValues>) => Promise<void>,
  ) {
    this.#configured = configured;
    this.#set = given(kept);
    this.#persist = persist;
  }

  /** "" for one that is not set. */
  get(name: AgentTokenName): string {
    return this.#set[name] ?? this.#configured[name];
  }

  async set(name: AgentTokenName, secret: string): Promise<void> {
    this.#set = { ...this.#set, [name]: secret };
    await this.#persist?.(given(this.#set));
  }

  /** The configuration was read again, and says this. */
  configure(configured: AgentTokenValues): void {
    this.#configured = configured;
    this.#set = this.#persist === undefined ? {} : given(this.#set);
  }
}

/** Without those that were taken back. */
function given(values: Partial<AgentTokenValues>): Partial<AgentTokenValues> {
  return Object.fromEntries(Object.entries(values).filter(([, secret]) => secret !== ''));
}
