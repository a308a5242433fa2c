import { type Credentials, credentialsOf } from './credentials.js';
import type { Selected } from './kubeconfig.js';
import { Multiplexed } from './multiplexed.js';
import { type Route, type Sender, Transport } from './transport.js';

/** How long credentials are used before they are asked for again, in milliseconds. */
const CREDENTIALS_LAST = 60_000;

/** Connections of one context over one route, and the credentials that they are made with. */
export class Connections {
  readonly #selected: Selected;
  readonly #route: Route;
  readonly #senders: Sender[] = [];
  #credentials: Promise<Credentials> | undefined;
  #askedAt = 0;

  constructor(selected: Selected, route: Route) {
    this.#selected = selected;
    this.#route = route;
  }

  /** Credentials not older than a minute: token files are renewed, and plugins know when to ask again. */
  async credentials(): Promise<Credentials> {
    if (this.#credentials === undefined || Date.now() - this.#askedAt >= CREDENTIALS_LAST) {
      this.#askedAt = Date.now();
      const asked = credentialsOf(this.#selected);
      this.#credentials = asked;
      asked.catch(() => {
        if (this.#credentials === asked) this.#credentials = undefined;
      });
    }
    return this.#credentials;
  }

  /** The server took these no longer: unless others are known by now, they are asked for anew next time. */
  async expired(credentials: Credentials): Promise<void> {
    if ((await this.#credentials?.catch(() => undefined)) === credentials) this.#askedAt = 0;
  }

  /** Connections made with these credentials' certificates; requests in hand end on the ones that they began with. */
  with(credentials: Credentials): Sender {
    const last = this.#senders.at(-1);
    if (last !== undefined && sameCertificate(last.credentials, credentials)) return last;
    const several = this.#route.multiplexed === true && Multiplexed.suits(this.#route, credentials);
    const sender = new (several ? Multiplexed : Transport)(this.#route, credentials);
    this.#senders.push(sender);
    return sender;
  }

  close(): void {
    for (const sender of this.#senders) sender.close();
  }
}

function sameCertificate(a: Credentials, b: Credentials): boolean {
  if (a === b) return true;
  const text = ({ tls }: Credentials) =>
    JSON.stringify([tls.cert, tls.key, tls.ca].map((part) => part?.toString()));
  return text(a) === text(b);
}
