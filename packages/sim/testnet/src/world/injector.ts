// Makes planned faults happen.
import { aimed } from './aims.ts';
import { CommonInjector, type Makers, type FaultOf as Of } from './common-injector.ts';
import { DOWN_MS } from './faults.ts';
import type { Host } from './host.ts';
import type { Scheduler } from './network.ts';
import type { World } from './world.ts';

/** Breaks a cell as its plan says, and mends what is to be mended in time. */
export class Injector extends CommonInjector {
  readonly #world: World;

  constructor(world: World) {
    super({
      network: world.network,
      after: (delayMs, run) => world.after(delayMs, run),
      count: (what, by) => void world.count(what, by),
      note: (replica, text) => world.story.tell('note', `r${replica}`, text),
      crash: (replica, power) => world.crash(replica, power),
      restart: (replica) => world.restart(replica),
      pause: (replica) => this.#host(replica).pause(),
      goOn: (replica) => this.#host(replica).goOn(),
    });
    this.#world = world;
  }

  protected override makers(): Makers {
    return {
      ...super.makers(),
      reopen: ({ replica }) => this.#host(replica).reopen(),
      aimed: (one) => this.#aimed(one),
      slowDisk: (one) => this.#slowDisk(one),
      putBack: (one) => this.#putBack(one),
      fullQueues: (one) => this.#fullQueues(one),
      slowVerifier: (one) => this.#slowVerifier(one),
      skew: (one) => this.#skew(one),
      step: (one) => this.#step(one),
    };
  }

  /** Of several at a time the latest owns the network. */
  #aimed(fault: Of<'aimed'>): void {
    const { cell, network, nowMs } = this.#world;
    this.#world.count(`aim.${fault.aim}`);
    this.note(fault.replica, `the network is against ${AIMED_AT[fault.aim]}`);
    const { faultsMax, signers } = cell;
    const schedule: Scheduler = aimed(fault, { replicas: signers.length, faultsMax, nowMs });
    network.scheduler = schedule;
    this.#world.after(fault.forMs, () => {
      if (network.scheduler === schedule) network.scheduler = undefined;
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
      this.note(replica, `its disk is as it was ${forMs} ms ago`);
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
      this.note(index, `clock set by ${byMs} ms`);
    }
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
