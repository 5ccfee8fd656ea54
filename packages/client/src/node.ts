/// <reference lib="esnext.disposable" />
import { readFile } from 'node:fs/promises';
import type { Cell } from '@fatty/api';
import { nodeScheme } from '@fatty/codec/node';
import { dial } from '@fatty/network';
import type { Client } from './sdk/client.ts';
import { type ConnectOptions, connectOn, type Platform } from './sdk/connect.ts';

export * from './index.ts';

const isUrl = (source: string): boolean => /^https?:/.test(source);

const node: Platform = {
  scheme: nodeScheme(),
  dial,
  async read(source) {
    if (!isUrl(source)) return readFile(source, 'utf8');
    const response = await fetch(source);
    if (!response.ok) throw new Error(`${response.status}`);
    return response.text();
  },
  trusted: (source) => !isUrl(source),
};

/** `source`: cell.json as an object, its path, or its URL (with `cellId`). Links through `ws`. */
export function connect(source: Cell | string, options: ConnectOptions = {}): Promise<Client> {
  return connectOn(node, source, options);
}
