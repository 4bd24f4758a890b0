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

/** The agent's own tokens. From the configuration; they can be set while it runs. */
export class AgentTokens {
  #values: AgentTokenValues;
  readonly #persist: ((values: AgentTokenValues) => Promise<void>) | undefined;

  /** `persist` keeps what was set while running; without it that is forgotten with the process. */
  constructor(values: AgentTokenValues, persist?: (values: AgentTokenValues) => Promise<void>) {
    this.#values = values;
    this.#persist = persist;
  }

  /** "" for one that is not set. */
  get(name: AgentTokenName): string {
    return this.#values[name];
  }

  async set(name: AgentTokenName, secret: string): Promise<void> {
    this.#values = { ...this.#values, [name]: secret };
    await this.#persist?.(this.#values);
  }
}
