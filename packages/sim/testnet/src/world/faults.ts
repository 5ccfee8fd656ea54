// What can go wrong in a world, and how badly.
import { AIMED_MS, type Aim } from './aims.ts';
import type { DiskOptions } from './disk.ts';

/** How links behave. Delays in ms of virtual time, one way; chances in thousandths per packet. */
export interface NetworkOptions {
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  readonly lossPerMille: number;
  readonly duplicatePerMille: number;
  /** False: packets of one link keep their order, as on a WebSocket. */
  readonly reorder: boolean;
}

/** How long checks take, in ms of virtual time, and how often they end without a verdict. */
export interface VerifierOptions {
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Chance that a check ends without a verdict (worker died, queue full). */
  readonly silentPerMille: number;
}

/** One planned fault. `atMs` and `forMs` count from the start of the world. */
export type Fault =
  | {
      readonly kind: 'crash';
      readonly atMs: number;
      readonly forMs: number;
      readonly replica: number;
      /** True: unsynced writes are lost as well. */
      readonly power: boolean;
    }
  /** Its core is opened anew, while the process and its links live. */
  | { readonly kind: 'reopen'; readonly atMs: number; readonly replica: number }
  /** Killed, back after `forMs`, and `afterMs` later the power goes; back once more after `forMs`. */
  | {
      readonly kind: 'cut';
      readonly atMs: number;
      readonly forMs: number;
      readonly replica: number;
      readonly afterMs: number;
    }
  /** Replicas in `side` hear each other and nobody else. */
  | {
      readonly kind: 'partition';
      readonly atMs: number;
      readonly forMs: number;
      readonly side: readonly number[];
    }
  | {
      readonly kind: 'lossy';
      readonly atMs: number;
      readonly forMs: number;
      readonly lossPerMille: number;
      readonly duplicatePerMille: number;
    }
  /** A clock jumps (and stays there). */
  | {
      readonly kind: 'skew';
      readonly atMs: number;
      readonly replica: number;
      readonly byMs: number;
    }
  /** Somebody sets the wall clocks of these hosts, far forward or back (and they stay there). */
  | {
      readonly kind: 'step';
      readonly atMs: number;
      readonly replicas: readonly number[];
      readonly byMs: number;
    }
  /** What replicas in `side` say reaches nobody outside it; they hear everything. All but one: that one is deaf. */
  | {
      readonly kind: 'oneWay';
      readonly atMs: number;
      readonly forMs: number;
      readonly side: readonly number[];
    }
  /** A process stands still, and then goes on with all that came meanwhile. */
  | {
      readonly kind: 'pause';
      readonly atMs: number;
      readonly forMs: number;
      readonly replica: number;
    }
  /** Packets take up to `delayMs`, and overtake each other or not. */
  | {
      readonly kind: 'slow';
      readonly atMs: number;
      readonly forMs: number;
      readonly delayMs: number;
      readonly reorder: boolean;
    }
  /** Each datasync of one host takes `byMs` longer. */
  | {
      readonly kind: 'slowDisk';
      readonly atMs: number;
      readonly forMs: number;
      readonly replica: number;
      readonly byMs: number;
    }
  /**
   * At its end this host's power goes, and its disk is as it was when the fault began: a disk that lied about
   * its datasyncs, a restored backup, a machine put back.
   */
  | {
      readonly kind: 'putBack';
      readonly atMs: number;
      readonly forMs: number;
      readonly replica: number;
    }
  /** The links of this host take nothing: whatever it says is lost before it leaves. */
  | {
      readonly kind: 'fullQueues';
      readonly atMs: number;
      readonly forMs: number;
      readonly replica: number;
    }
  /** Each slow check takes `byMs` longer. */
  | {
      readonly kind: 'slowVerifier';
      readonly atMs: number;
      readonly forMs: number;
      readonly byMs: number;
    }
  /** Somebody who reads every packet decides which of them are late. */
  | {
      readonly kind: 'aimed';
      readonly atMs: number;
      readonly forMs: number;
      readonly aim: Aim;
      /** Whom `one` starves, and whom `each` begins with. */
      readonly replica: number;
    };

/** All kinds of {@link Fault}. */
export const FAULTS: readonly Fault['kind'][] = [
  'crash',
  'reopen',
  'cut',
  'partition',
  'oneWay',
  'lossy',
  'slow',
  'aimed',
  'pause',
  'slowDisk',
  'putBack',
  'fullQueues',
  'slowVerifier',
  'skew',
  'step',
];

/** Hosts whose clocks somebody sets forward at some time: no more than f of a committee, with its liars (S11). */
export function setAhead(faults: readonly Fault[]): ReadonlySet<number> {
  return new Set(
    faults.flatMap((fault) => (fault.kind === 'step' && fault.byMs > 0 ? fault.replicas : [])),
  );
}

/** For how long a host is down whose disk is put back, ms. */
export const DOWN_MS = 200;

function lastsMs(fault: Fault): number {
  if (fault.kind === 'aimed') return fault.forMs + AIMED_MS;
  if (fault.kind === 'putBack') return fault.forMs + DOWN_MS;
  if (fault.kind === 'cut') return 2 * fault.forMs + fault.afterMs;
  return 'forMs' in fault ? fault.forMs : 0;
}

/** How long after the start the last planned fault is over, in ms. */
export function faultsEndMs(faults: readonly Fault[]): number {
  return faults.reduce((end, fault) => Math.max(end, fault.atMs + lastsMs(fault)), 0);
}

/** Quick links that lose nothing. */
export const CALM_NETWORK: NetworkOptions = {
  delayMsMin: 2,
  delayMsMax: 8,
  lossPerMille: 0,
  duplicatePerMille: 0,
  reorder: false,
};

/** Slow links that reorder and duplicate. */
export const ROUGH_NETWORK: NetworkOptions = {
  delayMsMin: 1,
  delayMsMax: 60,
  lossPerMille: 0,
  duplicatePerMille: 50,
  reorder: true,
};

/** A disk that syncs within a few ms. */
export const QUICK_DISK: DiskOptions = { syncMsMin: 1, syncMsMax: 4 };

/** A disk that takes tens of ms to sync. */
export const SLOW_DISK: DiskOptions = { syncMsMin: 10, syncMsMax: 60 };

/** A verifier that mostly answers soon. */
export const QUICK_VERIFIER: VerifierOptions = {
  delayMsMin: 5,
  delayMsMax: 40,
  silentPerMille: 100,
};
