import type { Finding } from '../../src/model/finding.js';
import type { ProviderFacts } from '../../src/model/providers.js';
import { commandLine } from '../../src/model/shell.js';

/** What helps without a network plugin: how the nodes stand to it as far as that can be told, and the commands. */
export function nodeSide(facts: ProviderFacts): readonly Finding[] {
  return facts.found.flatMap(({ provider, nodes, evidence }): readonly Finding[] => {
    const { title } = provider;
    const state = provider.state?.(nodes);
    const on = state?.seen?.on ?? 0;
    const look = state === undefined ? '' : `Look with: ${commandLine(state.look)}`;
    const standing: readonly Finding[] =
      state === undefined || on === nodes.length
        ? []
        : [
            {
              id: 'node-control-not-visible',
              severity: 'notVisible',
              evidence:
                state.seen === undefined || on === 0
                  ? `${evidence}; no object of the cluster tells`
                  : `${state.seen.sign} on ${on} of ${nodes.length} nodes; of the others no object tells`,
              message: `${title}: whether ${state.what} keeps pods from the metadata of their node cannot be seen through the Kubernetes API. ${look}`,
            },
          ];
    return [
      ...standing,
      ...provider.controls(nodes).map(
        ({ what, command }): Finding => ({
          id: 'node-side-control',
          severity: 'info',
          evidence,
          message: `${title}: ${what} ${commandLine(command)}`,
        }),
      ),
    ];
  });
}
