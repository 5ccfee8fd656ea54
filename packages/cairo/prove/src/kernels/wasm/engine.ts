// Compiles and starts a WebAssembly module, its memory shared between threads.

/** As much of the JavaScript API of WebAssembly as is used; neither ES nor Node's types have it. */
interface Engine {
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, Call>> };
  readonly Memory: new (limits: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: boolean;
  }) => Memory;
  readonly compile: (bytes: Uint8Array<ArrayBuffer>) => Promise<object>;
}

/** Memory of a module; threads share it where it was made for that. */
export interface Memory {
  readonly buffer: ArrayBufferLike;
  /** Adds pages of 64 KiB. @throws RangeError where there are no more (or too many asked) */
  grow(pages: number): number;
}

/** An exported function. */
export type Call = (...parameters: number[]) => number;

const { WebAssembly: engine } = globalThis as unknown as { readonly WebAssembly: Engine };

/** A module that every thread can start. Rejects for bytes that are no module. */
export function compile(bytes: Uint8Array<ArrayBuffer>): Promise<object> {
  return engine.compile(bytes);
}

/** One page that can become `maximum`. */
export function newMemory(maximum: number, shared: boolean): Memory {
  return new engine.Memory({ initial: 1, maximum, shared });
}

/** The functions of a module in its order, for one thread: `scratch` is an address of its own. */
export function instantiate(
  module: object,
  memory: Memory,
  scratch: number,
): ReadonlyMap<string, Call> {
  const { exports } = new engine.Instance(module, { thread: { memory, scratch } });
  return new Map(Object.entries(exports));
}
