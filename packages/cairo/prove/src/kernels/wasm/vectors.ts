// Code for arrays of field elements: sums, products, transforms, running products.
import { type Arithmetic, ELEMENT, type Element } from './element.ts';
import type { Code, Local, ModuleBuilder } from './encoder.ts';
import { Four } from './four.ts';
import { One } from './one.ts';

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

/** Code for the element, or the four, at the pointers; what comes before the first of them. */
interface Loop {
  readonly before?: () => void;
  readonly body: () => void;
}

/** Loops over `count` elements, four at a time and then one by one; the pointers go along. */
function each(
  code: Code,
  count: Local,
  pointers: readonly Local[],
  loops: readonly (readonly [Arithmetic, Loop])[],
): void {
  const left = code.i32();
  for (const [{ width }, { before, body }] of loops) {
    code.get(count);
    if (width === 4) code.i32Const(2).op('i32.shr_u');
    else code.i32Const(3).op('i32.and');
    code.tee(left).when(() => {
      before?.();
      code.repeat(left, () => {
        body();
        for (const pointer of pointers) code.advance(pointer, width * ELEMENT);
      });
    });
  }
}

/** The same code for four elements and for one. */
function both(
  code: Code,
  write: (field: Arithmetic) => Loop,
): readonly (readonly [Arithmetic, Loop])[] {
  return [new Four(code), new One(code)].map((field) => [field, write(field)]);
}

function addSums(module: ModuleBuilder): void {
  for (const op of ['add', 'sub'] as const)
    module.add(op, 4, (code, ...parameters) => {
      const [to, a, b, count] = parameters as [Local, Local, Local, Local];
      const loops = both(code, (field) => {
        const [x, y] = [field.element(), field.element()];
        const body = (): void => {
          field.load(x, a);
          field.load(y, b);
          field.join(op, x, x, y);
          field.normalise(x);
          field.store(to, x);
        };
        return { body };
      });
      each(code, count, [to, a, b], loops);
    });
}

function addProducts(module: ModuleBuilder): void {
  module.add('mul', 4, (code, ...parameters) => {
    const [to, a, b, count] = parameters as [Local, Local, Local, Local];
    const loops = both(code, (field) => {
      const [x, y] = [field.element(), field.element()];
      const body = (): void => {
        field.load(x, a);
        field.load(y, b);
        field.multiply(x, x, y);
        field.store(to, x);
      };
      return { body };
    });
    each(code, count, [to, a, b], loops);
  });
}

function addScaling(module: ModuleBuilder): void {
  for (const name of ['scale', 'addScaled'])
    module.add(name, 4, (code, ...parameters) => {
      const [to, a, factor, count] = parameters as [Local, Local, Local, Local];
      const loops = both(code, (field) => {
        const [x, y, sum] = [field.element(), field.element(), field.element()];
        const body = (): void => {
          field.load(x, a);
          field.multiply(x, x, y);
          if (name === 'addScaled') {
            field.load(sum, to);
            field.join('add', x, x, sum);
            field.normalise(x);
          }
          field.store(to, x);
        };
        return { before: () => field.spread(y, factor), body };
      });
      each(code, count, [to, a], loops);
    });
}

/** x and y by a factor to x and turned. */
type Butterfly = (field: Arithmetic, x: Element, y: Element, factor: Element) => Element;

/** One layer of a transform: `blocks` blocks of 2·half values, block k with factor k of `table`. */
function addLayer(module: ModuleBuilder, name: string, butterfly: Butterfly): void {
  module.add(name, 4, (code, ...parameters) => {
    const [low, table, half, blocks] = parameters as [Local, Local, Local, Local];
    const high = code.i32();
    const loops = both(code, (field) => {
      const [x, y, factor] = [field.element(), field.element(), field.element()];
      const body = (): void => {
        field.load(x, low);
        field.load(y, high);
        const turned = butterfly(field, x, y, factor);
        field.store(low, x);
        field.store(high, turned);
      };
      return { before: () => field.spread(factor, table), body };
    });
    code.repeat(blocks, () => {
      code.get(low, half).i32Const(ELEMENT).op('i32.mul', 'i32.add').set(high);
      each(code, half, [low, high], loops);
      code.get(high).set(low).advance(table, ELEMENT);
    });
  });
}

/** A forward layer without carries lets limbs grow by 2^29, which a product endures twice. */
function addTransforms(module: ModuleBuilder): void {
  for (const carries of [true, false])
    addLayer(module, carries ? 'forward' : 'forwardLoose', (field, x, y, factor) => {
      const turned = field.element();
      field.multiply(y, y, factor);
      field.join('sub', turned, x, y);
      field.join('add', x, x, y);
      if (!carries) return turned;
      field.normalise(x);
      field.normalise(turned);
      return turned;
    });
  addLayer(module, 'backward', (field, x, y, factor) => {
    const turned = field.element();
    field.join('sub', turned, x, y);
    field.multiply(turned, turned, factor);
    field.join('add', x, x, y);
    field.normalise(x);
    return turned;
  });
}

