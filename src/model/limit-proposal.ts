import { defaultsOf, itemDefaults } from './limit-defaults.js';
import { limitViolations, type Violation, violationsOf } from './limits.js';
import { at, isRecord, listAt, type Manifest, stringAt } from './manifest.js';
import type { Peak } from './peaks.js';
import { canonical } from './plan.js';
import {
  type Amounts,
  amountsOf,
  amountText,
  divideUp,
  type Quantity,
  quantityOf,
  roundUp,
  whole,
} from './quantity.js';
import { containerSize, containersOf } from './size.js';
import { TemplateError } from './template.js';

/** What to do about the LimitRange of a namespace. */
export interface LimitChoice {
  /** Also default limits and the template's constraints, not default requests only. */
  limits: boolean;
  /** Fill in missing fields of a LimitRange that is there already. */
  amend: boolean;
  /** What was seen in use by containers that a default memory limit would bind, and how many percent of it is enough. */
  peak?: { of: Peak; percent: number };
}

export interface LimitProposal {
  /** Undefined where all of it would refuse something that runs: the notes say so. */
  manifest: Manifest | undefined;
  before?: Manifest;
  /** What was left out or raised, so that nothing that runs is refused. */
  notes: readonly string[];
}

/** An item of `spec.limits`, as plain data. */
type Item = Record<string, unknown> & { type: string };

const CONSTRAINTS = ['max', 'min', 'maxLimitRequestRatio'] as const;

/**
 * The LimitRange that a namespace should have: a new one from the template, or the one that is there with the defaults
 * that it lacks; undefined where nothing is missing, where it must not be touched, or where several are there.
 * `specs` are all pod specs that have to be admitted still; for the resources of `without` nothing is given.
 * @throws TemplateError where the template contradicts itself.
 */
export function proposeLimitRange(
  existing: readonly Manifest[],
  template: Manifest,
  namespace: string,
  specs: readonly unknown[],
  choice: LimitChoice,
  without: readonly string[] = [],
): LimitProposal | undefined {
  const items = templateItems(template).flatMap((item) =>
    item.type === 'Container' ? itemWithout(item, without) : [item],
  );
  const [own] = existing;
  if (own === undefined) return created(template, items, namespace, specs, choice);
  return existing.length === 1 && choice.amend ? amended(own, items, specs, choice) : undefined;
}

function created(
  template: Manifest,
  items: readonly Item[],
  namespace: string,
  specs: readonly unknown[],
  choice: LimitChoice,
): LimitProposal | undefined {
  const notes: string[] = [];
  const limits = choice.limits
    ? fitted(items, specs, choice, notes)
    : items.flatMap((item) =>
        item.type === 'Container' ? [{ type: item.type, defaultRequest: item.defaultRequest }] : [],
      );
  const metadata = { ...template.metadata, namespace };
  const of = (all: readonly Item[]): Manifest => ({ ...template, metadata, spec: { limits: all } });
  const left = harmless(limits, specs, of, notes);
  return { manifest: left.length === 0 ? undefined : of(left), notes };
}

/**
 * The items without what would refuse something that runs: a default goes to every container that says nothing, and the
 * sum of them may be beyond what the pod itself asks for (pod-level resources) or what an item of type Pod bounds.
 */
function harmless(
  items: readonly Item[],
  specs: readonly unknown[],
  of: (items: readonly Item[]) => Manifest,
  notes: string[],
): readonly Item[] {
  // What is not valid by itself is refused with or without it.
  const before = specs.map((spec) => new Set(limitViolations(spec, []).map(violationKey)));
  let left = items;
  // Each round leaves out at least one resource, so this ends.
  for (;;) {
    const refused = new Set(
      specs
        .flatMap((spec, which) => newViolations(spec, of(left), before[which]))
        .map(({ resource }) => resource),
    );
    const next = left.flatMap((item) => itemWithout(item, [...refused]));
    if (canonical(next) === canonical(left)) return left;
    for (const resource of refused)
      notes.push(`nothing is said of ${resource}: with it something that runs today would be refused`);
    left = next;
  }
}

