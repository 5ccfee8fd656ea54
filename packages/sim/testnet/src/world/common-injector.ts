// Makes those faults happen that any world of processes and links may have.
import type { Fault, NetworkOptions } from './faults.ts';
import type { Network } from './network.ts';

/** The faults of one kind. */
export type FaultOf<K extends Fault['kind']> = Extract<Fault, { readonly kind: K }>;

/** What makes faults happen, by their kinds. */
export type Makers = { readonly [K in Fault['kind']]?: (fault: FaultOf<K>) => void };

/** Kinds of fault that need nothing but processes, disks and links: whatever the processes run. */
export const COMMON_FAULTS: readonly Fault['kind'][] = [
  'crash',
  'cut',
  'partition',
  'oneWay',
  'lossy',
  'slow',
  'pause',
];

/** A world of processes and links, as far as faults concern it. */
export interface Breakable {
  readonly network: Network;
  after(delayMs: number, run: () => void): void;
  count(what: string, by?: number): void;
  /** Tells it in charts. */
  note(process: number, text: string): void;
  crash(process: number, power: boolean): void;
  restart(process: number): void;
  pause(process: number): void;
  /** Answers how much the process has missed. */
  goOn(process: number): number;
}

/** Breaks processes and links as a plan says, and mends what is to be mended in time. */
export class CommonInjector {
  readonly #world: Breakable;
  readonly #calm: NetworkOptions;
  /** What present faults have changed of the network, the latest last. */
  #changes: readonly Partial<NetworkOptions>[] = [];

  constructor(world: Breakable) {
    this.#world = world;
    this.#calm = world.network.options;
  }

  /** @throws RangeError when this world has no such faults */
  inject(fault: Fault): void {
    const make = this.makers()[fault.kind] as ((one: Fault) => void) | undefined;
    if (make === undefined) throw new RangeError(`no fault ${fault.kind} here`);
    this.#world.count(`fault.${fault.kind}`);
    make(fault);
  }

  protected makers(): Makers {
    return {
      crash: (one) => this.#crash(one),
      cut: (one) => this.#cut(one),
      partition: (one) => this.#partition(one),
      oneWay: (one) => this.#oneWay(one),
      lossy: (one) => this.#lossy(one),
      slow: (one) => this.#slow(one),
      pause: (one) => this.#pause(one),
    };
  }

  protected note(process: number, text: string): void {
    this.#world.note(process, text);
  }

  #crash({ replica, power, forMs }: FaultOf<'crash'>): void {
    this.#world.crash(replica, power);
    this.#world.after(forMs, () => this.#world.restart(replica));
  }

  /** R24: what a killed process had written, and nobody synced, is read by the next one. */
  #cut({ replica, forMs, afterMs }: FaultOf<'cut'>): void {
    const world = this.#world;
    world.crash(replica, false);
    world.after(forMs, () => world.restart(replica));
    world.after(forMs + afterMs, () => world.crash(replica, true));
    world.after(2 * forMs + afterMs, () => world.restart(replica));
  }

  #partition({ side, forMs }: FaultOf<'partition'>): void {
    this.note(side[0] ?? 0, `cut off: ${side.map((replica) => `r${replica}`).join(', ')}`);
    this.#world.network.partition(side);
    this.#world.after(forMs, () => {
      this.note(0, 'the network heals');
      this.#world.network.heal();
    });
  }

  #oneWay({ side, forMs }: FaultOf<'oneWay'>): void {
    this.note(side[0] ?? 0, `unheard: ${side.join(' ')}`);
    this.#world.network.mute(side);
    this.#world.after(forMs, () => {
      this.note(0, 'everybody is heard again');
      this.#world.network.unmute();
    });
  }

  #lossy({ lossPerMille, duplicatePerMille, forMs }: FaultOf<'lossy'>): void {
    this.#change({ lossPerMille, duplicatePerMille }, forMs);
  }

  #slow({ delayMs, reorder, forMs }: FaultOf<'slow'>): void {
    this.#change({ delayMsMax: delayMs, reorder }, forMs);
  }

  #change(change: Partial<NetworkOptions>, forMs: number): void {
    const { network } = this.#world;
    const apply = (): void => {
      network.options = Object.assign({}, this.#calm, ...this.#changes);
    };
    this.#changes = [...this.#changes, change];
    apply();
    this.#world.after(forMs, () => {
      this.#changes = this.#changes.filter((one) => one !== change);
      apply();
      network.resetLinks();
    });
  }

  #pause({ replica, forMs }: FaultOf<'pause'>): void {
    this.note(replica, 'stands still');
    this.#world.pause(replica);
    this.#world.after(forMs, () => {
      this.#world.count('heardLate', this.#world.goOn(replica));
      this.note(replica, 'goes on');
    });
  }
}
