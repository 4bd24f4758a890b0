/** An address to connect to or to listen on. IPv6 hosts are kept without brackets. */
export interface HostPort {
  host: string;
  port: number;
}

/** "127.0.0.1:80", "[::1]:80", ":80" (host ""), "name:80". Undefined when there is no valid port. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65535) return undefined;
  return { host: match[1] ?? match[2] ?? '', port };
}

/** The text that `parseHostPort` reads. */
export function formatHostPort(host: string, port: number): string {
  return `${formatHost(host)}:${port}`;
}

/** A host as it stands in front of a port; an IPv6 host gets its brackets here and nowhere else. */
export function formatHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** The address to use from this machine for one that is listened on: "0.0.0.0" is all addresses, loopback among them. */
export function fromHere(address: string): string {
  const parsed = parseHostPort(address);
  if (parsed === undefined) return address;
  const { host, port } = parsed;
  if (host === '' || host === '0.0.0.0') return formatHostPort('127.0.0.1', port);
  return formatHostPort(host === '::' ? '::1' : host, port);
}
