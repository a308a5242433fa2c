import { at, isRecord, listAt, stringAt } from '../../src/model/manifest.js';
import { TemplateError } from '../../src/model/template.js';

/**
 * Refuses a template whose rule lets every peer pass on every port: it would be written as a default-deny that denies
 * nothing.
 * @param path of the template below `templates/`
 * @throws TemplateError with the place of the rule
 */
export function refuseOpening(path: string, spec: Readonly<Record<string, unknown>>): void {
  for (const [direction, peers] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const)
    for (const [index, rule] of listAt(spec, direction).entries())
      if (listAt(rule, 'ports').length === 0 && everyPeer(listAt(rule, peers)))
        throw new TemplateError(
          `templates/${path}: spec.${direction}[${index}] lets everything pass, so that nothing would be denied; name peers or ports`,
        );
}

/**
 * Refuses a template whose rule lets every address pass on every port, where pods may stay open.
 * @param path of the template below `templates/`
 * @throws TemplateError with the place of the rule
 */
export function refuseInternet(path: string, spec: Readonly<Record<string, unknown>>): void {
  for (const [index, rule] of listAt(spec, 'egress').entries()) {
    const peers = listAt(rule, 'to');
    const wide =
      peers.length === 0 || peers.some((peer) => stringAt(peer, 'ipBlock', 'cidr')?.endsWith('/0'));
    if (wide && listAt(rule, 'ports').length === 0)
      throw new TemplateError(
        `templates/${path}: spec.egress[${index}] lets every address pass, so that the Internet would not be closed; name ranges or ports`,
      );
  }
}

/** Whether an egress rule lets every pod of every namespace pass on every port; addresses are another matter. */
export function opensInside(rule: unknown): boolean {
  if (listAt(rule, 'ports').length > 0) return false;
  const peers = listAt(rule, 'to');
  return peers.length === 0 || peers.some(isEveryPod);
}

function everyPeer(peers: readonly unknown[]): boolean {
  return peers.length === 0 || peers.some((peer) => isEveryPod(peer) || isEveryAddress(peer));
}

function isEveryPod(peer: unknown): boolean {
  const pods = at(peer, 'podSelector');
  return isEmpty(at(peer, 'namespaceSelector')) && (pods === undefined || isEmpty(pods));
}

/** A selector that selects everything; empty lists in it select everything as well. */
function isEmpty(selector: unknown): boolean {
  return (
    isRecord(selector) &&
    Object.keys(isRecord(selector.matchLabels) ? selector.matchLabels : {}).length === 0 &&
    listAt(selector, 'matchExpressions').length === 0
  );
}

function isEveryAddress(peer: unknown): boolean {
  const cidr = stringAt(peer, 'ipBlock', 'cidr');
  return cidr?.endsWith('/0') === true && listAt(peer, 'ipBlock', 'except').length === 0;
}
