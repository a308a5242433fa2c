import { connect } from '../../src/cluster/connect.js';
import { denyManifest, namespaceManifest, serverManifest } from '../../src/cluster/probe/manifests.js';
import { listAt, stringAt } from '../../src/model/manifest.js';
import { PROBE_DEFAULTS } from '../../src/model/policy-probe.js';
import type { Cluster, ProbeRequest } from '../../src/wizard/ports.js';
import { BACK_OFF, Kubelet, type Network, UNSCHEDULED } from '../support/kubelet.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { type Ask, request } from '../support/rest.js';

const missing = missingReal();
const suite = missing === undefined ? describe : describe.skip;
const OPTIONS = { ...PROBE_DEFAULTS, startSeconds: 5, settleSeconds: 2, removeSeconds: 30 };
const POLICY_PODS = '/api/v1/pods?labelSelector=app.kubernetes.io/component%3Dpolicy-probe';

suite(`the live probe on a real API server${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let real: RealCluster;
  let cluster: Cluster;
  const ask = (what: Ask) => request(real, what);
  const post = (path: string, body: unknown) => ask({ method: 'POST', path, body });

  beforeAll(async () => {
    // Pods have to fit the strictest of policies, as Pod Security admission came only after this server.
    real = await startReal({ flags: { 'enable-admission-plugins': 'PodSecurityPolicy' } });
    cluster = await connect({ kubeconfigText: real.kubeconfig });
    expect((await post('/apis/policy/v1beta1/podsecuritypolicies', RESTRICTED)).status).toBe(201);
  });
  afterAll(async () => {
    await cluster?.close();
    await real?.stop();
  });

  /** Plays the nodes while `work` goes on: gives every pod of a probe its status, once. */
  async function withNodes<T>(network: Network, work: () => Promise<T>): Promise<T> {
    const kubelet = new Kubelet(network);
    const done = new Set<string>();
    const problems: string[] = [];
    const round = async () => {
      for (const pod of listAt((await ask({ path: POLICY_PODS })).json, 'items')) {
        const namespace = stringAt(pod, 'metadata', 'namespace') ?? '';
        const uid = stringAt(pod, 'metadata', 'uid') ?? '';
        if (done.has(uid)) continue;
        done.add(uid);
        const policies = `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`;
        const denied = listAt((await ask({ path: policies })).json, 'items').length > 0;
        const answer = await ask({
          method: 'PATCH',
          path: `/api/v1/namespaces/${namespace}/pods/${stringAt(pod, 'metadata', 'name')}/status`,
          type: 'application/merge-patch+json',
          body: { status: whole(kubelet.statusOf(pod, denied)) },
        });
        if (answer.status !== 200 && answer.status !== 404) problems.push(answer.text);
      }
    };
    let over = false;
    const nodes = (async () => {
      while (!over) {
        await round();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    try {
      return await work();
    } finally {
      over = true;
      await nodes;
      expect(problems).toEqual([]);
    }
  }

  const scratch = async () =>
    listAt((await ask({ path: '/api/v1/namespaces' })).json, 'items')
      .map((item) => stringAt(item, 'metadata', 'name') ?? '')
      .filter((name) => name.startsWith('kubectl-harden-probe-'));

  async function probed(network: Network, more: Partial<ProbeRequest> = {}) {
    const facts = await withNodes(network, () =>
      cluster.probePolicies({ options: OPTIONS, leftovers: [], before: async () => {}, ...more }),
    );
    expect(facts.left).toEqual([]);
    expect(await scratch()).toEqual([]);
    return { ...facts, text: facts.evidence.join('; ') };
  }

  test.each<[string, Network, string, string]>([
    ['that enforces policies', { enforces: true }, 'enforced', 'not while a policy denied it (TIMEOUT)'],
    ['that takes its time', { enforces: true, delay: 1_200 }, 'enforced', 'and again once'],
    ['that ignores policies', { enforces: false }, 'notEnforced', 'and still did'],
    [
      'without a way to the image',
      { enforces: true, instead: () => BACK_OFF },
      'inconclusive',
      'ImagePullBackOff',
    ],
    [
      'without room for a pod',
      { enforces: true, instead: () => UNSCHEDULED },
      'inconclusive',
      'no node takes it',
    ],
  ])('on nodes %s', async (_name, network, verdict, text) => {
    const facts = await probed(network);
    expect([facts.verdict, facts.text]).toEqual([verdict, expect.stringContaining(text)]);
  });

  test('stopped on the way, nothing is left', async () => {
    const stop = new AbortController();
    const onStage = (text: string) => {
      if (text.startsWith('writing the policy')) stop.abort();
    };
    const facts = await probed({ enforces: true }, { signal: stop.signal, onStage });
    expect([facts.interrupted, facts.verdict]).toEqual([true, 'inconclusive']);
  });

  test('quotas and limit ranges that ask for everything admit its pods; the policy is what the server takes', async () => {
    const name = 'kubectl-harden-probe-000000000000';
    const at = (path: string) => path.replace('NS', name);
    expect((await post('/api/v1/namespaces', namespaceManifest(name))).status).toBe(201);
    const hard = {
      pods: '4',
      'requests.cpu': '1',
      'requests.memory': '1Gi',
      'limits.cpu': '1',
      'limits.memory': '1Gi',
      'requests.ephemeral-storage': '1Gi',
      'limits.ephemeral-storage': '1Gi',
    };
    await post(at('/api/v1/namespaces/NS/resourcequotas'), {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'all' },
      spec: { hard },
    });
    await post(at('/api/v1/namespaces/NS/limitranges'), {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'all' },
      spec: {
        limits: [
          {
            type: 'Container',
            max: { cpu: '100m', memory: '128Mi' },
            min: { cpu: '10m', memory: '16Mi' },
            maxLimitRequestRatio: { cpu: '1', memory: '1' },
          },
        ],
      },
    });
    const pods = at('/api/v1/namespaces/NS/pods');
    // The quota counts once its controller has seen it.
    let answer = await post(pods, serverManifest(name, PROBE_DEFAULTS.image, 60));
    for (let tries = 0; answer.status === 403 && tries < 50; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      answer = await post(pods, serverManifest(name, PROBE_DEFAULTS.image, 60));
    }
    expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
    const policies = at('/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies');
    const policy = await post(policies, denyManifest(name));
    expect([policy.status, policy.json]).toEqual([
      201,
      expect.objectContaining({ spec: denyManifest(name).spec }),
    ]);
    await ask({ method: 'DELETE', path: at('/api/v1/namespaces/NS') });
  });

  test('a pod with any more rights would have been refused here', async () => {
    const pod = serverManifest('default', PROBE_DEFAULTS.image, 60);
    const refused = await post('/api/v1/namespaces/default/pods', {
      ...pod,
      spec: { ...(pod.spec as object), hostNetwork: true },
    });
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('hostNetwork')]);
  });
});

/** A status as the API server takes it: every container status has its required fields. */
function whole(status: object): object {
  const containerStatuses = listAt(status, 'containerStatuses').map((one) => ({
    ready: false,
    restartCount: 0,
    image: '',
    imageID: '',
    ...(one as object),
  }));
  const podIP = stringAt(status, 'podIP');
  return {
    ...status,
    ...(containerStatuses.length === 0 ? {} : { containerStatuses }),
    ...(podIP === undefined ? {} : { podIPs: [{ ip: podIP }] }),
  };
}

/** The restricted policy of the Kubernetes documentation. */
const RESTRICTED = {
  apiVersion: 'policy/v1beta1',
  kind: 'PodSecurityPolicy',
  metadata: {
    name: 'restricted',
    annotations: { 'seccomp.security.alpha.kubernetes.io/allowedProfileNames': 'runtime/default' },
  },
  spec: {
    privileged: false,
    allowPrivilegeEscalation: false,
    requiredDropCapabilities: ['ALL'],
    volumes: ['configMap', 'emptyDir', 'projected', 'secret', 'downwardAPI'],
    hostNetwork: false,
    hostIPC: false,
    hostPID: false,
    runAsUser: { rule: 'MustRunAsNonRoot' },
    seLinux: { rule: 'RunAsAny' },
    supplementalGroups: { rule: 'RunAsAny' },
    fsGroup: { rule: 'RunAsAny' },
    readOnlyRootFilesystem: true,
  },
};
