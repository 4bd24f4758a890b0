/**
 * gobetween's configuration as it is written, key by key (0.8.2, docs at gobetween.io and its `config/gobetween.toml`). Values
 * stay as written: the REST API tells them back. What is to be right about them is in `prepare.ts`.
 */
import * as z from 'zod';

const text = z.string();
const texts = z.array(z.string());
const whole = z.int();
const flag = z.boolean();

const connectionOptions = {
  max_connections: whole.nullish(),
  client_idle_timeout: text.nullish(),
  backend_idle_timeout: text.nullish(),
  backend_connection_timeout: text.nullish(),
};

const tlsCommon = {
  ciphers: texts.nullish(),
  min_version: text.optional(),
  max_version: text.optional(),
  session_tickets: flag.optional(),
  /** Of 0.7; it has no effect in 0.8, nor here: the server always prefers its own order. */
  prefer_server_ciphers: flag.optional(),
};

export const serverSchema = z.object({
  ...connectionOptions,
  bind: text.default(''),
  protocol: text.default(''),
  balance: text.default(''),
  sni: z
    .object({
      hostname_matching_strategy: text.default(''),
      unexpected_hostname_strategy: text.default(''),
      read_timeout: text.default(''),
    })
    .nullish(),
  tls: z
    .object({
      acme_hosts: texts.nullish(),
      cert_path: text.default(''),
      key_path: text.default(''),
      ...tlsCommon,
    })
    .nullish(),
  backends_tls: z
    .object({
      ignore_verify: flag.default(false),
      root_ca_cert_path: text.nullish(),
      cert_path: text.nullish(),
      key_path: text.nullish(),
      ...tlsCommon,
    })
    .nullish(),
  udp: z
    .object({
      max_requests: whole.min(0).default(0),
      max_responses: whole.min(0).default(0),
      transparent: flag.default(false),
    })
    .nullish(),
  access: z.object({ default: text.default(''), rules: texts.nullish() }).nullish(),
  proxy_protocol: z.object({ version: text.default('') }).nullish(),
  discovery: z
    .object({
      kind: text.default(''),
      failpolicy: text.default(''),
      interval: text.default(''),
      timeout: text.default(''),
      static_list: texts.nullish(),
      srv_lookup_server: text.optional(),
      srv_lookup_pattern: text.optional(),
      srv_dns_protocol: text.optional(),
      exec_command: texts.nullish(),
      json_endpoint: text.optional(),
      json_host_pattern: text.optional(),
      json_port_pattern: text.optional(),
      json_weight_pattern: text.optional(),
      json_priority_pattern: text.optional(),
      json_sni_pattern: text.optional(),
      json_max_connections_pattern: text.optional(),
      plaintext_endpoint: text.optional(),
      plaintext_regex_pattern: text.optional(),
      docker_endpoint: text.optional(),
      docker_container_label: text.optional(),
      docker_container_private_port: whole.optional(),
      docker_container_host_env_var: text.optional(),
      docker_tls_enabled: flag.optional(),
      docker_tls_cert_path: text.optional(),
      docker_tls_key_path: text.optional(),
      docker_tls_cacert_path: text.optional(),
      consul_host: text.optional(),
      consul_service_name: text.optional(),
      consul_service_tag: text.optional(),
      consul_service_passing_only: flag.optional(),
      consul_datacenter: text.optional(),
      /** In gobetween's own sample, though the program reads `consul_datacenter`. */
      consul_service_datacenter: text.optional(),
      consul_auth_username: text.optional(),
      consul_auth_password: text.optional(),
      consul_acl_token: text.optional(),
      consul_tls_enabled: flag.optional(),
      consul_tls_cert_path: text.optional(),
      consul_tls_key_path: text.optional(),
      consul_tls_cacert_path: text.optional(),
    })
    .nullish(),
  healthcheck: z
    .object({
      kind: text.default(''),
      interval: text.default(''),
      passes: whole.default(0),
      fails: whole.default(0),
      timeout: text.default(''),
      initial_status: text.nullish(),
      /** Of an old version; `timeout` is what counts. */
      ping_timeout_duration: text.optional(),
      probe_protocol: text.optional(),
      probe_strategy: text.optional(),
      probe_send: text.optional(),
      probe_recv: text.optional(),
      probe_recv_len: whole.min(0).optional(),
      exec_command: text.optional(),
      exec_expected_positive_output: text.optional(),
      exec_expected_negative_output: text.optional(),
    })
    .nullish(),
});

export const configSchema = z.object({
  logging: z
    .object({ level: text.default(''), output: text.default(''), format: text.default('') })
    .prefault({}),
  api: z
    .object({
      enabled: flag.default(false),
      bind: text.default(''),
      basic_auth: z.object({ login: text.default(''), password: text.default('') }).nullish(),
      tls: z.object({ cert_path: text.default(''), key_path: text.default('') }).nullish(),
      cors: flag.default(false),
    })
    .prefault({}),
  metrics: z.object({ enabled: flag.default(false), bind: text.default('') }).prefault({}),
  defaults: z.object(connectionOptions).prefault({}),
  acme: z
    .object({ challenge: text.default(''), http_bind: text.default(''), cache_dir: text.default('') })
    .nullish(),
  profiler: z.object({ enabled: flag.default(false), bind: text.default('') }).nullish(),
  servers: z.record(z.string(), serverSchema).default({}),
});

export type GobetweenConfig = z.infer<typeof configSchema>;
export type WrittenServer = z.infer<typeof serverSchema>;
export type Defaults = GobetweenConfig['defaults'];
