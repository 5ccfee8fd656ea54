// Locks that are held: their signal, their deadline, their release.
import { type LockMode, tokenOf } from '@fatty/api';
import type { CallOutcome, CallRequest } from '@fatty/core';
import type { Failure, Position, SessionId } from '@fatty/interface';
import { expectResult, failureError, resultsOf } from './answers.ts';
import { CERTIFICATE } from './arguments.ts';
import { optionsOf } from './checks.ts';
import type { CallOptions, Driver } from './driver.ts';
import { clientError, FattyError, isFattyError } from './error.ts';
import type { CertificateOptions } from './options.ts';

/**
 * What one call got: when it ends, and why. Made in the turn in which it is got, so that no loss goes
 * by unheard. Whoever looks at it learns of what is due by then: signal, deadline and `held` agree.
 */
export class Hold {
  readonly lost: Promise<FattyError>;
  readonly #controller = new AbortController();
  readonly #driver: Driver;
  readonly call: number;
  readonly path: string;

  constructor(driver: Driver, call: number, path: string) {
    this.#driver = driver;
    this.call = call;
    this.path = path;
    this.lost = new Promise((resolve) => {
      driver.onLost(call, (failure) => {
        const error = lossError(failure, path);
        this.#controller.abort(error);
        resolve(error);
      });
    });
  }

  /** Aborted by now if the hold is over by now. */
  get signal(): AbortSignal {
    this.#driver.look();
    return this.#controller.signal;
  }

  /** Monotonic ms (`performance.now()`) until which the hold is proved; −∞ when it is not. */
  get deadlineMs(): number {
    if (this.signal.aborted) return Number.NEGATIVE_INFINITY;
    return this.#driver.deadlineOf(this.call);
  }

  get held(): boolean {
    return this.deadlineMs > Number.NEGATIVE_INFINITY;
  }

  /** @throws FattyError with the reason, when it is lost already */
  check(): void {
    if (!this.held) throw this.signal.reason;
  }

  /**
   * Ends the belief first, then gives the hold back. A hold that is lost already, whether we have
   * heard of it or the cell says so now, is nothing to give back.
   */
  async release(kind: 'released' | 'machineReleased', options: CallOptions): Promise<void> {
    if (this.signal.aborted) return;
    const request = { kind: 'release', hold: this.call } as const;
    const { outcome } = this.#driver.call(request, options);
    const { path } = this;
    this.#driver.forget(this.call);
    const reason = clientError('lock_released', 'a live hold', 'released by its holder', { path });
    this.#controller.abort(reason);
    try {
      const { results } = resultsOf(await outcome, { path, signal: options.signal });
      expectResult(results[0], kind, path);
    } catch (error) {
      if (!isFattyError(error) || !NOTHING_HELD.has(error.code)) throw error;
    }
  }
}

/** Answers to a release that all say the same: this hold is no more. */
const NOTHING_HELD: ReadonlySet<string> = new Set([
  'lock_lost',
  'session_expired',
  'session_unknown',
  'not_found',
  'not_held',
  'lock_mismatch',
  'not_a_machine',
  'not_lessee',
]);

function lossError(failure: Failure, path: string): FattyError {
  return new FattyError(failure, { outcome: 'applied', retryable: true, path });
}

