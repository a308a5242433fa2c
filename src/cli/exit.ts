/**
 * Exit codes. They follow `kubectl diff` where there is something to compare: 0 no difference, 1 differences,
 * more than 1 an error.
 */
export const EXIT = {
  /** Nothing is pending; all that was asked for is done. */
  ok: 0,
  /** Changes are pending, or some were left. */
  pending: 1,
  /** It could not be done: wrong usage, no cluster, no rights, a broken file. */
  error: 2,
  /** Stopped by ctrl-c (128 + SIGINT); what was done is kept. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** In words, for the help. */
export const EXIT_CODES: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'nothing is pending, or all is applied'],
  [EXIT.pending, 'changes are pending, or some were left'],
  [EXIT.error, 'an error: usage, connection, rights, a broken file'],
  [EXIT.interrupted, 'interrupted; what was done is kept, `resume` goes on'],
];
