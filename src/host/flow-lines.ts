import type { Flow, FlowEnd, PassedOver, Span } from '../model/flow.js';
import { at, isRecord, listAt, stringAt } from '../model/manifest.js';

/** What one line of a flow log says. */
export type FlowLine =
  | { is: 'flow'; flow: Omit<Flow, 'line' | 'count'> }
  | { is: PassedOver }
  | { is: 'header' }
  | { is: 'unknown'; expected: string };

export const EXPECTED =
  'Hubble JSON ({"flow":{...}}), Calico flow log JSON ({"source_name_aggr":...}) or CSV: src,dst,protocol,port';

const unknown = (expected: string): FlowLine => ({ is: 'unknown', expected });

/** Reads one line: JSON of Hubble or Calico, or CSV. */
export function readFlowLine(text: string): FlowLine {
  const line = text.trim();
  if (!line.startsWith('{')) return csv(line);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return unknown('a whole JSON object on one line');
  }
  // Search engines keep the log's own object one level down.
  const inner = at(value, '_source') ?? value;
  const flow = at(inner, 'flow') ?? inner;
  if (isRecord(at(flow, 'l4')) || typeof at(flow, 'verdict') === 'string')
    return hubble(flow, spanOf(at(flow, 'time') ?? at(inner, 'time')));
  if (HUBBLE_EVENTS.some((key) => isRecord(at(inner, key)))) return { is: 'other' };
  if (CALICO_NAMES.some((key) => typeof at(inner, key) === 'string')) return calico(inner);
  return unknown(EXPECTED);
}

// --- Hubble -------------------------------------------------------------------------------------------------------

/** Other messages of the exporter (Cilium, observer.proto: ExportEvent). */
const HUBBLE_EVENTS = ['node_status', 'lost_events', 'agent_event', 'debug_event'];
/** Verdicts under which a packet goes on (Cilium, flow.proto: Verdict). AUDIT: a policy would have stopped it, but did not. */
const PASSED = ['FORWARDED', 'REDIRECTED', 'TRACED', 'AUDIT'];
const STOPPED = ['DROPPED', 'ERROR'];
const RESERVED: Readonly<Record<string, FlowEnd['entity']>> = {
  'reserved:host': 'nodes',
  'reserved:remote-node': 'nodes',
  'reserved:kube-apiserver': 'apiServer',
  'reserved:world': 'outside',
  'reserved:world-ipv4': 'outside',
  'reserved:world-ipv6': 'outside',
};

function hubble(flow: unknown, seen: Span | undefined): FlowLine {
  const verdict = stringAt(flow, 'verdict') ?? '';
  if (STOPPED.includes(verdict)) return { is: 'denied' };
  // Translation events at sockets come before the packet, with addresses that are still to be translated.
  if (!PASSED.includes(verdict) || stringAt(flow, 'Type') === 'SOCK') return { is: 'other' };
  const l4 = at(flow, 'l4');
  for (const protocol of ['TCP', 'UDP', 'SCTP'] as const) {
    const layer = at(l4, protocol);
    if (!isRecord(layer)) continue;
    const reply = isReply(flow, layer);
    if (reply !== false) return { is: reply === true ? 'reply' : 'other' };
    const port = portOf(layer.destination_port);
    if (port === undefined) return { is: 'other' };
    const destination = hubbleEnd(flow, 'destination');
    const source = hubbleEnd(flow, 'source');
    return {
      is: 'flow',
      flow: { source, destination, protocol, port, ...(seen === undefined ? {} : { seen }) },
    };
  }
  return { is: 'other' };
}

/** Whether it is an answer; undefined where that cannot be told. The first packet of TCP tells it where the field is absent. */
function isReply(flow: unknown, layer: Record<string, unknown>): boolean | undefined {
  const said = at(flow, 'is_reply');
  if (typeof said === 'boolean') return said;
  const first = at(layer, 'flags', 'SYN') === true;
  return first ? at(layer, 'flags', 'ACK') === true : undefined;
}

function hubbleEnd(flow: unknown, side: 'source' | 'destination'): FlowEnd {
  const raw = at(flow, side);
  const made = listAt(raw, 'workloads')[0];
  const kind = stringAt(made, 'kind');
  const name = stringAt(made, 'name');
  const labels = listAt(raw, 'labels');
  // An API server on a node carries both labels: it is meant as a destination; as a source, whether the node is the pod's own.
  const entity =
    side === 'source' && labels.includes('reserved:host')
      ? 'ownNode'
      : labels.includes('reserved:kube-apiserver')
        ? 'apiServer'
        : labels.map((label) => RESERVED[String(label)]).find((known) => known !== undefined);
  return end({
    namespace: stringAt(raw, 'namespace'),
    pod: stringAt(raw, 'pod_name'),
    workload: name === undefined ? undefined : kind === undefined ? { name } : { name, kind },
    address: stringAt(flow, 'IP', side),
    host: listAt(flow, `${side}_names`).find((host): host is string => typeof host === 'string'),
    entity,
  });
}

// --- Calico -------------------------------------------------------------------------------------------------------

const CALICO_NAMES = ['source_name_aggr', 'dest_name_aggr', 'source_name', 'dest_name'];
const NUMBERS: Readonly<Record<string, Flow['protocol']>> = { '6': 'TCP', '17': 'UDP', '132': 'SCTP' };

