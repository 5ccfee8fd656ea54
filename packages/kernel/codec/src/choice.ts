// A closed list of names as a shape.
import { oneToOne, quote, type Shape, u8 } from './shape.ts';
import { ShapeError } from './source.ts';

/** A closed list of names, written as its place in the list. */
export function choice<const T extends string>(...names: readonly T[]): Shape<T> {
  const expected = names.join(' | ');
  const place = oneToOne(
    u8,
    (at) => {
      const name = names[at];
      if (name === undefined) throw new ShapeError(expected, String(at));
      return name;
    },
    (name) => names.indexOf(name),
  );
  return {
    ...place,
    flawOf: (value) =>
      names.some((name) => name === value)
        ? undefined
        : { at: '', expected, actual: quote(value), isBound: false },
  };
}
