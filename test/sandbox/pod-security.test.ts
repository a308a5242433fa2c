import { violations } from '../../src/sandbox/pod-security.js';

const c = (securityContext: unknown, more: object = {}) => ({
  containers: [{ name: 'c', securityContext, ...more }],
});
const names = (spec: unknown, level: 'baseline' | 'restricted') =>
  violations(spec, level).map(({ name }) => name);

const HARD = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

// Each row of the documentation's tables (Pod Security Standards).
test.each([
  ['host namespaces', { ...c({}), hostPID: true }],
  ['privileged', c({ privileged: true })],
  ['hostProcess', { ...c({}), securityContext: { windowsOptions: { hostProcess: true } } }],
  ['non-default capabilities', c({ capabilities: { add: ['NET_ADMIN'] } })],
  ['hostPath volumes', { ...c({}), volumes: [{ name: 'v', hostPath: { path: '/' } }] }],
  ['hostPort', c({}, { ports: [{ containerPort: 80, hostPort: 80 }] })],
  ['seLinuxOptions', c({ seLinuxOptions: { type: 'spc_t' } })],
  ['procMount', c({ procMount: 'Unmasked' })],
  ['appArmorProfile', c({ appArmorProfile: { type: 'Unconfined' } })],
  ['forbidden sysctls', { ...c({}), securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }],
  ['seccompProfile', c({ seccompProfile: { type: 'Unconfined' } })],
])('baseline forbids %s', (name, spec) => {
  expect(names(spec, 'baseline')).toEqual([name]);
  expect(names(spec, 'restricted')).toContain(name);
});

test.each([
  ['allowPrivilegeEscalation != false', c({ ...HARD, allowPrivilegeEscalation: undefined })],
  ['unrestricted capabilities', c({ ...HARD, capabilities: { drop: ['CHOWN'] } })],
  ['unrestricted capabilities', c({ ...HARD, capabilities: { drop: ['ALL'], add: ['CHOWN'] } })],
  ['restricted volume types', { ...c(HARD), volumes: [{ name: 'v', nfs: {} }] }],
  ['runAsNonRoot != true', c({ ...HARD, runAsNonRoot: undefined })],
  ['runAsUser=0', c({ ...HARD, runAsUser: 0 })],
  ['seccompProfile', c({ ...HARD, seccompProfile: undefined })],
])('restricted forbids %s beside that', (name, spec) => {
  expect(names(spec, 'baseline')).toEqual([]);
  expect(names(spec, 'restricted')).toEqual([name]);
});

test('what both allow', () => {
  expect(names(c({ capabilities: { add: ['NET_BIND_SERVICE'] } }), 'baseline')).toEqual([]);
  const hard = c({ ...HARD, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } });
  expect(names({ ...hard, volumes: [{ name: 'v', emptyDir: {} }] }, 'restricted')).toEqual([]);
  expect(violations(c({ privileged: true }), 'privileged')).toEqual([]);
});
