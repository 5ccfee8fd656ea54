// The ports of one life of a process in virtual time.
import type { Cancel, HostPorts } from '@fatty/host';
import type { Clock, LogRecord, Verdict } from '@fatty/interface';
import type { Disk } from './disk.ts';
import { VirtualKv } from './kv.ts';

/** What the ports are made of. Nothing of it calls back once the process is dead. */
export interface LifeParts {
  readonly clock: Clock;
  readonly disk: Disk;
  after(delayMs: number, act: () => void): Cancel;
  verify(job: Uint8Array, answer: (verdict: Verdict | undefined) => void): void;
  /** These records, and the mark that the disk has now, are durable. */
  synced(records: readonly LogRecord[]): void;
  /** Tells the process something, which it hears at once, or when it runs again. */
  awake(act: () => void): void;
}

/** Ports over a virtual clock, disk and verifier. */
export function virtualPorts({ clock, disk, after, verify, synced, awake }: LifeParts): HostPorts {
  return {
    clock,
    timers: { after },
    log: {
      append: (records, written) =>
        disk.append(records, (segment) => {
          synced(records);
          awake(() => written(undefined, segment));
        }),
      dropBelow: (segment, written) =>
        disk.dropBelow(segment, () => awake(() => written(undefined))),
    },
    frames: {
      write: (index, frame, written) =>
        disk.writeFrame(index, frame, () => awake(() => written(undefined))),
      read: (index, from, bytes, answer) => {
        const part = disk.readFrame(index, from, bytes);
        after(disk.slowestMs, () => answer(part));
      },
    },
    mark: {
      write: (mark, written) =>
        disk.writeMark(mark, () => {
          synced([]);
          awake(() => written(undefined));
        }),
    },
    kv: new VirtualKv((act) => void after(disk.slowestMs, act)),
    verifier: { verify: (job, _client, answer) => verify(job, answer) },
  };
}
