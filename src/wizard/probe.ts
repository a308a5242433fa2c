import { abandonedProbes, PROBE_DEFAULTS, type ProbeFacts, type ProbePlan } from '../model/policy-probe.js';
import type { Setting } from './events.js';
import type { Cluster, Journal, ProbeRequest } from './ports.js';
import type { StepState, WizardState } from './state.js';

/** The live probe that the answers of a step ask for; one that was made in this run is not made again. */
export function wantedProbe(
  { snapshot }: Pick<WizardState, 'snapshot'>,
  step: StepState | undefined,
  setting: Pick<Setting, 'probe'> = {},
): ProbePlan | undefined {
  if (snapshot === undefined || snapshot.policyProbe !== undefined || step === undefined) return undefined;
  if (step.skipped !== undefined || step.step.probes?.(snapshot, step.answers) !== true) return undefined;
  return { options: setting.probe ?? PROBE_DEFAULTS, leftovers: abandonedProbes(snapshot) };
}

/** Makes a confirmed probe; what it creates is in the journal before, and what came of it after. */
export async function makeProbe(
  { cluster, journal }: { cluster: Cluster; journal: Pick<Journal, 'append'> },
  { options, leftovers }: ProbePlan,
  more: Pick<ProbeRequest, 'signal' | 'onStage'> & { onNamespace(name: string): void },
): Promise<ProbeFacts> {
  const { onNamespace, ...watching } = more;
  const facts = await cluster.probePolicies({
    ...watching,
    options,
    leftovers,
    before: async (namespace) => {
      const removes = leftovers.map(({ name }) => name);
      await journal.append({ type: 'probing', namespace, image: options.image, removes });
      onNamespace(namespace);
    },
  });
  const { verdict, evidence } = facts;
  await journal.append({
    type: 'probed',
    verdict,
    evidence,
    left: facts.left.map(({ namespace }) => namespace),
  });
  return facts;
}
