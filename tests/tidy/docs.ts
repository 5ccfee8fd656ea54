// Every file says first what it is, and everything exported has a doc.
import { describe, expect, it } from 'vitest';
import { read, tracked } from './tree.ts';

/** As git takes them: `*` is any text, slashes too. */
const FILES = ['packages/*.ts', 'packages/*.tsx', 'tests/*.ts', 'tools/*.mjs'];

/** Declarations; what is exported from elsewhere is documented there. */
const EXPORTED =
  /^export (?:async |abstract )*(?:const|function\*?|class|interface|type|let) (\w+)/;

describe('what a reader is told', () => {
  it('is in the first line what a file is', () => {
    const silent = tracked(...FILES).filter((path) => !/^(?:\/\/ |\/\*\* )/.test(read(path)));
    expect(silent).toEqual([]);
  });

  it('is before an exported name what it is', () => {
    const bare = tracked(...FILES)
      .filter((path) => path.includes('/src/'))
      .flatMap((path) => {
        const lines = read(path).split('\n');
        return lines.flatMap((line, i) => {
          const name = EXPORTED.exec(line)?.[1];
          const isTold = /\*\/$|^\/\/ /.test(lines[i - 1] ?? '');
          return name === undefined || isTold ? [] : [`${path}: ${name}`];
        });
      });
    expect(bare).toEqual([]);
  });
});
