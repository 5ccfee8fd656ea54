// Processes that share cores, in virtual time. What a process does is done in truth, and takes as long as
// it took of this process's CPU: whatever else the machine is busy with does not show.

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const isBefore = (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** What happens when, earliest first. */
class Agenda {
  #heap = [];
  #order = 0;

  get nextMs() {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  put(atMs, act) {
    const heap = this.#heap;
    let i = heap.push({ atMs, order: this.#order++, act }) - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (!isBefore(heap[i], heap[up])) return;
      [heap[i], heap[up]] = [heap[up], heap[i]];
      i = up;
    }
  }

  take() {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < heap.length && isBefore(heap[left], heap[least])) least = left;
      if (right < heap.length && isBefore(heap[right], heap[least])) least = right;
      if (least === i) return first;
      [heap[i], heap[least]] = [heap[least], heap[i]];
      i = least;
    }
  }
}

/** An event loop: in a turn it takes all that has come, and what it sends leaves when the turn is over. */
export class Loop {
  usedMs = 0;
  turns = 0;
  #world;
  #waiting = [];
  #leaving = [];
  #extraMs = 0;

  constructor(world, machine) {
    this.#world = world;
    this.machine = machine;
  }

  isBusy = false;

  get hasWork() {
    return !this.isBusy && this.#waiting.length > 0;
  }

  /** `costMs`: of what the system does before `act`, which is not done here. */
  post(act, costMs = 0) {
    this.#waiting.push({ act, costMs });
    this.#world.schedule();
  }

  /** From within a turn: `deliver` runs when the turn is over. */
  send(costMs, deliver) {
    this.#extraMs += costMs;
    this.#leaving.push(deliver);
  }

  /** Answers how long the turn takes, and what is done at its end. */
  turn() {
    const began = cpuMs();
    this.#extraMs = 0;
    for (const { act, costMs } of this.#waiting.splice(0)) {
      this.#extraMs += costMs;
      act();
    }
    const tookMs = Math.max(0.001, cpuMs() - began) + this.#extraMs;
    this.usedMs += tookMs;
    this.turns += 1;
    return { tookMs, leaving: this.#leaving.splice(0) };
  }
}

/** Machines with so many cores each, and the loops that run on them. */
export class World {
  nowMs = 0;
  loops = [];
  #agenda = new Agenda();
  #free;

  constructor(machines, cores) {
    this.#free = Array.from({ length: machines }, () => cores);
  }

  loop(machine) {
    const made = new Loop(this, machine % this.#free.length);
    this.loops.push(made);
    return made;
  }

  after(delayMs, act) {
    this.#agenda.put(this.nowMs + delayMs, act);
  }

  /** Every loop that has work and finds a core takes a turn; who had one comes last the next time. */
  schedule() {
    for (const loop of this.loops) {
      if (!loop.hasWork || this.#free[loop.machine] === 0) continue;
      this.loops = [...this.loops.filter((other) => other !== loop), loop];
      this.#run(loop);
    }
  }

  #run(loop) {
    this.#free[loop.machine] -= 1;
    loop.isBusy = true;
    const { tookMs, leaving } = loop.turn();
    this.after(tookMs, () => {
      loop.isBusy = false;
      this.#free[loop.machine] += 1;
      for (const deliver of leaving) deliver();
      this.schedule();
    });
  }

  run(untilMs) {
    while (this.#agenda.nextMs <= untilMs) {
      const { atMs, act } = this.#agenda.take();
      this.nowMs = Math.max(this.nowMs, atMs);
      act();
    }
    this.nowMs = untilMs;
  }
}