/** A lock that is held. `await using` gives it back at the end of the block. */
export interface Lock extends AsyncDisposable {
  readonly path: string;
  readonly mode: LockMode;
  /** Grows with every grant on this path, for ever: the fencing token. */
  readonly generation: Position;
  /**
   * {@link generation} as the fencing token, `commit.index` with leading zeros: 27 characters, of which
   * the larger text is the later grant.
   */
  readonly token: string;
  /**
   * Aborted when the lock is lost, can no longer be proved, or was released. Never un-aborted. No
   * later than {@link deadlineMs}: in the first turn of the process from then on.
   */
  readonly signal: AbortSignal;
  /** Resolves with the reason (`lock_lost`, `in_jeopardy`, `session_expired`); pending otherwise. */
  readonly lost: Promise<FattyError>;
  /** Monotonic ms (`performance.now()`) until which the lock is proved right now. */
  readonly deadlineMs: number;
  /** Whether the lock can be proved at this moment: exactly while {@link signal} is not aborted. */
  readonly held: boolean;
  /**
   * The fencing certificate: that this client held the lock with this generation. Whoever knows the cell
   * checks it offline (`Fence` of `@fatty/verify`). A new one, at each call. @throws FattyError `lock_lost`,
   * `no_certificate`, `timeout`…
   */
  certificate(options?: CertificateOptions): Promise<Uint8Array>;
  /** Gives it back; harmless when it is lost already. @throws FattyError `timeout`, `aborted`… */
  release(options?: CallOptions): Promise<void>;
}

/** How a lock is asked for. */
export type LockRequest = Extract<CallRequest, { kind: 'acquire' }>;

/**
 * Asks for a lock. `got` runs in the turn in which it is proved. Resolves with what the call came
 * to, a turn later.
 * @throws FattyError as {@link Driver.call}
 */
export function askForLock(
  driver: Driver,
  request: LockRequest,
  options: CallOptions & { readonly defaults: CallOptions },
  got: (lock: Lock, call: number) => void,
): Promise<CallOutcome> {
  const { path, mode } = request;
  const { outcome } = driver.call(request, options, (settled, call) => {
    if (settled.kind !== 'held') return;
    const grant = { path, mode, lockGen: settled.lockGen, session: settled.at.session };
    got(makeLock(driver, call, grant, options.defaults), call);
  });
  return outcome;
}

/**
 * The lock, held: one that was lost before its caller could hear of it rejects.
 * @throws FattyError the failure of the call, or the reason of the loss
 */
export async function acquireLock(
  driver: Driver,
  request: LockRequest,
  options: CallOptions & { readonly defaults: CallOptions },
): Promise<Lock> {
  let lock: Lock | undefined;
  const outcome = await askForLock(driver, request, options, (got) => {
    lock = got;
  });
  const { path } = request;
  if (outcome.kind === 'failed') throw failureError(outcome, { path, signal: options.signal });
  if (lock === undefined) throw clientError('bad_answer', 'a grant', outcome.kind, { path });
  if (!lock.held) throw lock.signal.reason;
  return lock;
}

/** Runs the work, then gives the lock back whatever came of it. */
export async function underLock<T>(lock: Lock, work: (lock: Lock) => Promise<T>): Promise<T> {
  let value: T;
  try {
    value = await work(lock);
  } catch (error) {
    // What the work says is worth more than what its release may say.
    await lock.release().catch(() => undefined);
    throw error;
  }
  await lock.release();
  return value;
}

function makeLock(
  driver: Driver,
  call: number,
  grant: {
    readonly path: string;
    readonly mode: LockMode;
    readonly lockGen: Position;
    readonly session: SessionId;
  },
  defaults: CallOptions,
): Lock {
  const { path, mode, lockGen } = grant;
  const hold = new Hold(driver, call, path);
  const release = async (options?: CallOptions): Promise<void> =>
    hold.release('released', { ...defaults, ...optionsOf(CERTIFICATE, options) });
  return {
    path,
    mode,
    generation: lockGen,
    token: tokenOf(lockGen),
    get signal() {
      return hold.signal;
    },
    lost: hold.lost,
    get deadlineMs() {
      return hold.deadlineMs;
    },
    get held() {
      return hold.held;
    },
    async certificate(options) {
      hold.check();
      const { fencingCertificate } = await import('./certified.ts');
      return fencingCertificate(driver, grant, { ...defaults, ...optionsOf(CERTIFICATE, options) });
    },
    release,
    [Symbol.asyncDispose]: () => release(),
  };
}
