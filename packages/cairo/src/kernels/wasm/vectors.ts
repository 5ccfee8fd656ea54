import {
  ELEMENT,
  type Element,
  join,
  load,
  Multiplier,
  newElement,
  normalise,
  reduceFully,
  store,
} from './element.ts';
import type { Code, Local, ModuleBuilder } from './encoder.ts';

/**
 * Functions on arrays of elements. Addresses and counts are i32 parameters, factors are the
 * addresses of elements. What is stored is normalised, with a value in −p..3p.
 */
export function addVectorFunctions(module: ModuleBuilder): void {
  addSums(module);
  addProducts(module);
  addScaling(module);
  addTransforms(module);
  addPolynomials(module);
  addRuns(module);
  addMoves(module);
  addConversions(module);
}

function addSums(module: ModuleBuilder): void {
  for (const op of ['add', 'sub'] as const)
    module.add(op, 4, (code, to, a, b, count) => {
      const [x, y] = [newElement(code), newElement(code)];
      code.repeat(count as Local, () => {
        load(code, x, a as Local);
        load(code, y, b as Local);
        join(code, `i64.${op}`, x, x, y);
        normalise(code, x);
        store(code, to as Local, x);
        next(code, to, a, b);
      });
    });
}

/** Every pointer to its next element. */
function next(code: Code, ...pointers: readonly (Local | undefined)[]): void {
  for (const pointer of pointers) if (pointer !== undefined) code.advance(pointer, ELEMENT);
}

function addProducts(module: ModuleBuilder): void {
  module.add('mul', 4, (code, to, a, b, count) => {
    const [x, y] = [newElement(code), newElement(code)];
    const multiplier = new Multiplier(code);
    code.repeat(count as Local, () => {
      load(code, x, a as Local);
      load(code, y, b as Local);
      multiplier.emit(x, x, y);
      store(code, to as Local, x);
      next(code, to, a, b);
    });
  });
}

function addScaling(module: ModuleBuilder): void {
  for (const name of ['scale', 'addScaled'])
    module.add(name, 4, (code, to, a, factor, count) => {
      const [x, y, sum] = [newElement(code), newElement(code), newElement(code)];
      const multiplier = new Multiplier(code);
      load(code, y, factor as Local);
      code.repeat(count as Local, () => {
        load(code, x, a as Local);
        multiplier.emit(x, x, y);
        if (name === 'addScaled') {
          load(code, sum, to as Local);
          join(code, 'i64.add', x, x, sum);
          normalise(code, x);
        }
        store(code, to as Local, x);
        next(code, to, a);
      });
    });
}

/**
 * One layer of a transform: `blocks` blocks of 2·half values, block k with factor k from `table`.
 * A forward layer without carries lets limbs grow by 2^29, which a product endures twice.
 */
function addTransforms(module: ModuleBuilder): void {
  const layer = (
    name: string,
    butterfly: (
      code: Code,
      multiplier: Multiplier,
      elements: readonly [Element, Element, Element, Element],
    ) => void,
  ): void => {
    module.add(name, 4, (code, low, table, half, blocks) => {
      const [x, y, factor] = [newElement(code), newElement(code), newElement(code)];
      const turned = newElement(code);
      const multiplier = new Multiplier(code);
      const [high, left] = [code.i32(), code.i32()];
      code.repeat(blocks as Local, () => {
        load(code, factor, table as Local);
        code.get(half as Local).set(left);
        code
          .get(low as Local, left)
          .i32Const(ELEMENT)
          .op('i32.mul', 'i32.add')
          .set(high);
        code.repeat(left, () => {
          load(code, x, low as Local);
          load(code, y, high);
          butterfly(code, multiplier, [x, y, factor, turned]);
          store(code, low as Local, x);
          store(code, high, turned);
          next(code, low, high);
        });
        code.get(high).set(low as Local);
        next(code, table);
      });
    });
  };
  for (const carries of [true, false])
    layer(carries ? 'forward' : 'forwardLoose', (code, multiplier, [x, y, factor, turned]) => {
      multiplier.emit(y, y, factor);
      join(code, 'i64.sub', turned, x, y);
      join(code, 'i64.add', x, x, y);
      if (!carries) return;
      normalise(code, x);
      normalise(code, turned);
    });
  layer('backward', (code, multiplier, [x, y, factor, turned]) => {
    join(code, 'i64.sub', turned, x, y);
    multiplier.emit(turned, turned, factor);
    join(code, 'i64.add', x, x, y);
    normalise(code, x);
  });
}

