// How a command is told to end.
import { constants } from 'node:os';
import { EXIT, ExitError, type Io, isReaderGone } from './io.ts';

/** What tells a process to end and lets it do so in order. */
export const ENDING_SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;
/** One of {@link ENDING_SIGNALS}. */
export type EndingSignal = (typeof ENDING_SIGNALS)[number];

/** Why a command is told to end: a signal, or nobody takes what it writes. */
export type StopReason =
  | { readonly kind: 'signal'; readonly signal: EndingSignal }
  | { readonly kind: 'output'; readonly error: NodeJS.ErrnoException };

/** A signal that comes sooner after the first is the first again, ms. */
const AGAIN_MS = 1_000;

/** As shells count. */
export const signalExit = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/**
 * Prints nothing: whoever sent a signal or closed a pipe knows of it, and a full disk was told
 * before.
 */
function exitErrorOf(reason: StopReason): ExitError {
  if (reason.kind === 'signal') return new ExitError(signalExit(reason.signal), '');
  const isPipe = isReaderGone(reason.error);
  return new ExitError(isPipe ? signalExit('SIGPIPE') : EXIT.refused, '');
}

/**
 * Hears of whatever tells this command to end, for as long as it holds anything. The first reason
 * aborts {@link signal} and breaks the command off, unless the command has taken over.
 */
export class Stop {
  /** Its reason is the ExitError that the command ends with. */
  readonly signal: AbortSignal;
  /** Rejects with that reason. */
  readonly broken: Promise<never>;
  readonly #controller = new AbortController();
  readonly #io: Io;
  #takenBy: ((reason: StopReason) => void) | undefined;

  constructor(io: Io) {
    this.#io = io;
    this.signal = this.#controller.signal;
    this.broken = new Promise((_, reject) => {
      this.signal.addEventListener('abort', () => reject(this.signal.reason), { once: true });
    });
    this.broken.catch(() => undefined);
    for (const signal of ENDING_SIGNALS) process.on(signal, this.#onSignal);
    io.outputFailed.addEventListener('abort', this.#onOutput);
    if (io.outputFailed.aborted) this.#onOutput();
  }

  readonly #onSignal = (signal: NodeJS.Signals): void =>
    this.#told({ kind: 'signal', signal: signal as EndingSignal });

  readonly #onOutput = (): void =>
    this.#told({ kind: 'output', error: this.#io.outputFailed.reason });

  #told(reason: StopReason): void {
    if (this.#takenBy === undefined) this.#controller.abort(exitErrorOf(reason));
    else this.#takenBy(reason);
  }

  /**
   * From now on the command ends by itself: every reason is told to `heard`. Answers the way back.
   * @throws ExitError when it was told to end before
   */
  takeOver(heard: (reason: StopReason) => void): () => void {
    this.signal.throwIfAborted();
    this.#takenBy = heard;
    return () => {
      this.#takenBy = undefined;
    };
  }

  /**
   * The first reason, for a command that goes on until it is told to end. A second signal breaks
   * the command off, when it comes a while later: at once it may be the same Ctrl-C, which both the
   * terminal and npm have sent.
   */
  takeOverOnce(): Promise<StopReason> {
    let tell: (reason: StopReason) => void = () => undefined;
    const told = new Promise<StopReason>((resolve) => {
      tell = resolve;
    });
    let firstMs: number | undefined;
    this.takeOver((reason) => {
      tell(reason);
      firstMs ??= performance.now();
      if (performance.now() - firstMs > AGAIN_MS) this.#controller.abort(exitErrorOf(reason));
    });
    return told;
  }

  /** Hears no more: signals end this process again as they end any other. */
  close(): void {
    for (const signal of ENDING_SIGNALS) process.off(signal, this.#onSignal);
    this.#io.outputFailed.removeEventListener('abort', this.#onOutput);
  }
}