/** Every pointer to its next element. */
function next(code: Code, ...pointers: readonly (Local | undefined)[]): void {
  for (const pointer of pointers) if (pointer !== undefined) code.advance(pointer, ELEMENT);
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
    const field = new One(code);
    const [sum, x, value] = [field.element(), field.element(), field.element()];
    field.load(x, point as Local);
    descend(code, count as Local, [coefficients], () => {
      field.multiply(sum, sum, x);
      field.load(value, coefficients as Local);
      field.join('add', sum, sum, value);
    });
    field.normalise(sum);
    field.store(to as Local, sum);
  });
  module.add('addQuotient', 4, (code, to, coefficients, point, count) => {
    const field = new One(code);
    const [sum, x, value] = [field.element(), field.element(), field.element()];
    field.load(x, point as Local);
    descend(code, count as Local, [to, coefficients], () => {
      field.load(value, to as Local);
      field.join('add', value, value, sum);
      field.normalise(value);
      field.store(to as Local, value);
      field.multiply(sum, sum, x);
      field.load(value, coefficients as Local);
      field.join('add', sum, sum, value);
    });
  });
  module.add('fold', 4, (code, to, coefficients, beta, count) => {
    const field = new One(code);
    const [even, odd, factor] = [field.element(), field.element(), field.element()];
    field.load(factor, beta as Local);
    code.repeat(count as Local, () => {
      field.load(even, coefficients as Local);
      next(code, coefficients);
      field.load(odd, coefficients as Local);
      next(code, coefficients);
      field.multiply(odd, odd, factor);
      field.join('add', even, even, odd);
      field.join('add', even, even, even);
      field.normalise(even);
      field.store(to as Local, even);
      next(code, to);
    });
  });
}

function addRuns(module: ModuleBuilder): void {
  module.add('accumulate', 3, (code, values, one, count) => {
    const field = new One(code);
    const [product, x] = [field.element(), field.element()];
    field.load(product, one as Local);
    code.repeat(count as Local, () => {
      field.load(x, values as Local);
      field.multiply(product, product, x);
      field.store(values as Local, product);
      next(code, values);
    });
  });
  module.add('inverse', 2, (code, to, from) => {
    const field = new One(code);
    const [x, power] = [field.element(), field.element()];
    const left = code.i32();
    field.load(x, from as Local);
    field.load(power, from as Local);
    // x^(p−2); the exponent's bits are 251, 196 and 191 down to 0.
    const squareThen = (count: number, times: boolean): void => {
      code.i32Const(count).set(left);
      code.repeat(left, () => {
        field.multiply(power, power, power);
        if (times) field.multiply(power, power, x);
      });
    };
    squareThen(54, false);
    squareThen(1, true);
    squareThen(4, false);
    squareThen(192, true);
    field.store(to as Local, power);
  });
  // Inverses of values 1.. from running products and the inverse of the last; what is left of that
  // is the inverse of value 0.
  module.add('unwind', 4, (code, values, products, inverse, count) => {
    const field = new One(code);
    const [left, x, y] = [field.element(), field.element(), field.element()];
    field.load(left, inverse as Local);
    next(code, values);
    descend(code, count as Local, [values, products], () => {
      field.load(x, products as Local);
      field.load(y, values as Local);
      field.multiply(x, x, left);
      field.store(values as Local, x);
      field.multiply(left, left, y);
    });
    code.advance(values as Local, -ELEMENT);
    field.store(values as Local, left);
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

function addConversions(module: ModuleBuilder): void {
  // Bytes of factor·value/2^261 mod p, at every step-th byte.
  module.add('pack', 5, (code, ...parameters) => {
    const [to, step, from, factor, count] = parameters as [Local, Local, Local, Local, Local];
    const loops = both(code, (field) => {
      const [x, y] = [field.element(), field.element()];
      const body = (): void => {
        field.load(x, from);
        field.multiply(x, x, y);
        field.reduceFully(x);
        field.storeBytes(to, step, x);
        code.get(to, step).i32Const(field.width).op('i32.mul', 'i32.add').set(to);
      };
      return { before: () => field.spread(y, factor), body };
    });
    each(code, count, [from], loops);
  });
  // From 32 bytes each, little-endian, below 2^256; times factor/2^261.
  module.add('unpack', 4, (code, ...parameters) => {
    const [to, from, factor, count] = parameters as [Local, Local, Local, Local];
    const field = new One(code);
    const [x, y] = [field.element(), field.element()];
    field.load(y, factor);
    code.repeat(count, () => {
      field.loadBytes(x, from);
      field.multiply(x, x, y);
      field.store(to, x);
      next(code, to);
      code.advance(from, 32);
    });
  });
}
