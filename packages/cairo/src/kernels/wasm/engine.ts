/** As much of the JavaScript API of WebAssembly as is used; neither ES nor Node's types have it. */
interface Engine {
  readonly Instance: new (
    module: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly compile: (bytes: Uint8Array<ArrayBuffer>) => Promise<object>;
}

export interface Memory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB. @throws RangeError where there are no more (or too many asked) */
  grow(pages: number): number;
}

const { WebAssembly: engine } = globalThis as unknown as { readonly WebAssembly: Engine };

export function compile(bytes: Uint8Array<ArrayBuffer>): Promise<object> {
  return engine.compile(bytes);
}

export interface Instance {
  readonly memory: Memory;
  /** An exported function; its parameters are i32. */
  readonly call: (name: string) => (...parameters: number[]) => number;
}

export function instantiate(module: object): Instance {
  const { exports } = new engine.Instance(module);
  return {
    memory: exports.memory as Memory,
    call: (name) => exports[name] as (...parameters: number[]) => number,
  };
}
