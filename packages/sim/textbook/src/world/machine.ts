// One process of a room: its program, its disk, its timers.
import { decode, encode } from '@fatty/codec';
import type { Disk, SeededRng } from '@fatty/testnet';
import type { Effect, Input, Program, Protocol } from '../program/program.ts';

const STATE_RECORD = 1;
/** No message and no state of a short run is longer, bytes. */
const BYTES_MAX = 1 << 20;

/** What a machine needs of its room, and tells it. */
export interface Surroundings<S> {
  after(delayMs: number, run: () => void): void;
  send(from: number, to: number, bytes: Uint8Array): void;
  /** This is on disk. */
  saved(process: number, state: S): void;
  decided(process: number, slot: number, value: string): void;
  note(process: number, what: string, words: string): void;
}

/** A process that may be killed, started again from its disk, and held. */
export class Machine<M, S> {
  readonly index: number;
  readonly disk: Disk;
  readonly #protocol: Protocol<M, S>;
  readonly #processes: number;
  readonly #rng: SeededRng;
  readonly #around: Surroundings<S>;
  #program: Program<M, S> | undefined;
  #life = 0;
  /** Steps that wait for the disk. */
  #waiting = 0;
  readonly #timers = new Map<string, number>();
  #settings = 0;
  #pauses = 0;
  #stalled: (() => void)[] = [];

  constructor(
    index: number,
    processes: number,
    protocol: Protocol<M, S>,
    parts: { readonly disk: Disk; readonly rng: SeededRng; readonly around: Surroundings<S> },
  ) {
    this.index = index;
    this.disk = parts.disk;
    this.#processes = processes;
    this.#protocol = protocol;
    this.#rng = parts.rng;
    this.#around = parts.around;
  }

  get isUp(): boolean {
    return this.#program !== undefined;
  }

  start(): void {
    const record = this.disk.open().records.at(-1);
    const state = record && decode(this.#protocol.saved, record.body, BYTES_MAX);
    if (state && !state.ok) throw new RangeError(`${this.index}: its disk cannot be read`);
    if (state) this.#around.saved(this.index, state.value);
    this.#program = this.#protocol.open(this.index, this.#processes, state?.value);
    this.#step({ kind: 'started' });
  }

  /** Answers how many records were lost. */
  crash(power: boolean): number {
    this.#program = undefined;
    this.#life += 1;
    this.#waiting = 0;
    this.#timers.clear();
    this.#stalled = [];
    return this.disk.crash(power);
  }

  pause(): void {
    this.#pauses += 1;
  }

  /** Answers how much it had missed. */
  goOn(): number {
    this.#pauses -= 1;
    if (this.#pauses > 0) return 0;
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const act of stalled) act();
    return stalled.length;
  }

  /** Bytes of another process; what cannot be read is dropped. */
  hear(from: number, bytes: Uint8Array): void {
    const message = decode(this.#protocol.message, bytes, BYTES_MAX);
    if (message.ok) this.#awake(() => this.#step({ kind: 'heard', from, message: message.value }));
  }

  ask(value: string): void {
    this.#awake(() => this.#step({ kind: 'asked', value }));
  }

  #awake(act: () => void): void {
    if (this.#pauses === 0) act();
    else this.#stalled.push(act);
  }

  #step(input: Input<M>): void {
    const effects = this.#program?.step(input) ?? [];
    const state = effects.reduce<S | undefined>(
      (last, effect) => (effect.kind === 'save' ? effect.state : last),
      undefined,
    );
    if (state === undefined && this.#waiting === 0) return this.#perform(effects);
    this.#waiting += 1;
    const records =
      state === undefined
        ? []
        : [{ type: STATE_RECORD, body: encode(this.#protocol.saved, state) }];
    this.disk.append(records, () => {
      if (state !== undefined) this.#around.saved(this.index, state);
      const life = this.#life;
      this.#awake(() => {
        if (life !== this.#life) return;
        this.#waiting -= 1;
        this.#perform(effects);
      });
    });
  }

  #perform(effects: readonly Effect<M, S>[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') {
        this.#around.send(this.index, effect.to, encode(this.#protocol.message, effect.message));
      } else if (effect.kind === 'setTimer') this.#setTimer(effect);
      else if (effect.kind === 'decided') {
        this.#around.decided(this.index, effect.slot, effect.value);
      } else if (effect.kind === 'note') {
        this.#around.note(this.index, effect.what, effect.words);
      }
    }
  }

  #setTimer({ timer, msMin, msMax }: Extract<Effect<M, S>, { readonly kind: 'setTimer' }>): void {
    const setting = ++this.#settings;
    this.#timers.set(timer, setting);
    this.#around.after(this.#rng.between(msMin, msMax), () => {
      this.#awake(() => {
        if (this.#timers.get(timer) !== setting) return;
        this.#timers.delete(timer);
        this.#step({ kind: 'rang', timer });
      });
    });
  }
}