/** Calico's flow logs (files, Elasticsearch) and the records of its flow API, which has no aggregated names. */
function calico(log: unknown): FlowLine {
  const action = stringAt(log, 'action')?.toLowerCase();
  if (action === 'deny') return { is: 'denied' };
  const said = at(log, 'proto') ?? at(log, 'protocol');
  const protocol = NUMBERS[String(said)] ?? protocolOf(String(said));
  if (protocol === undefined || (action !== 'allow' && action !== undefined)) return { is: 'other' };
  const seen = spanOf(at(log, 'start_time') ?? at(log, '@timestamp'), at(log, 'end_time'));
  return {
    is: 'flow',
    flow: {
      source: calicoEnd(log, 'source'),
      destination: calicoEnd(log, 'dest'),
      protocol,
      // 0 and null stand for several ports put together.
      port: portOf(at(log, 'dest_port')),
      ...(seen === undefined ? {} : { seen }),
    },
  };
}

/** `-` stands for nothing. Types: wep (a pod), hep (a node's interface), net and ns (addresses, network sets). */
function calicoEnd(log: unknown, side: 'source' | 'dest'): FlowEnd {
  const text = (field: string) => {
    const value = stringAt(log, `${side}_${field}`);
    return value === undefined || value === '-' || value === '' ? undefined : value;
  };
  const type = text('type')?.toLowerCase();
  const namespace = text('namespace');
  const isPod = type === undefined ? namespace !== undefined : type === 'wep';
  const address = text('ip');
  if (isPod) return end({ namespace, pod: text('name') ?? text('name_aggr'), address });
  if (type === 'hep') return end({ entity: 'nodes', address });
  const domain = listAt(log, `${side}_domains`).find((host): host is string => typeof host === 'string');
  return end({ entity: 'outside', address, host: domain });
}

// --- CSV ----------------------------------------------------------------------------------------------------------

/** `src,dst,protocol,port`: ends are `namespace/pod`, `namespace/workload`, an address or, as destination, a host name. */
function csv(line: string): FlowLine {
  const cells = line.split(',', 6).map((cell) =>
    cell
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .trim(),
  );
  const [src, dst, proto, port] = cells;
  if (cells.length !== 4 || src === undefined || dst === undefined) return unknown(EXPECTED);
  if (/^(src|source)$/i.test(src) && /^(dst|dest|destination)$/i.test(dst)) return { is: 'header' };
  const source = csvEnd(src);
  const destination = csvEnd(dst);
  if (source === undefined || source.host !== undefined)
    return unknown('namespace/pod, namespace/workload or an address as src');
  if (destination === undefined)
    return unknown('namespace/pod, namespace/workload, an address or a host name as dst');
  const protocol = protocolOf(proto ?? '');
  if (protocol === undefined) return unknown('TCP, UDP or SCTP as protocol');
  const number = /^[0-9]{1,5}$/.test(port ?? '') ? portOf(Number(port)) : undefined;
  if (number === undefined) return unknown('a number from 1 to 65535 as port');
  return { is: 'flow', flow: { source, destination, protocol, port: number } };
}

const NAME = '[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?';
const OBJECT = new RegExp(`^(${NAME})/(${NAME})(?:\\[([A-Za-z]{1,60})\\])?$`);

function csvEnd(text: string): FlowEnd | undefined {
  const object = OBJECT.exec(text);
  if (object !== null) {
    const [, namespace, name, kind] = object;
    if (namespace === undefined || name === undefined) return undefined;
    return kind === undefined ? { namespace, pod: name } : { namespace, workload: { name, kind } };
  }
  if (/^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(text) || /^[0-9a-f]*:[0-9a-f:.]+$/i.test(text))
    return { address: text };
  return text.includes('.') && new RegExp(`^${NAME}$`).test(text) ? { host: text } : undefined;
}

// --- both ---------------------------------------------------------------------------------------------------------

function protocolOf(text: string): Flow['protocol'] | undefined {
  const name = text.toUpperCase();
  return name === 'TCP' || name === 'UDP' || name === 'SCTP' ? name : undefined;
}

function portOf(raw: unknown): number | undefined {
  return typeof raw === 'number' && Number.isInteger(raw) && raw >= 1 && raw <= 65_535 ? raw : undefined;
}

/** Moments as logs write them: text of RFC 3339, or seconds or milliseconds since 1970. */
function spanOf(first: unknown, last: unknown = first): Span | undefined {
  const [from, to] = [momentOf(first), momentOf(last)];
  return from === undefined ? undefined : { first: from, last: Math.max(from, to ?? from) };
}

/** Seconds since 1970 are less than this for thousands of years; the same in milliseconds is in 1973. */
const MOST_SECONDS = 1e11;

function momentOf(raw: unknown): number | undefined {
  const number =
    typeof raw === 'string'
      ? Date.parse(raw)
      : typeof raw === 'number' && raw < MOST_SECONDS
        ? raw * 1_000
        : raw;
  // What no date can hold is no moment.
  return typeof number === 'number' && Math.abs(number) <= 8.64e15 ? number : undefined;
}

/** An end without what is not said. */
function end(parts: { [K in keyof FlowEnd]: FlowEnd[K] | undefined }): FlowEnd {
  return Object.fromEntries(
    Object.entries(parts).filter(([, value]) => value !== undefined && value !== ''),
  ) as FlowEnd;
}
