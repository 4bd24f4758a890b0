/**
 * Every key of Consul's agent configuration (1.10, and what later versions added that is in wide use), and what it
 * means here: https://www.consul.io/docs/agent/options. A key is one line.
 */
import { fillAddress } from '../../../lib/sockaddr.ts';
import { idle, NEEDLESS, type Rules, section, sets, strictSection } from './rules.ts';

const GOSSIP = "it tunes Consul's gossip and consensus, which Muster does not have";
const MESH = 'Muster has no service mesh';
const ENTERPRISE = 'it belongs to Consul Enterprise';
const TLS =
  'of TLS only the certificate of the HTTP API is set (ports.https, cert_file, key_file, ca_file, verify_incoming)';
const SINKS = 'metrics are read from /v1/agent/metrics, nothing is sent elsewhere';
const STDERR = 'log lines go to standard error';
const ONE_DATACENTER = 'there is one datacenter as yet';

const lower = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);

/** `{{ GetPrivateIP }}` and the like stand for an address of this machine. */
const filled = (value: unknown): unknown => (typeof value === 'string' ? fillAddress(value) : value);

/** In lists one template may stand for several. */
const filledList = (value: unknown): unknown =>
  [value]
    .flat()
    .flatMap((one) =>
      typeof one === 'string' && one.includes('{{') ? fillAddress(one).trim().split(/\s+/) : one,
    );

/** Anything below 0 is off. */
const port = (value: unknown): unknown => (typeof value === 'number' && value < 0 ? -1 : value);

/** "ERR" and "WARN" too. */
function logLevel(value: unknown): unknown {
  return lower(value) === 'err' ? 'error' : lower(value);
}