/** An item that says nothing of some resources; none where it then says nothing at all. */
function itemWithout(item: Item, resources: readonly string[]): readonly Item[] {
  const kept = Object.entries(item).flatMap(([field, value]): [string, unknown][] => {
    if (!isRecord(value)) return [[field, value]];
    const amounts = Object.entries(value).filter(([resource]) => !resources.includes(resource));
    return amounts.length === 0 ? [] : [[field, Object.fromEntries(amounts)]];
  });
  return kept.length > 1 ? [{ ...Object.fromEntries(kept), type: item.type }] : [];
}

/** The existing object's list with what its container item lacks. Lists are atomic, so all of it is carried. */
function amended(
  own: Manifest,
  items: readonly Item[],
  specs: readonly unknown[],
  choice: LimitChoice,
): LimitProposal | undefined {
  const wanted = items.find((item) => item.type === 'Container');
  const list = listAt(own, 'spec', 'limits');
  const index = list.findIndex((item) => stringAt(item, 'type') === 'Container');
  const item = list[index];
  const has = itemDefaults(item);
  const refused = specs.map((spec) => new Set(limitViolations(spec, [own]).map(violationKey)));
  const notes: string[] = [];
  const skipped = new Set<string>();
  // Each round leaves out at least one resource more, so this ends.
  for (;;) {
    const lacks = (amounts: Amounts, field: string) =>
      Object.keys(amountsOf(wanted?.[field])).filter(
        (name) => amounts[name] === undefined && !skipped.has(name),
      );
    const limits: Record<string, unknown> = {};
    if (choice.limits)
      for (const name of lacks(has.limits, 'default'))
        if (at(item, 'maxLimitRequestRatio', name) === undefined)
          limits[name] = raised(name, at(wanted, 'default', name), specs, choice, notes);
    const requests: Record<string, unknown> = {};
    for (const name of lacks(has.requests, 'defaultRequest'))
      requests[name] = smaller(at(wanted, 'defaultRequest', name), limits[name] ?? at(item, 'default', name));
    if (Object.keys(limits).length + Object.keys(requests).length === 0)
      return notes.length === 0 ? undefined : { manifest: undefined, notes };
    const filled = {
      ...(isRecord(item) ? item : { type: 'Container' }),
      defaultRequest: { ...record(at(item, 'defaultRequest')), ...requests },
      ...(Object.keys(limits).length > 0 ? { default: { ...record(at(item, 'default')), ...limits } } : {}),
    };
    const next = index < 0 ? [...list, filled] : list.with(index, filled);
    const { name, namespace } = own.metadata;
    const manifest: Manifest = {
      apiVersion: own.apiVersion,
      kind: own.kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      spec: { limits: next },
    };
    const worse = specs.flatMap((spec, which) => newViolations(spec, manifest, refused[which]));
    if (worse.length === 0) return { manifest, before: own, notes };
    for (const { resource } of worse)
      if (!skipped.has(resource)) {
        skipped.add(resource);
        notes.push(`no default for ${resource}: with it ${own.metadata.name} would refuse what runs today`);
      }
  }
}

/** Why a LimitRange would refuse a spec, without what was so before. */
function newViolations(
  spec: unknown,
  range: Manifest,
  before: ReadonlySet<string> | undefined,
): readonly Violation[] {
  return limitViolations(spec, [range]).filter((violation) => !before?.has(violationKey(violation)));
}

function violationKey({ path, field, resource }: Violation): string {
  return `${path}/${field}/${resource}`;
}

