import { parseAddress } from '../../src/reach/address.js';

/** Where a DNS server sends what it does not know itself. `to` undefined: addresses that cannot be told from here. */
export interface Upstream {
  to: string | undefined;
  port: number;
  protocols: readonly ('TCP' | 'UDP')[];
}

const BOTH = ['TCP', 'UDP'] as const;
/** The node's resolvers, or whatever a file that is not visible names. */
export const UNKNOWN: Upstream = { to: undefined, port: 53, protocols: BOTH };
const CLOUD: Upstream = { to: undefined, port: 443, protocols: ['TCP'] };

/** Ports of the transports that CoreDNS writes before an address; TCP alone but for plain DNS. */
const SCHEMES: Readonly<Record<string, Pick<Upstream, 'port' | 'protocols'>>> = {
  dns: { port: 53, protocols: BOTH },
  tls: { port: 853, protocols: ['TCP'] },
  grpc: { port: 443, protocols: ['TCP'] },
  https: { port: 443, protocols: ['TCP'] },
  quic: { port: 853, protocols: ['UDP'] },
};

/** Plugins by the directive that sets them up, with the index of the first word that is an address. */
const FORWARDING: Readonly<Record<string, { from: number; scheme: string }>> = {
  forward: { from: 2, scheme: 'dns' },
  fanout: { from: 2, scheme: 'dns' },
  proxy: { from: 2, scheme: 'dns' },
  alternate: { from: 3, scheme: 'dns' },
  grpc: { from: 2, scheme: 'grpc' },
  upstream: { from: 1, scheme: 'dns' },
};

/** Plugins that ask the API of a cloud. */
const CLOUD_PLUGINS = ['route53', 'clouddns', 'azure'];

/**
 * The upstream servers that a Corefile names, in its order, each once. A path (`/etc/resolv.conf`), a variable, a host
 * name and an imported file stand for addresses that are not known here. Directives are those of CoreDNS's documentation.
 */
export function upstreamsOf(corefile: string): readonly Upstream[] {
  // What stands for the value of a variable is no block.
  const text = corefile.replace(/#.*/g, '').replace(/\{([$%][^{}\n]*)\}/g, '$1');
  const found = text.split(/[\n{}]/).flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const [directive = ''] = words;
    if (directive === 'import') return [UNKNOWN];
    if (CLOUD_PLUGINS.includes(directive)) return [CLOUD];
    if (directive === 'transfer' && words[1] === 'from')
      return words.slice(2).map((to) => upstream(to, 'dns'));
    const known = Object.hasOwn(FORWARDING, directive) ? FORWARDING[directive] : undefined;
    return known === undefined ? [] : words.slice(known.from).map((to) => upstream(to, known.scheme));
  });
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
}

function upstream(text: string, usual: string): Upstream {
  if (text.startsWith('/')) return UNKNOWN;
  const scheme = /^([a-z]+):\/\//.exec(text)?.[1] ?? usual;
  const { port, protocols } = SCHEMES[scheme] ?? UNKNOWN;
  const bare = text.replace(/^[a-z]+:\/\//, '');
  const parts = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(bare) ?? /^([^:]+)(?::(\d{1,5}))?$/.exec(bare);
  const address = (parts?.[1] ?? bare).split('%', 1)[0] ?? '';
  return {
    to: parseAddress(address) === undefined ? undefined : address,
    port: parts?.[2] === undefined ? port : Number(parts[2]),
    protocols,
  };
}
