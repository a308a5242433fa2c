import { ClusterError } from '../wizard/ports.js';
import { Connections } from './connections.js';
import type { Credentials } from './credentials.js';
import { type About, errorOf, isFinal, unreachable } from './errors.js';
import type { Selected } from './kubeconfig.js';
import {
  type Attempt,
  DEFAULT_RETRY,
  pause,
  type RetryPolicy,
  retryAfterMs,
  turns,
  waitBefore,
} from './retry.js';
import { type Answer, type Call, codeOf, type Route, TransportError } from './transport.js';

/** How the requests of one client are made. */
export interface ClientOptions {
  /** Sent as User-Agent. */
  agent: string;
  retry?: RetryPolicy;
  /** Waits until a request may begin. */
  turn?: () => Promise<void>;
}

/** A parsed answer of 200 to 299. */
export interface Parsed {
  status: number;
  body: unknown;
  warnings: readonly string[];
}

/** Authenticated JSON requests to one API server address, repeated where that is safe and sensible. */
export class Client {
  readonly selected: Selected;
  readonly route: Route;
  readonly #options: ClientOptions;
  readonly #connections: Connections;

  /** @param connections of another client to the same place, to be shared */
  constructor(
    selected: Selected,
    route: Route,
    options: ClientOptions,
    connections = new Connections(selected, route),
  ) {
    this.selected = selected;
    this.route = route;
    this.#options = options;
    this.#connections = connections;
  }

  /** Another client of the same context: over connections of its own, or to another address of the cluster. */
  over(route: Partial<Route>, retry?: RetryPolicy): Client {
    const options = retry === undefined ? this.#options : { ...this.#options, retry };
    return new Client(this.selected, { ...this.route, ...route }, options);
  }

  /** Another client over the same connections, which repeats in another way. Either closes them. */
  repeating(retry: RetryPolicy): Client {
    return new Client(this.selected, this.route, { ...this.#options, retry }, this.#connections);
  }

  /**
   * Another client over the same connections, which begins at most so many requests a second (0: no limit), and none
   * once the signal says stop: it throws `server` then. Either closes the connections.
   */
  paced(perSecond: number, signal?: AbortSignal): Client {
    const next = turns(perSecond);
    const turn = async () => {
      await next(signal);
      if (signal?.aborted) throw new ClusterError('server', 'It was interrupted.');
    };
    return new Client(this.selected, this.route, { ...this.#options, turn }, this.#connections);
  }

  /** @throws ClusterError for any answer of 300 or above, and where there is none */
  async json(call: Call, about: About): Promise<Parsed> {
    const answer = await this.send(call, about);
    if (answer.status >= 300 || answer.status < 200) throw errorOf(answer, about);
    return { status: answer.status, body: bodyOf(answer, about), warnings: warningsOf(answer) };
  }

  /** The answer whatever its status, after the repeats that the policy allows and one renewal of credentials. */
  async send(call: Call, about: About): Promise<Answer> {
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      await this.#options.turn?.();
      const credentials = await this.#connections.credentials();
      const outcome = await this.#attempt(call, credentials);
      if (!(outcome instanceof TransportError) && outcome.status === 401 && !renewed) {
        renewed = true;
        await this.#connections.expired(credentials);
        continue;
      }
      if (outcome instanceof TransportError && isFinal(outcome.code))
        throw unreachable(this.route.server, outcome, about.doing);
      const wait = waitBefore(
        {
          attempt,
          outcome: judged(outcome),
          chance: Math.random(),
          bare: call.method === 'GET' || call.method === 'DELETE',
        },
        this.#options.retry ?? DEFAULT_RETRY,
      );
      if (wait !== undefined) await pause(wait);
      else if (outcome instanceof TransportError) throw unreachable(this.route.server, outcome, about.doing);
      else return outcome;
    }
  }

  close(): void {
    this.#connections.close();
  }

  async #attempt(call: Call, credentials: Credentials): Promise<Answer | TransportError> {
    const headers = { ...call.headers, ...credentials.headers, 'User-Agent': this.#options.agent };
    try {
      return await this.#connections.with(credentials).send({ ...call, headers });
    } catch (error) {
      if (error instanceof TransportError) return error;
      // Agents check certificates and keys when they are made: what is thrown then names the fault.
      return new TransportError(codeOf(error), false);
    }
  }
}

function judged(outcome: Answer | TransportError): Attempt {
  if (outcome instanceof TransportError) return { type: outcome.sent ? 'dropped' : 'refused' };
  return {
    type: 'answer',
    status: outcome.status,
    retryAfterMs: retryAfterMs(outcome.headers['retry-after']?.[0], Date.now()),
  };
}

function bodyOf(answer: Answer, about: About): unknown {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    throw new ClusterError(
      'server',
      `Could not ${about.doing}: the answer is not JSON; is this a Kubernetes API server?`,
      {
        status: answer.status,
      },
    );
  }
}

/** Texts of `Warning: 299 - "..."` headers (RFC 7234 section 5.5). */
function warningsOf(answer: Answer): readonly string[] {
  return (answer.headers.warning ?? []).flatMap((header) =>
    [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
      (match[1] ?? '').replace(/\\(.)/g, '$1'),
    ),
  );
}