/** The template's items, default limits raised and constraints left out where something that runs would be refused. */
function fitted(
  items: readonly Item[],
  specs: readonly unknown[],
  choice: LimitChoice,
  notes: string[],
): readonly Item[] {
  const raisedItems = items.map((item): Item => {
    if (!isRecord(item.default)) return item;
    const limits = Object.entries(item.default).map(([name, value]) => [
      name,
      raised(name, value, specs, choice, notes),
    ]);
    return { ...item, default: Object.fromEntries(limits) };
  });
  const defaults = defaultsOf([{ ...EMPTY, spec: { limits: raisedItems } }]);
  return raisedItems.flatMap((item) => {
    const kept: Item = { ...item };
    for (const field of CONSTRAINTS) {
      const constraints = record(item[field]);
      const fits = Object.entries(constraints).filter(([name, value]) => {
        const single = { type: item.type, [field]: { [name]: value } };
        const above = field === 'max' && isBelow(value, at(item, 'default', name));
        const broken = specs.some((spec) =>
          violationsOf(spec, [single], defaults).some((violation) => violation.field === field),
        );
        if (above || broken)
          notes.push(`${field} of ${name} left out: something that runs today is beyond it`);
        return !above && !broken;
      });
      if (fits.length > 0) kept[field] = Object.fromEntries(fits);
      else delete kept[field];
    }
    return Object.keys(kept).length > 1 ? [kept] : [];
  });
}

const EMPTY: Manifest = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'proposed' } };

/**
 * A default limit, raised to the largest request of a container that has no limit of its own, and that of memory to
 * what such containers were seen using, with a factor.
 */
function raised(
  resource: string,
  value: unknown,
  specs: readonly unknown[],
  { peak }: LimitChoice,
  notes: string[],
): unknown {
  const own = quantityOf(value) ?? 0n;
  let most: Quantity = own;
  for (const { container } of specs.flatMap((spec) => containersOf(spec))) {
    const { requests, limits } = containerSize(container);
    const request = requests[resource];
    if (limits[resource] === undefined && request !== undefined && request > most) most = request;
  }
  let why = 'a container requests that much';
  if (resource === 'memory' && peak !== undefined) {
    const { of, percent } = peak;
    const enough = roundUp(divideUp(of.memory * BigInt(Math.ceil(percent)), 100n), STEP);
    const seen = `${of.where} was seen using ${amountText('memory', roundUp(of.memory, MI))}, times ${percent} %`;
    if (enough > most) [most, why] = [enough, seen];
  }
  if (most === own) return value;
  const note = `default limit of ${resource} raised to ${amountText(resource, most)}: ${why}`;
  if (!notes.includes(note)) notes.push(note);
  return amountText(resource, most);
}

const MI = 1024n * 1024n * whole(1);
/** Default memory limits are written in these. */
const STEP = 64n * MI;

/** The smaller of two quantities as they are written; the first where the second is none. */
function smaller(a: unknown, b: unknown): unknown {
  return isBelow(b, a) ? b : a;
}

function isBelow(a: unknown, b: unknown): boolean {
  const [x, y] = [quantityOf(a), quantityOf(b)];
  return x !== undefined && y !== undefined && x < y;
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

/** Items of the template, checked as the API server would, and that no request comes from a limit by accident. */
function templateItems(template: Manifest): readonly Item[] {
  const items = listAt(template, 'spec', 'limits').filter(
    (item): item is Item => stringAt(item, 'type') !== undefined,
  );
  const container = items.find((item) => item.type === 'Container');
  if (container === undefined) throw fault('expected an item of type Container');
  const requests = amountsOf(container.defaultRequest);
  for (const field of ['default', 'max', 'min'] as const)
    for (const name of Object.keys(amountsOf(container[field])))
      if (requests[name] === undefined)
        throw fault(
          `${field} of ${name} without defaultRequest: the API server would make it the request of every container`,
        );
  const order = ['min', 'defaultRequest', 'default', 'max'] as const;
  for (const [index, low] of order.entries())
    for (const high of order.slice(index + 1))
      for (const [name, value] of Object.entries(record(container[low])))
        if (isBelow(at(container, high, name), value)) throw fault(`${high} of ${name} is below ${low}`);
  return items;
}

function fault(message: string): TemplateError {
  return new TemplateError(`template LimitRange: ${message}`);
}
