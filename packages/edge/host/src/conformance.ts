// What every set of host ports must do, as named cases for any test runner and any kind of time.
import type { HostPorts, KvEntry } from './ports.ts';

/**
 * One promise of the ports. `begin` asks something of fresh ports, and answers a function. When the
 * ports' world has come to rest, that function says what was wrong, in one text each; none when the
 * promise was kept.
 */
export interface PortCase {
  readonly name: string;
  begin(ports: HostPorts): () => readonly string[];
}

/** Notes what is called back, and complains of what comes within the call that asked for it. */
class Ear {
  readonly heard: string[] = [];
  readonly #wrong: string[] = [];
  #asking = false;

  /** Asks; whatever is heard meanwhile comes too early. */
  ask(act: () => void): void {
    this.#asking = true;
    act();
    this.#asking = false;
  }

  hear(what: string): void {
    if (this.#asking) this.#wrong.push(`${what} within the call`);
    this.heard.push(what);
  }

  written(what: string): (failure: Error | undefined) => void {
    return (failure) => this.hear(failure ? `${what} failed: ${failure.message}` : what);
  }

  complain(what: string): void {
    this.#wrong.push(what);
  }

  /** What was wrong, when this should have been heard, in this order. */
  expect(...what: readonly string[]): readonly string[] {
    const [expected, actual] = [what.join(), this.heard.join()];
    return expected === actual ? this.#wrong : [...this.#wrong, `${expected}: heard ${actual}`];
  }
}

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const record = (n: number) => ({ type: 1, body: bytes(n) });
const keysOf = (rows: Iterable<KvEntry>): string =>
  Array.from(rows, ({ key }) => `[${key.join()}]`).join('');

/** A clock that counts whole ms may be one of them late. */
const TICK_MS = 1;

const TIMERS: readonly PortCase[] = [
  {
    name: 'timers fire once, in the order of their times, and not early',
    begin({ clock, timers }) {
      const ear = new Ear();
      const beganMs = clock.monotonicMs();
      const set = (delayMs: number): void =>
        ear.ask(() =>
          timers.after(delayMs, () => {
            const early = delayMs - (clock.monotonicMs() - beganMs);
            if (early > TICK_MS) ear.complain(`${delayMs} ms: ${early} ms early`);
            ear.hear(`${delayMs}`);
          }),
        );
      for (const delayMs of [40, 0, 20]) set(delayMs);
      return () => ear.expect('0', '20', '40');
    },
  },
  {
    name: 'a timer that is called off does not fire, however often it is; one that has fired does not mind',
    begin({ timers }) {
      const ear = new Ear();
      const cancel = timers.after(10, () => ear.hear('called off'));
      cancel();
      cancel();
      const late = timers.after(5, () => {
        ear.hear('fired');
        late();
      });
      return () => ear.expect('fired');
    },
  },
];

const DISK: readonly PortCase[] = [
  {
    name: 'appends are told once each, in their order, also those that are asked for while one is told',
    begin({ log }) {
      const ear = new Ear();
      ear.ask(() => log.append([record(1), record(2)], ear.written('a')));
      ear.ask(() => log.append([], ear.written('b')));
      ear.ask(() =>
        log.append([record(3)], (failure) => {
          ear.written('c')(failure);
          ear.ask(() => log.append([record(4)], ear.written('d')));
        }),
      );
      return () => ear.expect('a', 'b', 'c', 'd');
    },
  },
  {
    name: 'marks that grow are told once each, whatever is appended beside them',
    begin({ log, mark }) {
      const ear = new Ear();
      for (const n of [1, 2, 3]) {
        log.append([record(n)], () => undefined);
        ear.ask(() => mark.write(bytes(n), ear.written(`mark ${n}`)));
      }
      return () => ear.expect('mark 1', 'mark 2', 'mark 3');
    },
  },
  {
    name: 'the index is empty at first; what is told as written is found by key, and by range in order',
    begin({ kv }) {
      const ear = new Ear();
      const keys = [bytes(2), bytes(1, 255), bytes(255), bytes(1), bytes(1, 0)];
      if (kv.get(bytes(1)) !== undefined) ear.complain('a key that nobody wrote');
      const look = (): void => {
        if (kv.get(bytes(1, 0))?.join() !== '1,0') ear.complain('not found by its key');
        if (kv.get(bytes(1, 1)) !== undefined) ear.complain('found by another key');
        const all = keysOf(kv.range(bytes(1), bytes(255), 9));
        if (all !== '[1][1,0][1,255][2]') ear.complain(`range ${all}`);
        const few = keysOf(kv.range(bytes(1, 0), bytes(2), 1));
        if (few !== '[1,0]') ear.complain(`range of one ${few}`);
      };
      const entries = keys.map((key) => ({ key, value: key }));
      ear.ask(() =>
        kv.write(entries, (failure) => {
          ear.written('written')(failure);
          look();
        }),
      );
      return () => ear.expect('written');
    },
  },
];

const VERIFIER: readonly PortCase[] = [
  {
    name: 'every job is answered once, also one that is asked for twice',
    begin({ verifier }) {
      const ear = new Ear();
      for (const n of [1, 2, 2]) {
        ear.ask(() => verifier.verify(bytes(n), undefined, () => ear.hear('answer')));
      }
      return () => ear.expect('answer', 'answer', 'answer');
    },
  },
];

/** All of them. What needs a disk that fails or a process that dies is not here. */
export const portConformance: readonly PortCase[] = [...TIMERS, ...DISK, ...VERIFIER];