/** Loops from the last element of `pointer` to the first; the pointers behind it go along. */
function descend(
  code: Code,
  count: Local,
  pointers: readonly (Local | undefined)[],
  body: () => void,
): void {
  for (const pointer of pointers)
    if (pointer !== undefined)
      code.get(pointer, count).i32Const(ELEMENT).op('i32.mul', 'i32.add').set(pointer);
  code.repeat(count, () => {
    for (const pointer of pointers) if (pointer !== undefined) code.advance(pointer, -ELEMENT);
    body();
  });
}

function addPolynomials(module: ModuleBuilder): void {
  module.add('evaluate', 4, (code, to, coefficients, point, count) => {
    const [sum, x, value] = [newElement(code), newElement(code), newElement(code)];
    const multiplier = new Multiplier(code);
    load(code, x, point as Local);
    descend(code, count as Local, [coefficients], () => {
      multiplier.emit(sum, sum, x);
      load(code, value, coefficients as Local);
      join(code, 'i64.add', sum, sum, value);
    });
    normalise(code, sum);
    store(code, to as Local, sum);
  });
  module.add('addQuotient', 4, (code, to, coefficients, point, count) => {
    const [sum, x, value] = [newElement(code), newElement(code), newElement(code)];
    const multiplier = new Multiplier(code);
    load(code, x, point as Local);
    descend(code, count as Local, [to, coefficients], () => {
      load(code, value, to as Local);
      join(code, 'i64.add', value, value, sum);
      normalise(code, value);
      store(code, to as Local, value);
      multiplier.emit(sum, sum, x);
      load(code, value, coefficients as Local);
      join(code, 'i64.add', sum, sum, value);
    });
  });
  module.add('fold', 4, (code, to, coefficients, beta, count) => {
    const [even, odd, factor] = [newElement(code), newElement(code), newElement(code)];
    const multiplier = new Multiplier(code);
    load(code, factor, beta as Local);
    code.repeat(count as Local, () => {
      load(code, even, coefficients as Local);
      next(code, coefficients);
      load(code, odd, coefficients as Local);
      next(code, coefficients);
      multiplier.emit(odd, odd, factor);
      join(code, 'i64.add', even, even, odd);
      join(code, 'i64.add', even, even, even);
      normalise(code, even);
      store(code, to as Local, even);
      next(code, to);
    });
  });
}

function addRuns(module: ModuleBuilder): void {
  module.add('accumulate', 3, (code, values, one, count) => {
    const [product, x] = [newElement(code), newElement(code)];
    const multiplier = new Multiplier(code);
    load(code, product, one as Local);
    code.repeat(count as Local, () => {
      load(code, x, values as Local);
      multiplier.emit(product, product, x);
      store(code, values as Local, product);
      next(code, values);
    });
  });
  // Inverses of values 1.. from running products and the inverse of the last; what is left of that
  // is the inverse of value 0.
  module.add('unwind', 4, (code, values, products, inverse, count) => {
    const [left, x, y] = [newElement(code), newElement(code), newElement(code)];
    const multiplier = new Multiplier(code);
    load(code, left, inverse as Local);
    next(code, values);
    descend(code, count as Local, [values, products], () => {
      load(code, x, products as Local);
      load(code, y, values as Local);
      multiplier.emit(x, x, left);
      store(code, values as Local, x);
      multiplier.emit(left, left, y);
    });
    code.advance(values as Local, -ELEMENT);
    store(code, values as Local, left);
  });
}

function moveElement(code: Code, to: Local, from: Local): void {
  for (let at = 0; at < 32; at += 8)
    code.get(to, from).memory('i64.load', at).memory('i64.store', at);
  code.get(to, from).memory('i32.load', 32).memory('i32.store', 32);
}

