// Tests of the committed bytes of every message.
import type { Shape } from '@fatty/codec';
import { golden } from '@fatty/codec/golden';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  answerShape,
  clientMessageShape,
  decodeAnswer,
  decodeClientMessage,
  decodeEvent,
  decodeGatewayMessage,
  decodeNotice,
  decodeOp,
  decodeQuery,
  decodeResult,
  encodeAnswer,
  encodeClientMessage,
  encodeGatewayMessage,
  encodeNotice,
  encodeOp,
  encodeQuery,
  encodeResult,
  eventShape,
  gatewayMessageShape,
  noticeShape,
  opShape,
  queryShape,
  resultShape,
  toCommitEvent,
} from '../src/index.ts';
import * as samples from './samples.ts';

const directory = new URL('./golden/', import.meta.url);

function pin<T extends { readonly kind: string }>(
  prefix: string,
  shape: Shape<T>,
  all: Readonly<Record<string, T>>,
): void {
  test.each(Object.entries(all))(`${prefix} %s keeps its bytes`, (kind, value) => {
    golden(directory, `${prefix}-${kind}`, shape, value);
  });
}

describe('wire format', () => {
  pin('op', opShape, samples.OPS);
  pin('result', resultShape, samples.RESULTS);
  pin('notice', noticeShape, samples.NOTICES);
  pin('event', eventShape, samples.EVENTS);
  pin('query', queryShape, samples.QUERIES);
  pin('answer', answerShape, samples.ANSWERS);
  pin('client', clientMessageShape, samples.CLIENT_MESSAGES);
  pin('gateway', gatewayMessageShape, samples.GATEWAY_MESSAGES);
});

test('every encoder has its decoder', () => {
  const max = 1 << 20;
  for (const op of Object.values(samples.OPS)) {
    expect(decodeOp(encodeOp(op))).toEqual({ ok: true, value: op });
  }
  for (const result of Object.values(samples.RESULTS)) {
    expect(decodeResult(encodeResult(result))).toEqual({ ok: true, value: result });
  }
  for (const notice of Object.values(samples.NOTICES)) {
    expect(decodeNotice(encodeNotice(notice))).toEqual({ ok: true, value: notice });
  }
  for (const event of Object.values(samples.EVENTS)) {
    expect(decodeEvent(toCommitEvent(event).body)).toEqual({ ok: true, value: event });
    expect(toCommitEvent(event).about).toBe(event.path);
  }
  for (const query of Object.values(samples.QUERIES)) {
    expect(decodeQuery(encodeQuery(query))).toEqual({ ok: true, value: query });
  }
  for (const answer of Object.values(samples.ANSWERS)) {
    expect(decodeAnswer(encodeAnswer(answer))).toEqual({ ok: true, value: answer });
  }
  for (const message of Object.values(samples.CLIENT_MESSAGES)) {
    expect(decodeClientMessage(encodeClientMessage(message), max)).toEqual({
      ok: true,
      value: message,
    });
  }
  for (const message of Object.values(samples.GATEWAY_MESSAGES)) {
    expect(decodeGatewayMessage(encodeGatewayMessage(message), max)).toEqual({
      ok: true,
      value: message,
    });
  }
});

test('hostile bytes are refused as data, whatever they are', () => {
  const whole = Object.values(samples.OPS).map(encodeOp);
  const mutated = fc
    .tuple(fc.constantFrom(...whole), fc.nat(), fc.nat(255))
    .map(([bytes, at, byte]) => bytes.map((old, i) => (i === at % bytes.length ? byte : old)));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
      const op = decodeOp(bytes);
      if (op.ok) expect(encodeOp(op.value)).toEqual(bytes);
      for (const decoded of [
        decodeResult(bytes),
        decodeNotice(bytes),
        decodeEvent(bytes),
        decodeQuery(bytes),
        decodeAnswer(bytes),
        decodeClientMessage(bytes, 1 << 20),
        decodeGatewayMessage(bytes, 1 << 20),
      ]) {
        if (!decoded.ok) expect(decoded.failure.code).toMatch(/^[a-z_]+$/);
      }
    }),
    { numRuns: 2000 },
  );
});
