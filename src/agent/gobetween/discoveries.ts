/** gobetween's kinds of discovery: what each needs, and ours that does it. A new one is a line in `DISCOVERIES`. */
import { clientOptionsFromEnv } from '../../client/index.ts';
import { BackendPattern } from '../../discovery/backend.ts';
import type { Discovery, InstanceListener } from '../../discovery/instance.ts';
import { JSON_PATHS } from '../../discovery/json.ts';
import { DISCOVERY_KINDS } from '../../discovery/kinds.ts';
import type { PollOptions } from '../../discovery/poll.ts';
import { parseStaticUpstream } from '../../discovery/static.ts';
import { messageOf } from '../../errors.ts';
import { parseHostPort } from '../../lib/host-port.ts';
import type { WrittenServer } from './schema.ts';

type Settings = NonNullable<WrittenServer['discovery']>;

interface Kind {
  /** What is wrong with its settings, each beginning with the key. */
  faults(settings: Settings): string[];
  follow(settings: Settings, common: PollOptions, listener: InstanceListener): Discovery;
}

function needs(settings: Settings, ...keys: (keyof Settings)[]): string[] {
  return keys.filter((key) => !settings[key]).map((key) => `${key} is required for kind "${settings.kind}"`);
}

const {
  static: followStatic,
  srv: followSrv,
  json: followJson,
  plaintext: followPlaintext,
  exec: followExec,
  consul: followConsul,
  docker: followDocker,
} = DISCOVERY_KINDS;

/** Where an agent listens. */
const CONSUL = '127.0.0.1:8500';

export const DISCOVERIES = {
  static: {
    faults: () => [],
    follow({ static_list: lines }, { service, log }, listener) {
      const upstreams = (lines ?? []).flatMap((line) => {
        const upstream = parseStaticUpstream(line);
        if (upstream === undefined)
          log.warn('an entry of static_list that names no backend is passed over', { line });
        return upstream ?? [];
      });
      return followStatic({ upstreams, service, tags: [] }, listener);
    },
  },
  srv: {
    faults(settings) {
      const { srv_lookup_server: server = '', srv_dns_protocol: protocol } = settings;
      return [
        ...needs(settings, 'srv_lookup_server', 'srv_lookup_pattern'),
        ...(server === '' || parseHostPort(server) !== undefined
          ? []
          : [`srv_lookup_server: expected host:port, got "${server}"`]),
        ...(!protocol || protocol === 'udp' || protocol === 'tcp'
          ? []
          : [`srv_dns_protocol: expected udp or tcp, got "${protocol}"`]),
      ];
    },
    follow(
      { srv_lookup_server: server, srv_lookup_pattern: name, srv_dns_protocol: protocol },
      common,
      listener,
    ) {
      return followSrv(
        {
          ...common,
          server: parseHostPort(server ?? '')!,
          name: name ?? '',
          protocol: protocol === 'tcp' ? 'tcp' : 'udp',
        },
        listener,
      );
    },
  },
  json: {
    faults: (settings) => needs(settings, 'json_endpoint'),
    follow(settings, common, listener) {
      const paths = {
        host: settings.json_host_pattern || JSON_PATHS.host,
        port: settings.json_port_pattern || JSON_PATHS.port,
        weight: settings.json_weight_pattern || JSON_PATHS.weight,
        priority: settings.json_priority_pattern || JSON_PATHS.priority,
        maxConnections: settings.json_max_connections_pattern || JSON_PATHS.maxConnections,
        serverName: settings.json_sni_pattern || JSON_PATHS.serverName,
      };
      return followJson({ ...common, endpoint: settings.json_endpoint ?? '', paths }, listener);
    },
  },
  plaintext: {
    faults(settings) {
      const faults = needs(settings, 'plaintext_endpoint');
      try {
        new BackendPattern(settings.plaintext_regex_pattern || undefined);
      } catch (error) {
        faults.push(`plaintext_regex_pattern: ${messageOf(error)}`);
      }
      return faults;
    },
    follow({ plaintext_endpoint: endpoint, plaintext_regex_pattern: pattern }, common, listener) {
      return followPlaintext(
        { ...common, endpoint: endpoint ?? '', pattern: pattern || undefined },
        listener,
      );
    },
  },
  exec: {
    faults: (settings) => (settings.exec_command?.length ? [] : ['exec_command is required for kind "exec"']),
    follow: ({ exec_command: command }, common, listener) =>
      followExec({ ...common, command: command ?? [] }, listener),
  },
  consul: {
    faults: (settings) => needs(settings, 'consul_service_name'),
    follow(settings, common, listener) {
      // gobetween asks by Consul's own client, which takes from its variables what is not said otherwise.
      const { address = CONSUL, token = '' } = clientOptionsFromEnv(process.env);
      const place = settings.consul_host || address;
      const { consul_auth_username: user = '', consul_auth_password: password = '' } = settings;
      return followConsul(
        {
          ...common,
          address: place.replace(/^https?:\/\//, ''),
          serviceName: settings.consul_service_name ?? '',
          tag: settings.consul_service_tag ?? '',
          passingOnly: settings.consul_service_passing_only ?? false,
          datacenter: settings.consul_datacenter || settings.consul_service_datacenter || '',
          token: settings.consul_acl_token || token,
          basicAuth: user === '' ? '' : `${user}:${password}`,
          tls:
            settings.consul_tls_enabled || place.startsWith('https://')
              ? {
                  ca: settings.consul_tls_cacert_path ?? '',
                  cert: settings.consul_tls_cert_path ?? '',
                  key: settings.consul_tls_key_path ?? '',
                }
              : undefined,
        },
        listener,
      );
    },
  },
  docker: {
    faults(settings) {
      const { docker_tls_cert_path: cert, docker_tls_key_path: key } = settings;
      return [
        ...needs(settings, 'docker_endpoint', 'docker_container_private_port'),
        ...(Boolean(cert) === Boolean(key)
          ? []
          : ['docker_tls_cert_path and docker_tls_key_path have to be specified together']),
      ];
    },
    follow(settings, common, listener) {
      return followDocker(
        {
          ...common,
          endpoint: settings.docker_endpoint ?? '',
          label: settings.docker_container_label ?? '',
          privatePort: settings.docker_container_private_port ?? 0,
          hostEnv: settings.docker_container_host_env_var ?? '',
          tls: settings.docker_tls_enabled
            ? {
                ca: settings.docker_tls_cacert_path ?? '',
                cert: settings.docker_tls_cert_path ?? '',
                key: settings.docker_tls_key_path ?? '',
              }
            : undefined,
        },
        listener,
      );
    },
  },
} as const satisfies Record<string, Kind>;