function addMoves(module: ModuleBuilder): void {
  // Steps in bytes.
  module.add('copy', 5, (code, to, toStep, from, fromStep, count) => {
    code.repeat(count as Local, () => {
      moveElement(code, to as Local, from as Local);
      code
        .get(to as Local, toStep as Local)
        .op('i32.add')
        .set(to as Local);
      code
        .get(from as Local, fromStep as Local)
        .op('i32.add')
        .set(from as Local);
    });
  });
  // A counter that carries from its highest bit down.
  module.add('reverse', 3, (code, to, from, count) => {
    const [mirrored, bit, left, target] = [code.i32(), code.i32(), code.i32(), code.i32()];
    const isSet = (): void => {
      code.get(mirrored, bit).op('i32.and');
    };
    code.get(count as Local).set(left);
    code.repeat(left, () => {
      code
        .get(to as Local, mirrored)
        .i32Const(ELEMENT)
        .op('i32.mul', 'i32.add')
        .set(target);
      moveElement(code, target, from as Local);
      next(code, from);
      code
        .get(count as Local)
        .i32Const(1)
        .op('i32.shr_u')
        .set(bit);
      isSet();
      code.when(() => {
        code.loop(() => {
          code.get(mirrored, bit).op('i32.sub').set(mirrored);
          code.get(bit).i32Const(1).op('i32.shr_u').set(bit);
        }, isSet);
      });
      code.get(mirrored, bit).op('i32.add').set(mirrored);
    });
  });
}

/** Bits 64·word.. of nine 29-bit limbs are in these limbs, shifted left by so much. */
const WORDS: readonly (readonly (readonly [limb: number, shift: number])[])[] = [
  [
    [0, 0],
    [1, 29],
    [2, 58],
  ],
  [
    [2, -6],
    [3, 23],
    [4, 52],
  ],
  [
    [4, -12],
    [5, 17],
    [6, 46],
  ],
  [
    [6, -18],
    [7, 11],
    [8, 40],
  ],
];

/** Reverses the bytes of the i64 on the stack. */
export function swapBytes(code: Code): void {
  const x = code.i64();
  for (const [bits, mask] of [
    [8, 0x00ff00ff00ff00ffn],
    [16, 0x0000ffff0000ffffn],
  ] as const) {
    code.set(x).get(x).i64Const(bits).op('i64.shr_u').i64Const(mask).op('i64.and');
    code.get(x).i64Const(mask).op('i64.and').i64Const(bits).op('i64.shl', 'i64.or');
  }
  code.i64Const(32).op('i64.rotl');
}

function shift(code: Code, bits: number): void {
  if (bits > 0) code.i64Const(bits).op('i64.shl');
  if (bits < 0) code.i64Const(-bits).op('i64.shr_u');
}

function addConversions(module: ModuleBuilder): void {
  // 32 bytes, big-endian, of factor·value/2^261 mod p, at every step-th byte.
  module.add('pack', 5, (code, to, step, from, factor, count) => {
    const [x, y] = [newElement(code), newElement(code)];
    const multiplier = new Multiplier(code);
    load(code, y, factor as Local);
    code.repeat(count as Local, () => {
      load(code, x, from as Local);
      multiplier.emit(x, x, y);
      reduceFully(code, x);
      for (const [i, parts] of WORDS.entries()) {
        code.get(to as Local).i64Const(0);
        for (const [limb, bits] of parts) {
          code.get(x[limb] as Local);
          shift(code, bits);
          code.op('i64.or');
        }
        swapBytes(code);
        code.memory('i64.store', 24 - 8 * i);
      }
      code
        .get(to as Local, step as Local)
        .op('i32.add')
        .set(to as Local);
      next(code, from);
    });
  });
  // From 32 bytes each, little-endian, below 2^256; times factor/2^261.
  module.add('unpack', 4, (code, to, from, factor, count) => {
    const [x, y] = [newElement(code), newElement(code)];
    const words = code.i64s(4);
    const multiplier = new Multiplier(code);
    load(code, y, factor as Local);
    code.repeat(count as Local, () => {
      for (const [i, word] of words.entries())
        code
          .get(from as Local)
          .memory('i64.load', 8 * i)
          .set(word);
      for (const [limb, local] of x.entries()) {
        code.i64Const(0);
        for (const [i, parts] of WORDS.entries())
          for (const [target, bits] of parts) {
            if (target !== limb) continue;
            code.get(words[i] as Local);
            shift(code, -bits);
            code.op('i64.or');
          }
        code
          .i64Const(2 ** 29 - 1)
          .op('i64.and')
          .set(local);
      }
      multiplier.emit(x, x, y);
      store(code, to as Local, x);
      next(code, to);
      code.advance(from as Local, 32);
    });
  });
}
