/** What a change or the answer to a question can do to a running cluster. */
export type Risk = 'none' | 'cutsTraffic' | 'rejectsWorkloads' | 'restartsApiServer' | 'rewritesStorage';

/** In words, for the review and the confirmation. */
export const RISKS: Record<Risk, string> = {
  none: 'adds only; nothing that runs is affected',
  cutsTraffic: 'can cut traffic between pods or to the outside',
  rejectsWorkloads: 'can keep new pods from being created',
  restartsApiServer: 'restarts the API server',
  rewritesStorage: 're-writes what is stored',
};
