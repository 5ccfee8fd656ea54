import {
  ELEMENT,
  type Element,
  join,
  load,
  Multiplier,
  newElement,
  normalise,
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
  module.add('inverse', 2, (code, to, from) => {
    const [x, power] = [newElement(code), newElement(code)];
    const multiplier = new Multiplier(code);
    const left = code.i32();
    load(code, x, from as Local);
    load(code, power, from as Local);
    // x^(p−2); the exponent's bits are 251, 196 and 191 down to 0.
    const squareThen = (count: number, times: boolean): void => {
      code.i32Const(count).set(left);
      code.repeat(left, () => {
        multiplier.emit(power, power, power);
        if (times) multiplier.emit(power, power, x);
      });
    };
    squareThen(54, false);
    squareThen(1, true);
    squareThen(4, false);
    squareThen(192, true);
    store(code, to as Local, power);
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
