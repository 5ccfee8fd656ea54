// A driver whose disk and verifier answer when a test says so.
import { fail, utf8 } from '@fatty/codec';
import type { Link, LogRecord, Outcome, Verdict } from '@fatty/interface';
import type { ReplicaEffect, ReplicaEvent } from '@fatty/replica';
import { memoryKv } from '@fatty/storage';
import type { Outward, ResumedAt } from '../src/doings.ts';
import { Driver } from '../src/driver.ts';
import type { FrameBytes, LogPort, Written } from '../src/ports.ts';
import { kvPort, portsOf } from './ports-fakes.ts';

export type Script = (event: ReplicaEvent) => readonly ReplicaEffect[];

export const persist = (token: number, mark?: Uint8Array): ReplicaEffect => ({
  kind: 'persist',
  token,
  records: [{ type: 1, body: utf8('record') }],
  mark,
});

/** Everything that happens, in order, as words; disk and verifier answer when told to. */
export class Bench {
  readonly told: string[] = [];
  readonly events: ReplicaEvent[] = [];
  readonly outward: Outward[] = [];
  readonly fatal: Error[] = [];
  readonly sent: [peer: number, taken: boolean][] = [];
  readonly appended: {
    readonly records: readonly LogRecord[];
    readonly written: Parameters<LogPort['append']>[1];
  }[] = [];
  readonly drops: { readonly below: number; readonly written: Written }[] = [];
  readonly frames: {
    readonly index: number;
    readonly frame: FrameBytes;
    readonly written: Written;
  }[] = [];
  readonly parts: {
    readonly index: number;
    readonly from: number;
    readonly bytes: number;
    readonly answer: (part: Uint8Array | undefined) => void;
  }[] = [];
  readonly marks: Written[] = [];
  readonly verdicts: ((verdict: Verdict | undefined) => void)[] = [];
  readonly kv = memoryKv();
  readonly replayed: ReplicaEffect[] = [];
  script: Script = () => [];
  restored: readonly ReplicaEffect[] = [];
  resumed: (head: Uint8Array) => Outcome<ResumedAt> = () => fail('wrong_frame', 'one', 'another');
  /** So often another core was to be opened. */
  reopens = 0;
  readonly driver: Driver;

  constructor() {
    this.driver = new Driver({
      replica: {
        step: (event) => {
          this.told.push(event.kind);
          this.events.push(event);
          return this.script(event);
        },
        resume: (head, state) => {
          this.told.push(`resume ${head[0]} with ${state[0]}`);
          return this.resumed(head);
        },
        restore: (records) => {
          this.told.push(`restore ${records.length}`);
          return this.restored;
        },
      },
      ports: portsOf({
        log: {
          append: (records, written) => void this.appended.push({ records, written }),
          dropBelow: (below, written) => void this.drops.push({ below, written }),
        },
        frames: {
          write: (index, frame, written) => void this.frames.push({ index, frame, written }),
          read: (index, from, bytes, answer) =>
            void this.parts.push({ index, from, bytes, answer }),
        },
        kv: kvPort(this.kv),
        mark: { write: (_, written) => void this.marks.push(written) },
        verifier: { verify: (_job, _client, answer) => void this.verdicts.push(answer) },
      }),
      onOutward: (effect) => void this.outward.push(effect),
      onReplayed: (effect) => void this.replayed.push(effect),
      onEffect: (effect) => void this.told.push(`> ${effect.kind}`),
      onSent: ({ peer }, taken) => void this.sent.push([peer, taken]),
      onReopen: () => {
        this.reopens++;
      },
      onFatal: (error) => void this.fatal.push(error),
    });
  }

  close(): Promise<void> {
    return new Promise((closed) => this.driver.close(closed));
  }

  /** `key`: the first byte of the peer's. */
  link(peer: number, key = 0): string[] {
    const heard: string[] = [];
    const link: Link = {
      peer: Uint8Array.of(key, ...new Uint8Array(31)) as Link['peer'],
      role: 'replica',
      messageBytesMax: 1 << 20,
      send: (bytes) => heard.push(new TextDecoder().decode(bytes)) > 0,
      close: () => undefined,
    };
    this.driver.linkUp(peer, link);
    this.links.set(peer, link);
    return heard;
  }

  readonly links = new Map<number, Link>();
}
