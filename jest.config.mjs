import { availableParallelism } from 'node:os';

// Two projects: what needs nothing but Node, and what needs a real API server (`npm run test:real`).
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: {
    '^.+\\.tsx?$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', tsx: true },
          transform: { react: { runtime: 'automatic' } },
          target: 'es2022',
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};

export default {
  // Much of a run is waiting for programs and terminals: one at a time would leave a small machine idle.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // Many tests start the whole program; on a busy machine that takes its time.
  testTimeout: 60_000,
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.{ts,tsx}'],
      testPathIgnorePatterns: ['/node_modules/', '/test/real/'],
    },
    { ...common, displayName: 'real', testMatch: ['<rootDir>/test/real/**/*.test.ts'] },
  ],
};
