/** Addresses as Consul's files may write them: `{{ GetPrivateIP }}` (go-sockaddr's templates, the ones in wide use). */
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

type Interfaces = ReturnType<typeof networkInterfaces>;

const PRIVATE_IPV4 = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/;
const PRIVATE_IPV6 = /^f[cd]/i;

interface Own {
  readonly device: string;
  readonly address: string;
  readonly isPrivate: boolean;
}

function own(interfaces: Interfaces): Own[] {
  return Object.entries(interfaces).flatMap(([device, addresses]) =>
    (addresses ?? []).map(({ address, internal }) => ({
      device,
      address,
      isPrivate: !internal && (PRIVATE_IPV4.test(address) || PRIVATE_IPV6.test(address)),
    })),
  );
}

/** IPv4 before IPv6, as go-sockaddr has it. */
const byFamily = (a: Own, b: Own): number => Number(isIPv6(a.address)) - Number(isIPv6(b.address));

const isPublic = ({ address, isPrivate }: Own): boolean =>
  !isPrivate && !/^(?:127\.|169\.254\.|::1$|fe80:)/i.test(address);

/**
 * The text with its templates filled in from this machine's interfaces. What is no such template, or fits no address,
 * stays as it is and is refused where it is used.
 */
export function fillAddress(text: string, interfaces: Interfaces = networkInterfaces()): string {
  const all = own(interfaces).sort(byFamily);
  return text.replace(/\{\{-?\s*([^{}]*?)\s*-?\}\}/g, (template, expression: string) => {
    const [, name = '', device = ''] =
      /^(\w+)(?:\s+"([^"]*)")?(?:\s*\|\s*attr\s+"address")?$/.exec(expression) ?? [];
    const found: Readonly<Record<string, () => Own[]>> = {
      GetPrivateIP: () => all.filter(({ isPrivate }) => isPrivate).slice(0, 1),
      GetPrivateIPs: () => all.filter(({ isPrivate }) => isPrivate),
      GetPublicIP: () => all.filter(isPublic).slice(0, 1),
      GetPublicIPs: () => all.filter(isPublic),
      GetInterfaceIP: () => all.filter((one) => one.device === device).slice(0, 1),
      GetInterfaceIPs: () => all.filter((one) => one.device === device && isIPv4(one.address)),
    };
    // The argument is then the text itself.
    if (name === 'printf') return device;
    const addresses = Object.hasOwn(found, name) ? found[name]!() : [];
    return addresses.length === 0 ? template : addresses.map(({ address }) => address).join(' ');
  });
}
