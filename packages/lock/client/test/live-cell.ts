// A fake cell in real time, for the SDK as applications use it.
import type { GatewayMessage } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Link } from '@fatty/interface';
import { type Dialer, type DialOptions, isFinal } from '@fatty/network/client';
import type { Cell } from '@fatty/protocol';
import { FakeCell, scheme } from '../../core/test/fake-cell.ts';
import { Client } from '../src/index.ts';
import { connectOn, type Platform } from '../src/sdk/connect.ts';
import { checkScheme } from '../src/sdk/scheme.ts';

const STEP_MS = 5;

interface Visitor {
  readonly index: number;
  readonly ears: Map<number, (bytes: Uint8Array) => void>;
}

/** A fake cell in real time, reached through links that carry bytes like any other. */
export class LiveCell {
  readonly fake = new FakeCell(4);
  readonly cell: Cell;
  readonly platform: Platform<Client>;
  /** Close code with which the first `greeters` replicas greet a dial; 0 lets it in. */
  greet = 0;
  greeters = 4;
  /** Rewrites what replicas say. */
  rewrite: (message: GatewayMessage) => GatewayMessage = (message) => message;
  readonly #visitors = new Map<string, Visitor>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor() {
    const began = performance.now();
    this.#timer = setInterval(() => this.fake.run(Math.floor(performance.now() - began)), STEP_MS);
    for (const replica of [0, 1, 2, 3]) {
      this.fake.behaviours[replica] = { lie: (message) => this.rewrite(message) };
    }
    const { cellId, committee } = this.fake.cell;
    const addresses = committee.members.map((key, i) => {
      return {
        key,
        peer: '',
        client: `ws://fake.localhost/${i}`,
        http: '',
        version: 0,
        sig: new Uint8Array(64),
      };
    });
    this.cell = { cellId, committee, addresses };
    this.platform = {
      scheme,
      checkScheme,
      client: (config) => new Client(config),
      dial: (options) => this.#dial(options),
      read: (source) =>
        source === 'gone' ? Promise.reject(new Error('no such file')) : Promise.resolve('{}'),
      trusted: (source) => !source.startsWith('http'),
    };
  }

  #dial(options: DialOptions): Dialer {
    const replica = Number(options.url.slice(-1));
    const { handler, identity } = options;
    const dialer: Dialer = {
      url: options.url,
      state: { kind: 'connecting' },
      close: () => undefined,
    };
    setTimeout(() => {
      if (this.greet > 0 && replica < this.greeters) {
        const refused = isFinal(this.greet);
        const state = { kind: 'waiting', delayMs: 60_000, code: this.greet, reason: '' } as const;
        options.onState?.({ ...state, refused }, undefined);
        return;
      }
      const { index, ears } = this.#visitor(toHex(identity.signer.publicKey));
      const link: Link = {
        peer: identity.signer.publicKey,
        role: 'replica',
        messageBytesMax: 1 << 20,
        send: (bytes) => {
          this.fake.receive(replica, index, bytes);
          return true;
        },
        close: () => undefined,
      };
      ears.set(replica, (bytes) => handler.message(link, bytes));
      handler.up(link);
    }, 1);
    return dialer;
  }

  /** All links of one client key: a cell speaks to clients, not to links. */
  #visitor(key: string): Visitor {
    const known = this.#visitors.get(key);
    if (known !== undefined) return known;
    const ears: Visitor['ears'] = new Map();
    const visitor = { index: this.fake.clients.length, ears };
    this.fake.clients.push({ hear: (replica, bytes) => ears.get(replica)?.(bytes) });
    this.#visitors.set(key, visitor);
    return visitor;
  }

  connect(options: Parameters<typeof connectOn>[2] = {}): Promise<Client> {
    return connectOn(this.platform, this.cell, options);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
