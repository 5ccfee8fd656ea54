// `node tools/bench/kernels.mjs`: what SIMD brings the prover's kernels, each against the code for
// one element or one message.
import { fileURLToPath } from 'node:url';
import { addBlakeFunctions } from '../../packages/cairo/prove/dist/kernels/wasm/blake.js';
import { ELEMENT } from '../../packages/cairo/prove/dist/kernels/wasm/element.js';
import { ModuleBuilder } from '../../packages/cairo/prove/dist/kernels/wasm/encoder.js';
import {
  compile,
  instantiate,
  newMemory,
} from '../../packages/cairo/prove/dist/kernels/wasm/engine.js';
import { Four } from '../../packages/cairo/prove/dist/kernels/wasm/four.js';
import { addKeccakFunctions } from '../../packages/cairo/prove/dist/kernels/wasm/keccak.js';
import { One } from '../../packages/cairo/prove/dist/kernels/wasm/one.js';
import { round } from './probe.mjs';

const PLACES = { mask: 0, constants: 64 };
const SCRATCH = 1024;
/** Elements in the first-level cache, and rows of 192 bytes: the six columns of a trace. */
const COUNT = 128;
const ROW = 192;
const [TO, A, B] = [1, 2, 3].map((i) => i * 64 * 1024);

/** What a loop does with x and y; the result is in x. */
const OPERATIONS = {
  add: (field, x, y) => {
    field.join('add', x, x, y);
    field.normalise(x);
  },
  multiply: (field, x, y) => field.multiply(x, x, y),
  butterfly: (field, x, y, turned) => {
    field.multiply(y, y, y);
    field.join('sub', turned, x, y);
    field.join('add', x, x, y);
    field.normalise(x);
    field.normalise(turned);
  },
};

function addLoop(module, name, Field, operation) {
  module.add(`${name}${Field.name}`, 4, (code, to, a, b, count) => {
    const field = new Field(code);
    const [x, y, turned] = [field.element(), field.element(), field.element()];
    code.repeat(count, () => {
      field.load(x, a);
      field.load(y, b);
      operation(field, x, y, turned);
      field.store(to, x);
      for (const pointer of [to, a, b]) code.advance(pointer, field.width * ELEMENT);
    });
  });
}

function addRows(module, name, call, ways) {
  module.add(name, 3, (code, to, rows, count) => {
    code.repeat(count, () => {
      code.get(to, rows).i32Const(ROW).i32Const(ROW).call(call);
      code.advance(to, 32 * ways).advance(rows, ROW * ways);
    });
  });
}

/** ns per unit, the least of a few. */
function nanoseconds(work, units) {
  for (let i = 0; i < 2000; i++) work();
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 10; run++) {
    const start = performance.now();
    for (let i = 0; i < 200; i++) work();
    least = Math.min(least, performance.now() - start);
  }
  return (least * 1e6) / 200 / units;
}

/** Per kernel: ns alone, ns in SIMD, and how many times faster that is. */
export async function kernelRatios() {
  const module = new ModuleBuilder();
  for (const [name, operation] of Object.entries(OPERATIONS))
    for (const Field of [One, Four]) addLoop(module, name, Field, operation);
  const hashes = {
    keccak256: addKeccakFunctions(module, PLACES),
    blake2s: addBlakeFunctions(module, PLACES),
  };
  for (const [name, { single, many, ways }] of Object.entries(hashes)) {
    addRows(module, `${name}One`, single, 1);
    addRows(module, `${name}Many`, many, ways);
  }
  const memory = newMemory(64, false);
  memory.grow(15);
  new Uint32Array(memory.buffer, A, COUNT * 18).fill(0x1234567);
  const calls = instantiate(await compile(module.encode(false)), memory, SCRATCH);
  const row = (one, many) => ({
    oneNs: round(one, 1),
    simdNs: round(many, 1),
    timesFaster: round(one / many, 2),
  });
  const fields = Object.keys(OPERATIONS).map((name) => {
    const time = (kind, count) => nanoseconds(() => calls.get(name + kind)(TO, A, B, count), COUNT);
    return [name, row(time('One', COUNT), time('Four', COUNT / 4))];
  });
  const rows = Object.entries(hashes).map(([name, { ways }]) => {
    const time = (kind, count) => nanoseconds(() => calls.get(name + kind)(TO, A, count), COUNT);
    return [name, row(time('One', COUNT), time('Many', COUNT / ways))];
  });
  return Object.fromEntries([...fields, ...rows]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await kernelRatios());
