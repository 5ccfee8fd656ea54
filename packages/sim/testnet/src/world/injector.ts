// Makes planned faults happen.
import { aimed } from './aims.ts';
import { DOWN_MS, type Fault, type NetworkOptions } from './faults.ts';
import type { Host } from './host.ts';
import type { Scheduler } from './network.ts';
import type { World } from './world.ts';

type Of<K extends Fault['kind']> = Extract<Fault, { readonly kind: K }>;

/** Breaks a world as its plan says, and mends what is to be mended in time. */
export class Injector {
  readonly #world: World;
  readonly #calm: NetworkOptions;
  /** What present faults have changed of the network, the latest last. */
  #changes: readonly Partial<NetworkOptions>[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#calm = world.network.options;
  }

  inject(fault: Fault): void {
    this.#world.count(`fault.${fault.kind}`);
    const make: { readonly [K in Fault['kind']]: (fault: Of<K>) => void } = {
      crash: (one) => this.#crash(one),
      reopen: ({ replica }) => this.#host(replica).reopen(),
      cut: (one) => this.#cut(one),
      partition: (one) => this.#partition(one),
      oneWay: (one) => this.#oneWay(one),
      lossy: (one) => this.#lossy(one),
      slow: (one) => this.#slow(one),
      aimed: (one) => this.#aimed(one),
      pause: (one) => this.#pause(one),
      slowDisk: (one) => this.#slowDisk(one),
      putBack: (one) => this.#putBack(one),
      fullQueues: (one) => this.#fullQueues(one),
      slowVerifier: (one) => this.#slowVerifier(one),
      skew: (one) => this.#skew(one),
      step: (one) => this.#step(one),
    };
    (make[fault.kind] as (one: Fault) => void)(fault);
  }

  #crash({ replica, power, forMs }: Of<'crash'>): void {
    this.#world.crash(replica, power);
    this.#world.after(forMs, () => this.#world.restart(replica));
  }

  /** R24: what a killed process had written, and nobody synced, is read by the next one. */
  #cut({ replica, forMs, afterMs }: Of<'cut'>): void {
    const world = this.#world;
    world.crash(replica, false);
    world.after(forMs, () => world.restart(replica));
    world.after(forMs + afterMs, () => world.crash(replica, true));
    world.after(2 * forMs + afterMs, () => world.restart(replica));
  }

  #partition({ side, forMs }: Of<'partition'>): void {
    this.#note(side[0] ?? 0, `cut off: ${side.join(' ')}`);
    this.#world.network.partition(side);
    this.#world.after(forMs, () => {
      this.#note(0, 'the network heals');
      this.#world.network.heal();
    });
  }

  #oneWay({ side, forMs }: Of<'oneWay'>): void {
    this.#note(side[0] ?? 0, `unheard: ${side.join(' ')}`);
    this.#world.network.mute(side);
    this.#world.after(forMs, () => {
      this.#note(0, 'everybody is heard again');
      this.#world.network.unmute();
    });
  }

  #lossy({ lossPerMille, duplicatePerMille, forMs }: Of<'lossy'>): void {
    this.#change({ lossPerMille, duplicatePerMille }, forMs);
  }

  #slow({ delayMs, reorder, forMs }: Of<'slow'>): void {
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

  /** Of several at a time the latest owns the network. */
  #aimed(fault: Of<'aimed'>): void {
    const { cell, network, nowMs } = this.#world;
    this.#world.count(`aim.${fault.aim}`);
    this.#note(fault.replica, `the network is against ${AIMED_AT[fault.aim]}`);
    const { faultsMax, signers } = cell;
    const schedule: Scheduler = aimed(fault, { replicas: signers.length, faultsMax, nowMs });
    network.scheduler = schedule;
    this.#world.after(fault.forMs, () => {
      if (network.scheduler === schedule) network.scheduler = undefined;
    });
  }

  #pause({ replica, forMs }: Of<'pause'>): void {
    this.#note(replica, 'stands still');
    this.#host(replica).pause();
    this.#world.after(forMs, () => {
      this.#world.count('heardLate', this.#host(replica).goOn());
      this.#note(replica, 'goes on');
    });
  }

  #slowDisk({ replica, byMs, forMs }: Of<'slowDisk'>): void {
    const { disk } = this.#host(replica);
    disk.slowedMs += byMs;
    this.#world.after(forMs, () => {
      disk.slowedMs -= byMs;
    });
  }

  #putBack({ replica, forMs }: Of<'putBack'>): void {
    const world = this.#world;
    const { disk } = this.#host(replica);
    const then = disk.copy();
    world.after(forMs, () => {
      world.crash(replica, true);
      disk.putBack(then);
      world.putBack.add(replica);
      this.#note(replica, `its disk is as it was ${forMs} ms ago`);
    });
    world.after(forMs + DOWN_MS, () => world.restart(replica));
  }

  #fullQueues({ replica, forMs }: Of<'fullQueues'>): void {
    const host = this.#host(replica);
    host.fullQueues += 1;
    this.#world.after(forMs, () => {
      host.fullQueues -= 1;
    });
  }

  #slowVerifier({ byMs, forMs }: Of<'slowVerifier'>): void {
    this.#world.checksSlowedMs += byMs;
    this.#world.after(forMs, () => {
      this.#world.checksSlowedMs -= byMs;
    });
  }

  #skew({ replica, byMs }: Of<'skew'>): void {
    this.#host(replica).skewMs = byMs;
  }

  #step({ replicas, byMs }: Of<'step'>): void {
    this.#world.count(byMs < 0 ? 'stepsBack' : 'stepsForward');
    for (const index of replicas) {
      this.#host(index).steppedMs += byMs;
      this.#note(index, `clock set by ${byMs} ms`);
    }
  }

  #note(replica: number, text: string): void {
    this.#world.story.tell('note', `r${replica}`, text);
  }

  #host(replica: number): Host {
    const host = this.#world.hosts[replica];
    if (host === undefined) throw new RangeError(`no replica ${replica}`);
    return host;
  }
}

const AIMED_AT = {
  leaders: 'leaders',
  one: 'this replica',
  each: 'each replica in turn',
} as const;
