// Opens the ports of a replica.
import { fail, ok } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import { type Listener, type ListenOptions, listen, PemError, urlHost } from '@fatty/network';
import type { NodeConfig } from './config.ts';

interface OpenPort {
  close(code?: number): Promise<void>;
}

/** Who a port is for. */
export type Whom = 'peers' | 'clients';

/** Everything that a replica listens on. */
export class Ports {
  readonly #config: NodeConfig;
  readonly #onRefused: (whom: Whom, failure: Failure | undefined, from: string) => void;
  readonly #open: OpenPort[] = [];
  readonly #listeners: Listener[] = [];

  /** `onRefused` is told of connections that became no link. */
  constructor(
    config: NodeConfig,
    onRefused: (whom: Whom, failure: Failure | undefined, from: string) => void,
  ) {
    this.#config = config;
    this.#onRefused = onRefused;
  }

  /** Codes: `cannot_listen` (a port is taken, an address is not ours), `bad_certificate` (a PEM file is of no use). */
  async listening<T>(open: () => Promise<T>): Promise<Outcome<T>> {
    try {
      return ok(await open());
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof PemError) {
        return fail('bad_certificate', 'tlsCert, tlsKey and tlsCa in PEM that fit', message);
      }
      return fail('cannot_listen', `ports on ${this.#config.host}`, message);
    }
  }

  /** Remembers what to close. */
  async keep<P extends OpenPort>(opening: Promise<P>): Promise<P> {
    const port = await opening;
    this.#open.push(port);
    return port;
  }

  async listen(whom: Whom, port: ListenOptions): Promise<Listener> {
    const { host, tlsCert, tlsKey, clientsMax, insecure } = this.#config;
    const tls = tlsCert === '' ? {} : { tls: { certFile: tlsCert, keyFile: tlsKey } };
    const opening = listen({
      ...port,
      ...tls,
      host,
      insecure,
      connectionsMax: clientsMax,
      onRefused: (_code, failure, from) => this.#onRefused(whom, failure, from),
    });
    const listener = await this.keep(opening);
    this.#listeners.push(listener);
    return listener;
  }

  /** Names under which HTTP is answered. */
  get hosts(): readonly string[] {
    const { host, advertise, allowHosts } = this.#config;
    return [host, advertise, ...allowHosts];
  }

  /** Where others find what listens here. */
  published({ url, port }: Listener): string {
    const { advertise } = this.#config;
    if (advertise === '') return url;
    return `${new URL(url).protocol}//${urlHost(advertise)}:${port}`;
  }

  /** @throws Error that names the files */
  reloadTls(): void {
    for (const listener of this.#listeners) listener.reloadTls();
  }

  async close(code: number): Promise<void> {
    await Promise.all(this.#open.map((port) => port.close(code)));
  }
}