export const CONSUL_KEYS: Rules = {
  node_name: sets('node.name'),
  node_id: sets('node.id'),
  node_meta: sets('node.meta'),
  datacenter: sets('node.datacenter', lower),
  data_dir: sets('node.data_dir'),
  bind_addr: sets('node.bind', filled),
  client_addr: sets('node.client', filled),
  advertise_addr: sets('node.advertise', filled),
  advertise_addr_ipv4: idle('give advertise_addr'),
  advertise_addr_ipv6: idle('give advertise_addr'),
  pid_file: sets('node.pid_file'),
  tagged_addresses: idle('a node has one address as yet'),

  addresses: section({
    http: sets('api.address', filled),
    dns: sets('dns.address', filled),
    https: sets('api.tls.address', filled),
    grpc: idle(MESH),
    grpc_tls: idle(MESH),
  }),
  ports: section({
    http: sets('ports.http', port),
    dns: sets('ports.dns', port),
    server: sets('ports.server', port),
    serf_lan: sets('ports.serf_lan', port),
    serf_wan: sets('ports.serf_wan', port),
    https: sets('ports.https', port),
    grpc: idle(MESH, -1),
    grpc_tls: idle(MESH, -1),
    proxy_min_port: NEEDLESS,
    proxy_max_port: NEEDLESS,
    sidecar_min_port: NEEDLESS,
    sidecar_max_port: NEEDLESS,
    expose_min_port: NEEDLESS,
    expose_max_port: NEEDLESS,
  }),

  domain: sets('dns.domain'),
  alt_domain: sets('dns.alt_domain'),
  recursors: sets('dns.recursors', (value) => [...new Set(filledList(value) as unknown[])]),
  dns_config: section({
    node_ttl: sets('dns.node_ttl'),
    service_ttl: sets('dns.service_ttl'),
    only_passing: sets('dns.only_passing'),
    enable_truncate: sets('dns.enable_truncate'),
    udp_answer_limit: sets('dns.udp_answer_limit'),
    a_record_limit: sets('dns.a_record_limit'),
    enable_additional_node_meta_txt: sets('dns.enable_additional_node_meta_txt'),
    soa: section({
      refresh: sets('dns.soa.refresh'),
      retry: sets('dns.soa.retry'),
      expire: sets('dns.soa.expire'),
      min_ttl: sets('dns.soa.min_ttl'),
    }),
    recursor_timeout: sets('dns.recursor_timeout'),
    recursor_strategy: sets('dns.recursor_strategy', (value) => (value === '' ? undefined : value)),
    disable_compression: idle('names are compressed, which every resolver reads', false),
    // Answers come from memory: there is nothing staler or fresher to be had.
    allow_stale: NEEDLESS,
    max_stale: NEEDLESS,
    use_cache: NEEDLESS,
    cache_max_age: NEEDLESS,
    prefer_namespace: idle(ENTERPRISE, false),
  }),

  http_config: section({
    response_headers: sets('api.response_headers'),
    block_endpoints: sets('api.block_endpoints'),
    use_cache: sets('api.use_cache'),
    allow_write_http_from: sets('api.allow_write_from'),
    max_header_bytes: NEEDLESS,
  }),
  limits: section({
    kv_max_value_size: sets('api.kv_max_value_size'),
    txn_max_req_len: sets('api.txn_max_req_len'),
    http_max_conns_per_client: idle('connections are bounded as a whole, not for each client'),
    https_handshake_timeout: idle(TLS),
    rpc_handshake_timeout: idle(GOSSIP),
    rpc_max_burst: idle(GOSSIP),
    rpc_max_conns_per_client: idle(GOSSIP),
    rpc_client_timeout: idle(GOSSIP),
    rpc_rate: idle(GOSSIP),
    request_limits: idle(GOSSIP),
  }),
  session_ttl_min: sets('api.session_ttl_min'),
  default_query_time: sets('api.default_query_time'),
  max_query_time: sets('api.max_query_time'),

  services: { kind: 'services' },
  service: { kind: 'services' },
  checks: { kind: 'checks' },
  check: { kind: 'checks' },
  enable_script_checks: sets('health.enable_script_checks'),
  enable_local_script_checks: sets('health.enable_local_script_checks'),
  check_update_interval: sets('health.check_update_interval'),
  check_output_max_size: sets('health.check_output_max_size'),
  discard_check_output: sets('health.discard_check_output'),
  enable_agent_tls_for_checks: idle('checks present no certificate', false),
  watches: { kind: 'watches' },

  telemetry: section({
    prometheus_retention_time: sets('telemetry.prometheus_retention_time'),
    disable_hostname: NEEDLESS,
    ...Object.fromEntries(
      [
        'circonus_api_app circonus_api_token circonus_api_url circonus_broker_id circonus_broker_select_tag',
        'circonus_check_display_name circonus_check_force_metric_activation circonus_check_id',
        'circonus_check_instance_id circonus_check_search_tag circonus_check_tags circonus_submission_interval',
        'circonus_submission_url dogstatsd_addr dogstatsd_tags filter_default prefix_filter metrics_prefix',
        'statsd_address statsite_address disable_compat_1.9 retry_failed_connection',
      ]
        .join(' ')
        .split(' ')
        .map((key) => [key, idle(SINKS)]),
    ),
  }),
  log_level: sets('log.level', logLevel),
  log_json: sets('log.format', (value) => (value === true ? 'json' : value === false ? 'pretty' : value)),
  log_file: sets('log.file'),
  log_rotate_bytes: sets('log.rotate_bytes'),
  log_rotate_duration: sets('log.rotate_duration'),
  log_rotate_max_files: sets('log.rotate_max_files'),
  enable_syslog: idle(STDERR, false),
  syslog_facility: idle(STDERR),
  ui: sets('api.ui'),
  ui_dir: idle('the dashboard is a part of Muster'),
  ui_content_path: idle('the dashboard is at /ui/', '/ui/', '/ui', 'ui'),
  ui_config: section({
    enabled: sets('api.ui'),
    dir: idle('the dashboard is a part of Muster'),
    content_path: idle('the dashboard is at /ui/', '/ui/', '/ui', 'ui'),
    metrics_provider: idle("the dashboard shows the balancer's own figures"),
    metrics_provider_files: idle("the dashboard shows the balancer's own figures"),
    metrics_provider_options_json: idle("the dashboard shows the balancer's own figures"),
    metrics_proxy: idle("the dashboard shows the balancer's own figures"),
    dashboard_url_templates: idle("the dashboard shows the balancer's own figures"),
  }),

  acl: strictSection({
    enabled: sets('acl.enabled'),
    default_policy: sets('acl.default_policy'),
    down_policy: sets('acl.down_policy'),
    enable_key_list_policy: sets('acl.enable_key_list_policy'),
    enable_token_persistence: sets('acl.enable_token_persistence'),
    enable_token_replication: idle(ONE_DATACENTER, false),
    policy_ttl: NEEDLESS,
    role_ttl: NEEDLESS,
    token_ttl: NEEDLESS,
    disabled_ttl: NEEDLESS,
    msp_disable_bootstrap: idle(ENTERPRISE, false),
    tokens: strictSection({
      // `master` was renamed in 1.11, `agent_master` too.
      master: sets('acl.tokens.initial_management'),
      initial_management: sets('acl.tokens.initial_management'),
      agent: sets('acl.tokens.agent'),
      agent_master: sets('acl.tokens.agent_recovery'),
      agent_recovery: sets('acl.tokens.agent_recovery'),
      default: sets('acl.tokens.default'),
      config_file_service_registration: sets('acl.tokens.config_file_service_registration'),
      replication: idle(ONE_DATACENTER),
      dns: idle('names are answered by what the default token may read'),
      managed_service_provider: idle(ENTERPRISE),
    }),
  }),
  // As they were written before 1.4.
  acl_datacenter: idle(ONE_DATACENTER, 'dc1'),
  acl_default_policy: sets('acl.default_policy'),
  acl_down_policy: sets('acl.down_policy'),
  acl_enforce_version_8: idle('rules are those of version 8 and later', true),
  acl_enable_key_list_policy: sets('acl.enable_key_list_policy'),
  acl_master_token: sets('acl.tokens.initial_management'),
  acl_agent_token: sets('acl.tokens.agent'),
  acl_agent_master_token: sets('acl.tokens.agent_recovery'),
  acl_token: sets('acl.tokens.default'),
  acl_replication_token: idle(ONE_DATACENTER),
  enable_acl_replication: idle(ONE_DATACENTER, false),
  acl_ttl: NEEDLESS,
  acl_disabled_ttl: NEEDLESS,

  server: sets('cluster.server'),
  bootstrap: NEEDLESS,
  bootstrap_expect: sets('cluster.bootstrap_expect'),
  start_join: sets('cluster.retry_join', filledList),
  retry_join: sets('cluster.retry_join', filledList),
  retry_interval: NEEDLESS,
  retry_max: NEEDLESS,
  start_join_wan: idle(ONE_DATACENTER),
  retry_join_wan: idle(ONE_DATACENTER),
  retry_interval_wan: NEEDLESS,
  retry_max_wan: NEEDLESS,
  rejoin_after_leave: NEEDLESS,
  encrypt: sets('cluster.encrypt'),
  encrypt_verify_incoming: NEEDLESS,
  encrypt_verify_outgoing: NEEDLESS,
  disable_keyring_file: NEEDLESS,
  disable_host_node_id: NEEDLESS,
  leave_on_terminate: idle('an agent that ends stays in the catalog, `muster leave` takes it out', false),
  skip_leave_on_interrupt: idle('an agent that ends stays in the catalog, `muster leave` takes it out', true),
  primary_datacenter: idle(ONE_DATACENTER, 'dc1'),
  advertise_addr_wan: idle(ONE_DATACENTER),
  advertise_addr_wan_ipv4: idle(ONE_DATACENTER),
  advertise_addr_wan_ipv6: idle(ONE_DATACENTER),
  translate_wan_addrs: idle(ONE_DATACENTER, false),
  serf_lan: idle(GOSSIP),
  serf_wan: idle(GOSSIP),
  serf_lan_allowed_cidrs: idle(GOSSIP),
  serf_wan_allowed_cidrs: idle(GOSSIP),
  // Nobody can tell the difference: what they tune is not there to be slow.
  performance: NEEDLESS,
  gossip_lan: NEEDLESS,
  gossip_wan: NEEDLESS,
  autopilot: idle(
    'autopilot has nothing to decide for a single server; `muster operator` shows its settings',
  ),
  protocol: NEEDLESS,
  raft_protocol: NEEDLESS,
  raft_snapshot_threshold: NEEDLESS,
  raft_snapshot_interval: NEEDLESS,
  raft_trailing_logs: NEEDLESS,
  raft_logstore: NEEDLESS,
  raft_boltdb: NEEDLESS,
  reconnect_timeout: sets('cluster.reconnect_timeout'),
  reconnect_timeout_wan: idle(GOSSIP),
  advertise_reconnect_timeout: idle(GOSSIP),
  disable_coordinates: NEEDLESS,
  discovery_max_stale: NEEDLESS,
  cache: NEEDLESS,
  use_streaming_backend: NEEDLESS,
  rpc: NEEDLESS,
  ae_interval: NEEDLESS,
  check_deregister_interval_min: NEEDLESS,
  check_reap_interval: NEEDLESS,
  sync_coordinate_interval_min: NEEDLESS,
  sync_coordinate_rate_target: NEEDLESS,
  consul: NEEDLESS,
  revision: NEEDLESS,
  version: NEEDLESS,
  version_prerelease: NEEDLESS,

  ca_file: sets('api.tls.client_ca'),
  ca_path: idle(TLS),
  cert_file: sets('api.tls.cert'),
  key_file: sets('api.tls.key'),
  server_name: idle(TLS),
  tls: section({
    defaults: section({
      ca_file: sets('api.tls.client_ca'),
      cert_file: sets('api.tls.cert'),
      key_file: sets('api.tls.key'),
      verify_incoming: sets('api.tls.verify_incoming'),
      verify_outgoing: idle(TLS, false),
      ca_path: idle(TLS),
      tls_min_version: idle(TLS),
      tls_cipher_suites: idle(TLS),
    }),
    https: section({
      ca_file: sets('api.tls.client_ca'),
      cert_file: sets('api.tls.cert'),
      key_file: sets('api.tls.key'),
      verify_incoming: sets('api.tls.verify_incoming'),
    }),
    internal_rpc: idle(TLS),
    grpc: idle(MESH),
  }),
  tls_cipher_suites: idle(TLS),
  tls_min_version: idle(TLS),
  tls_prefer_server_cipher_suites: idle(TLS, false),
  verify_incoming: sets('api.tls.verify_incoming'),
  verify_incoming_https: sets('api.tls.verify_incoming'),
  verify_incoming_rpc: idle(TLS, false),
  verify_outgoing: idle(TLS, false),
  verify_server_hostname: idle(TLS, false),
  auto_encrypt: idle(TLS),
  auto_config: idle(TLS),
  unix_sockets: section({
    mode: sets('api.unix_socket.mode'),
    user: sets('api.unix_socket.user'),
    group: sets('api.unix_socket.group'),
  }),

  // Muster asks nobody for updates, runs nothing for others and has no profiler behind the API.
  disable_update_check: NEEDLESS,
  disable_anonymous_signature: NEEDLESS,
  disable_remote_exec: idle('nothing is run for others', true),
  enable_debug: idle('there is no profiler behind the API', false),
  disable_http_unprintable_char_filter: idle('paths with such characters are refused', false),
  enable_central_service_config: NEEDLESS,
  config_entries: idle('entries of the configuration file are not written to the catalog'),
  connect: section({
    enabled: idle(MESH, false),
    ...Object.fromEntries(
      'ca_provider ca_config enable_mesh_gateway_wan_federation test_ca_leaf_root_change_spread enable_serverless_plugin'
        .split(' ')
        .map((key) => [key, NEEDLESS]),
    ),
  }),
  primary_gateways: idle(MESH),
  primary_gateways_interval: NEEDLESS,
  peering: idle(MESH),
  xds: idle(MESH),
  cloud: idle('Muster belongs to no cloud'),
  experiments: idle('it is for one version of Consul'),
  audit: idle(ENTERPRISE),
  license_path: idle(ENTERPRISE),
  partition: idle(ENTERPRISE, 'default'),
  non_voting_server: idle(ENTERPRISE, false),
  read_replica: idle(ENTERPRISE, false),
  segment: idle(ENTERPRISE),
  segments: idle(ENTERPRISE),
  segment_limit: idle(ENTERPRISE),
  segment_name_limit: idle(ENTERPRISE),
  snapshot_agent: idle('`muster snapshot save` makes snapshots'),
};
